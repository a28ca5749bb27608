"""What is wrong and what is to be done about it, as values."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from codegen.lock import Commit, GitHttpsUrl
from codegen.lock_patch import LockPatch
from codegen.model import Question as Line
from runner.model import Frozen
from runner.repair.evidence import Stage


class Question(Frozen):
    """Something that only people can settle."""

    text: str
    """What is needed and why, in a sentence or two; may quote hostile text, so whoever shows it escapes it."""
    answer: str
    """Exactly what to do: the line to write, or where to click and what to set."""
    line: Line | None = None
    """Set when one line in a comment answers it: `pack <Class> = https://…` or `model <folder/file> = https://…`."""


class Transient(Frozen):
    """Nothing is wrong with the app: the same is tried again after a while."""

    seconds: float
    """To wait before the first repetition; each later one waits twice as long."""
    discard: tuple[str, ...] = ()
    """Model files, as `folder/file`, that are fetched anew because what is there is damaged."""


class GiveUp(Frozen):
    """Nothing that can be changed in the lock helps."""

    why: str


Remedy: TypeAlias = LockPatch | Question | Transient | GiveUp


class Diagnosis(Frozen):
    """The one cause that is dealt with now."""

    signature: str
    """Of the table in docs/repair.md."""
    subject: str = ""
    """What exactly it is about, such as a module's name: the same signature about something else is another failure."""
    cause: str
    """One sentence for people; names in it are printable and bounded, but may be anybody's."""
    remedy: Remedy
    otherwise: tuple[Remedy, ...] = ()
    """What is left, in this order, when the remedy was tried and did not help."""
    unsure: bool = False
    """Whether somebody who reads the whole log may know better: a language model is asked first, if there is one."""
    quote: str = ""
    """The line of the evidence that tells it."""
    stage: Stage
    learned: bool = False
    """Whether the remedy is one that worked before."""

    @property
    def key(self) -> str:
        """What makes it the same failure when it comes again."""
        return f"{self.signature}:{self.subject}" if self.subject else self.signature


class PackAt(Frozen):
    """A custom-node pack at a commit."""

    repository: GitHttpsUrl
    commit: Commit


class LearnedFix(Frozen):
    """A patch that has repaired a failure before, from the knowledge base."""

    signature: str
    details: str
    """The diagnosis' `subject`; empty for one that helps whatever it is about."""
    patch: LockPatch
    packs: Annotated[tuple[PackAt, ...], Field(max_length=200, exclude_if=lambda packs: not packs)] = ()
    """Those that the failure was about: whoever has all of them is likely to need the patch, too."""
