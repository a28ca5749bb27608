"""What is told on Slack, whatever Slack does: Postgres is real, Slack is the stand-in, time is told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from github_app.slack.client import SlackClient
from github_app.slack.message import said
from github_app.slack.teller import ShownOnSlack, SlackTellings
from github_app.slack.threads import Thread, Threads
from runner.model import RunProgress
from runner.tables import run, telling
from tests.slack.standin import ANN, CHANNEL, TOKEN, Fault


def row(office, record):
    query = sa.select(telling).where(telling.c.run_id == record.id, telling.c.place == "slack")
    with office.database.begin() as connection:
        return connection.execute(query).one_or_none()


def ends(office, record, state: str = "failed", reason: str | None = None) -> None:
    office.change(record, state=state, reason=reason, revision=run.c.revision + 1)


def test_a_run_is_one_message_that_is_changed_and_the_one_who_asked_is_called_at_its_end(office, slack):
    record = office.asks("poster", issue=7)
    office.tells()
    ((first,),) = [slack.ours()]
    assert (first["text"], first["edited"]) == ("poster waits for its turn (acme/site)", 0)
    office.records.running(record.id, "deploy")
    office.records.progress(record.id, RunProgress(title="Poster <!here>"))
    office.tells()
    ends(office, record, reason="the disk is full")
    office.tells(passes=0)  # the end is told at once
    office.tells()
    (message, call) = slack.ours()
    assert (message["ts"], message["text"], message["edited"]) == (first["ts"], "poster failed (acme/site)", 2)
    assert (call["text"], call["thread_ts"]) == (f"<@{ANN}> poster failed.", first["ts"])
    assert row(office, record).settled


def test_what_people_would_not_see_is_no_change(office, slack):
    record = office.asks("poster")
    office.tells()
    office.change(record, revision=run.c.revision + 1)
    office.tells()
    assert slack.called("chat.update") == []


def test_a_crash_between_the_post_and_its_note_gives_no_second_message(office, slack):
    record = office.asks("poster")
    office.tells()
    with office.database.begin() as connection:  # as it was before the first telling
        fresh = {"told": -1, "state": {}, "not_before": None}
        connection.execute(sa.update(telling).where(telling.c.place == "slack").values(fresh))
    office.restarts()
    ends(office, record)
    office.tells()
    message, call = slack.ours()
    assert (message["text"], call["thread_ts"]) == ("poster failed (acme/site)", message["ts"])
    assert len(slack.called("chat.postMessage")) == 2


def test_an_answer_that_is_lost_gives_no_second_message(office, slack):
    office.asks("poster")
    slack.fails("chat.postMessage", Fault(status=0, done=True))
    office.tells()
    office.tells()
    assert [message["text"] for message in slack.ours()] == ["poster waits for its turn (acme/site)"]
    assert len(slack.called("chat.postMessage")) == 1


def test_a_message_of_somebody_else_with_our_key_is_not_ours(office, slack):
    record = office.asks("poster")
    theirs = {
        "type": "message",
        "user": "U0EVE0001",
        "bot_id": "B0EVE",
        "ts": f"{office.now.timestamp():.6f}",
        "text": "ha",
    }
    key = {"event_type": "flowberth", "event_payload": {"key": f"run:{record.id}"}}
    slack.messages[CHANNEL].append({**theirs, "metadata": key})
    office.tells()
    assert [message["text"] for message in slack.ours()] == ["ha", "poster waits for its turn (acme/site)"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=0), id="hung up"),
        pytest.param(Fault(status=503, error="service_unavailable"), id="503", marks=pytest.mark.long),
        pytest.param(Fault(error="internal_error"), id="internal"),
        pytest.param(Fault(status=502, error="<html>"), id="a page", marks=pytest.mark.long),
    ],
)
def test_while_slack_is_down_runs_go_on_and_what_is_told_late_is_the_newest(office, slack, fault):
    record, other = office.asks("poster"), office.asks("banner")
    slack.fails("*", *[fault] * 4)
    office.tells()
    assert slack.ours() == []
    assert "Slack answered" in row(office, record).error or "did not answer" in row(office, record).error
    ends(office, record)
    office.tells(passes=0)
    office.tells()
    office.tells()
    assert sorted(message["text"] for message in slack.ours() if "thread_ts" not in message) == [
        "banner waits for its turn (acme/site)", "poster failed (acme/site)"
    ]  # fmt: skip
    assert row(office, other).error is None


def test_it_waits_longer_each_time_and_gives_up_on_what_has_ended_long_ago(office, slack):
    record = office.asks("poster")
    waits = []
    slack.fails("*", *[Fault(status=0)] * 50)
    for _ in range(4):
        office.tells(passes=0)
        waits.append((row(office, record).not_before - office.now).total_seconds())
        office.now = row(office, record).not_before
    assert waits == [5, 10, 20, 40]
    ends(office, record)
    office.tells(passes=timedelta(days=2).total_seconds())
    assert row(office, record).settled


def test_when_slack_asks_for_patience_nothing_is_sent_until_then(office, slack):
    first, second = office.asks("poster"), office.asks("banner")
    slack.fails("chat.postMessage", Fault(retry_after=30))
    office.tells(passes=0)
    calls = len(slack.calls)
    for record in (first, second):
        assert 25 < (row(office, record).not_before - office.now).total_seconds() < 35
    office.tells(passes=20)
    assert len(slack.calls) == calls
    office.restarts()  # another process, or later
    office.tells(passes=20)
    assert len(slack.ours()) == 2


def test_a_message_that_somebody_has_deleted_stays_deleted(office, slack):
    record = office.asks("poster")
    office.tells()
    slack.messages[CHANNEL].clear()
    office.records.running(record.id, "deploy")
    office.tells()
    ends(office, record)
    office.tells()
    assert slack.ours() == []
    assert (row(office, record).settled, row(office, record).error) == (True, "Slack says message_not_found")


def test_runs_of_other_repositories_and_old_news_are_not_told(office, slack):
    other = office.asks("poster", full_name="acme/other")
    old = office.asks("banner")
    office.change(old, created_at=sa.func.now() - timedelta(hours=2))
    office.tells()
    assert (row(office, other), row(office, old), slack.calls) == (None, None, [])


def test_a_run_that_has_come_from_slack_is_told_below_what_asked_for_it(office, slack):
    record = office.asks("poster", issue=7)
    Threads(office.database).note(record.repo, 7, Thread(CHANNEL, "1700000000.000100"))
    office.tells()
    (message,) = slack.ours()
    assert message["thread_ts"] == "1700000000.000100"


def test_a_repository_is_known_by_its_name_however_it_is_written(office, slack):
    office.asks("poster", full_name="Acme/Site")
    office.tells()
    assert len(slack.ours()) == 1


def test_hints_that_cannot_be_read_are_found_again(office, slack):
    record = office.asks("poster")
    office.tells()
    with office.database.begin() as connection:
        nonsense = {"told": -1, "state": {"called": "everybody"}, "not_before": None}
        connection.execute(sa.update(telling).where(telling.c.place == "slack").values(nonsense))
    office.tells()
    assert len(slack.ours()) == 1
    assert SlackTellings(office.database).shown(record.id) == ShownOnSlack(
        channel=CHANNEL, ts=slack.ours()[0]["ts"], digest=SlackTellings(office.database).shown(record.id).digest
    )


def test_a_channel_gets_one_message_or_change_at_a_time(slack):
    client = SlackClient(slack.api_url, SecretStr(TOKEN), channel_seconds=0.05)
    began = time.monotonic()
    ts, _ = client.say(CHANNEL, "one", said("one"), since=datetime.now(UTC))
    with ThreadPoolExecutor(3) as several:
        list(several.map(lambda number: client.change(CHANNEL, ts, said(f"{number}")), range(3)))
    assert time.monotonic() - began > 3 * 0.05
