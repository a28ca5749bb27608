"""The few calls of Slack's API that are made, with its errors as ours.

Slack has no key under which the same message is posted once, so messages of ours carry one in their metadata
(https://docs.slack.dev/messaging/message-metadata), by which they are looked for before they are posted.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from codegen.json_values import as_object, objects
from github_app.slack.errors import SlackBusy, SlackError, SlackRefused, SlackUnavailable

if TYPE_CHECKING:
    from pydantic import SecretStr

    from codegen.model import JsonObject
    from github_app.slack.message import Message

TIMEOUT_SECONDS: Final = 10
"""For connecting, and between two pieces of an answer."""
DOWNLOAD_SECONDS: Final = 60.0
"""For a whole file, so that a slow drip holds no worker."""
CHANNEL_SECONDS: Final = 1.0
"""Between two messages or changes of messages in a channel (https://docs.slack.dev/apis/web-api/rate-limits)."""
PATIENCE_SECONDS: Final = 30
"""When Slack asks for patience and does not say how long."""
LONGEST_PATIENCE_SECONDS: Final = 3600
PAGE: Final = 200
MOST_PAGES: Final = 10
"""Looked through for a message of ours: it is among what was said since its run began."""
EVENT_TYPE: Final = "flowberth"
FILES: Final = "https://files.slack.com"
SCOPES_TO_TELL: Final = ("chat:write", "channels:history", "groups:history")
SCOPES_TO_TAKE: Final = ("files:read", "commands")
"""What the app asks for; docs/slack.md says why."""
_PASSING: Final = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "ekm_access_denied",
    }
)
"""Slack's words for what may be over the next time."""
_silent = logging.getLogger(f"{__name__}.sdk")
_silent.setLevel(logging.CRITICAL)
"""It would write what is sent to the log, and what goes wrong, which callers are told of."""
_HTTP_OK, _HTTP_BUSY, _HTTP_FAILURE = 200, 429, 500
_MULTIPLE_CHOICES, _BAD_REQUEST = 300, 400


@dataclass(frozen=True)
class SlackFile:
    """A file that somebody has shared."""

    id: str
    name: str
    mimetype: str
    size: int
    url: str
    """For whoever has the token; empty if it is not there any more, or is kept elsewhere."""
    user: str
    shares: dict[str, str]
    """`ts` of the message that has it, by channel."""


@dataclass(frozen=True)
class Identity:
    """Who the token is for."""

    bot: str
    """Its name."""
    user_id: str
    team: str
    scopes: frozenset[str]
    """Empty if Slack does not say."""


class _Web(Protocol):
    """What is used of `slack_sdk.WebClient`, whose own types say little."""

    def api_call(self, api_method: str, *, params: Any = None, json: Any = None) -> Any: ...  # noqa: ANN401 - JSON


