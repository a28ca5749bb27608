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
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Colours, cursor movements, titles and links of terminals (ECMA-48)."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_PREFIX: Final = re.compile(
    r"(?m)^[ \t]{0,40}(?:\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:[.,-]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]{0,9}"
    r"(?:[|-][ \t]?)?(?:[\w.]{1,60} - )?)?"
    r"(?:\[?(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\]?(?::[\w.]{1,80}:|[ \t]{0,9}[|:-]|(?=[ \t]))[ \t]{0,9})"
)
"""Date, logger and level before a line; what it says begins after them."""
_DATE: Final = re.compile(
    r"(?m)^\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]{0,9}(?:[|-][ \t]?)?"
)
_PLACE: Final = re.compile(r"[ \t]{2}[\w./-]{1,60}\.py:\d{1,6}$")
"""Where in the source it was said, in a column of its own at a line's end."""
LONGEST_PLACE: Final = 72
_BOXES: Final = dict.fromkeys(range(9472, 9600), " ") | dict.fromkeys(map(ord, "\u25b6\u276f\u2771\xa0"), " ")
"""Lines and arrows that uv and rich draw around what they say."""
_QUOTES: Final = dict.fromkeys(map(ord, "\u2018\u2019\u201b"), "'") | dict.fromkeys(map(ord, "\u201c\u201d"), '"')


class Evidence(Frozen):
    """One text. `details` has what is known beside it, as JSON: what a family needs it reads from there first."""

    stage: Stage
    text: str
    attempt: int = 1
    details: dict[str, Any] = Field(default_factory=dict[str, Any])
    """`node_errors` and `error`: the server's validation of the prompt. `imports`: `[{pack, error, traceback}]`.
    `timeout_seconds`, `status`, `file`: numbers and names that the text may not have."""


def normalise(text: str) -> str:
    """The text as patterns see it: bounded, without colours, boxes, control characters and what loggers set before it.

    Lines stay lines, for a line's beginning is what tells a message from the same words quoted in another. Those that
    a progress bar has overwritten are gone.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    text = "\n".join(map(_line, text.split("\n")))
    text = _CONTROL.sub("", text).translate(_BOXES | _QUOTES)
    return _DATE.sub("", _PREFIX.sub("", text))


def _line(line: str) -> str:
    """What is seen of it in the end."""
    line = line.rstrip("\r \t").rpartition("\r")[2]
    if line.endswith(tuple("0123456789")) and (found := _PLACE.search(line[-LONGEST_PLACE:])):
        line = line[: len(line) - len(found[0])].rstrip()
    return line
