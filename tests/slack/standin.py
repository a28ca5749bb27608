"""A small stand-in for Slack: its Web API, its files, and what it sends, for one workspace, over HTTP.

It holds what it is given against Slack's limits, and notes what Slack would have refused in `violations`.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "xoxb-a-token-of-the-tests"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CHANNEL = "C0FFICE01"
ANN, BEN, EVE, BOT = "U0ANN0001", "U0BEN0001", "U0EVE0001", "U0B0T0001"
MAX_BLOCKS, MAX_SECTION, MAX_ELEMENTS, MAX_BUTTON, MAX_URL, MAX_TEXT = 50, 3000, 10, 75, 3000, 40_000
PATIENCE_SECONDS = 60


@dataclass
class Fault:
    """What goes wrong with one request of a method."""

    status: int = 200
    error: str = ""
    retry_after: int | None = None
    done: bool = False
    """Whether what was asked for happens all the same, and only the answer is lost."""


@dataclass
class Uploaded:
    id: str
    name: str
    data: bytes
    user: str
    shares: dict[str, str] = field(default_factory=dict)


class StandInSlack:
    """`api_url` is for settings; `hook_url` is where the app's own address is."""

    def __init__(self) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = {CHANNEL: []}
        self.files: dict[str, Uploaded] = {}
        self.urls: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        """What is said of files that is not so."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.violations: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.scopes = "chat:write,channels:history,groups:history,files:read,commands"
        self.hook_url = ""
        self._numbers = itertools.count(1)
        self._guard = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.api_url = f"{self.url}/api"

    @property
    def settings(self) -> dict[str, str]:
        """Of a server that speaks in the channel for acme/site, on which ann is alice and ben is nobody."""
        return {
            "FLOWBERTH_SLACK_BOT_TOKEN": TOKEN,
            "FLOWBERTH_SLACK_SIGNING_SECRET": SECRET,
            "FLOWBERTH_SLACK_CHANNELS": f"{CHANNEL}=acme/site",
            "FLOWBERTH_SLACK_PEOPLE": f"{ANN}=alice, {EVE}=mallory",
            "FLOWBERTH_SLACK_API_URL": self.api_url,
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="slack", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self.close()

    def close(self) -> None:
        """Of one that was never entered."""
        self._server.server_close()

    # What people see and do.

    def ours(self) -> list[dict[str, Any]]:
        """The app's messages in the channel, oldest first."""
        with self._guard:
            return [json.loads(json.dumps(message)) for message in self.messages[CHANNEL] if message.get("bot_id")]

    def called(self, method: str) -> list[dict[str, Any]]:
        with self._guard:
            return [body for name, body in self.calls if name == method]

    def fails(self, method: str, *faults: Fault) -> None:
        """The next requests of a method go wrong, in this order."""
        self.faults.setdefault(method, []).extend(faults)

    def uploads(self, user: str, name: str, data: bytes) -> Uploaded:
        """What happens before anybody is told of it."""
        with self._guard:
            file = Uploaded(id=f"F0{next(self._numbers):07}", name=name, data=data, user=user)
            ts = self._ts()
            file.shares[CHANNEL] = ts
            self.files[file.id] = file
            said = {"type": "message", "subtype": "file_share", "user": user, "ts": ts, "text": ""}
            self.messages[CHANNEL].append(said | {"files": [self.described(file)]})
            return file

    def told_by_message(self, file: Uploaded) -> dict[str, Any]:
        """The event of the message that shares a file."""
        said = next(one for one in self.messages[CHANNEL] if one["ts"] == file.shares[CHANNEL])
        return self.event({**said, "channel": CHANNEL})

    def told_by_share(self, file: Uploaded) -> dict[str, Any]:
        """The other event of the same."""
        about = {"type": "file_shared", "channel_id": CHANNEL, "file_id": file.id, "user_id": file.user}
        return self.event(about | {"file": {"id": file.id}, "event_ts": file.shares[CHANNEL]})

    def pastes(self, user: str, text: str) -> dict[str, Any]:
        """The event of a message, as Slack writes what somebody has typed."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        said = {"type": "message", "user": user, "ts": self._ts(), "text": escaped}
        with self._guard:
            self.messages[CHANNEL].append(said)
        return self.event({**said, "channel": CHANNEL})

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "token": "of-old", "team_id": "T0ACME", "api_app_id": "A0", "type": "event_callback",
            "event_id": f"Ev{number:08}", "event_time": int(time.time()), "event": event,
        }  # fmt: skip

    # What Slack sends.

    def sends(self, event: dict[str, Any], **more: str) -> httpx.Response:
        return self.posts("events", json.dumps(event).encode(), "application/json", **more)

    def commands(self, user: str, text: str, *, channel: str = CHANNEL) -> httpx.Response:
        form = {
            "token": "of-old", "team_id": "T0ACME", "channel_id": channel, "user_id": user, "text": text,
            "command": "/deploy-workflow", "trigger_id": f"13345224609.{next(self._numbers)}.8088930838d88f008e0",
            "response_url": "https://hooks.slack.com/commands/1234/5678",
        }  # fmt: skip
        return self.posts("commands", urlencode(form).encode(), "application/x-www-form-urlencoded")

    def posts(self, name: str, body: bytes, content_type: str, **more: str) -> httpx.Response:
        """Signed; `more` are headers by names with underscores that take the place of Slack's."""
        timestamp = more.pop("x_slack_request_timestamp", str(int(time.time())))
        headers = {
            "content-type": content_type,
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": signature(body, timestamp),
            **{key.replace("_", "-"): value for key, value in more.items()},
        }
        with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            return client.post(f"{self.hook_url}/webhooks/slack/{name}", content=body, headers=headers)

    def described(self, file: Uploaded) -> dict[str, Any]:
        return {
            "id": file.id, "name": file.name, "title": file.name, "size": self.sizes.get(file.id, len(file.data)), "user": file.user,
            "mimetype": "application/json" if file.name.endswith(".json") else "application/octet-stream",
            "url_private_download": self.urls.get(file.id, f"{self.url}/files-pri/T0ACME-{file.id}/download/{file.id}"),
        }  # fmt: skip

    # What the app asks of it.

    def answers(
        self, method: str, body: dict[str, Any], token: str
    ) -> tuple[int, dict[str, str], dict[str, Any]] | None:
        """Status, headers and JSON; `None`: the connection ends without an answer."""
        with self._guard:
            self.calls.append((method, body))
            waiting = self.faults.get(method) or self.faults.get("*")
            fault = waiting.pop(0) if waiting else Fault()
            if fault.retry_after is not None:
                return 429, {"Retry-After": str(fault.retry_after)}, {"ok": False, "error": "ratelimited"}
            if fault.error:
                return fault.status, {}, {"ok": False, "error": fault.error}
            if token != TOKEN:
                return 200, {}, {"ok": False, "error": "invalid_auth"}
            answer = self._does(method, body) if fault.status == 200 or fault.done else {}
            return None if fault.status != 200 else (200, {"X-OAuth-Scopes": self.scopes}, answer)

    def _does(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        does: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {"team": "Acme", "user": "flowberth", "user_id": BOT, "bot_id": "B0"},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._history,
            "files.info": self._file,
            "chat.getPermalink": lambda body: {
                "permalink": f"https://acme.slack.com/archives/{body['channel']}/p{body['message_ts'].replace('.', '')}"
            },
        }
        try:
            return {"ok": True, **does[method](body)}
        except LookupError as error:
            return {"ok": False, "error": str(error.args[0])}

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        self.judge(body)
        message = {
            "type": "message", "bot_id": "B0", "app_id": "A0", "user": BOT, "ts": self._ts(), "text": body["text"],
            "blocks": body["blocks"], "metadata": body["metadata"], "edited": 0,
            **({"thread_ts": body["thread_ts"]} if body.get("thread_ts") else {}),
        }  # fmt: skip
        self._channel(body).append(message)
        return {"ts": message["ts"], "channel": body["channel"]}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        self.judge(body)
        message = next((one for one in self._channel(body) if one["ts"] == body["ts"] and one.get("bot_id")), None)
        if message is None:
            raise LookupError("message_not_found")
        message |= {"text": body["text"], "blocks": body["blocks"], "edited": message["edited"] + 1}
        return {"ts": message["ts"]}

    def _history(self, body: dict[str, Any]) -> dict[str, Any]:
        newer = [one for one in self._channel(body) if float(one["ts"]) > float(body["oldest"])]
        thread = body.get("ts")
        found = [one for one in newer if thread in (one.get("thread_ts"), one["ts"])] if thread else [
            one for one in newer if not one.get("thread_ts")
        ]  # fmt: skip
        if not body.get("include_all_metadata"):
            found = [{key: value for key, value in one.items() if key != "metadata"} for one in found]
        first = int(body.get("cursor") or 0)
        page = list(reversed(found))[first : first + int(body["limit"])]
        more = first + len(page) < len(found)
        return {"messages": page, "response_metadata": {"next_cursor": str(first + len(page)) if more else ""}}

    def _file(self, body: dict[str, Any]) -> dict[str, Any]:
        file = self.files.get(body["file"])
        if file is None:
            raise LookupError("file_not_found")
        shares = {"public": {channel: [{"ts": ts}] for channel, ts in file.shares.items()}}
        return {"file": self.described(file) | {"shares": shares}}

    def _channel(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        if body["channel"] not in self.messages:
            raise LookupError("channel_not_found")
        return self.messages[body["channel"]]

    def _ts(self) -> str:
        return f"{time.time():.3f}{next(self._numbers) % 1000:03}"

    def judge(self, body: dict[str, Any]) -> None:
        """Slack's limits: https://docs.slack.dev/reference/block-kit/blocks."""
        wrong = self.violations.append
        blocks = body["blocks"]
        if not 0 < len(blocks) <= MAX_BLOCKS:
            wrong(f"{len(blocks)} blocks")
        if not 0 < len(body["text"]) <= MAX_TEXT:
            wrong("no text, or too much")
        for text in texts(blocks):
            if not 0 < len(text) <= MAX_SECTION:
                wrong(f"a text of {len(text)} characters")
        for block in blocks:
            if block["type"] == "context" and not 0 < len(block["elements"]) <= MAX_ELEMENTS:
                wrong("a context without elements, or with too many")
            for button in block["elements"] if block["type"] == "actions" else ():
                if len(button["text"]["text"]) > MAX_BUTTON or len(button["url"]) > MAX_URL:
                    wrong("a button that is too long")
        for text in (body["text"], *texts(blocks)):
            for mention in ("<!", "<@", "<#"):
                if mention in text.removeprefix(f"<@{ANN}> "):
                    wrong(f"a mention: {text!r}")


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    """Every text that blocks show, in order."""
    found: list[str] = []
    for block in blocks:
        for part in (block.get("text"), *block.get("elements", ())):
            if part is not None:
                text = part["text"]
                found.append(text if isinstance(text, str) else text["text"])
    return found


def signature(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def _handler(slack: StandInSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = "json" in (self.headers.get("Content-Type") or "")
            given = json.loads(body or b"{}") if is_json else dict(parse_qsl(body.decode()))
            answer = slack.answers(self.path.rpartition("/")[2], given, self._token())
            if answer is None:
                self.close_connection = True
                return
            status, headers, said = answer
            self._answer(status, {"Content-Type": "application/json", **headers}, json.dumps(said).encode())

        def do_GET(self) -> None:
            file = slack.files.get(urlsplit(self.path).path.rpartition("/")[2])
            slack.calls.append(("GET file", {"token": self._token()}))
            if file is None or self._token() != TOKEN or "files:read" not in slack.scopes:
                self._answer(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Log in</title>")
            else:
                self._answer(200, {"Content-Type": "application/octet-stream"}, file.data)

        def _token(self) -> str:
            return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
