"""Who is asked what a result looks like: a protocol, and nobody.

Judge    runner.quality.anthropic_judge.AnthropicJudge, NoJudge
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from runner.model import Frozen, Opinion

if TYPE_CHECKING:
    from runner.budget.spending import Spending


class Look(Frozen):
    """What is shown to a judge."""

    output: str
    """Name of the output."""
    kind: str
    """What the picture is of: `image`, frames of a `video`, a drawing of a `mesh`."""
    picture: bytes
    """PNG or JPEG of at most 768 × 768 pixels."""
    media_type: str
    texts: dict[str, str] = Field(default_factory=dict)
    """What the workflow asks a model for, by name of the input."""
    reference: bytes | None = None
    """A JPEG that it should look like."""


class Judged(Frozen):
    """What came of asking."""

    opinion: Opinion | None = None
    why: str = ""
    """Without an opinion: why there is none."""


class Judge(Protocol):
    """Has opinions. They decide nothing."""

    @property
    def available(self) -> bool:
        """Whether there is somebody to ask."""
        ...

    def judge(self, look: Look, *, key: str, spending: Spending | None) -> Judged:
        """An opinion, or why there is none. Never raises because of what others answer, refuse or charge.

        Args:
            look: what is shown. All of it may be hostile.
            key: of this one question among those of the run.
            spending: the run's money. Without it nothing is asked.
        """
        ...


class NoJudge:
    """Nobody is asked: the server has no key."""

    available = False

    def judge(self, look: Look, *, key: str, spending: Spending | None) -> Judged:
        """Nothing."""
        del look, key, spending
        return Judged(why="there is no language model to ask: FLOWBERTH_ANTHROPIC_API_KEY is not set")
