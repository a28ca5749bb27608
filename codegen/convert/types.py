"""Types of sockets: which fit each other, and what several have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY = "*"
ANY_TYPES = frozenset({ANY, ""})
WILD_TYPES = ANY_TYPES | {"0"}
"""What LiteGraph connects to anything; 0 is the number of its "any"."""


def compatible(first: str, second: str) -> bool:
    """LiteGraph's `isValidConnection`: anything fits `*`, and lists of types fit when one of each does."""
    firsts, seconds = set(first.lower().split(",")), set(second.lower().split(","))
    return not firsts.isdisjoint(seconds) or not WILD_TYPES.isdisjoint(firsts | seconds)


def common_type(types: Iterable[str]) -> str | None:
    """What all of them are: `*` if nothing narrows it down, `None` if they exclude each other.

    Source: ComfyUI_frontend, lib/litegraph/src/utils/type.ts, `commonType`.
    """
    narrow = [kind.split(",") for kind in types if kind != ANY]
    if not narrow:
        return ANY
    rest = [set(kinds) for kinds in narrow[1:]]
    shared = [kind for kind in dict.fromkeys(narrow[0]) if all(kind in kinds for kinds in rest)]
    return ",".join(shared) or None
