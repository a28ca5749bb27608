"""What a change of a lock is held to, beside its own form."""

from __future__ import annotations

from typing import Literal, TypeAlias

from codegen.model import Frozen, JsonObject

Author: TypeAlias = Literal["rule", "model", "person"]


class Rules(Frozen):
    """For one patch."""

    author: Author
    gpus: frozenset[str] | None
    """Those that the repository's settings allow; `None`: all."""
    prompt: JsonObject | None
    commits: frozenset[str]
    """Commits that somebody looked up; a model may pin no others."""
    because: str


def shown(text: str) -> str:
    """Text of anybody in a message."""
    return ascii(text)[1:-1][:80]
