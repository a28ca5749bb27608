"""Write down what was found, next to the app and in the knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import documents
from runner.learning import fix_files
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.context import RunContext
    from runner.repair import LearnedFix
    from runner.steps.test import Tested


class Documented(Frozen):
    """What was committed."""

    commit: str
    """Head of the branch afterwards: what the pull request proposes."""


def document(
    run: RunContext, tested: Tested, learned: tuple[LearnedFix, ...], definitions: Mapping[str, bytes]
) -> Documented:
    """One commit. Everything in it follows from the plan and from what the attempts and tests recorded.

    `definitions`: files with what packs say of their nodes.
    """
    files = {**documents.files(run.plan, tested.report, tested.sample), **fix_files(learned), **definitions}
    run.worktree.delete(run.app_dir, "sample.*")  # of an earlier run, perhaps of another kind
    run.worktree.write(files)
    run.tell(f"{len(files)} files")
    run.worktree.commit(f"Test {run.name}: report, sample and knowledge-base entry", run.trailers)
    return Documented(commit=run.worktree.head())
