"""The workflow that ComfyUI embeds in the pictures it saves.

`SaveImage` writes the UI graph and the API prompt as PNG text chunks `workflow` and `prompt` (ComfyUI, nodes.py).
Chunks are walked here by hand because an image library would decode the picture and has limits on text of its own.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from codegen.errors import NotAWorkflow
from codegen.strict_json import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4


def workflow_text(data: bytes) -> bytes:
    """The JSON text that a PNG carries: the UI graph if it has one, else the API prompt.

    Raises:
        NotAWorkflow: the picture carries neither, or is damaged.
    """
    found: dict[bytes, bytes] = {}
    for keyword, text in _texts(data):
        found.setdefault(keyword.lower(), text)
    for keyword in (b"workflow", b"prompt"):
        if keyword in found:
            return found[keyword]
    names = ", ".join(sorted(repr(name.decode("latin-1"))[:40] for name in found)) or "no text at all"
    raise NotAWorkflow(
        f"the PNG carries no ComfyUI workflow (it has {names}); "
        "many sites strip it from pictures: send the workflow's JSON"
    )


def _texts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(PNG_SIGNATURE)
    while position + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        body = data[start : start + length]
        if len(body) < length:
            return
        position = start + length + _CHECKSUM_BYTES
        match kind:
            case b"tEXt":
                keyword, _, text = body.partition(b"\0")
                yield keyword, _to_utf8(text)
            case b"zTXt":
                keyword, _, rest = body.partition(b"\0")
                yield keyword, _to_utf8(_inflate(rest[1:]))
            case b"iTXt":
                keyword, _, rest = body.partition(b"\0")
                compressed, rest = rest[:1] == b"\x01", rest[2:]
                _language, _, rest = rest.partition(b"\0")
                _translated, _, text = rest.partition(b"\0")
                yield keyword, _inflate(text) if compressed else text
            case b"IEND":
                return
            case _:
                pass


def _to_utf8(text: bytes) -> bytes:
    """`tEXt` and `zTXt` are Latin-1 by the standard; many writers put UTF-8 there all the same."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()
    return text


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise NotAWorkflow(f"the PNG's compressed text is damaged: {error}") from None
    if len(text) > MAX_BYTES:
        raise NotAWorkflow(f"the PNG's compressed text unpacks to more than {MAX_BYTES:,} bytes")
    return text
