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
_COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
"""glTF 2.0, section 3.6.2.2: the component types that positions and indices may have."""
_VERTICES, _ELEMENTS = 34962, 34963
"""Buffer targets."""
_TRIANGLES = 4
"""The mode of primitives that is meant where none is given."""
MOST_TRIANGLES = 3_000_000
"""Of all primitives together: what is generated has one or two million, and measuring takes 0.5 kB of memory each."""
MOST_POINTS = 3 * MOST_TRIANGLES
"""Copied for all primitives together: three corners of each triangle, if they share none."""
MOST_PRIMITIVES = 10_000
"""A large scene has some thousands. All may name the same bytes, so that the size of the file bounds nothing."""
_COMPRESSIONS = frozenset({"draco_mesh_compression", "meshopt_compression", "mesh_quantization"})
"""Extensions with which accessors do not hold the corners as they are."""


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


class NotPlain(ValueError):  # noqa: N818 - reads as the sentence that is shown
    """A good file, of which this module does not read the surface."""


def triangles(content: bytes) -> NDArray[np.float64]:
    """Corners of every triangle, (n, 3, 3), at least one, without the nodes' own transformations.

    Raises:
        NotPlain: they are compressed, in a file of their own, strips, lines and points, or too many.
        ValueError: it is no binary glTF, or a damaged one.
    """
    try:
        return _triangles(*read_glb(content))
    except (LookupError, TypeError, AttributeError, OverflowError) as error:  # a file can be wrong in any place
        raise ValueError(f"not as glTF has it: {type(error).__name__}") from None


def _triangles(document: JsonObject, binary: bytes) -> NDArray[np.float64]:
    required = {str(each).partition("_")[2] for each in document.get("extensionsRequired", [])}
    if required & _COMPRESSIONS or any("uri" in buffer for buffer in document["buffers"]):
        raise NotPlain("its triangles are compressed or elsewhere")
    found: list[NDArray[np.float64]] = []
    for primitive in _primitives(document):
        attributes = cast("JsonObject", primitive["attributes"])
        positions = _accessor(document, binary, attributes["POSITION"], 3).astype(np.float64)
        if "indices" in primitive:
            order = _accessor(document, binary, primitive["indices"], 1).astype(np.int64).ravel()
        else:
            order = np.arange(len(positions))
        found.append(positions[order[: len(order) // 3 * 3]].reshape(-1, 3, 3))
    every = np.concatenate(found)
    if not len(every):
        raise ValueError("there is no triangle in it")
    return every


def _primitives(document: JsonObject) -> list[JsonObject]:
    """Of all meshes, if they are triangles, and few enough: that is known before any is copied."""
    every = [each for mesh in cast("list[JsonObject]", document["meshes"]) for each in mesh["primitives"]]
    if len(every) > MOST_PRIMITIVES:
        raise NotPlain(f"it has more than {MOST_PRIMITIVES:,} parts")
    if any(each.get("mode", _TRIANGLES) != _TRIANGLES for each in every):
        raise NotPlain("it has more than triangles")
    points = [_count(document, each["attributes"]["POSITION"]) for each in every]
    corners = [
        _count(document, each["indices"]) if "indices" in each else count
        for each, count in zip(every, points, strict=True)
    ]
    if sum(points) > MOST_POINTS or sum(corners) > 3 * MOST_TRIANGLES:
        raise NotPlain(f"it has more than {MOST_TRIANGLES:,} triangles")
    return every


def _count(document: JsonObject, index: int) -> int:
    """Elements of an accessor, as it says itself."""
    count = int(document["accessors"][index]["count"])
    if count < 1:
        raise ValueError("an accessor is empty")
    return count


def _accessor(document: JsonObject, binary: bytes, index: int, width: int) -> NDArray[Any]:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind = np.dtype(_COMPONENTS[accessor["componentType"]])
    start = int(view.get("byteOffset", 0)) + int(accessor.get("byteOffset", 0))
    count = int(accessor["count"])
    stride = int(view.get("byteStride", 0)) or kind.itemsize * width
    row = kind.itemsize * width
    ends = min(len(binary), int(view.get("byteOffset", 0)) + int(view["byteLength"]))
    if count < 1 or start < 0 or stride < row or start + (count - 1) * stride + row > ends:
        raise ValueError("an accessor reaches beyond its part of the buffer")
    raw = np.frombuffer(binary, np.uint8, offset=start)
    rows = np.lib.stride_tricks.as_strided(raw, (count, row), (stride, 1), writeable=False)
    return np.ascontiguousarray(rows).view(kind)
