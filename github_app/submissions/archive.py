"""The files in a zip file that can be workflows, with bounds on what it may unpack to. Nothing is written anywhere."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Final

from codegen.strict_json import MAX_BYTES
from github_app.submissions.links import PICTURES, shown_name
from github_app.submissions.refusal import Refusal

SIGNATURE: Final = b"PK\x03\x04"
MAX_ENTRIES: Final = 200
MAX_DIRECTORY_BYTES: Final = 256 * 1024
"""Of the list at the end: 200 entries with long names. Looked at first, because Python reads all of it."""
MAX_TOTAL_BYTES: Final = 2 * MAX_BYTES
MAX_RATIO: Final = 200
"""Unpacked to packed, of one file. JSON of large workflows reaches 30."""
_SUFFIXES = PICTURES | {".json"}
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _LOCATOR_SIGNATURE, _LOCATOR_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
_LONGEST_COMMENT = 0xFFFF
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    ArithmeticError,
)
"""What `zipfile` raises when it meets some."""


def unpack(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Name and content of each file that can be a workflow, archives in archives left out.

    Raises:
        Refusal: it is damaged, encrypted or larger than anybody needs.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _files(archive)
    except _DAMAGE:
        raise Refusal("not-a-workflow", "the archive is damaged") from None


def _check_directory(data: bytes) -> None:
    start = data.rfind(_END_SIGNATURE, max(0, len(data) - _END.size - _LONGEST_COMMENT))
    if start < 0 or len(data) - start < _END.size:
        raise Refusal("not-a-workflow", "the archive is damaged: it has no end")
    *_, size, _offset, _comment = _END.unpack_from(data, start)
    is_64_bit = data[max(0, start - _LOCATOR_BYTES) : start].startswith(_LOCATOR_SIGNATURE)
    if size > MAX_DIRECTORY_BYTES or is_64_bit:
        raise Refusal("too-large", f"the archive lists more than {MAX_ENTRIES} files")


def _files(archive: zipfile.ZipFile) -> tuple[tuple[str, bytes], ...]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise Refusal("too-large", f"the archive has {len(entries)} files; at most {MAX_ENTRIES} are taken")
    files: list[tuple[str, bytes]] = []
    left = MAX_TOTAL_BYTES
    for entry in entries:
        name = shown_name(entry.filename)
        is_shadow = name.startswith(".") or entry.filename.startswith("__MACOSX/")
        if is_shadow or PurePosixPath(name).suffix.lower() not in _SUFFIXES:
            continue
        _check_entry(entry, name, left)
        with archive.open(entry) as opened:
            content = opened.read(min(left, MAX_BYTES) + 1)
        left -= len(content)
        if left < 0 or len(content) > MAX_BYTES:
            raise Refusal("too-large", "the archive unpacks to more than it says")
        files.append((name, content))
    return tuple(files)


def _check_entry(entry: zipfile.ZipInfo, name: str, left: int) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise Refusal("refused", f"{name} in the archive has a password")
    if entry.compress_type not in _METHODS:
        raise Refusal("refused", f"{name} in the archive is packed in an unusual way")
    if entry.file_size > min(left, MAX_BYTES) or entry.file_size > MAX_RATIO * max(entry.compress_size, 1024):
        raise Refusal("too-large", f"{name} in the archive unpacks to {entry.file_size:,} bytes")
