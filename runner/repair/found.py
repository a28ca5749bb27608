"""What a family's resolver gets, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from codegen.lock import Gpu, Lock
    from codegen.lock_changes import Change
    from codegen.plan import Plan
    from runner.repair.diagnosis import GiveUp, Question, Transient
    from runner.repair.evidence import Evidence

LONGEST_SHOWN = 120


@dataclass(frozen=True)
class Found:
    """A signature's pattern at one place of a text."""

    groups: Mapping[str, str]
    """Its named groups, those that matched."""
    text: str
    """All of the text, normalised."""
    start: int
    end: int
    evidence: Evidence
    plan: Plan
    gpus: Collection[Gpu] | None
    """Those that the repository's settings allow; `None`: all."""

    @property
    def lock(self) -> Lock:
        """As it was when it failed."""
        return self.plan.lock

    @property
    def before(self) -> str:
        """The text up to the place: tracebacks stand before their message."""
        return self.text[max(0, self.start - NEAR) : self.start]

    @property
    def line(self) -> str:
        """The line of the place."""
        begin = self.text.rfind("\n", 0, self.start) + 1
        end = self.text.find("\n", self.end)
        return self.text[begin : end if end >= 0 else len(self.text)]


NEAR = 20_000
"""Characters of a text before a message that can belong to it."""

Step: TypeAlias = "tuple[Change, ...] | Question | Transient | GiveUp"
"""Changes that make a patch together, or another remedy."""


@dataclass(frozen=True)
class Outcome:
    """What a resolver has found out."""

    steps: tuple[Step, ...]
    """Tried in this order. Changes that would change nothing are passed over."""
    subject: str | None = None
    """In the place of the signature's own."""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    """For the cause's sentence, beside the groups."""
    unsure: bool = False


Resolver: TypeAlias = "Callable[[Found], Outcome | None]"
"""`None`: the signature says nothing here, and the next one is looked at."""


def outcome(
    *steps: Step, unsure: bool = False, facts: Mapping[str, str] = MappingProxyType({}), **more: str
) -> Outcome:
    """An `Outcome` in one line; the fact `subject` is in the place of the signature's own subject."""
    known = {**facts, **more}
    return Outcome(steps=steps, subject=known.pop("subject", None), facts=known, unsure=unsure)


def shown(text: str) -> str:
    """A name of anybody's, printable and bounded, for a sentence."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable if len(printable) <= LONGEST_SHOWN else f"{printable[: LONGEST_SHOWN - 1]}…"
