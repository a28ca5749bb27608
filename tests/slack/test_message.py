"""A run as one message: what people read, within Slack's limits, and that nothing of what strangers wrote is more than words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.errors import WorkflowError
from codegen.model import Finding, Question
from github_app.slack.message import MAX_SECTION, Place, calls, run_message
from github_app.slack.requests import pasted
from github_app.slack.text import escaped, fitted, link, words
from github_app.telling.view import RunView, ShownState
from runner.budget.model import Alert, RunMoney
from runner.model import Cost, PullRequestRef, RunId, StepProgress, TestResult
from tests.github_app.workflows import GRAPH, PROMPT
from tests.slack.standin import StandInSlack, texts

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLACE = Place("acme/site", "https://github.com/acme/site", 7)
PULL = PullRequestRef(number=12, title="Add poster", url="https://github.com/acme/site/pull/12")
ALERT = Alert(
    scope="run r", limit_name="run", percent=80, limit_usd=Decimal(20), used_usd=Decimal(17), run_id=RunId("r"),
    reached_at=NOON,
)  # fmt: skip
MONEY = RunMoney(run_id=RunId("r"), at=NOON, limit=Decimal(20), reserved=Decimal(0), estimated=Decimal(17), actual=None)
HOSTILE = "<!channel> <@U0ANN0001> <https://evil.example|click> & *bold* `code` \u202e\n```@here"


def view(state: ShownState, **more: Any) -> RunView:
    facts: dict[str, Any] = {
        "id": RunId("run_abcdefghij0123456789"), "number": 7, "kind": "propose", "name": "poster", "requester": "alice",
        "title": "Poster of a lighthouse", "filename": "poster.json", "budget_usd": 20.0, "created_at": NOON,
    }  # fmt: skip
    return RunView(state=state, **(facts | more))


def read(seen: RunView) -> str:
    """What the message says, a blank line between its blocks; buttons in square brackets."""
    parts: list[str] = []
    for block in run_message(seen, PLACE).blocks:
        shown = texts([block])
        parts.append(" ".join(f"[{text}]" for text in shown) if block["type"] == "actions" else " | ".join(shown))
    return "\n\n".join(parts)


def test_under_way() -> None:
    steps = (
        StepProgress(step="analyse", began_at=NOON, seconds=0.31),
        StepProgress(step="deploy", began_at=NOON + timedelta(seconds=1)),
    )
    seen = view("running", steps=steps, planned=("analyse", "deploy", "test"), target="modal", money=MONEY)
    assert read(seen) == snapshot("""\
:gear: *poster* is under way: deploy

Poster of a lighthouse | <https://github.com/acme/site/issues/7|acme/site#7> · run 7, asked for by alice

✓ Read the workflow, 0.3 s
▶ *Deploy*
○ Test

Attempt 1 of 10 · $0.00 of $20.00 spent (estimate)\
""")
    assert run_message(seen, PLACE).text == snapshot("poster is under way: deploy (acme/site)")


def test_ready() -> None:
    tests = (TestResult(name="health", passed=True, seconds=0.1, detail="ok"),)
    cost = Cost(usd=0.001995, basis="estimate", execution_seconds=3.0, usd_per_second=0.000665)
    seen = view("ready", pull=PULL, endpoint="https://acme--poster.modal.run", tests=tests, cost=cost)
    assert read(seen) == snapshot("""\
:white_check_mark: *poster* is ready for review

Poster of a lighthouse | <https://github.com/acme/site/issues/7|acme/site#7> · run 7, asked for by alice

*1 of 1 tests passed*; a call costs $0.001995 (estimate).

Attempt 1 of 10 · nothing is spent on the local target

[Endpoint] [Pull request 12]\
""")
    (actions,) = [block for block in run_message(seen, PLACE).blocks if block["type"] == "actions"]
    assert [(button["url"], button.get("style")) for button in actions["elements"]] == [
        ("https://acme--poster.modal.run", "primary"), (PULL.url, None)
    ]  # fmt: skip


def test_failed_says_why_and_what_would_help() -> None:
    findings = (
        Finding(code="offline", severity="info", message="nothing was looked up", hint="look it up"),
        Finding(code="unknown-model-url", severity="error", message="no address", hint="add its url to app.lock.json"),
    )
    failed = TestResult(name="two at once", passed=False, seconds=2.5, detail="both callers got the same job")
    reason = "1 of 10 tests failed; the pull request says how\nTraceback (most recent call last):\n  …"
    assert read(view("failed", reason=reason, findings=findings, tests=(failed,), pull=PULL)) == snapshot("""\
:x: *poster* failed

Poster of a lighthouse | <https://github.com/acme/site/issues/7|acme/site#7> · run 7, asked for by alice

Attempt 1 of 10 · nothing is spent on the local target
There is something to look at in the pull request: 1 error, 1 note.

1 of 10 tests failed; the pull request says how

*0 of 1 tests passed*

two at once: both callers got the same job

*What would help*

• add its url to app.lock.json

• look it up

`/retry` in a comment on GitHub tries again. If the workflow has to change, push the change to the branch.

