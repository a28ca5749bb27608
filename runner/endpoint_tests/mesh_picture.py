"""A picture of a mesh: flat shading, painted from back to front. For looking whether it is the right thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from runner.gltf import triangles

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 512
MAX_TRIANGLES = 60_000
"""More are thinned out: a second of drawing is enough."""
_VIEW = np.array([[0.866, 0.0, 0.5], [0.25, 0.866, -0.433], [-0.433, 0.5, 0.75]])
"""Rows: right, up and towards the eye, seen from above at an angle."""


def draw_mesh(content: bytes) -> Image.Image | None:
    """Of binary glTF with plain triangles; `None` for anything else (compressed, textured points, other formats)."""
    try:
        every = triangles(content)
    except ValueError:
        return None
    if not np.isfinite(every).all():
        return None
    return _paint(every[:: max(1, len(every) // MAX_TRIANGLES)])


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