class SlackClient:
    """One per process; safe to use from several threads. Every method may raise a `SlackError`."""

    def __init__(self, api_url: str, token: SecretStr, *, channel_seconds: float = CHANNEL_SECONDS) -> None:
        self._api_url = api_url
        self._channel_seconds = channel_seconds
        self._token = token
        self._guard = threading.Lock()
        self._web_client: _Web | None = None
        self._free_at: dict[str, float] = {}
        self._blocked_until: datetime | None = None
        self._user_id: str | None = None

    def whoami(self) -> Identity:
        """Whether the token is accepted, and for what."""
        said = self._call("auth.test", params={})
        scopes = next((value for name, value in said.headers.items() if name.lower() == "x-oauth-scopes"), "")
        return Identity(
            bot=str(said.get("user") or ""),
            user_id=str(said.get("user_id") or ""),
            team=str(said.get("team") or ""),
            scopes=frozenset(each.strip() for each in str(scopes).split(",") if each.strip()),
        )

    def say(
        self, channel: str, key: str, message: Message, *, since: datetime, thread: str | None = None
    ) -> tuple[str, bool]:
        """Find our message with this key there, or post it; its `ts`, and whether it was posted now.

        `since`: it cannot be older. `thread`: `ts` of the message that it is below.
        """
        found = self.find(channel, key, since=since, thread=thread)
        if found is not None:
            return found, False
        self._pace(channel)
        body = {
            "channel": channel,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        said = self._call("chat.postMessage", json=body | ({"thread_ts": thread} if thread else {}))
        return str(said["ts"]), True

    def change(self, channel: str, ts: str, message: Message) -> None:
        """Bring a message of ours to say something else."""
        self._pace(channel)
        body = {"channel": channel, "ts": ts, "text": message.text, "blocks": message.blocks}
        self._call("chat.update", json=body)

    def find(self, channel: str, key: str, *, since: datetime, thread: str | None = None) -> str | None:
        """`ts` of our message with this key, if there is one. What anybody else gives the same key is not ours."""
        if self._user_id is None:
            self._user_id = self.whoami().user_id
        method, below = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
        params = {"channel": channel, "oldest": f"{since.timestamp():.6f}", "limit": PAGE, **below}
        for _ in range(MOST_PAGES):
            said = self._call(method, params=params | {"include_all_metadata": True})
            for message in said.get("messages") or ():
                metadata = as_object(message.get("metadata"))
                has_key = as_object(metadata.get("event_payload")).get("key") == key
                if has_key and metadata.get("event_type") == EVENT_TYPE and message.get("user") == self._user_id:
                    return str(message["ts"])
            following: Any = said.get("response_metadata") or {}
            if not following.get("next_cursor"):
                break
            params["cursor"] = following["next_cursor"]
        return None

    def file(self, file: str) -> SlackFile:
        """What is known of a file."""
        said = as_object(self._call("files.info", params={"file": file})["file"])
        return SlackFile(
            id=str(said["id"]),
            name=str(said.get("name") or ""),
            mimetype=str(said.get("mimetype") or ""),
            size=int(said.get("size") or 0),
            url=str(said.get("url_private_download") or said.get("url_private") or ""),
            user=str(said.get("user") or ""),
            shares=_shares(as_object(said.get("shares"))),
        )

    def permalink(self, channel: str, ts: str) -> str:
        """Address of a message."""
        return str(self._call("chat.getPermalink", params={"channel": channel, "message_ts": ts})["permalink"])

    def download(self, file: SlackFile, limit: int) -> bytes:
        """The bytes of a file, at most `limit`. The token goes to Slack's own host only, and nowhere by a redirect.

        Raises:
            SlackRefused: `too_large`, `elsewhere`, or the token may not read files.
        """
        import httpx  # noqa: PLC0415 - where a file has come

        if not self._is_own(file.url):
            raise SlackRefused("the file is not kept by Slack", code="elsewhere")
        too_large = SlackRefused(f"it has more than {limit:,} bytes", code="too_large")
        if file.size > limit:
            raise too_large
        ends = time.monotonic() + DOWNLOAD_SECONDS
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}", "Accept-Encoding": "identity"}
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS) as web, web.stream("GET", file.url, headers=headers) as answer:
                _check(answer)
                data = bytearray()
                for piece in answer.iter_raw():
                    data += piece
                    if len(data) > limit:
                        raise too_large
                    if time.monotonic() > ends:
                        raise SlackUnavailable("Slack took too long for a file")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SlackUnavailable(f"Slack did not answer: {type(error).__name__}") from None
        return bytes(data)

    def _is_own(self, url: str) -> bool:
        try:
            there, api, own = urlsplit(url), urlsplit(self._api_url), urlsplit(FILES)
        except ValueError:
            return False
        return (there.scheme, there.netloc) in {(own.scheme, own.netloc), (api.scheme, api.netloc)}

    def _pace(self, channel: str) -> None:
        """Wait for our turn in a channel: a second at most for each that waits."""
        with self._guard:
            now = time.monotonic()
            turn = max(now, self._free_at.get(channel, now))
            self._free_at[channel] = turn + self._channel_seconds
        time.sleep(turn - now)

    def _web(self) -> _Web:
        with self._guard:
            if self._web_client is None:
                from slack_sdk.web import WebClient  # noqa: PLC0415 - half a second, for those who use Slack

                # Its handlers would send again what may have arrived: we look first.
                token, url = self._token.get_secret_value(), f"{self._api_url}/"
                self._web_client = WebClient(
                    token, base_url=url, timeout=TIMEOUT_SECONDS, retry_handlers=[], logger=_silent
                )
            return self._web_client

    def _call(self, method: str, **body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """One request: `params` where something is asked, `json` where something is changed."""
        if self._blocked_until is not None and self._blocked_until > datetime.now(UTC):
            raise SlackBusy("Slack has asked for patience", until=self._blocked_until)
        web = self._web()
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - it is loaded now

        try:
            return web.api_call(method, **body)
        except SlackApiError as error:
            raise self._translated(error.response) from None
        except (OSError, http.client.HTTPException) as error:  # urllib's own are among them
            raise SlackUnavailable(f"Slack did not answer: {type(error).__name__}") from None
        except (SlackClientError, ValueError) as error:
            raise SlackUnavailable(f"Slack's answer cannot be read: {type(error).__name__}") from None

    def _translated(self, said: Any) -> SlackError:  # noqa: ANN401 - of slack_sdk
        data = as_object(said.data)
        code = str(data.get("error") or "")
        if said.status_code == _HTTP_BUSY or code in ("ratelimited", "rate_limited"):
            given = next((value for name, value in said.headers.items() if name.lower() == "retry-after"), "")
            seconds = int(given) if str(given).isdecimal() else PATIENCE_SECONDS
            until = datetime.now(UTC) + timedelta(seconds=min(max(seconds, 1), LONGEST_PATIENCE_SECONDS))
            self._blocked_until = until
            return SlackBusy("Slack asks for patience", until=until)
        if said.status_code >= _HTTP_FAILURE or code in _PASSING or " " in code or not code:
            return SlackUnavailable(f"Slack answered {said.status_code}")
        needed = f"; it needs the scope {data['needed']}" if data.get("needed") else ""
        return SlackRefused(f"Slack says {code}{needed}", code=code)


def _shares(said: JsonObject) -> dict[str, str]:
    shares: dict[str, str] = {}
    for kind in ("public", "private"):
        for channel, messages in as_object(said.get(kind)).items():
            for message in objects(messages)[:1]:
                shares[channel] = str(message.get("thread_ts") or message.get("ts"))
    return shares


def _check(answer: Any) -> None:  # noqa: ANN401 - httpx's, imported where it is used
    status: int = answer.status_code
    if status == _HTTP_BUSY:
        raise SlackBusy("Slack asks for patience", until=datetime.now(UTC) + timedelta(seconds=PATIENCE_SECONDS))
    if status >= _HTTP_FAILURE:
        raise SlackUnavailable(f"Slack answered {status} for a file")
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    if _MULTIPLE_CHOICES <= status < _BAD_REQUEST or (status == _HTTP_OK and is_page):
        raise SlackRefused("Slack asks to log in; the token lacks the scope files:read", code="missing_scope")
    if status != _HTTP_OK:
        raise SlackRefused(f"the file is not there, says Slack ({status})", code="file_not_found")
