"""What went wrong, as it came: a piece of a log or an answer, with the stage that gave it."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from runner.model import Frozen

Stage: TypeAlias = Literal["build", "models", "boot", "preflight", "test", "bill"]
"""In the order in which an attempt comes to them, which is that of their cost."""
STAGES: Final[tuple[Stage, ...]] = ("build", "models", "boot", "preflight", "test", "bill")

LONGEST: Final = 1_000_000
"""Characters of a text that are looked at: the beginning has what was tried, the end has how it went wrong."""
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Colours, cursor movements, titles and links of terminals (ECMA-48)."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_OVERWRITTEN: Final = re.compile(r"[^\n]*\r(?=[^\n])")
_PREFIX: Final = re.compile(
    r"(?m)^(?:\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]*(?:[|-][ \t]*)?)"
    r"?(?:\[?(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\]?(?::[\w.]{1,80})?(?:[ \t]*[|:-])?[ \t]+)?"
)
"""Date and level that a logger sets before a line; what it says begins after them."""


class Evidence(Frozen):
    """One text. `details` has what is known beside it, as JSON: what a family needs it reads from there first."""

    stage: Stage
    text: str
    attempt: int = 1
    details: dict[str, Any] = Field(default_factory=dict[str, Any])
    """`node_errors` and `error`: the server's validation of the prompt. `imports`: `[{pack, error, traceback}]`.
    `timeout_seconds`, `status`, `file`: numbers and names that the text may not have."""


def normalise(text: str) -> str:
    """The text as patterns see it: bounded, without colours, control characters and prefixes of loggers.

    Lines stay lines, for a line's beginning is what tells a message from the same words quoted in another. Those that
    a progress bar has overwritten are gone.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    text = _OVERWRITTEN.sub("", text)
    return _PREFIX.sub("", _CONTROL.sub("", text))
