"""Put what was made of a grid on one sheet, and commit it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from runner.model import Frozen
from runner.variations.errors import BadVariation
from runner.variations.files import FOLDER, SHEET, Record, files
from runner.variations.model import Variations
from runner.variations.words import inputs_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.context import RunContext
    from runner.steps.branch import Branch
    from runner.steps.vary import Begun


class Collected(Frozen):
    """What was committed."""

    commit: str
    """Head of the branch on the forge."""
    variations: Variations


def collect(
    run: RunContext, begun: Begun, start: Branch, variations: Variations, pictures: Mapping[int, bytes]
) -> Collected:
    """One commit with the sheet and `variations.json`, pushed to the pull request's branch. A second time, none.

    Raises:
        BadVariation: the branch is not at, or after, the commit that was varied.
        PushRejected: somebody else has pushed meanwhile; the cells stay on record, and in what people are told.
    """
    worktree = run.worktree
    lock = worktree.read(f"{run.app_dir}/app.lock.json") or b""
    record = Record(
        app=run.name,
        run=run.run_id,
        commit=start.commit,
        lock_sha256=hashlib.sha256(lock).hexdigest(),
        made_at=begun.at,
        target=run.services.target.name,
        variations=variations,
    )
    written = files(record, pictures)
    worktree.replace_folder(
        f"{run.app_dir}/{FOLDER}", {f"{run.app_dir}/{path}": data for path, data in written.items()}
    )
    run.progress.detail(run.run_id, run.step, f"{len(variations.made)} of {variations.grid.size} on the sheet")
    worktree.commit(_message(run, variations), run.trailers)
    forge = run.services.forge(run.request.repo)
    _check_still_there(run, start)
    commit = forge.publish(worktree)
    sheet = forge.picture_url(head=run.branch, path=f"{run.app_dir}/{SHEET}")
    shown = variations.model_copy(update={"sheet": sheet})
    run.note(commit=commit, variations=shown)
    return Collected(commit=commit, variations=shown)


def _check_still_there(run: RunContext, start: Branch) -> None:
    """What somebody has taken off the branch must not come back with the variations. What was added, git refuses."""
    run.mirror.fetch(run.branch)
    there = run.mirror.tip(run.branch)
    if there is None or not run.mirror.is_merged(start.commit, there):
        raise BadVariation(
            f"{run.branch} is not at {start.commit:.10} any more, which was varied; comment `/vary` again to vary "
            "what is there"
        )


def _message(run: RunContext, variations: Variations) -> str:
    grid = variations.grid
    best = variations.recommendation
    lines = [f"Vary {run.name}: {len(variations.made)} of {grid.size} variations made"]
    if best is not None:
        inputs = next(cell.inputs for cell in variations.cells if cell.number == best.number)
        lines += ["", f"Recommended: {best.number} ({inputs_words(inputs)})"]
    return "\n".join(lines)
