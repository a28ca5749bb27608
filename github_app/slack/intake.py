"""From what somebody asks for on Slack to an issue, and to its runs.

The issue is opened by the App, whose own events are ignored, so its workflow is taken in here. What counts is what the
person may do on GitHub, asked live: who is nobody there, or may not write, has an issue that waits for an approval.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from codegen.errors import WorkflowError
from codegen.parse import parse_workflow
from codegen.strict_json import MAX_BYTES
from github_app.github.errors import NotFound, Refused, Unavailable
from github_app.github.text import LONGEST_BODY
from github_app.handlers.behalf import STRANGER, on_behalf
from github_app.handlers.intake import take_in
from github_app.handlers.talk import Talk
from github_app.handlers.talking import told
from github_app.server.deliveries import MAX_ATTEMPTS
from github_app.slack.errors import SlackError, SlackRefused
from github_app.slack.message import in_plain_text, said
from github_app.slack.requests import Asked, has_workflow_name, is_picture, pasted
from github_app.slack.text import escaped, link
from github_app.slack.threads import Thread
from runner.documents.markdown import line
from runner.model import repository_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from github_app.handlers.doors import Doors
    from github_app.server.deliveries import Delivery
    from github_app.slack.client import SlackClient
    from github_app.slack.threads import Threads
    from runner.model import GithubRepository

ROOM: Final = LONGEST_BODY - 2000
"""Characters of an issue that a workflow can have; the others are for what is said around it."""
MAX_TITLE: Final = 100
MAX_WORDS: Final = 1000
"""Characters of what is wrong with a file."""
CLOCKS: Final = timedelta(minutes=10)
"""By how much the clocks of Slack, GitHub and this machine may differ."""
TOO_LARGE: Final = (
    "{name} has {size:,} characters, and an issue holds {room:,}. Commit the file to the repository, and give me its "
    "address with `/deploy-workflow`; or attach it to an issue there."
)


class Unfit(Exception):  # noqa: N818 - an answer, not a failure of ours
    """There is nothing to open an issue for; the message says why, or is empty if nobody needs to know."""


@dataclass(frozen=True)
class _Wanted:
    """An issue to be opened."""

    title: str
    text: str
    """Markdown with the workflow, or with its address."""


@dataclass(frozen=True)
class SlackDesk:
    """One per process; safe to use from several threads."""

    doors: Doors
    client: SlackClient
    channels: Mapping[str, str]
    """`owner/name` by id of the channel."""
    people: Mapping[str, str]
    """Login on GitHub by id on Slack."""
    threads: Threads

    def handle(self, delivery: Delivery) -> bool:
        """Do what is asked for, once however often this is called; whether there was something to do.

        Raises:
            github_app.github.errors.GithubError: GitHub was asked, in vain.
            github_app.slack.errors.SlackError: Slack was. What runs, runs all the same.
        """
        asked = Asked.model_validate_json(delivery.payload)
        full_name = self.channels.get(asked.channel)
        if full_name is None:
            return False
        try:
            asked, wanted = self._wanted(asked)
            answer = said(self._open(asked, wanted, full_name))
        except Unfit as error:
            if not str(error):
                return False
            answer = in_plain_text(str(error))
        except Refused as error:
            answer = in_plain_text(f"GitHub does not allow it in {escaped(full_name)}: {escaped(str(error))}.")
        except Unavailable:
            if delivery.attempts < MAX_ATTEMPTS:
                raise
            answer = said(f"GitHub has not answered for a while. Look into {escaped(full_name)}, and ask again.")
        self.client.say(asked.channel, f"answer:{asked.key}", answer, since=_time(asked), thread=asked.ts)
        return True

    def _open(self, asked: Asked, wanted: _Wanted, full_name: str) -> str:
        """Open the issue, ask for its runs, and say what came of it."""
        login = self.people.get(asked.user)
        repository = self._repository(full_name)
        api = self.doors.repository(repository)
        body = on_behalf(login, f"{self._introduction(asked, login)}\n\n{wanted.text}")
        number = api.open_issue(asked.key, wanted.title, body, since=_time(asked))
        key = repository_key(repository)
        self.threads.note(key, number, Thread(asked.channel, asked.ts))
        talk = Talk(self.doors, repository, number, is_pull=False, sender=login or STRANGER, key=asked.key)
        issue = api.issue(number)
        if issue.state == "open":
            with told(talk):
                take_in(talk, issue)
        there = link(issue.url, f"{full_name}#{number}")
        if self.doors.records.of_issue(key, number):
            return f"{there} is under way."
        if talk.may_write:
            return f"{there} cannot be deployed as it is. The issue says why."
        who = "" if login else " Nobody has said who you are on GitHub (FLOWBERTH_SLACK_PEOPLE)."
        return f"{there} waits until somebody with write permission answers `/approve` there.{who}"

    def _introduction(self, asked: Asked, login: str | None) -> str:
        by = f" by @{login}" if login else ""
        if asked.ts is None:
            return f"Asked for on Slack{by}."
        try:
            return f"Asked for [on Slack]({self.client.permalink(asked.channel, asked.ts)}){by}."
        except SlackError:  # a link is no reason to wait
            return f"Asked for on Slack{by}."

    def _repository(self, full_name: str) -> GithubRepository:
        owner = full_name.partition("/")[0].lower()
        for one in self.doors.github.installations():
            if one.account.lower() == owner and not one.suspended:
                return self.doors.github.installation(one.id).repository_named(full_name)
        raise NotFound(f"Flowberth is not installed on {full_name}")

    def _wanted(self, asked: Asked) -> tuple[Asked, _Wanted]:
        if asked.url is not None:
            return asked, _Wanted(_title(PurePosixPath(unquote(urlsplit(asked.url).path)).stem), f"<{asked.url}>\n")
        if asked.file is not None:
            return self._uploaded(asked, asked.file)
        try:
            workflows = pasted(asked.text or "")
        except WorkflowError as error:
            raise Unfit(escaped(f"{error}.", MAX_WORDS)) from None
        title = parse_workflow(workflows[0], filename="").title or "Workflow"
        return asked, _Wanted(_title(title), _fenced("What was pasted", workflows))

    def _uploaded(self, asked: Asked, file: str) -> tuple[Asked, _Wanted]:
        """A file; also where its message is, if that was not known."""
        there = self.client.file(file)
        if asked.ts is None and asked.channel in there.shares:
            asked = asked.model_copy(update={"ts": there.shares[asked.channel]})
        if not has_workflow_name(there.name, there.mimetype) or not there.url:
            raise Unfit
        incidental = is_picture(there.name)
        name = line(there.name, MAX_TITLE)
        try:
            data = self.client.download(there, MAX_BYTES)
            workflow = parse_workflow(data, filename=name)
        except WorkflowError as error:
            raise Unfit("" if incidental else escaped(f"{error}.", MAX_WORDS)) from None
        except SlackRefused as error:
            raise Unfit("" if incidental and error.code == "too_large" else escaped(f"{name}: {error}.")) from None
        return asked, _Wanted(_title(PurePosixPath(name).stem), _fenced(name, (workflow.source,)))


def _fenced(name: str, workflows: tuple[bytes, ...]) -> str:
    """As they came, if an issue can hold that; else without blanks.

    Raises:
        Unfit: they are too large even so.
    """
    texts = [data.decode(errors="replace").strip().lstrip("\ufeff") for data in workflows]
    if sum(map(len, texts)) > ROOM:
        texts = [json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")) for text in texts]
    size = sum(map(len, texts))
    if size > ROOM:
        raise Unfit(TOO_LARGE.format(name=escaped(name), size=size, room=ROOM))
    # No line of JSON begins with the fence: a text in it has no line of its own.
    return "\n\n".join(f"```json\n{text}\n```" for text in texts) + "\n"


def _title(words: str) -> str:
    return f"Deploy: {line(words, MAX_TITLE) or 'workflow'}"


def _time(asked: Asked) -> datetime:
    """Before which nothing was made for it."""
    return datetime.fromtimestamp(asked.at, UTC) - CLOCKS
