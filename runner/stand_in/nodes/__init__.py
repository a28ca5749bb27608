"""The nodes that are really run: class → function. Everything else is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.stand_in.nodes import adjust, compose, images, load, masks, primitives, save, strings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.stand_in.node import Run

NODES: Mapping[str, Run] = {
    **primitives.NODES,
    **strings.NODES,
    **load.NODES,
    **images.NODES,
    **adjust.NODES,
    **compose.NODES,
    **masks.NODES,
    **save.NODES,
}
