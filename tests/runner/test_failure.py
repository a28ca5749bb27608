"""What of a failure is kept: bounded, and nothing of a credential, wherever it is cut."""

from __future__ import annotations

import pytest

from runner.errors import DeployFailed
from runner.failure import KEPT_LOG, of_deployment, of_preflight
from runner.protocols import Preflight

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


def pieces(secret: str, length: int = 4) -> list[str]:
    return [secret[at : at + length] for at in range(len(secret) - length + 1)]
