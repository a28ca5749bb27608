"""What is measured of a mesh: whether its triangles are a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from runner.quality.scoring import Measured, Scale, on_scale, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW: Final = 200
"""Triangles below which a simple solid may well have edges across the whole of it."""
MOST: Final = 75
"""Percentile of the triangles' longest edges: some parts may be coarse."""
NOTHING: Final = 1e-12

FINITE: Final = Scale(0.99, 1.0)
TRIANGLES: Final = Scale(0, 4)
"""A tetrahedron is the simplest solid."""
DEGENERATE: Final = Scale(0.5, 0.15)
EXTENT: Final = Scale(0.0, 0.01)
EDGES: Final = Scale(0.3, 0.15)


def measure_mesh(triangles: NDArray[np.float64]) -> tuple[Measured, ...]:
    """Of the corners of all triangles, (n, 3, 3)."""
    whole = np.isfinite(triangles).all((1, 2))
    finite = float(whole.mean())
    kept = triangles[whole]
    count = len(kept)
    measures = [
        on_scale("triangles", count, TRIANGLES, detail=f"{count:,} triangles"),
        on_scale("finite", finite, FINITE, detail=f"{1 - finite:.1%} of its triangles have a corner nowhere"),
    ]
    if not count:
        return tuple(measures)
    corners = kept.reshape(-1, 3)
    sizes = np.sort(corners.max(0) - corners.min(0))[::-1]
    diagonal = float(np.linalg.norm(sizes)) or 1.0
    sides = kept - np.roll(kept, 1, 1)
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    typical = float(np.median(areas[areas > NOTHING * diagonal**2])) if (areas > NOTHING * diagonal**2).any() else 0.0
    degenerate = float((areas <= 1e-6 * typical).mean()) if typical else 1.0
    extent = float(sizes[1] / sizes[0]) if sizes[0] > 0 else 0.0
    measures += [
        on_scale("degenerate", degenerate, DEGENERATE, detail=f"{degenerate:.0%} of its triangles have no area"),
        on_scale("extent", extent, EXTENT, detail=f"it is {extent:.0%} as deep as it is long"),
    ]
    if count >= FEW:
        low, high = np.percentile(corners, (2, 98), axis=0)
        longest = float(np.percentile(np.linalg.norm(sides, axis=2).max(1), MOST)) / (
            float(np.linalg.norm(high - low)) or diagonal
        )
        measures.append(
            on_scale("edges", longest, EDGES, detail=f"a long edge is {longest:.0%} as long as the whole of it")
        )
    else:
        measures.append(told("edges", count, detail="too few triangles to say whether they are in order"))
    return tuple(measures)
