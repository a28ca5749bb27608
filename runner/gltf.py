"""Binary glTF 2.0 with one plain mesh: written and read. Source: the glTF 2.0 specification, sections 3.6 and 4."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from codegen.model import JsonObject

MAGIC, VERSION = b"glTF", 2
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_FLOAT, _SHORT = 5126, 5123
"""Component types."""
_VERTICES, _ELEMENTS = 34962, 34963
"""Buffer targets."""


def write_glb(points: NDArray[Any], faces: NDArray[Any], *, generator: str) -> bytes:
    """A file of points (n, 3) and triangles (m, 3) of at most 65,536 points; `generator` goes into its metadata."""
    positions, indices = points.astype("<f4").tobytes(), faces.astype("<u2").tobytes()
    document = {
        "asset": {"version": "2.0", "generator": generator},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(positions) + len(indices)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(positions), "target": _VERTICES},
            {"buffer": 0, "byteOffset": len(positions), "byteLength": len(indices), "target": _ELEMENTS},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": len(points),
                "type": "VEC3",
                "min": np.min(points, 0).tolist(),
                "max": np.max(points, 0).tolist(),
            },
            {"bufferView": 1, "componentType": _SHORT, "count": faces.size, "type": "SCALAR"},
        ],
    }
    text, binary = json.dumps(document, separators=(",", ":")).encode(), positions + indices
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = _CHUNK.pack(len(text), b"JSON") + text + _CHUNK.pack(len(binary), b"BIN\0") + binary
    return _HEADER.pack(MAGIC, VERSION, _HEADER.size + len(chunks)) + chunks


def read_glb(content: bytes) -> tuple[JsonObject, bytes]:
    """The JSON and the binary chunk.

    Raises:
        ValueError: it is no binary glTF 2.0; says in what.
    """
    if len(content) < _HEADER.size + _CHUNK.size:
        raise ValueError("too short")
    magic, version, length = _HEADER.unpack_from(content)
    if magic != MAGIC or version != VERSION or length != len(content):
        raise ValueError("the header is of something else")
    size, kind = _CHUNK.unpack_from(content, _HEADER.size)
    start = _HEADER.size + _CHUNK.size
    try:
        document: Any = json.loads(content[start : start + size]) if kind == b"JSON" else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError("the first chunk is no JSON object")  # noqa: TRY004 - of the file, not of an argument
    return cast("JsonObject", document), content[start + size + _CHUNK.size :]
