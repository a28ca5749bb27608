"""A picture of a mesh: flat shading, painted from back to front. For looking whether it is the right thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image, ImageDraw

from runner.gltf import read_glb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from codegen.model import JsonObject

SIZE = 512
MAX_TRIANGLES = 60_000
"""More are thinned out: a second of drawing is enough."""
_COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
"""glTF 2.0, section 3.6.2.2: the component types that positions and indices may have."""
_VIEW = np.array([[0.866, 0.0, 0.5], [0.25, 0.866, -0.433], [-0.433, 0.5, 0.75]])
"""Rows: right, up and towards the eye, seen from above at an angle."""


def draw_mesh(content: bytes) -> Image.Image | None:
    """Of binary glTF with plain triangles; `None` for anything else (compressed, textured points, other formats)."""
    try:
        return _paint(_triangles(*read_glb(content)))
    except (LookupError, ValueError, TypeError, AttributeError):  # a file can be wrong in any place
        return None


def _triangles(document: JsonObject, binary: bytes) -> NDArray[np.float64]:
    """Corners of every triangle, (n, 3, 3), without the nodes' own transformations."""
    found: list[NDArray[np.float64]] = []
    for mesh in cast("list[JsonObject]", document["meshes"]):
        for primitive in cast("list[JsonObject]", mesh["primitives"]):
            positions = _accessor(document, binary, primitive["attributes"]["POSITION"], 3).astype(np.float64)
            if "indices" in primitive:
                order = _accessor(document, binary, primitive["indices"], 1).astype(np.int64).ravel()
            else:
                order = np.arange(len(positions))
            found.append(positions[order[: len(order) // 3 * 3]].reshape(-1, 3, 3))
    every = np.concatenate(found)
    if not len(every) or not np.isfinite(every).all():
        raise ValueError("nothing to draw")
    return every[:: max(1, len(every) // MAX_TRIANGLES)]


def _accessor(document: JsonObject, binary: bytes, index: int, width: int) -> NDArray[Any]:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind = np.dtype(_COMPONENTS[accessor["componentType"]])
    start = int(view.get("byteOffset", 0)) + int(accessor.get("byteOffset", 0))
    count = int(accessor["count"])
    stride = int(view.get("byteStride", 0)) or kind.itemsize * width
    row = kind.itemsize * width
    if count < 1 or start < 0 or stride < row or start + (count - 1) * stride + row > len(binary):
        raise ValueError("an accessor reaches beyond the buffer")
    raw = np.frombuffer(binary, np.uint8, offset=start)
    rows = np.lib.stride_tricks.as_strided(raw, (count, row), (stride, 1), writeable=False)
    return np.ascontiguousarray(rows).view(kind)


def _paint(triangles: NDArray[np.float64]) -> Image.Image:
    middle = (triangles.reshape(-1, 3).min(0) + triangles.reshape(-1, 3).max(0)) / 2
    seen = (triangles - middle) @ _VIEW.T
    reach = float(np.abs(seen[..., :2]).max()) or 1.0
    normals = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    light = np.abs(normals[:, 2]) / np.where(lengths > 0, lengths, 1.0)
    corners = seen[..., :2] / reach * [SIZE * 0.45, -SIZE * 0.45] + SIZE / 2
    picture = Image.new("RGB", (SIZE, SIZE), (250, 250, 252))
    draw = ImageDraw.Draw(picture)
    for index in np.argsort(seen[..., 2].mean(1)):
        shade = 0.35 + 0.65 * float(light[index])
        colour = (int(120 * shade), int(150 * shade), int(205 * shade))
        draw.polygon([(float(x), float(y)) for x, y in corners[index]], fill=colour)
    return picture
