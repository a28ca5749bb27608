"""What Slack sends: who is let in, and what is on record afterwards."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from github_app.settings import Settings
from github_app.slack.door import MAX_BODY_BYTES
from runner.database import Database
from runner.tables import delivery
from tests.github_app.server.served import private_key, serving
from tests.github_app.workflows import PROMPT
from tests.slack.standin import ANN, CHANNEL, SECRET, TOKEN, StandInSlack, signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

URL = "https://github.com/acme/site/blob/main/tile.json"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Settings:
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"), FLOWBERTH_DATABASE_URL=database_url, github_app_id=1,
        github_private_key=private_key(), github_webhook_secret="github's", slack_bot_token=TOKEN,
        slack_signing_secret=SECRET, slack_channels={CHANNEL: "acme/site"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def url(settings: Settings, database_url: str) -> Iterator[str]:
    with Database(settings.data_dir, database_url) as database, serving(settings, database) as server:
        yield server.url


@pytest.fixture
def slack(url: str, database: Database) -> Iterator[StandInSlack]:
    slack = StandInSlack()
    slack.hook_url = url
    with database.begin() as connection:
        connection.execute(delivery.delete())
    yield slack
    slack.close()


@pytest.fixture
def kept(slack: StandInSlack, database: Database):
    """What is on record: (guid, payload)."""
    del slack

    def read() -> list[tuple[str, dict[str, object]]]:
        with database.begin() as connection:
            rows = connection.execute(sa.select(delivery).order_by(delivery.c.received_at)).all()
        return [(row.guid, json.loads(row.payload)) for row in rows]

    return read


def test_an_upload_is_on_record_once_whichever_way_and_however_often_it_is_told(slack, kept) -> None:
    file = slack.uploads(ANN, "tile.json", b"{}")
    share, message = slack.told_by_share(file), slack.told_by_message(file)
    assert slack.sends(share).status_code == 200
    assert slack.sends(message).status_code == 200
    assert slack.sends(message, x_slack_retry_num="1", x_slack_retry_reason="http_timeout").status_code == 200
    ((guid, payload),) = kept()
    assert guid == f"slack:{CHANNEL}/{file.id}.{ANN}"
    assert (payload["file"], payload["user"], payload["channel"]) == (file.id, ANN, CHANNEL)


def test_a_pasted_workflow_is_on_record_and_talk_is_not(slack, kept) -> None:
    pasted = slack.pastes(ANN, f"please\n```{json.dumps(PROMPT)}```")
    talk = [
        slack.pastes(ANN, "who has the pizza?"),
        slack.pastes(ANN, '{"a": 1}'),
        {**pasted, "event": {**pasted["event"], "channel": "C0THER001"}},
        {**pasted, "event": {**pasted["event"], "bot_id": "B1"}},
        {**pasted, "event": {**pasted["event"], "subtype": "message_changed"}},
        {**pasted, "event": {**pasted["event"], "user": None}},
        {**pasted, "event": {**pasted["event"], "ts": "1; DROP TABLE delivery"}},
        {**pasted, "event": {**pasted["event"], "files": [{"id": "../F1", "name": "tile.json"}]}},
        {**pasted, "event": [1]},
        slack.event({"type": "reaction_added", "user": ANN, "item": {"channel": CHANNEL}}),
        slack.told_by_message(slack.uploads(ANN, "holiday.jpg", b"")),
    ]
    for event in (pasted, *talk):
        assert slack.sends(event).status_code == 200
    ((guid, payload),) = kept()
    assert guid == f"slack:{CHANNEL}/{pasted['event']['ts']}"
    assert json.loads(payload["text"].partition("```")[2].removesuffix("```")) == PROMPT
    assert "of-old" not in json.dumps(payload)


def test_the_address_is_verified_as_slack_asks(slack, kept) -> None:
    answer = slack.sends({"type": "url_verification", "challenge": "3eZbrw1aB", "token": "of-old"})
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")
    assert answer.headers["content-type"].startswith("text/plain")
    assert slack.sends({"type": "url_verification", "challenge": "<script>"}).text == ""
    assert kept() == []


def test_a_command_is_on_record_and_answered_at_once(slack, kept) -> None:
    answer = slack.commands(ANN, f"<{URL}>")
    assert answer.json() == {"response_type": "ephemeral", "text": f"An issue is opened in acme/site for {URL}."}
    ((_, payload),) = kept()
    assert (payload["url"], payload["user"], payload["ts"]) == (URL, ANN, None)
    assert "hooks.slack.com" not in json.dumps(payload)


@pytest.mark.parametrize(
    ("text", "channel", "says"),
    [
        ("", CHANNEL, "`/deploy-workflow URL` deploys"),
        ("https://evil.example/<!channel>.json", CHANNEL, "is no workflow on GitHub"),
        (URL, "C0THER001", "This channel is for no repository"),
    ],
)
def test_a_command_that_cannot_be_done_is_explained(slack, kept, text: str, channel: str, says: str) -> None:
    answer = slack.commands(ANN, text, channel=channel)
    assert answer.status_code == 200
    assert says in answer.json()["text"]
    assert "<!" not in answer.json()["text"]
    assert kept() == []


def test_a_click_on_a_link_is_acknowledged(slack) -> None:
    assert slack.posts("interactions", b"payload=%7B%7D", "application/x-www-form-urlencoded").status_code == 200


def later(seconds: int) -> str:
    return str(int(time.time()) + seconds)


def test_what_slack_has_not_signed_just_now_is_refused_and_not_kept(slack, kept) -> None:
    body = json.dumps(slack.told_by_message(slack.uploads(ANN, "tile.json", b"{}"))).encode()

    def refused(sent: bytes = body, **more: str) -> httpx.Response:
        answer = slack.posts("events", sent, "application/json", **more)
        assert answer.status_code == 401, more
        return answer

    stale, early, now = later(-301), later(360), later(0)
    right = signature(body, now)
    assert (
        "FLOWBERTH_SLACK_SIGNING_SECRET" in refused(x_slack_signature=signature(body, now, "forged")).json()["detail"]
    )
    refused(x_slack_request_timestamp=stale, x_slack_signature=signature(body, stale))
    refused(x_slack_request_timestamp=early, x_slack_signature=signature(body, early))
    refused(x_slack_request_timestamp=stale, x_slack_signature=right)
    refused(body.replace(b"tile", b"tale"), x_slack_request_timestamp=now, x_slack_signature=right)
    refused(b"\xff\xfe", x_slack_request_timestamp=now, x_slack_signature=signature(b"\xff\xfe", now))
    for wrong in ("", "v0=", right.upper(), right.removeprefix("v0="), f"v1{right[2:]}", f"{right}0"):
        refused(x_slack_request_timestamp=now, x_slack_signature=wrong)
    for wrong in ("", "now", "1e9", "-1", "9" * 20):
        refused(x_slack_request_timestamp=wrong)
    assert kept() == []
    assert slack.posts("events", body, "application/json").status_code == 200
    assert len(kept()) == 1


def test_signed_garbage_and_what_is_too_large_is_refused(slack, kept) -> None:
    for body in (b"", b"{", b"[]", b"[" * 100_000):
        answer = slack.posts("events", body, "application/json")
        assert (answer.status_code, answer.headers["x-slack-no-retry"]) == (400, "1")
    form = "&".join(f"a{number}=b" for number in range(100)).encode()
    assert slack.posts("commands", form, "application/x-www-form-urlencoded").status_code == 400
    large = json.dumps({"type": "x", "text": "a" * MAX_BODY_BYTES}).encode()
    assert slack.posts("events", large, "application/json").status_code == 413
    assert kept() == []


def test_without_its_settings_there_is_no_such_address(tmp_path: Path, settings: Settings, database_url: str) -> None:
    off = settings.model_copy(update={"data_dir": tmp_path, "slack_signing_secret": None})
    slack = StandInSlack()
    with Database(tmp_path, database_url) as database, serving(off, database) as server:
        slack.hook_url = server.url
        for name in ("events", "commands", "interactions"):
            assert slack.posts(name, b"{}", "application/json").status_code == 404
    slack.close()
