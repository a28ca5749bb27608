"""Asking a model: what is sent, what is made of the answer, what it costs, and what happens when nobody answers."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from codegen.lock_patch import LockPatch
from runner.repair.adviser import Advice, Adviser, NoAdviser
from runner.repair.diagnosis import Diagnosis, GiveUp
from runner.repair.moves import Turn, lock_hash
from tests.runner.repair.language_model.api import Api, Reply, call, error, message, proposes, says
from tests.runner.repair.language_model.asking import KEY, Asking, log_of

pytestmark = pytest.mark.xdist_group("anthropic")  # its SDK takes seconds to load: once, and not in each process

EINOPS = {"kind": "add-package", "requirement": "einops==0.8.0"}
NOT_KNOWN = {"kind": "add-package", "requirement": "nobody-knows-this"}
USD = Decimal("0.0223")  # 9,000 × $2 + 400 × $10 + 3,000 × $0.10 for each million


def test_a_patch_is_checked_applied_and_paid_for(asking: Asking) -> None:
    advice = asking.advise(proposes(EINOPS, because="einops is not installed"), evidence="No module named 'einops'")
    assert advice.patch == LockPatch.model_validate({"changes": [EINOPS], "because": "einops is not installed"})
    assert advice.lock is not None
    assert "einops==0.8.0" in advice.lock.dependencies.packages
    assert advice.why == "einops is not installed"
    assert (advice.model, advice.input_tokens, advice.output_tokens) == ("claude-sonnet-5-5", 12_000, 400)
    assert advice.usd == USD
    assert asking.lines == {"language-model-1-1": ("billed", USD)}
    assert Advice.model_validate_json(advice.model_dump_json()) == advice, "a run records it"


def test_the_request_has_one_tool_and_a_bounded_answer(asking: Asking) -> None:
    asking.advise(says("nothing helps"))
    (request,) = asking.api.requests
    assert set(request) == {"model", "max_tokens", "system", "messages", "tools", "tool_choice"}
    assert [tool["name"] for tool in request["tools"]] == ["propose_patch"]
    assert set(request["tools"][0]) == {"name", "description", "input_schema"}
    assert request["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert request["max_tokens"] == 8000
    assert [block["cache_control"] for block in request["system"]] == [{"type": "ephemeral"}]
    kinds = request["tools"][0]["input_schema"]["$defs"]
    assert all("kind" in each["required"] for each in kinds.values())
    assert "discriminator" not in str(request["tools"])
    (headers,) = asking.api.headers
    assert headers["authorization"] == f"Bearer {KEY}" or headers.get("x-api-key") == KEY


def test_what_it_says_instead_is_told(asking: Asking) -> None:
    advice = asking.advise(says("The model is gated:\naccept its licence."))
    assert (advice.patch, advice.lock) == (None, None)
    assert advice.why == "the language model was asked: it proposes nothing: The model is gated: accept its licence."
    assert advice.usd == USD


def test_a_refused_patch_is_asked_for_once_more_with_the_refusal(asking: Asking) -> None:
    advice = asking.advise(proposes(NOT_KNOWN), proposes(EINOPS))
    assert advice.patch is not None
    assert advice.usd == 2 * USD
    first, second = (request["messages"][0]["content"] for request in asking.api.requests)
    assert "refused" not in first
    assert "It was refused:" in second
    assert "nobody-knows-this is none of the packages that are known" in second
    assert asking.lines == {"language-model-1-1": ("billed", USD), "language-model-1-2": ("billed", USD)}


def test_refused_twice_it_ends(asking: Asking) -> None:
    advice = asking.advise(proposes(NOT_KNOWN))
    assert len(asking.api.requests) == 2
    assert advice.patch is None
    assert advice.why.startswith("the patch of the language model was refused: requirement: nobody-knows-this is none")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (message(call({"changes": [EINOPS], "because": "x"}), stop_reason="max_tokens"), "its answer was cut off"),
        (message(stop_reason="model_context_window_exceeded"), "what it was asked was too long for it"),
        (message(call({"changes": [EINOPS], "because": "x"}), stop_reason="refusal"), "it refused to answer"),
        (
            message(stop_reason="refusal", stop_details={"type": "refusal", "explanation": "cyber\x1b[2J harm"}),
            "it refused to answer: cyber harm",
        ),
        (message(stop_reason="end_turn"), "it answered nothing"),
    ],
)
def test_an_answer_that_is_none_changes_nothing(asking: Asking, reply: Reply, why: str) -> None:
    advice = asking.advise(reply)
    assert (advice.patch, advice.why) == (None, f"the language model was asked: {why}")
    assert len(asking.api.requests) == 1
    assert advice.usd == USD


def test_a_lock_that_has_failed_already_is_not_gone_back_to(asking: Asking) -> None:
    advice = asking.advise(proposes(EINOPS))
    assert advice.lock is not None
    turn = Turn(attempt=1, lock=lock_hash(advice.lock), diagnosis=None)
    advice = asking.advise(proposes(EINOPS), history=(turn,))
    assert advice.why.endswith("they lead back to a lock that has failed already")


def test_it_sees_what_was_tried_and_what_a_rule_thinks(asking: Asking) -> None:
    guess = Diagnosis(signature="oom", cause="it has no memory", remedy=GiveUp(why="x"), quote="CUDA oom", stage="test")
    patch = LockPatch.model_validate({"changes": [{"kind": "set-gpu", "gpu": "L40S"}], "because": "more memory"})
    turn = Turn(attempt=1, lock="0" * 64, diagnosis=guess, patch=patch)
    asking.advise(says("no"), history=(turn,), diagnosis=guess, gpus=["L4", "L40S"])
    assert '{"cause": "it has no memory", "line": "CUDA oom"}' in asking.asked
    assert '"changes": [{"kind": "set-gpu", "gpu": "L40S"}]' in asking.asked
    assert "GPUs that are allowed: L4, L40S." in asking.asked
    assert "CheckpointLoaderSimple" in asking.asked
    assert "proxy_auth" not in asking.asked


def test_gpus_that_are_not_allowed_are_refused(asking: Asking) -> None:
    advice = asking.advise(proposes({"kind": "set-gpu", "gpu": "B200"}), gpus=["L4"])
    assert "settings do not allow B200" in advice.why


class TestMoney:
    def test_without_an_account_nobody_is_asked(self, asking: Asking) -> None:
        advice = asking.advise(proposes(EINOPS), spending=None)
        assert advice.why == "nobody keeps account of what asking the language model costs"
        assert asking.api.requests == []

    def test_without_money_nobody_is_asked(self, asking: Asking) -> None:
        asking.ledger.reserve(asking.run_id, "build-1", Decimal("19.9"), what="build")
        advice = asking.advise(proposes(EINOPS))
        assert advice.why.startswith("asking the language model may cost up to $0.")
        assert "does not fit below the limit of this run, $20.00" in advice.why
        assert asking.api.requests == []
        assert set(asking.lines) == {"build-1"}

    def test_one_run_spends_no_more_on_it_than_is_set(self, asking: Asking) -> None:
        asking.budget = Decimal("0.5")
        while asking.advise(says("no")).usd:
            assert len(asking.api.requests) < 30
        spent = sum(usd for _, usd in asking.lines.values())
        assert Decimal("0.02") < spent <= Decimal("0.5")
        assert "does not fit below what one run may spend on it, $0.50" in asking.advise(says("no")).why

    def test_a_model_without_a_price_is_not_asked(self, asking: Asking) -> None:
        asking.model = "claude-of-tomorrow"
        assert "no price for the language model 'claude-of-tomorrow'" in asking.advise(says("no")).why
        assert asking.api.requests == []

    def test_the_reservation_is_above_what_any_answer_costs(self, asking: Asking) -> None:
        asking.advise(message(usage={"input_tokens": len(str(asking.plan)), "output_tokens": 8000}, stop_reason="x"))
        (line,) = asking.ledger.state(asking.run_id).lines
        assert line.actual is not None
        assert line.reserved > line.actual

    @pytest.mark.parametrize(
        "usage",
        [None, {}, "many", {"input_tokens": -1, "output_tokens": 1}, {"input_tokens": "9", "output_tokens": 1}],
    )
    def test_an_answer_without_believable_usage_costs_its_worst(self, asking: Asking, usage: object) -> None:
        advice = asking.advise(message(call({"changes": [EINOPS], "because": "x"}), usage=usage))
        (line,) = asking.ledger.state(asking.run_id).lines
        assert line.state == "billed"
        assert line.actual == line.reserved == advice.usd
        assert advice.patch is not None

    def test_a_crash_between_the_call_and_its_record_costs_one_more_call(self, asking: Asking) -> None:
        asking.ledger.reserve(asking.run_id, "language-model-1-1", Decimal("0.4"), what="language-model")  # and died
        advice = asking.advise(proposes(EINOPS))
        assert advice.patch is not None
        assert asking.lines == {
            "language-model-1-1": ("reserved", Decimal("0.4")),
            "language-model-1-1~2": ("billed", USD),
        }
        asking.ledger.settle_abandoned([asking.run_id])
        assert asking.ledger.state(asking.run_id).estimated == Decimal("0.4") + USD

    def test_killed_while_it_waits_the_worst_case_stays_booked(self, asking: Asking, database_url: str) -> None:
        asking.api = Api()
        asking.api.replies = [Reply(None, hold=True)]
        words = [sys.executable, "-m", "tests.runner.repair.language_model.asking", asking.api.url, database_url]
        asker = subprocess.Popen([*words, asking.run_id])
        try:
            assert asking.api.asked.wait(60)
        finally:
            asker.kill()
            asker.wait()
        ((key, (state, held)),) = asking.lines.items()
        assert (key, state) == ("language-model-1-1", "reserved")
        asking.api.close()
        asking.api = Api()
        advice = asking.advise(proposes(EINOPS))
        asking.api.close()
        assert advice.patch is not None
        assert asking.lines["language-model-1-1~2"] == ("billed", USD)
        asking.ledger.settle_stopped(asking.run_id)
        asking.ledger.settle_abandoned([asking.run_id])
        assert asking.ledger.state(asking.run_id).estimated == held + USD


class TestTrouble:
    def test_a_busy_api_is_asked_again_and_pays_once(self, asking: Asking) -> None:
        advice = asking.advise(error(529, "overloaded_error"), error(500), proposes(EINOPS))
        assert advice.patch is not None
        assert asking.waited == [2.0, 10.0]
        assert asking.lines == {"language-model-1-1": ("billed", USD)}

    def test_it_waits_as_long_as_it_is_asked_to(self, asking: Asking) -> None:
        asking.advise(error(429, "rate_limit_error", **{"retry-after": "7"}), says("no"))
        assert asking.waited == [7.0]

    def test_but_not_for_hours(self, asking: Asking) -> None:
        advice = asking.advise(error(429, "rate_limit_error", **{"retry-after": "86400"}))
        assert asking.waited == []
        assert advice.why == "the language model is not available now (HTTP 429)"
        assert asking.lines == {"language-model-1-1": ("released", Decimal(0))}

    def test_three_times_and_no_more(self, asking: Asking) -> None:
        advice = asking.advise(error(503))
        assert len(asking.api.requests) == 3
        assert (advice.patch, advice.usd) == (None, 0)
        assert asking.lines == {"language-model-1-1": ("released", Decimal(0))}

    def test_a_wrong_key_is_told_without_it(self, asking: Asking) -> None:
        advice = asking.advise(error(401, "authentication_error", f"invalid x-api-key {KEY}"))
        assert len(asking.api.requests) == 1
        assert advice.why.startswith("the API of the language model refuses (HTTP 401): ")
        assert KEY not in advice.model_dump_json()

    def test_another_place_is_not_gone_to(self, asking: Asking) -> None:
        elsewhere = Api()
        elsewhere.replies = [proposes(EINOPS)]
        advice = asking.advise(Reply(None, status=307, headers={"location": f"{elsewhere.url}/v1/messages"}))
        elsewhere.close()
        assert elsewhere.requests == []
        assert advice.why.startswith("the API of the language model refuses (HTTP 307)")

    def test_nobody_knows_what_an_answer_costs_that_did_not_come(self, asking: Asking) -> None:
        advice = asking.advise(Reply(None, drop=True))
        assert len(asking.api.requests) == 1, "it may be billed, so it is not asked again"
        assert advice.why.startswith("the language model gave no answer: ")
        (line,) = asking.ledger.state(asking.run_id).lines
        assert line.actual == line.reserved == advice.usd > 0

    def test_where_nobody_listens_nothing_is_spent(self, asking: Asking) -> None:
        asking.api = Api()
        asking.api.close()
        advice = asking.advise(says("no"))
        assert advice.why == "the language model cannot be reached"
        assert asking.waited == [2.0, 10.0]
        assert asking.lines == {"language-model-1-1": ("released", Decimal(0))}


class TestTheKey:
    def test_it_is_in_no_text_of_the_adviser(self, asking: Asking) -> None:
        assert KEY not in f"{asking.adviser!r} {asking.adviser}"

    def test_another_in_the_environment_does_not_count(self, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
        asking.model = "claude-haiku-5-5"  # an adviser of its own, made now
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-other")
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "other")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        asking.advise(says("no"))
        assert "other" not in str(asking.api.headers)

    def test_nothing_is_logged(self, asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        asking.advise(says("no"), evidence="the password of the log")
        assert KEY not in caplog.text
        assert "password" not in caplog.text


def test_without_a_key_there_is_nobody(asking: Asking) -> None:
    nobody: Adviser = NoAdviser()
    assert not nobody.available
    advice = nobody.propose(
        (log_of("x"),), plan=asking.plan, history=(), diagnosis=None, gpus=None, spending=asking.spending
    )
    assert advice.patch is None
    assert "FLOWBERTH_ANTHROPIC_API_KEY" in advice.why
    assert asking.lines == {}
