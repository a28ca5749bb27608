"""Puts together what a worker needs of Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from github_app.slack.client import SlackClient
from github_app.slack.intake import SlackDesk
from github_app.slack.teller import SlackTeller
from github_app.slack.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from github_app.handlers.doors import Doors
    from github_app.settings import Settings
    from runner.database import Database


@dataclass(frozen=True)
class SlackOffice:
    """Of one process."""

    desk: SlackDesk
    """For what comes from there."""
    database: Database

    def teller(self, clock: Callable[[], datetime]) -> SlackTeller:
        """For what goes there."""
        desk = self.desk
        return SlackTeller(
            self.database,
            desk.doors,
            client=desk.client,
            channels=desk.channels,
            people=desk.people,
            threads=desk.threads,
            clock=clock,
        )


def slack_of(settings: Settings, doors: Doors, database: Database) -> SlackOffice | None:
    """`None` where Slack is not set up.

    Raises:
        github_app.settings.InvalidSettings: only some of its settings are there.
    """
    slack = settings.slack()
    if slack is None:
        return None
    client = SlackClient(slack.api_url, slack.bot_token)
    desk = SlackDesk(doors, client, channels=slack.channels, people=slack.people, threads=Threads(database))
    return SlackOffice(desk, database)