[Pull request 12] [Answer on GitHub]\
""")


def test_a_question_is_asked_with_the_line_that_answers_it() -> None:
    question = Question(
        about="model", name="checkpoints/sd15.safetensors", text="Where can sd15.safetensors be downloaded?",
        example_answer="model checkpoints/sd15.safetensors = https://…",
    )  # fmt: skip
    assert read(view("needs-input", reason="nobody knows a model", questions=(question,))) == snapshot("""\
:question: *poster* needs an answer

Poster of a lighthouse | <https://github.com/acme/site/issues/7|acme/site#7> · run 7, asked for by alice

Attempt 1 of 10 · nothing is spent on the local target

nobody knows a model

*It cannot go on without an answer*, a line for each in a comment on GitHub:

Where can sd15.safetensors be downloaded?
model checkpoints/sd15.safetensors = https://…

[Answer on GitHub]\
""")


def test_money_is_told_of_and_the_one_who_asked_is_called_for_it() -> None:
    seen = view("over-budget", target="modal", money=MONEY.model_copy(update={"alerts": (ALERT,)}))
    assert ":warning: *80 % of the limit of this run" in read(seen)
    assert calls(seen) == [
        ("run r:80", "poster: 80 % of the limit of this run are used up."),
        ("over-budget", "poster ran out of budget."),
    ]
    assert calls(view("running")) == []


def test_only_addresses_become_links_and_buttons() -> None:
    seen = view("ready", endpoint="javascript:alert(1)", pull=PULL.model_copy(update={"url": "https://x|y> <!here>"}))
    assert [block for block in run_message(seen, PLACE).blocks if block["type"] == "actions"] == []
    assert link("https://github.com/a?b=1&c=2", "a>b") == "<https://github.com/a?b=1&amp;c=2|a&gt;b>"
    assert link("https://github.com|<!channel>", "a") == "a"


@pytest.mark.parametrize("state", get_args(ShownState))
def test_words_of_strangers_are_words_in_every_state_and_the_limits_hold(state: ShownState) -> None:
    long = HOSTILE * 200
    question = Question(about="model", name=long, text=long, example_answer=long)
    finding = Finding(code="x", severity="error", message=long, hint=long, questions=(question,))
    failed = TestResult(name=long, passed=False, seconds=1.0, detail=long)
    seen = view(
        state, title=long, filename=long, requester=long, reason=long, questions=(question,) * 40, pull=PULL,
        findings=tuple(finding.model_copy(update={"hint": f"{number} {long}"}) for number in range(40)),
        tests=(failed,) * 40, endpoint="https://acme--poster.modal.run", target="modal",
        money=MONEY.model_copy(update={"alerts": (ALERT,)}),
    )  # fmt: skip
    message = run_message(seen, PLACE)
    slack = StandInSlack()
    slack.judge({"text": message.text, "blocks": list(message.blocks)})
    assert slack.violations == []
    slack.close()
    for text in (message.text, *texts(list(message.blocks))):
        ours = text.replace("<https://github.com/acme/site/issues/7|", "").replace("acme/site#7>", "")
        assert "<" not in ours
        assert ">" not in ours
        assert "\u202e" not in text


@given(st.text(st.sampled_from("a&<>!@\n|"), max_size=60), st.integers(5, 40))
@settings(max_examples=25, deadline=None)
def test_what_is_cut_is_cut_between_letters(text: str, limit: int) -> None:
    shown = fitted(text, limit)
    assert len(shown) <= limit
    assert "<" not in shown
    whole = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))
    assert "&" not in re.sub("&(amp|lt|gt);", "", shown)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
@settings(max_examples=25, deadline=None)
def test_what_was_typed_is_read_as_it_was_typed(text: str) -> None:
    assert words(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) == text


def test_links_that_slack_has_made_are_what_was_typed() -> None:
    said = (
        'see <https://github.com/a/b?x=1&amp;y=2> "<http://example.com|example.com>" <mailto:a@b.c|a@b.c> <@U1|ann> x'
    )
    assert words(said) == 'see https://github.com/a/b?x=1&y=2 "example.com" a@b.c ann x'
    assert escaped("a\u200bb\x00c") == "a b c"
    assert MAX_SECTION == 3000


def test_workflows_are_found_wherever_they_begin_in_a_message() -> None:
    one, other = json.dumps(PROMPT), json.dumps(GRAPH)
    assert pasted(f"hi {{you}} ```{one}```, and\n```\n{other}\n```") == (one.encode(), other.encode())


@pytest.mark.parametrize("cut", ['{"nodes": [1, 2', f'{{"subgraphs": [{json.dumps(GRAPH)}, ', '{"a": 1}', "{", ""])
def test_what_is_cut_short_is_not_taken_for_a_part_of_it(cut: str) -> None:
    with pytest.raises(WorkflowError, match=r"^what was pasted: "):
        pasted(f"look: ```{cut}```")


def test_a_title_of_letters_that_nobody_sees_is_the_next_best_name() -> None:
    unseen = "\u200b\u202e\n\x00"
    for title, filename, shown in ((unseen, "a.json", "a.json"), (unseen, unseen, "poster"), ("T", "a.json", "T")):
        parts = run_message(view("running", title=title, filename=filename), PLACE).blocks[1]["elements"]
        assert parts[0]["text"] == shown
