"""Look up what the workflow alone does not say of its models and packs: in the knowledge base, then on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.facts import Facts, Wanted, gather
from codegen.model import Finding
from runner.knowledge.library import NOTHING_KNOWN, library_in
from runner.knowledge.recall import Recall
from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


class Resolved(Frozen):
    """What was found out, and what the result and the pull request say of the workflow with it."""

    facts: Facts
    findings: tuple[Finding, ...]
    learned: tuple[Finding, ...] = ()
    """What is not in the plan: about entries of the knowledge base."""


def resolve(run: RunContext) -> Resolved:
    """The answers are on record, so that later steps and a resumed run make the same plan of them."""

    def wanted(facts: Facts) -> Wanted:
        run.use(facts)
        return run.plan.wanted

    run.tell(_questions(run.plan.wanted))
    library = NOTHING_KNOWN if run.plan.wanted.empty else library_in(run.worktree)
    recall = Recall(library, run.services.lookups)
    facts = gather(recall, wanted)
    run.use(facts)
    if facts.offline:
        run.tell("offline: nothing was looked up")
    for host in facts.unreachable:
        run.tell(f"{host} does not answer")
    return Resolved(facts=facts, findings=run.plan.findings, learned=recall.findings)


def _questions(wanted: Wanted) -> str:
    counts = {
        "model": len(wanted.model_urls) + len(wanted.models),
        "pack": len(wanted.packs),
        "unknown node": len(wanted.classes),
    }
    parts = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in counts.items() if count]
    return f"looking up {', '.join(parts)}" if parts else "nothing to look up"
