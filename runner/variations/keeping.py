"""What an earlier run of the same grid has made, and whether it may be kept: all cells have to be of the same app."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ConfigDict, ValidationError

from codegen.committed import INTERFACE, LOCK, PROMPT
from codegen.model import Frozen
from runner.variations.making import Made
from runner.variations.model import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class MadeOf(Frozen):
    """What the cells of a run are made of. Another one of these, and the same values may give something else."""

    sha256: dict[str, str]
    """Of the files of the app that decide, by their names."""
    target: str
    engine: str

    def changed(self, then: MadeOf) -> tuple[str, ...]:
        """What is another one than then, in words."""
        files = sorted(name for name in self.sha256.keys() | then.sha256.keys() if self._differs(then, name))
        machine = ("where it runs",) if (self.target, self.engine) != (then.target, then.engine) else ()
        return (*files, *machine)

    def _differs(self, then: MadeOf, name: str) -> bool:
        return self.sha256.get(name) != then.sha256.get(name)


def made_of(read: Callable[[str], bytes | None], *, target: str, engine: str) -> MadeOf:
    """As the app is committed now. `read`: a file of its folder, by its name there."""
    files = {name: hashlib.sha256(read(name) or b"").hexdigest() for name in (LOCK, PROMPT, INTERFACE)}
    return MadeOf(sha256=files, target=target, engine=engine)


class Kept(NamedTuple):
    """Of an earlier run."""

    cells: tuple[Made, ...] = ()
    anew: str | None = None
    """Why none of them is kept, for people."""
    simulated: bool | None = None
    """Whether they were; `None`: it is not on record."""


class Before(Frozen):
    """What an earlier run began with."""

    grid: Grid
    made_of: MadeOf | None = None
    kept: tuple[Made, ...] = ()
    simulated: bool | None = None

    model_config = ConfigDict(frozen=True, extra="ignore", val_json_bytes="base64")


def kept_of(run_id: str, results: Sequence[Mapping[str, Any]], grid: Grid, now: MadeOf) -> Kept:
    """The cells that were made, with their pictures; those that failed are made again.

    Args:
        run_id: of the earlier run, for people.
        results: of its step `vary`: what it began with, then each cell that has ended.
        grid: whose cells are wanted.
        now: what they would be made of.
    """
    try:
        before, *ended = results
        began = Before.model_validate(before)
        made = [*began.kept, *(Made.model_validate(each) for each in ended)]
    except (ValueError, ValidationError):  # it never came so far, or another version has written it
        return Kept(anew=f"nothing that can be kept is on record of {run_id}")
    changed = now.changed(began.made_of) if began.made_of else ("what they were made of",)
    if began.grid != grid or changed:
        what = " and ".join(changed) or "the grid"
        return Kept(anew=f"{what} is another one than when {run_id} made its variations")
    sound = {each.result.number: each for each in made if each.result.state == "made"}
    return Kept(cells=tuple(sound[number] for number in sorted(sound)), simulated=began.simulated)
