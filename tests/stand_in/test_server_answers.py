"""What a real ComfyUI 0.33.0 answered to faulty and odd prompts (`server_answers.json`), and what the stand-in answers.

Left out of the comparison: tracebacks, and `input_config`, which repeats the definition with its tooltips.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.engine import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "server_answers.json").read_bytes())["cases"]
OTHERWISE = {
    "value_not_in_list_empty": "the stand-in owns no models, so it takes the name of any",
    "custom_combo_no_choice": "the real answer is Python's complaint about an argument of a function",
}
"""Cases that the stand-in answers otherwise, and why."""


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with stand_in("0.33.0") as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("name", [name for name in CASES if name not in OTHERWISE])
def test_it_answers_as_the_real_server_did(client: httpx.Client, name: str) -> None:
    case = CASES[name]
    body = (case["raw"] if "raw" in case else json.dumps(case["request"])).encode()
    answer = client.post("/prompt", content=body)
    assert answer.status_code == case["status"], answer.text
    if "_not_json" in case["answer"]:
        assert answer.text.splitlines()[0] == case["answer"]["_not_json"].splitlines()[0]
    else:
        assert comparable(answer.json()) == comparable(case["answer"])


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what may differ, and the faults of a node in one order: the server goes through sets."""
    answer = {key: value for key, value in answer.items() if key not in {"prompt_id", "number"}}
    for node in answer.get("node_errors", {}).values():
        node["dependent_outputs"].sort()
        for error in node["errors"]:
            error["extra_info"].pop("traceback", None)
            error["extra_info"].pop("input_config", None)
        node["errors"].sort(key=json.dumps)
    return answer


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_is_answered_otherwise_really_is(client: httpx.Client, name: str) -> None:
    answer = client.post("/prompt", json=CASES[name]["request"])
    assert comparable(answer.json()) != comparable(CASES[name]["answer"])
