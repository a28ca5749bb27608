"""Test the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.budget.spending import Spending
from runner.model import QUALITY, Frozen, Report, Sample
from runner.paying import paid
from runner.quality.rules import WITHOUT_LIMITS

if TYPE_CHECKING:
    from runner.context import RunContext
    from runner.model import Opinion


class Tested(Frozen):
    """What the tests found, and what the app made."""

    report: Report
    sample: Sample | None
    log: str = ""
    """The end of the app's own log, if a test failed."""


def test(run: RunContext) -> Tested:
    """Run every test. The deployment is found again, or made again if it died with the process that had made it.

    Raises:
        DeployFailed: it had to be made again and did not come up.
        EndpointUnreachable: it stopped answering.
    """
    from runner.endpoint_tests import (  # noqa: PLC0415 - decoders: a quarter of what runs take to load
        Wanted,
        run_endpoint_tests,
    )

    target = run.services.target
    deployment = target.ensure(run.spec, tell=run.tell)
    headers = target.headers(run.spec)
    # What people have merged is theirs to keep, and what is simulated says nothing of the workflow: both are measured.
    rules = run.request.quality if run.request.kind != "production" else WITHOUT_LIMITS
    wanted = Wanted(prompt=run.plan.prompt, rules=rules, simulated=WITHOUT_LIMITS, reference=run.request.reference)
    with paid(run, "test"):
        outcome = run_endpoint_tests(
            deployment.url, run.plan.interface, progress=run.tell, headers=headers, wanted=wanted
        )
    report = Report(
        name=run.name,
        run_id=run.run_id,
        attempt=run.attempt,
        engine=outcome.engine or deployment.engine,
        engine_version=outcome.engine_version,
        target=target.name,
        tested_at=run.services.clock(),
        tests=outcome.tests,
        cost=outcome.cost,
        cold_start_seconds=outcome.cold_start_seconds,
        warm_seconds=outcome.warm_seconds,
        seed=outcome.seed,
        quality=outcome.quality,
    )
    report = report.model_copy(update={"opinions": _opinions(run, report, outcome.sample)})
    log = "" if report.passed else target.log(run.run_id)
    return Tested(report=report, sample=outcome.sample, log=log)


def _opinions(run: RunContext, report: Report, sample: Sample | None) -> tuple[Opinion, ...]:
    """What a language model thinks of the sample, if it works, is real, and people want to hear it."""
    works = all(test.passed or test.name == QUALITY for test in report.tests)
    wanted = run.request.quality.opinion and run.request.kind != "production"
    judge = run.services.judge
    if sample is None or not works or not wanted or report.simulated or not judge.available:
        return ()
    from runner.endpoint_tests.looks import look_at  # noqa: PLC0415 - as above

    look = look_at(sample, report.quality, run.plan.interface, run.request.reference)
    if look is None:
        return ()
    run.tell("asking a language model what it looks like")
    spending = Spending(run.services.ledger, run.run_id) if run.services.ledger else None
    judged = judge.judge(look, key=f"opinion-{run.attempt}", spending=spending)
    if judged.opinion is None:
        run.tell(judged.why)
        return ()
    return (judged.opinion,)
