"""What of a failure is kept: bounded, and nothing of a credential, wherever it is cut."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codegen.plan import make_plan
from runner.errors import DeployFailed
from runner.failure import KEPT_LOG, QUALITY, of_deployment, of_preflight, of_tests
from runner.model import Cost, Report, TestResult
from runner.protocols import Preflight
from runner.repair import Stop, next_move
from tests.codegen.canvas import text_to_image

SECRET = "hf_AbCdEfGhIjKlMnOpQrStUvWx0123456789"


@pytest.mark.parametrize("shown", range(1, len(SECRET), 4))
def test_no_half_of_a_credential_is_left_where_a_log_is_cut(shown: int):
    begin = "x" * (KEPT_LOG // 2 - shown - 1)
    log = f"{begin} {SECRET} {'y' * KEPT_LOG}"
    kept = of_deployment(DeployFailed("it ended", log=log), 1).evidence[0].text
    assert [piece for piece in pieces(SECRET) if piece in kept] == []


def test_what_people_are_told_has_no_credentials_either():
    failure = of_deployment(DeployFailed(f"it used {SECRET}", log=f"{SECRET} {'y' * 1990}"), 1)
    assert [piece for piece in pieces(SECRET) if piece in failure.words] == []


def test_definitions_of_refused_nodes_are_evidence_and_no_others():
    refused = {"error": {}, "node_errors": {"1": {"class_type": "Odd", "errors": []}}}
    found = Preflight(passed=False, prompt=refused, definitions={"Odd": {"input": {}}, "Even": {"input": {}}})
    assert of_preflight(found, 1).evidence[0].details["definitions"] == {"Odd": {"input": {}}}


def a_report(*failed: str) -> Report:
    tests = [TestResult(name=name, passed=name not in failed, seconds=1, detail=DETAIL) for name in ("root", QUALITY)]
    return Report(
        name="poster",
        run_id="run_1",
        attempt=1,
        engine="comfyui",
        engine_version="0.33.0",
        target="modal",
        tested_at=datetime(2026, 11, 21, tzinfo=UTC),
        tests=tuple(tests),
        cost=Cost(usd=0, basis="estimate"),
        cold_start_seconds=1,
        warm_seconds=None,
        seed=1,
    )


DETAIL = "image is blank: No module named 'einops'"


def test_a_poor_result_is_for_people_and_is_no_evidence_of_a_fault():
    failure = of_tests(a_report(QUALITY), "RuntimeError: CUDA error: out of memory")
    assert failure.evidence == ()
    assert failure.known is not None
    assert DETAIL in failure.known.cause
    plan = make_plan(text_to_image().workflow(), filename="fox.json")
    move = next_move((), failure.known, lock=plan.lock, attempts_left=9, language_model=True)
    assert isinstance(move, Stop), "neither a rule nor a language model changes what people have made"
    assert ".github/flowberth.yml" in move.why


def test_beside_another_failure_a_poor_result_says_nothing():
    failure = of_tests(a_report("root", QUALITY), "")
    assert failure.known is None
    assert [each.text for each in failure.evidence] == [DETAIL], "of the other one"


def pieces(secret: str, length: int = 4) -> list[str]:
    return [secret[at : at + length] for at in range(len(secret) - length + 1)]
