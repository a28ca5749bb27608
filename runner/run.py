"""One run, from its first step to its last, however often it is killed on the way.

What happens to a run that does not succeed: if the app's last attempt was tested, its tests are documented and proposed
whether they passed or not, because a reviewer learns most from a report that says what failed. If it never came up
there is nothing to review: the reason carries the end of the app's log, and a finding says why repair has ended. Either
way the last step cleans up and the run ends in a told state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import durable
from runner.attempts import Attempts
from runner.budget.errors import OverBudget
from runner.errors import DatabaseUnavailable, RunCancelled
from runner.knowledge.definitions import definition_files
from runner.model import PullRequestRef, RunResult
from runner.preflight import known_definitions
from runner.stepping import EndedOverBudget, StepFailed, Steps
from runner.steps.analyse import Analysis, analyse
from runner.steps.branch import Branch, branch
from runner.steps.document import Documented, document
from runner.steps.draft import Drafted, draft
from runner.steps.finish import Finished, finish
from runner.steps.propose import Proposed, propose
from runner.steps.render import Rendered, render
from runner.steps.resolve import Resolved, resolve
from runner.varying import adopt_variation, to_variations

if TYPE_CHECKING:
    from codegen.model import Finding
    from runner.context import RunContext
    from runner.model import EngineKind, RunState
    from runner.protocols import Deployment
    from runner.records import RunRecords
    from runner.steps.collect import Collected
    from runner.steps.deploy import Deployed
    from runner.steps.test import Tested
    from runner.variations.model import Variations


@dataclass
class Trail:
    """What the steps so far have found."""

    analysis: Analysis | None = None
    resolved: Resolved | None = None
    branch: Branch | None = None
    rendered: Rendered | None = None
    attempts: Attempts | None = None
    documented: Documented | None = None
    drafted: Drafted | None = None
    proposed: Proposed | None = None
    deployed: Deployed | None = None
    """Of a run without attempts."""
    variations: Variations | None = None
    collected: Collected | None = None

    @property
    def deployment(self) -> Deployment | None:
        """Of the last attempt."""
        if self.deployed:
            return self.deployed.deployment
        return self.attempts.deployment if self.attempts else None

    @property
    def tested(self) -> Tested | None:
        """Of the last attempt."""
        return self.attempts.tested if self.attempts else None

    @property
    def pull_request(self) -> PullRequestRef | None:
        """As it was last seen."""
        if self.proposed:
            return self.proposed.pull
        return self.drafted.pull if self.drafted else None

    @property
    def commit(self) -> str | None:
        """Head of the branch, as far as it is on the forge."""
        if self.collected:
            return self.collected.commit
        if self.proposed:
            return self.proposed.commit
        return self.drafted.commit if self.drafted and self.drafted.pull else None


def carry_out(run: RunContext, records: RunRecords) -> RunResult:
    """Do all steps that are not on record yet, and record how the run ended."""
    records.running(run.run_id)
    steps = Steps(run, records)
    trail = Trail()
    state, reason = _forward(run, steps, trail)
    keep = trail.deployment is not None and run.request.keep and _may_stay(run, state)
    try:
        endpoint = steps.do("finish", lambda: finish(run, keep=keep), Finished, always=True).endpoint
    except RunCancelled as error:
        endpoint = None
        state, reason = "cancelled", str(error)
    except EndedOverBudget as error:
        endpoint = None
        state, reason = "over-budget", reason or str(error)
    except StepFailed as error:
        endpoint = None
        state, reason = "failed", reason or str(error)
    run.remove_worktree()  # not before: a last step that is tried again may deploy from it again
    shown = trail.pull_request or trail.collected
    result = RunResult(
        run_id=run.run_id,
        state=state,
        name=run.name,
        repo=run.request.repo_key,
        branch=run.branch if shown else None,  # until then it is nowhere but in the mirror
        commit=trail.commit if shown else run.request.commit,
        app_dir=run.app_dir if trail.rendered or trail.collected else None,
        endpoint=endpoint,
        engine=_engine(run, trail),
        attempts=run.attempt,
        tests=trail.tested.report.tests if trail.tested else (),
        cost=trail.tested.report.cost if trail.tested else None,
        pr=trail.pull_request,
        findings=(*run.learned, *_findings(trail)),
        reason=reason,
        variations=trail.variations,
    )
    if run.services.ledger is not None:  # before the end is on record: nobody looks after the run from then on
        run.services.ledger.settle_abandoned((run.run_id,))  # what an execution that was killed had reserved
    return _end(run, records, result)


def _end(run: RunContext, records: RunRecords, result: RunResult) -> RunResult:
    """Put it on record. Whoever asks for a run's end before that finds nothing serving; who does after, stops it."""
    if result.endpoint is not None:
        why = _asked_to_end(run)
        if why is None and records.finish(run.run_id, result, unless_cancelled=True):
            return result
        run.services.target.stop(run.run_id)
        why = why or records.get(run.run_id).cancel_reason
        result = result.model_copy(update={"state": "cancelled", "endpoint": None, "reason": why})
    records.finish(run.run_id, result)
    return result


