"""Write down what was found, next to the app and in the knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import Finding
from runner import documents
from runner.knowledge import entry_path
from runner.knowledge.fixes import fix_files
from runner.knowledge.keeping import kept
from runner.knowledge.page import entry_page
from runner.knowledge.story import Costs, Story, costs_of
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.context import RunContext
    from runner.knowledge.entry import Issue
    from runner.model import Attempt
    from runner.repair import LearnedFix
    from runner.steps.test import Tested


class Documented(Frozen):
    """What was committed."""

    commit: str
    """Head of the branch afterwards: what the pull request proposes."""
    told: tuple[Finding, ...] = ()
    """About an entry of the knowledge base that a person has edited, and that was left as it is."""


def document(
    run: RunContext,
    tested: Tested,
    learned: tuple[LearnedFix, ...],
    definitions: Mapping[str, bytes],
    issues: tuple[Issue, ...] = (),
    *,
    attempts: tuple[Attempt, ...] = (),
) -> Documented:
    """One commit. Everything in it follows from the plan and from what the attempts and tests recorded.

    `definitions`: files with what packs say of their nodes. `issues`: what was met on the way.
    """
    report = documents.with_review(tested.report, run.plan, attempts)
    lessons = {**fix_files(learned), **definitions}
    files = {
        **documents.files(run.plan, report, tested.sample, run.request.reference),
        **{path: data for path, data in lessons.items() if not run.worktree.was_deleted(path)},
    }
    entry = kept(run.worktree, run.name)
    if entry.write:
        story = Story(issues=issues, links=_links(run), costs=_costs(run), actual=entry.actual)
        files[entry_path(run.name)] = entry_page(run.plan, tested.report, tested.sample, story, entry.notes)
    elif entry.instead is not None:
        files[entry_path(run.name)] = entry.instead
    for earlier in ("sample.*", documents.REFERENCE):  # of another run, perhaps of another kind
        run.worktree.delete(run.app_dir, earlier)
    run.worktree.write(files)
    run.tell(f"{len(files)} files")
    run.worktree.commit(f"Test {run.name}: report, sample and knowledge-base entry", run.trailers)
    return Documented(commit=run.worktree.head(), told=(entry.told,) if entry.told else ())


def _costs(run: RunContext) -> Costs:
    services = run.services
    return costs_of(services.ledger.state(run.run_id) if services.ledger and services.target.costs else None)


def _links(run: RunContext) -> dict[str, str]:
    pull = run.progress.now.pull
    return {"pull request": pull.url} if pull else {}
