"""What a node gets, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.catalog import NodeDefinition
    from codegen.model import JsonObject
    from runner.stand_in.files import Files


@dataclass(frozen=True)
class Call:
    """One execution of one node. Nothing is known beforehand of what `inputs` holds: it comes from a prompt."""

    inputs: dict[str, Any]
    class_type: str
    definition: NodeDefinition | None
    files: Files
    prompt: JsonObject
    extra: JsonObject
    """`extra_pnginfo` of the request: what goes into the metadata of pictures."""
    tick: Callable[[int, int], None]
    """Tells of progress (`value`, `max`); raises `Interrupted` when the prompt has been."""
    show: Callable[[bytes], None]
    """Sends a PNG to who follows the prompt."""


@dataclass(frozen=True)
class Given:
    """What a node gives."""

    outputs: tuple[Any, ...] = ()
    ui: JsonObject | None = None
    """What history keeps of an output node."""


Run: TypeAlias = "Callable[[Call], Given]"
