"""GitHub's own examples of every webhook, and what GitHub would never send."""

import json
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from github_app.events.model import CommentEvent, IssueEvent, PullRequestEvent, RepositoryEvent
from github_app.events.parse import ROUTES, MalformedPayload, parse_event
from runner.model import GithubRepository
from tests.forge import npm

INSTALLATION = {"id": 7}
"""Of the App; most of the examples are of plain webhooks, which have none."""


@cache
def examples() -> list[tuple[str, dict[str, Any]]]:
    file = npm.package("webhooks-examples") / "api.github.com" / "index.json"
    return [(event["name"], example) for event in json.loads(file.read_text()) for example in event["examples"]]


def read(name: str, payload: Any) -> Any:
    return parse_event(name, json.dumps(payload).encode())


def example(name: str, action: str | None = None, **changes: Any) -> dict[str, Any]:
    found = next(payload for event, payload in examples() if event == name and payload.get("action") == action)
    return {**found, "installation": INSTALLATION, **changes}


def test_every_example_is_routed_right() -> None:
    routed: Counter[str] = Counter()
    for name, payload in examples():
        event = read(name, {"installation": INSTALLATION, **payload})
        if event is not None:
            assert type(event) is ROUTES[name].model
            routed[f"{name}.{payload.get('action', '')} {type(event).__name__}"] += 1
        else:
            route = ROUTES.get(name)
            assert route is None or (route.actions is not None and payload["action"] not in route.actions)
    assert len(examples()) == 329
    assert dict(sorted(routed.items())) == snapshot(
        {
            "check_run.requested_action CheckRunEvent": 1,
            "check_run.rerequested CheckRunEvent": 2,
            "check_suite.completed CheckSuiteEvent": 4,
            "check_suite.rerequested CheckSuiteEvent": 2,
            "installation.created InstallationEvent": 2,
            "installation.deleted InstallationEvent": 2,
            "installation.new_permissions_accepted InstallationEvent": 1,
            "installation.suspend InstallationEvent": 1,
            "installation.unsuspend InstallationEvent": 1,
            "installation_repositories.added InstallationRepositoriesEvent": 2,
            "installation_repositories.removed InstallationRepositoriesEvent": 1,
            "issue_comment.created CommentEvent": 5,
            "issues.deleted IssueEvent": 1,
            "issues.edited IssueEvent": 3,
            "issues.labeled IssueEvent": 2,
            "issues.opened IssueEvent": 4,
            "issues.reopened IssueEvent": 1,
            "issues.transferred IssueEvent": 1,
            "ping. PingEvent": 4,
            "pull_request.closed PullRequestEvent": 2,
            "pull_request.opened PullRequestEvent": 4,
            "pull_request.ready_for_review PullRequestEvent": 3,
            "pull_request.reopened PullRequestEvent": 2,
            "pull_request.synchronize PullRequestEvent": 1,
            "pull_request_review.dismissed ReviewEvent": 1,
            "pull_request_review.submitted ReviewEvent": 3,
            "repository.transferred RepositoryChangedEvent": 3,
        }
    )


def test_what_comes_from_a_plain_webhook_is_for_nobody() -> None:
    plain = [(name, payload) for name, payload in examples() if "installation" not in payload]
    assert len(plain) > 100
    assert not any(isinstance(read(name, payload), RepositoryEvent) for name, payload in plain)


def test_an_issue() -> None:
    event = read("issues", example("issues", "opened"))
    assert isinstance(event, IssueEvent)
    assert event.repository == GithubRepository(installation=7, id=186853002, full_name="Codertocat/Hello-World")
    assert (event.issue.number, event.issue.title, event.issue.author.login) == snapshot(
        (1, "Spelling error in the README file", "Codertocat")
    )
    assert (event.issue.labels, event.issue.is_pull, event.sender.is_bot) == snapshot((("bug",), False, False))


def test_what_an_edit_was_of() -> None:
    event = read("issues", example("issues", "edited", changes={"body": {"from": "before"}}))
    assert event.changed == {"body"}


def test_the_label_that_was_put_on() -> None:
    event = read("issues", example("issues", "labeled", label={"name": "workflow"}))
    assert event.label == "workflow"


def test_a_comment_on_a_pull_request() -> None:
    payload = example("issue_comment", "created")
    payload["issue"] = {**payload["issue"], "pull_request": {"url": "https://api.github.com/…"}}
    event = read("issue_comment", payload)
    assert isinstance(event, CommentEvent)
    assert event.issue.is_pull
    assert event.comment.body == snapshot("You are totally right! I'll get this fixed right away.")


@pytest.mark.parametrize("action", ["edited", "deleted"])
def test_only_new_comments_are_read(action: str) -> None:
    assert read("issue_comment", example("issue_comment", action)) is None


def test_a_merged_pull_request() -> None:
    payload = example("pull_request", "closed")
    event = read("pull_request", {**payload, "pull_request": {**payload["pull_request"], "merged": True}})
    assert isinstance(event, PullRequestEvent)
    assert (event.pull.number, event.pull.state, event.pull.merged, event.pull.merge_commit) == snapshot(
        (2, "closed", True, "c4295bd74fb0f4fda03689c3df3f2803b658fd85")
    )
    assert not event.pull.is_from_fork


