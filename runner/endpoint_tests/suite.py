"""All tests of one endpoint, in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.endpoint_tests.calls import Calls
from runner.endpoint_tests.checks import ENGINES, bad_input, health, root, schema
from runner.endpoint_tests.endpoint import Endpoint
from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.quality import Wanted
from runner.model import QUALITY, Cost, EngineKind, Frozen, OutputQuality, Sample, TestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codegen.model import JsonObject

    Check = Callable[[], str]


class EndpointOutcome(Frozen):
    """What the tests found, and what the app made."""

    tests: tuple[TestResult, ...]
    sample: Sample | None
    cost: Cost
    """Of a warm call, if there was one."""
    cold_start_seconds: float
    warm_seconds: float | None
    """From sending a request to having the whole answer, when everything was loaded."""
    seed: int | None
    engine_version: str
    engine: EngineKind | None
    """What the app says that it is; `None` if it does not say."""
    quality: tuple[OutputQuality, ...] = ()


def run_endpoint_tests(
    url: str,
    interface: JsonObject,
    *,
    progress: Callable[[str], None],
    headers: Mapping[str, str] | None = None,
    wanted: Wanted = Wanted(),  # noqa: B008 - frozen
) -> EndpointOutcome:
    """Run every test; a failed one does not keep the next from running.

    `progress` hears one line at a time, and may raise to end the tests. `headers` go with every request to the app:
    what lets it in. `wanted`: what the outputs are held to.

    Raises:
        EndpointUnreachable: the app stopped answering at all.
    """
    with Endpoint(url, progress, headers or {}) as endpoint:
        calls = Calls(endpoint, interface)
        facts: list[str] = []
        checks: tuple[tuple[str, Check], ...] = (
            ("health", lambda: health(endpoint, facts)),
            ("root", lambda: root(endpoint, interface)),
            ("schema", lambda: schema(endpoint, interface)),
            ("bad input", lambda: bad_input(endpoint, interface)),
            ("generate", calls.first),
            ("output validity", calls.validity),
            ("response time", calls.again),
            ("cost headers", calls.cost_headers),
            ("two at once", calls.two_at_once),
            (QUALITY, lambda: calls.good(wanted.of(_engine(facts)))),
        )
        tests: list[TestResult] = []
        for name, check in checks:
            progress(name)
            tests.append(_result(name, check))
    return EndpointOutcome(
        tests=tuple(tests),
        sample=calls.sample,
        cost=calls.cost,
        cold_start_seconds=calls.cold_start_seconds,
        warm_seconds=calls.warm_seconds,
        seed=calls.seed,
        engine_version=facts[0] if facts else "unknown",
        quality=calls.quality,
        engine=_engine(facts),
    )


def _engine(facts: list[str]) -> EngineKind | None:
    return next((kind for kind in ENGINES if kind in facts[1:]), None)


def _result(name: str, check: Check) -> TestResult:
    began = time.monotonic()
    try:
        passed, detail = True, check()
    except CheckFailed as error:
        passed, detail = False, str(error)
    return TestResult(name=name, passed=passed, seconds=round(time.monotonic() - began, 3), detail=detail)