def _asked_to_end(run: RunContext) -> str | None:
    try:
        run.cancellation.check()
    except OverBudget:  # nothing that costs goes on any more
        return None
    except RunCancelled as error:
        return str(error)
    except DatabaseUnavailable as error:
        raise durable.Abandoned(str(error)) from error
    return None


def _may_stay(run: RunContext, state: RunState) -> bool:
    """A preview whose tests fail can be looked at; in production, what was there stays in its place."""
    return state == "succeeded" if run.request.kind == "production" else state not in ("cancelled", "over-budget")


def _forward(run: RunContext, steps: Steps, trail: Trail) -> tuple[RunState, str | None]:
    """All steps but the last, as far as they go; how the run ends, and why if not well."""
    try:
        match run.request.kind:
            case "vary":
                return to_variations(run, steps, trail)
            case "production":
                _to_production(run, steps, trail)
            case _:
                _to_pull_request(run, steps, trail)
    except RunCancelled as error:
        return "cancelled", str(error)
    except EndedOverBudget as error:
        return "over-budget", str(error)
    except StepFailed as error:
        return "failed", str(error)
    return _verdict(run, trail)


def _verdict(run: RunContext, trail: Trail) -> tuple[RunState, str | None]:
    """How a run ends all of whose steps were done, by what its last attempt has come to."""
    assert trail.attempts is not None
    tested, failure = trail.tested, trail.attempts.failure
    if tested is None:
        step = "preflight" if trail.deployment else "deploy"
        return "failed", f"{step}: {failure.words if failure else 'nothing was tested'}"
    if tested.report.passed:
        conflict = trail.branch.conflict if trail.branch else None
        return ("succeeded", None) if conflict is None else ("failed", f"{conflict.message}; {conflict.hint}")
    failed = [result for result in tested.report.tests if not result.passed]
    names = ", ".join(result.name for result in failed) or "there were none"
    count = f"{len(failed)} of {len(tested.report.tests)} tests failed ({names})"
    if run.request.kind == "production":
        details = "\n".join(f"{result.name}: {result.detail}" for result in failed)
        return "failed", f"{count}, so it was stopped again, and what was in production stays\n{details}"
    return "failed", f"{count}; the pull request says how"


def _to_pull_request(run: RunContext, steps: Steps, trail: Trail) -> None:
    trail.analysis = steps.do("analyse", lambda: analyse(run), Analysis)
    run.note(title=trail.analysis.title, findings=trail.analysis.findings)
    trail.resolved = steps.do("resolve", lambda: resolve(run), Resolved)
    run.use(trail.resolved.facts)
    run.note(findings=trail.resolved.findings)
    run.learn(*trail.resolved.learned)
    start = trail.branch = steps.do("branch", lambda: branch(run), Branch)
    run.learn(*start.learned)
    if start.conflict is not None:
        run.learn(start.conflict)
    known = known_definitions(start.definitions, run.plan.lock.comfyui.version)
    if known is not None:
        run.define(known)
    run.foresee(start.foreseen)
    if run.request.kind == "redeploy":
        run.go_on_from(start.commit)
        adopt_variation(run)
        run.note(findings=run.plan.findings)
    trail.rendered = steps.do("render", lambda: render(run, start), Rendered)
    if trail.rendered.kept is not None:
        run.learn(trail.rendered.kept)
    rendered = trail.rendered
    if run.services.drafts:
        trail.drafted = steps.do("draft", lambda: draft(run), Drafted)
        rendered = rendered.model_copy(update={"commit": trail.drafted.commit})
    attempts = trail.attempts = Attempts(run, steps.do)
    attempts.until_tested(start, rendered)
    tested = attempts.tested
    if tested is not None:
        new = definition_files(attempts.definitions, run.plan.lock.packs, start.definitions) if run.owns_packs else {}
        trail.documented = steps.do(
            "document",
            lambda: document(run, tested, attempts.learned, new, attempts.issues, attempts=attempts.told),
            Documented,
        )
        run.learn(*trail.documented.told)
        trail.proposed = steps.do("propose", lambda: propose(run, tested, attempts.told), Proposed)


def _to_production(run: RunContext, steps: Steps, trail: Trail) -> None:
    """What was merged, as it is: nothing is looked up, rendered or committed."""
    trail.analysis = steps.do("analyse", lambda: analyse(run), Analysis)
    run.note(title=trail.analysis.title)
    start = trail.branch = steps.do("branch", lambda: branch(run), Branch)
    run.go_on_from(start.commit)
    attempts = trail.attempts = Attempts(run, steps.do)
    attempts.once()


def _findings(trail: Trail) -> tuple[Finding, ...]:
    told = trail.resolved or trail.analysis
    return told.findings if told else ()


def _engine(run: RunContext, trail: Trail) -> EngineKind:
    if trail.tested:
        return trail.tested.report.engine
    if trail.deployment:
        return trail.deployment.engine
    if trail.variations and trail.variations.kept:
        return "stand-in" if trail.variations.simulated else "comfyui"
    return "comfyui" if run.request.engine.url or run.request.engine.path else "stand-in"
