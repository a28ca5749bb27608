"""Node definitions from a running ComfyUI, or from a file with its answer to GET /object_info."""

from __future__ import annotations

import gzip
import io
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from github_app.cli.failures import CommandError
from github_app.cli.workflow_file import read_file

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.model import JsonObject

MAX_BYTES = 256 * 1024 * 1024
"""A core has 2-5 MB of definitions; servers with hundreds of packs and long model lists reach some tens of MB."""
TIMEOUT_SECONDS = 30.0
"""A server with many packs takes seconds to list its models."""
DEADLINE_SECONDS = 120.0
"""For the whole answer: one that trickles in never runs into the timeout."""
VERSION = "object-info"
"""Told as the core's version: the answer does not say which one gave it."""
CORE_CLASS = "KSampler"
"""A class that every ComfyUI has and no pack brings."""
HINT = "Save it with: curl http://127.0.0.1:8188/object_info > object_info.json"
GZIP_MAGIC = b"\x1f\x8b"


def is_complete(catalog: Catalog) -> bool:
    """Whether it is all that a server knows, and not the definitions of a pack or of a single node."""
    return CORE_CLASS in catalog


def read_object_info(place: str, *, deadline: float = DEADLINE_SECONDS) -> Catalog:
    """The catalog at `place`: a file, or the URL of a ComfyUI server (with or without `/object_info`).

    `deadline` is for a URL, in seconds.

    Raises:
        CommandError: it cannot be read, or is no answer to GET /object_info.
    """
    from codegen.catalog import catalog_from_object_info  # noqa: PLC0415 - only when asked for

    is_url = place.startswith(("http://", "https://"))
    data = (
        _download(place, deadline) if is_url else _unpacked(place, read_file(Path(place), limit=MAX_BYTES, hint=HINT))
    )
    return catalog_from_object_info(_definitions(place, data), version=VERSION)


def _definitions(place: str, data: bytes) -> JsonObject:
    try:
        # Not the strict reader: ComfyUI itself writes Infinity where a node's bound is none.
        raw: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--object-info {_shown(place)}: is not JSON: {error}", hint=HINT) from None
    if not isinstance(raw, dict) or not all(isinstance(value, dict) for value in cast("JsonObject", raw).values()):
        raise CommandError(f"--object-info {_shown(place)}: is not an answer to GET /object_info", hint=HINT)
    return cast("JsonObject", raw)


def _unpacked(place: str, data: bytes) -> bytes:
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise CommandError(f"--object-info {_shown(place)}: is a broken gzip file: {error}", hint=HINT) from None
    _check_size(place, len(unpacked))
    return unpacked


def _download(url: str, deadline: float) -> bytes:
    import httpx  # noqa: PLC0415 - only for a URL

    address = url if url.rstrip("/").endswith("/object_info") else url.rstrip("/") + "/object_info"
    data = bytearray()
    ends = time.monotonic() + deadline
    try:
        with httpx.stream("GET", address, timeout=TIMEOUT_SECONDS) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                data += chunk
                _check_size(url, len(data))
                if time.monotonic() > ends:
                    raise CommandError(
                        f"--object-info {_shown(url)}: has not answered in full within {deadline:.0f} seconds"
                    )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(
            _shown(f"--object-info {url}: {error}"), hint="Is ComfyUI running there? Try the URL in a browser."
        ) from None
    return bytes(data)


def _shown(url: str) -> str:
    """Without a user and password in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def _check_size(place: str, size: int) -> None:
    if size > MAX_BYTES:
        raise CommandError(f"--object-info {_shown(place)}: is larger than {MAX_BYTES // 1024 // 1024} MiB", hint=HINT)