@pytest.mark.parametrize("head", [{"id": 1}, None])
def test_a_pull_request_of_a_fork_even_of_a_deleted_one(head: Any) -> None:
    payload = example("pull_request", "opened")
    pull = payload["pull_request"]
    event = read("pull_request", {**payload, "pull_request": {**pull, "head": {**pull["head"], "repo": head}}})
    assert event.pull.is_from_fork


def test_an_installation_lists_its_repositories() -> None:
    event = read("installation", {**example("installation", "created"), "installation": {"id": 9, "account": None}})
    assert event.installation.account.login == "ghost"
    assert {repository.installation for repository in event.repositories} == {9}


def test_buttons_and_checks() -> None:
    pressed = read("check_run", example("check_run", "requested_action", requested_action={"identifier": "cancel"}))
    assert pressed.button == "cancel"
    again = read("check_suite", example("check_suite", "rerequested"))
    assert again.suite.app_id > 0


def test_accounts_that_are_gone() -> None:
    payload = example("issues", "opened", sender=None)
    event = read("issues", {**payload, "issue": {**payload["issue"], "user": None, "body": None}})
    assert (event.sender.login, event.issue.author.login, event.issue.body) == ("ghost", "ghost", "")


@pytest.mark.parametrize(
    ("login", "type_", "is_bot"),
    [
        ("octocat", "User", False),
        ("dependabot[bot]", "Bot", True),
        ("odd[bot]", "User", True),
        ("org", "Organization", False),
    ],
)
def test_who_is_a_program(login: str, type_: str, *, is_bot: bool) -> None:
    event = read("issues", example("issues", "opened", sender={"login": login, "id": 1, "type": type_}))
    assert event.sender.is_bot is is_bot


def test_texts_can_be_stored() -> None:
    payload = example("issues", "opened")
    event = read("issues", {**payload, "issue": {**payload["issue"], "body": "a\0b\ud800c", "title": "😀"}})
    assert (event.issue.body, event.issue.title) == ("a\ufffdb\ufffdc", "😀")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", snapshot("the payload is no JSON: Expecting value: line 1 column 1 (char 0)")),
        (b"[]", snapshot("the payload is no JSON object")),
        (b"\xff\xfe", snapshot("the payload is no JSON: Expecting value: line 1 column 1 (char 0)")),
        (b"[" * 100_000, snapshot("the payload is nested too deeply")),
        (
            b'{"action": "opened", "installation": {"id": 1}, "issue": {}}',
            snapshot("issues: repository: Field required; issue.number: Field required"),
        ),
    ],
    ids=["empty", "list", "no text", "deep", "fields"],
)
def test_what_is_no_payload(payload: bytes, message: str) -> None:
    with pytest.raises(MalformedPayload) as malformed:
        parse_event("issues", payload)
    assert str(malformed.value) == message


def test_what_is_said_of_a_payload_is_short() -> None:
    payload = example("installation", "created", installation={"id": 1, "permissions": {"x" * 100_000: 1}})
    with pytest.raises(MalformedPayload) as malformed:
        read("installation", payload)
    assert len(str(malformed.value)) < 1_000


@pytest.mark.parametrize("action", [None, 1, [], {}, "frobnicated", "x" * 1_000_000])
def test_actions_that_there_are_not(action: Any) -> None:
    assert read("issues", {**example("issues", "opened"), "action": action}) is None


def test_a_repository_with_a_name_that_leads_elsewhere() -> None:
    payload = example("issues", "opened")
    with pytest.raises(MalformedPayload, match=r"repository\.full_name"):
        read("issues", {**payload, "repository": {**payload["repository"], "full_name": "../../etc/passwd"}})


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text()
    | st.sampled_from(["\0", "\ud800", "x" * 100_000, "[bot]", "../.."]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, Any]:
    """An example of which a few fields are gone, or are something else."""
    name, payload = draw(st.sampled_from([each for each in examples() if each[0] in ROUTES]))
    payload = json.loads(json.dumps({"installation": INSTALLATION, **payload}))
    for _ in range(draw(st.integers(1, 3))):
        place = payload
        while True:
            key = draw(st.sampled_from(sorted(place)))
            inner = place[key]
            if not isinstance(inner, dict) or not inner or draw(st.booleans()):
                break
            place = inner
        if draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(ANYTHING)
        if not payload:
            break
    return name, payload


@settings(max_examples=300, deadline=None)
@given(spoiled())
def test_spoiled_payloads_are_refused_or_read(delivery: tuple[str, Any]) -> None:
    name, payload = delivery
    event = None
    with suppress(MalformedPayload):
        event = read(name, payload)
    if event is not None:
        assert event.model_dump_json().encode()
        if isinstance(event, RepositoryEvent):
            assert event.repository.full_name.count("/") == 1


@settings(deadline=None)
@given(st.binary())
def test_any_bytes(payload: bytes) -> None:
    for name in ROUTES:
        with suppress(MalformedPayload):
            parse_event(name, payload)
