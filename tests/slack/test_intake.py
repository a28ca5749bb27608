"""From what people do in a channel to issues and runs: GitHub is the forge, Slack the stand-in, Postgres is real."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.strict_json import MAX_BYTES
from github_app.github.errors import GithubError
from github_app.github.model import Issue, Person
from github_app.handlers.behalf import STRANGER, author_of, on_behalf
from github_app.handlers.handle import handle
from github_app.server.deliveries import Delivery
from github_app.slack.errors import SlackUnavailable
from github_app.slack.intake import ROOM
from github_app.slack.requests import EVENT, asked_by_command
from tests.github_app.workflows import GRAPH, PROMPT
from tests.slack.standin import ANN, BEN, CHANNEL, EVE, Fault

TILE = json.dumps(GRAPH).encode()


def issues(forge):
    return sorted(forge.client("alice").get("/repos/acme/site/issues?state=all").json(), key=lambda one: one["number"])


def comments(forge, issue):
    return forge.client("alice").get(f"/repos/acme/site/issues/{issue['number']}/comments").json()


def runs(desk):
    """(sender, workflow) of all, oldest first."""
    found = []
    for record in reversed(desk.records.newest(20)):
        request = desk.records.request(record.id)
        found.append((request.origin.sender, json.loads(request.workflow)))
    return found


def texts(slack):
    return [message["text"] for message in slack.ours()]


def test_a_file_becomes_an_issue_and_a_run_once_however_often_it_is_told(desk, slack, forge):
    file = slack.uploads(ANN, "tile @bob.json", TILE)
    for event in (slack.told_by_share(file), slack.told_by_message(file), slack.told_by_share(file)):
        assert desk.handles(event) == [True]
    (issue,) = issues(forge)
    assert issue["title"] == "Deploy: tile @bob"
    assert "Asked for [on Slack](https://acme.slack.com/archives/C0FFICE01/p" in issue["body"]
    ((sender, workflow),) = runs(desk)
    assert (sender, workflow) == ("alice", GRAPH)
    (answer,) = slack.ours()
    assert answer["text"] == f"<{issue['html_url']}|acme/site#{issue['number']}> is under way."
    assert answer["thread_ts"] == file.shares[CHANNEL]

    desk.tells()
    assert [message["thread_ts"] for message in slack.ours()] == [file.shares[CHANNEL]] * 2


@pytest.mark.long
def test_what_is_pasted_and_what_a_command_names(desk, slack, forge):
    hostile = {
        **PROMPT,
        "3": {**PROMPT["3"], "inputs": {**PROMPT["3"]["inputs"], "filename_prefix": "a<b>&\n```\n@bob"}},
    }
    assert desk.handles(slack.pastes(ANN, f"```{json.dumps(hostile)}```")) == [True]
    assert runs(desk) == [("alice", hostile)]

    content = {"message": "Add", "content": base64.b64encode(TILE).decode(), "branch": "main"}
    forge.client("alice").put("/repos/acme/site/contents/flows/Tile%20one.json", json=content).raise_for_status()
    form = {"channel_id": CHANNEL, "user_id": ANN, "trigger_id": "1.2.a", "text": ""}
    form["text"] = f"{desk.desk.doors.site.web}/acme/site/blob/main/flows/Tile%20one.json"
    answer = asked_by_command(form, {CHANNEL: "acme/site"}, desk.desk.doors.site, desk.now.timestamp())
    delivery = Delivery(answer.asked.key, EVENT, None, None, answer.asked.model_dump_json().encode())
    assert desk.desk.handle(delivery)
    assert desk.desk.handle(delivery)
    assert [issue["title"] for issue in issues(forge)] == ["Deploy: Workflow", "Deploy: Tile one"]
    assert [sender for sender, _ in runs(desk)] == ["alice", "alice"]
    assert "thread_ts" not in slack.ours()[-1]


def test_who_is_nobody_on_github_or_may_not_write_there_waits_for_an_approval(desk, slack, forge):
    assert desk.handles(slack.told_by_message(slack.uploads(BEN, "tile.json", TILE))) == [True]
    assert desk.handles(slack.told_by_message(slack.uploads(EVE, "tile.json", TILE))) == [True]
    assert runs(desk) == []
    bens, eves = issues(forge)
    assert "Nobody has said who you are on GitHub" in texts(slack)[0]
    assert texts(slack)[1].endswith("waits until somebody with write permission answers `/approve` there.")
    (shown,) = comments(forge, bens)
    assert "somebody on Slack" in shown["body"]
    (shown,) = comments(forge, eves)
    assert "mallory" in shown["body"]

    forge.until(lambda: forge.now() > shown["updated_at"])  # GitHub tells times to the second
    said = forge.client("alice").post(f"/repos/acme/site/issues/{bens['number']}/comments", json={"body": "/approve"})
    event = {
        "action": "created", "issue": bens, "comment": said.json(), "sender": said.json()["user"],
        "repository": forge.client("alice").get("/repos/acme/site").json(),
        "installation": {"id": next(iter(forge.installations))},
    }  # fmt: skip
    handle(Delivery("g-1", "issue_comment", "created", None, json.dumps(event).encode()), desk.desk.doors)
    assert [sender for sender, _ in runs(desk)] == ["alice"]


@pytest.mark.long
def test_what_is_no_workflow_is_told_if_it_was_meant_to_be_one(desk, slack, forge):
    def upload(name: str, data: bytes) -> bool:
        (acted,) = desk.handles(slack.told_by_share(slack.uploads(ANN, name, data)))
        return acted

    large = json.dumps({**PROMPT, "_": {"class_type": "Note", "inputs": {"text": "x" * ROOM}}}).encode()
    assert upload("broken.json", b'{"nodes": [')
    assert upload("large <!here>.json", large)
    assert not upload("holiday.png", b"\x89PNG\r\n\x1a\nnothing")
    assert not upload("notes.pdf", b"%PDF")
    assert desk.handles(slack.pastes(ANN, '{"nodes": [1, 2')) == [True]
    assert issues(forge) == []
    assert ["large &lt;!here&gt;.json has" in text for text in texts(slack)] == [False, True, False]
    assert "Commit the file to the repository" in texts(slack)[1]

    spaced = json.dumps(
        {**PROMPT, "_": {"class_type": "Note", "inputs": {"text": list(range(9000))}}}, indent=4
    ).encode()
    assert len(spaced) > ROOM
    assert upload("spaced.json", spaced)
    assert runs(desk) == [("alice", json.loads(spaced))]


@pytest.mark.long
def test_files_that_cannot_be_fetched_and_where_the_token_does_not_go(desk, slack, forge):
    slack.scopes = "chat:write"
    file = slack.uploads(ANN, "tile.json", TILE)
    assert desk.handles(slack.told_by_message(file)) == [True]
    assert texts(slack) == ["tile.json: Slack asks to log in; the token lacks the scope files:read."]

    slack.calls.clear()
    for url in ("https://files.slack.com.evil.example/x", "https://evil.example/x", "http://files.slack.com/x", ""):
        elsewhere = slack.uploads(ANN, "tile.json", TILE)
        slack.urls[elsewhere.id] = url
        desk.handles(slack.told_by_message(elsewhere))
    vast = slack.uploads(ANN, "tile.json", TILE)
    slack.sizes[vast.id] = MAX_BYTES + 1
    assert desk.handles(slack.told_by_message(vast)) == [True]
    assert slack.called("GET file") == []
    assert issues(forge) == []
    assert "has more than" in texts(slack)[-1]


@pytest.mark.long
def test_a_repository_without_the_app_is_told(desk, slack, forge):
    desk.channels[CHANNEL] = "mallory/private"
    desk.handles(slack.told_by_message(slack.uploads(ANN, "tile.json", TILE)))
    assert texts(slack) == [
        "GitHub does not allow it in mallory/private: Flowberth is not installed on mallory/private."
    ]
    del desk.channels[CHANNEL]
    assert desk.handles(slack.told_by_message(slack.uploads(ANN, "tile.json", TILE))) == [False]
    assert issues(forge) == []


@pytest.mark.long
def test_what_runs_runs_while_slack_is_down_and_is_answered_later(desk, slack, forge):
    file = slack.uploads(ANN, "tile.json", TILE)
    slack.fails("chat.postMessage", Fault(status=0))
    with pytest.raises(SlackUnavailable):
        desk.handles(slack.told_by_message(file))
    assert runs(desk) == [("alice", GRAPH)]
    desk.restarts()
    assert desk.handles(slack.told_by_message(file)) == [True]
    assert len(issues(forge)) == len(runs(desk)) == len(slack.ours()) == 1
    assert texts(slack)[0].endswith("is under way.")


@pytest.mark.long
def test_a_crash_after_the_issue_was_opened_gives_no_second_one(desk, slack, forge):
    file = slack.uploads(ANN, "tile.json", TILE)
    forge.faults.request("GET /repos/acme/site/collaborators/alice/permission", times=20)
    with pytest.raises(GithubError):
        desk.handles(slack.told_by_message(file))
    assert (len(issues(forge)), runs(desk)) == (1, [])
    assert desk.handles(slack.told_by_message(file), attempts=5) == [True]
    assert texts(slack) == ["GitHub has not answered for a while. Look into acme/site, and ask again."]
    forge.faults.clear()
    desk.restarts()
    assert desk.handles(slack.told_by_message(file)) == [True]
    assert (len(issues(forge)), runs(desk)) == (1, [("alice", GRAPH)])


def issue(body: str, author: str = "flowberth[bot]") -> Issue:
    person = Person(login=author, is_bot=author.endswith("[bot]"))
    return Issue(number=1, title="", body=body, state="open", author=person, labels=(), is_pull=False, url="")


@given(st.from_regex(r"[A-Za-z0-9](-?-?[A-Za-z0-9_]){0,20}", fullmatch=True))
@settings(max_examples=25, deadline=None)
def test_an_issue_that_we_open_for_somebody_is_by_that_person(login: str):
    body = f"<!-- flowberth slack:C1/F1 -->\n{on_behalf(login, 'text')}"
    assert author_of(issue(body), "flowberth[bot]") == login
    assert author_of(issue(body, "mallory"), "flowberth[bot]") == "mallory"
    assert author_of(issue(f"first\n{body}"), "flowberth[bot]") == "flowberth[bot]"
    nobody = f"<!-- flowberth slack:C1/F1 -->\n{on_behalf(None, body)}"
    assert author_of(issue(nobody), "flowberth[bot]") == STRANGER
