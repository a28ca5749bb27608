"""Test the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model import Frozen, Report, Sample
from runner.paying import paid
from runner.quality.rules import WITHOUT_LIMITS

if TYPE_CHECKING:
    from runner.context import RunContext


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
    # What people have merged is measured, too, and theirs to keep.
    rules = WITHOUT_LIMITS if run.request.kind == "production" else run.request.quality
    wanted = Wanted(prompt=run.plan.prompt, rules=rules, reference=run.request.reference)
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
    log = "" if report.passed else target.log(run.run_id)
    return Tested(report=report, sample=outcome.sample, log=log)
