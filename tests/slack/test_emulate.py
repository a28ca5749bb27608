"""The same against another stand-in, by other people: what we take for Slack's protocol is what they took for it."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from slack_sdk.web import WebClient

from runner.tables import run, telling
from tests.forge.npm import modules
from tests.github_app.workflows import GRAPH, PROMPT
from tests.slack.conftest import Office, clear
from tests.slack.standin import TOKEN, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Database

HERE = Path(__file__).parent
PERSON = "xoxp-a-person"
WORKSPACE = {
    "strict_scopes": True,
    "users": [{"name": "ann"}, {"name": "flowberth"}],
    "channels": [{"name": "office"}],
    "tokens": [
        {"token": TOKEN, "user": "flowberth", "scopes": ["chat:write", "channels:history", "files:read", "commands"]},
        {"token": PERSON, "user": "ann", "scopes": ["files:write", "files:read", "chat:write", "channels:read", "channels:history"]},
    ],
}  # fmt: skip

pytestmark = pytest.mark.long


class Emulated:
    """A workspace with one person; its events are handed over by whoever asks for them."""

    def __init__(self, url: str) -> None:
        self.api_url = f"{url}/api"
        self.person = WebClient(PERSON, base_url=f"{self.api_url}/")
        channels: Any = self.person.conversations_list()["channels"]
        self.channel = next(str(one["id"]) for one in channels if one["name"] == "office")
        self.user = str(self.person.auth_test()["user_id"])
        self._numbers = itertools.count(1)

    def said(self, thread: str | None = None) -> list[dict[str, Any]]:
        """Messages of the channel, or of a thread, oldest first."""
        if thread is not None:
            found: Any = self.person.conversations_replies(channel=self.channel, ts=thread)["messages"]
            return list(found)
        found = self.person.conversations_history(channel=self.channel)["messages"]
        return list(reversed(found))

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        return {"type": "event_callback", "event_id": f"Ev{number}", "event": {**message, "channel": self.channel}}


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    module = modules(HERE) / "emulate" / "dist" / "api.js"
    command = ["node", str(HERE / "emulate.mjs"), str(module), json.dumps(WORKSPACE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        yield Emulated(process.stdout.readline().strip())
        process.stdin.close()


@pytest.fixture
def office(emulated: Emulated, database: Database, forge, app) -> Iterator[Office]:
    channels, people = {emulated.channel: "acme/site"}, {emulated.user: "alice"}
    yield Office(emulated, database, app, forge.api_url, channels=channels, people=people)
    clear(database)


def test_from_an_upload_to_a_message_that_is_changed_and_found_again(office: Office, emulated: Emulated, forge) -> None:
    emulated.person.files_upload_v2(channel=emulated.channel, filename="tile.json", content=json.dumps(GRAPH))
    (upload,) = emulated.said()
    for _ in range(2):
        assert office.handles(emulated.event(upload)) == [True]
    (record,) = office.records.newest(5)
    assert json.loads(office.records.request(record.id).workflow) == GRAPH
    (issue,) = forge.client("alice").get("/repos/acme/site/issues").json()
    assert f"/archives/{emulated.channel}/p" in issue["body"]

    office.tells()
    with office.database.begin() as connection:  # a crash between the post and its note
        fresh = {"told": -1, "state": {}, "not_before": None}
        connection.execute(sa.update(telling).where(telling.c.place == "slack").values(fresh))
    office.restarts()
    office.change(record, state="failed", reason="the <!channel> is full", revision=run.c.revision + 1)
    office.tells()
    _, answer, message, call = emulated.said(upload["ts"])
    assert answer["text"].endswith(f"|acme/site#{issue['number']}&gt; is under way.".replace("&gt;", ">"))
    assert (message["text"], call["text"]) == ("tile failed (acme/site)", f"<@{emulated.user}> tile failed.")
    assert "the &lt;!channel&gt; is full" in texts(message["blocks"])


def test_what_is_pasted(office: Office, emulated: Emulated) -> None:
    emulated.person.chat_postMessage(channel=emulated.channel, text=f"```{json.dumps(PROMPT)}```")
    assert office.handles(emulated.event(emulated.said()[-1])) == [True]
    (record,) = office.records.newest(5)
    assert json.loads(office.records.request(record.id).workflow) == PROMPT


def test_doctor_knows_it(emulated: Emulated, office: Office) -> None:
    del emulated
    assert office.client.whoami().bot == "flowberth"
