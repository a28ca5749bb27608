"""The nodes that are really run: class → function. Everything else is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.stand_in.nodes import (
    adjust,
    compose,
    expression,
    filters,
    images,
    load,
    masks,
    patterns,
    porter_duff,
    primitives,
    resize,
    save,
    strings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.stand_in.node import Run

NODES: Mapping[str, Run] = {
    **primitives.NODES,
    **strings.NODES,
    **patterns.NODES,
    **expression.NODES,
    **load.NODES,
    **images.NODES,
    **resize.NODES,
    **adjust.NODES,
    **filters.NODES,
    **compose.NODES,
    **porter_duff.NODES,
    **masks.NODES,
    **save.NODES,
}
