"""Make the next attempt another one than the last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.repair import Apply
from runner.steps.render import Rendered, render

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.repair import Wait
    from runner.steps.branch import Branch

LOOK_SECONDS = 0.5
"""How soon a run that waits sees that it has been cancelled."""


def repair(run: RunContext, start: Branch, move: Apply | Wait, before: Rendered) -> Rendered:
    """Commit the changed lock, and show it on the draft; or wait, if the same is to be tried again."""
    if not isinstance(move, Apply):
        if move.discard:
            run.services.target.discard(run.spec, move.discard)
        _wait(run, move)
        return before
    return commit(run, start, move.patch.because)


def commit(run: RunContext, start: Branch, because: str) -> Rendered:
    """The app as it is planned by now, and why; on the draft too, where there is one."""
    rendered = render(run, start, because=because)
    if not run.services.drafts:
        return rendered
    published = run.services.forge(run.request.repo).publish(run.worktree)
    run.note(commit=published)
    return rendered.model_copy(update={"commit": published})


def _wait(run: RunContext, move: Wait) -> None:
    run.tell(f"trying the same again in {move.seconds:.0f} s")
    until = time.monotonic() + move.seconds
    while (left := until - time.monotonic()) > 0:
        run.cancellation.check()
        time.sleep(min(left, LOOK_SECONDS))
