"""Brings the one message of a run to what its row says, as `github_app.telling` does on GitHub.

The message is found or posted once, by a key in its metadata, and changed after that. Whatever Slack does, no run waits
for it: this reads rows.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.dialects.postgresql import insert

from github_app.slack.errors import SlackBusy, SlackRefused, SlackUnavailable
from github_app.slack.message import Place, calls, run_message, said
from github_app.telling.tell import conversation, seen_now
from github_app.telling.teller import TellerIn
from github_app.telling.tellings import Hints, TellingsIn
from runner.model import GithubRepository
from runner.tables import run, telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from github_app.handlers.doors import Doors
    from github_app.slack.client import SlackClient
    from github_app.slack.threads import Thread, Threads
    from github_app.telling.tellings import Telling
    from runner.database import Database
    from runner.model import RunRequest
    from runner.records import RunRecord

NEWEST = 200
"""Runs that are looked at for new ones: more than are asked for between two looks."""
NEWS = timedelta(hours=1)
"""A run that was asked for longer ago, before Slack was set up, is no news any more."""
STALE = timedelta(days=1)
"""What has ended longer ago, while Slack could not be told, is not told any more."""
CLOCKS = timedelta(minutes=5)
"""By how much Slack's clock may differ from the database's."""
log = logging.getLogger(__name__)


class ShownOnSlack(Hints):
    """The message of a run."""

    channel: str | None = None
    thread: str | None = None
    ts: str | None = None
    digest: str = ""
    """Of what it says."""
    called: list[str] = Field(default_factory=list[str])
    """For what the person who has asked for the run was called."""


class SlackTellings(TellingsIn[ShownOnSlack]):
    """What is told on Slack. Runs get there once they are told of on GitHub, if their repository has a channel."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "slack", ShownOnSlack)

    def discover(self, repositories: frozenset[str]) -> None:
        """Note the new runs of these, `owner/name` in small letters."""
        newest = (
            sa.select(run.c.id, run.c.request, run.c.created_at).order_by(run.c.number.desc()).limit(NEWEST).subquery()
        )
        full_name = sa.func.lower(newest.c.request["repo"]["full_name"].astext)
        mine = telling.alias()
        known = sa.exists().where(mine.c.run_id == newest.c.id, mine.c.place == "slack")
        wanted = (
            sa.select(newest.c.id, sa.literal("slack"))
            .join(telling, (telling.c.run_id == newest.c.id) & (telling.c.place == "forge"))
            .where(full_name.in_(repositories), newest.c.created_at > sa.func.now() - NEWS, sa.not_(known))
        )
        with self._database.begin() as connection:
            connection.execute(insert(telling).from_select(["run_id", "place"], wanted).on_conflict_do_nothing())


class SlackTeller(TellerIn[ShownOnSlack]):
    """One thread's work."""

    def __init__(
        self,
        database: Database,
        doors: Doors,
        *,
        client: SlackClient,
        channels: Mapping[str, str],
        people: Mapping[str, str],
        threads: Threads,
        clock: Callable[[], datetime],
    ) -> None:
        """Where runs are told, and who has to be called.

        Args:
            database: where the rows are.
            doors: what handlers have at hand.
            client: of Slack.
            channels: `owner/name` by id of the channel; runs that do not come from Slack are told in the first.
            people: login on GitHub by id on Slack.
            threads: which issues have come from Slack.
            clock: the time now.
        """
        self._news = SlackTellings(database)
        super().__init__(self._news, doors.records, clock)
        self._doors = doors
        self._client = client
        self._threads = threads
        self._channel_of = {full_name.lower(): channel for channel, full_name in reversed(list(channels.items()))}
        self._user_of = {login.lower(): user for user, login in reversed(list(people.items()))}

    def once(self) -> bool:
        """Tell of one run; whether there was one."""
        self._news.discover(frozenset(self._channel_of))
        return super().once()

    def show(self, telling: Telling[ShownOnSlack], record: RunRecord, request: RunRequest) -> None:
        """Bring the message of one run to what its row says."""
        try:
            self._bring(telling.shown, record, request)
        except SlackBusy as error:
            telling.failed(str(error), error.until)
        except SlackUnavailable as error:
            if record.finished and self._clock() - record.updated_at > STALE:
                telling.given_up(str(error))
            else:
                self.put_off(telling, str(error))
        except SlackRefused as error:
            log.warning("%s: not told on Slack: %s", record.id, error)
            if record.finished:
                telling.given_up(str(error))
            else:
                telling.told(record.revision, finished=False, pause=self.pause())
        else:
            telling.told(record.revision, finished=record.finished, pause=self.pause())

    def _bring(self, shown: ShownOnSlack, record: RunRecord, request: RunRequest) -> None:
        assert isinstance(request.repo, GithubRepository)
        if shown.channel is None:
            thread = self._thread(request)
            shown.channel = thread.channel if thread else self._channel_of.get(request.repo.full_name.lower())
            shown.thread = thread.ts if thread else None
        if shown.channel is None:
            return
        full_name = request.repo.full_name
        place = Place(full_name, f"{self._doors.site.web}/{full_name}", conversation(request))
        view = seen_now(self._doors, record, request)
        message = run_message(view, place)
        since = record.created_at - CLOCKS
        if shown.ts is None:
            shown.ts, posted = self._client.say(
                shown.channel, f"run:{record.id}", message, since=since, thread=shown.thread
            )
            shown.digest = message.digest if posted else ""
        if shown.digest != message.digest:
            self._client.change(shown.channel, shown.ts, message)
            shown.digest = message.digest
        user = self._user_of.get(view.requester.lower()) if view.requester else None
        for key, words in calls(view) if user else ():
            if key not in shown.called:
                below = shown.thread or shown.ts
                call = said(f"<@{user}> {words}")
                self._client.say(shown.channel, f"call:{record.id}:{key}", call, since=since, thread=below)
                shown.called.append(key)

    def _thread(self, request: RunRequest) -> Thread | None:
        issue = request.origin.issue if request.origin else None
        return self._threads.of_issue(request.repo_key, issue) if issue else None
