"""From what Slack has sent to what somebody asks for. Pure.

What is no request for a workflow in a channel of ours comes to nothing, and is not kept: a channel is for talking.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, ValidationError

from codegen.errors import WorkflowError
from codegen.json_values import as_object, objects
from codegen.model import Frozen
from codegen.parse import parse_workflow
from github_app.settings import ChannelId, UserId
from github_app.slack.text import escaped, words
from github_app.submissions.find import MAX_BODY
from github_app.submissions.links import PICTURES, SUFFIXES, reference, urls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.model import JsonObject
    from github_app.submissions.site import Site

EVENT: Final = "slack"
"""Of a delivery that is one of these."""
COMMAND: Final = "/deploy-workflow"
_SAID: Final = frozenset({"", "file_share", "thread_broadcast"})
"""Kinds of messages that people write; the others tell of edits, of who has joined, of bots."""
LATEST: Final = 250_000_000_000
"""Seconds since 1970: the last years that dates have."""
MAX_TRIES: Final = 20
"""Braces of a text at which JSON is looked for."""
_OBJECT: Final = re.compile(r'\{\s*"')
_HINT: Final = re.compile('"(?:class_type|nodes|last_node_id)"')
"""What a text has that may be a workflow."""


class Asked(Frozen):
    """One workflow that somebody has brought to a channel."""

    key: Annotated[str, Field(pattern=r"^slack:[A-Z0-9]+/[\w.]{1,150}$")]
    """The same however often, and in whichever ways, Slack tells of it."""
    channel: ChannelId
    user: UserId
    at: Annotated[float, Field(ge=0, le=LATEST)]
    """Seconds since 1970, by Slack's clock."""
    ts: Annotated[str, Field(pattern=r"^\d{1,12}\.\d{1,9}$")] | None = None
    """Of the message to answer below; a command is none."""
    file: Annotated[str, Field(pattern=r"^F[A-Z0-9]{2,30}$")] | None = None
    text: str | None = None
    """What the message says, as it was typed."""
    url: str | None = None


class Answer(Frozen):
    """What whoever gives a command is told at once, and nobody else."""

    text: str
    asked: Asked | None = None


def asked_by_event(body: JsonObject, channels: Mapping[str, str]) -> tuple[Asked, ...]:
    """What an event (https://docs.slack.dev/reference/events/message) asks for."""
    event = as_object(body.get("event"))
    try:
        match event.get("type"):
            case "message":
                return _in_message(event) if str(event.get("channel")) in channels else ()
            case "file_shared":
                return _in_share(event, body) if str(event.get("channel_id")) in channels else ()
            case _:
                return ()
    except ValidationError:
        return ()


def asked_by_command(form: Mapping[str, str], channels: Mapping[str, str], site: Site, now: float) -> Answer:
    """What a command asks for, and what to answer."""
    channel, said = form.get("channel_id", ""), words(form.get("text", "")).strip()
    repository = channels.get(channel)
    if repository is None:
        return Answer(text=f"This channel is for no repository: FLOWBERTH_SLACK_CHANNELS has no `{escaped(channel)}`.")
    found = urls(said)
    if not found:
        return Answer(
            text=f"`{COMMAND} URL` deploys a workflow that is on GitHub: a file of a repository, a gist, or something "
            "attached to an issue. Or put the file, or its JSON, into this channel."
        )
    if reference(found[0], site=site, repository=repository) is None:
        return Answer(
            text=f"{escaped(found[0])} is no workflow on GitHub, and nothing is fetched from elsewhere. Put the file "
            "into this channel."
        )
    try:
        key = _key(channel, form.get("trigger_id", ""))
        asked = Asked(key=key, channel=channel, user=form.get("user_id", ""), at=now, url=found[0])
    except ValidationError:
        return Answer(text="That command is not as Slack sends them.")
    return Answer(text=f"An issue is opened in {escaped(repository)} for {escaped(found[0])}.", asked=asked)


def pasted(text: str) -> tuple[bytes, ...]:
    """The workflows that stand in a text, wherever they begin.

    Raises:
        codegen.errors.WorkflowError: there is none; says what is wrong with what may have been meant to be one.
    """
    decoder, found = json.JSONDecoder(), list[bytes]()
    position = 0
    for _ in range(MAX_TRIES):
        start = text.find("{", position)
        if start < 0:
            break
        try:
            _, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if _OBJECT.match(text, start):  # broken: what is whole within it was not meant alone
                break
            position = start + 1  # a brace among words
            continue
        data = text[start:position].encode(errors="replace")
        if _is_workflow(data):
            found.append(data)
    if not found:
        meant = text[max(text.find("{"), 0) :].rstrip("`\n ")
        parse_workflow(meant.encode(errors="replace"), filename="what was pasted")
    return tuple(found)


def _is_workflow(data: bytes) -> bool:
    try:
        parse_workflow(data, filename="")
    except WorkflowError:
        return False
    return True


def _in_message(event: JsonObject) -> tuple[Asked, ...]:
    if str(event.get("subtype") or "") not in _SAID or event.get("bot_id") or event.get("hidden"):
        return ()
    channel, ts = str(event.get("channel")), str(event.get("ts"))
    common: Any = {
        "channel": channel,
        "user": event.get("user"),
        "ts": event.get("thread_ts") or ts,
        "at": float(ts) if re.fullmatch(r"\d{1,12}\.\d{1,9}", ts) else 0.0,
    }
    files = [file for file in objects(event.get("files")) if may_be_workflow(file)]
    if files:
        ids = [str(file.get("id")) for file in files]
        return tuple(Asked(key=_key(channel, f"{file}.{event.get('user')}"), file=file, **common) for file in ids)
    text = words(str(event.get("text") or ""))
    if len(text) > MAX_BODY or not _HINT.search(text):
        return ()
    return (Asked(key=_key(channel, ts), text=text, **common),)


def _in_share(event: JsonObject, body: JsonObject) -> tuple[Asked, ...]:
    """The same file of the same person as in the message that shares it, so the same key."""
    channel, file = str(event.get("channel_id")), str(event.get("file_id"))
    at = body.get("event_time")
    user: Any = event.get("user_id")
    return (
        Asked(
            key=_key(channel, f"{file}.{user}"),
            channel=channel,
            user=user,
            at=at if isinstance(at, int) and 0 <= at <= LATEST else 0.0,
            file=file,
        ),
    )


def _key(channel: str, what: str) -> str:
    return f"slack:{channel}/{what}"


def may_be_workflow(file: JsonObject) -> bool:
    """Whether a file, as Slack describes it, is worth a look."""
    return has_workflow_name(str(file.get("name") or ""), str(file.get("mimetype") or ""))


def has_workflow_name(name: str, mimetype: str) -> bool:
    """By its name, or as a snippet by its type; a message may leave out both."""
    suffix = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    if not suffix:
        return mimetype in ("", "text/plain", "application/json")
    return suffix in SUFFIXES - {".zip"}


def is_picture(name: str) -> bool:
    """Whether nobody is to be told that there is no workflow in it."""
    return f".{name.rpartition('.')[2].lower()}" in PICTURES
