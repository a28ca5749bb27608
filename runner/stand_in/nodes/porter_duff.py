"""Porter and Duff's ways of putting one picture over another. Source: comfy_extras/nodes_compositing.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import images_in, masks_in
from runner.stand_in.resample import scale
from runner.stand_in.values import pictures

if TYPE_CHECKING:
    from runner.stand_in.node import Run

    Layer = tuple[Any, Any]
    """Premultiplied colours, and opacity: arrays of numbers."""

CLEAR = 1e-5
"""Opacity below which a pixel has no colour."""
_ATOP: dict[str, tuple[str, str]] = {
    "CLEAR": ("none", "none"),
    "SRC": ("all", "none"),
    "DST": ("none", "all"),
    "SRC_OVER": ("all", "outside"),
    "DST_OVER": ("outside", "all"),
    "SRC_IN": ("inside", "none"),
    "DST_IN": ("none", "inside"),
    "SRC_OUT": ("outside", "none"),
    "DST_OUT": ("none", "outside"),
    "SRC_ATOP": ("inside", "outside"),
    "DST_ATOP": ("outside", "inside"),
    "XOR": ("outside", "outside"),
}
"""How much of source and destination stays: all, none, or what is inside or outside of the other."""


def _composite(call: Call) -> Given:
    below, below_mask = images_in(call, "destination"), masks_in(call, "destination_alpha")
    above, above_mask = images_in(call, "source"), masks_in(call, "source_alpha")
    count = min(len(below), len(below_mask), len(above), len(above_mask))
    height, width = below.shape[1:3]
    above = scale(above[:count], width, height, "bicubic", "center")
    masks = (mask[:count, ..., np.newaxis] for mask in (above_mask, below_mask))
    opacities = [scale(1 - mask, width, height, "bicubic", "center") for mask in masks]
    source: Layer = (above * opacities[0], opacities[0])
    destination: Layer = (below[:count] * opacities[1], opacities[1])
    colours, opacity = _combined(source, destination, str(call.inputs.get("mode")))
    visible = np.where(opacity > CLEAR, colours / np.maximum(opacity, CLEAR), 0)
    return Given((pictures(visible), (1 - opacity)[..., 0]))


def _combined(source: Layer, destination: Layer, mode: str) -> Layer:
    (above, over), (below, under) = source, destination
    if mode in _ATOP:
        keep_above, keep_below = _ATOP[mode]
        mine, other = _share(keep_above, under), _share(keep_below, over)
        return above * mine + below * other, over * mine + under * other
    union = over + under - over * under
    match mode:
        case "ADD":
            return (above + below).clip(0, 1), (over + under).clip(0, 1)
        case "MULTIPLY":
            return above * below, over * under
        case "SCREEN":
            return above + below - above * below, union
        case "OVERLAY":
            bright = over * under - 2 * (under - above) * (over - below)
            return cast("Layer", (np.where(2 * below < under, 2 * above * below, bright), union))
        case "DARKEN" | "LIGHTEN":
            chosen = np.minimum(above, below) if mode == "DARKEN" else np.maximum(above, below)
            return (1 - under) * above + (1 - over) * below + chosen, union
        case _:
            raise NodeError(f"there is no mode {mode!r}")


def _share(kept: str, other: Any) -> Any:  # noqa: ANN401 - an array
    match kept:
        case "all":
            return np.ones_like(other)
        case "none":
            return np.zeros_like(other)
        case "inside":
            return other
        case _:
            return 1 - other


NODES: dict[str, Run] = {"PorterDuffImageComposite": _composite}
