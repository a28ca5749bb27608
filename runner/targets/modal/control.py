"""Speaks to Modal for one account: `python -I -m runner.targets.modal.control`, with the account in the environment.

Modal's client keeps its account, its connection and what it knows of environments in globals, so each account has a
process of its own. No code of a repository runs in this one, and no answer of a container is opened.

One JSON object a line: `{"id", "call", "with"}` in, `{"id", "answer"}` or `{"id", "error", "status"}` out, in any
order. Ends when its input does, or after a while without a question.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import modal
import modal.exception
from modal.types import AppState

from runner.targets.modal.names import RUN
from runner.targets.modal.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from modal.app import App

IDLE_SECONDS = 120.0
"""Without a question; a process takes about 70 MiB, and starting another one about a second."""
MOST_AT_ONCE = 16
"""Calls for one answer: a workspace may have a thousand apps, and limits how fast it is asked."""
LOOKBACK = timedelta(hours=1)
"""Of statistics."""
DEPLOYED_CLASS = "ComfyUI"
"""The class of every generated app, and its ASGI app."""
DEPLOYED_METHOD = "web"


class Control:
    """The calls, by name; each takes and gives plain JSON."""

    def __init__(self) -> None:
        self._environment: str | None = os.environ.get("MODAL_ENVIRONMENT") or None

    async def hello(self) -> dict[str, Any]:
        """Whether the token is accepted; the name of its workspace."""
        workspace = modal.Workspace.from_context()
        await workspace.hydrate.aio()
        return {"workspace": workspace.name}

    async def find(self, name: str) -> dict[str, Any] | None:
        """The deployed app of that name, or of that id in whatever state."""
        try:
            app = await modal.App.lookup.aio(name, environment_name=self._environment)
        except modal.exception.NotFoundError:
            return None
        return await _described(app)

    async def of_run(self, run_id: str) -> list[dict[str, Any]]:
        """All live apps that a run has deployed, or was deploying: they have its tag."""
        room = asyncio.Semaphore(MOST_AT_ONCE)

        async def described(app: App) -> dict[str, Any]:
            async with room:
                return await _described(app)

        apps = await asyncio.gather(*map(described, await self._named().apps.list.aio()))
        return [app for app in apps if app["tags"].get(RUN) == run_id]

    async def url(self, name: str) -> str | None:
        """Where the app's endpoint is; Modal says it, nobody else can know."""
        cls = modal.Cls.from_name(name, DEPLOYED_CLASS, environment_name=self._environment)
        return await getattr(cls(), DEPLOYED_METHOD).get_web_url.aio()

    async def set_tags(self, app_id: str, tags: dict[str, str]) -> None:
        """Give the app these tags and no others."""
        app = await modal.App.lookup.aio(app_id)
        await app.set_tags.aio(tags)

    async def stop(self, app_id: str) -> None:
        """End the app for good, with all its containers."""
        try:
            app = await modal.App.lookup.aio(app_id)
            if (await app.info.aio(refresh=True)).lifecycle.state not in (AppState.STOPPED, AppState.STOPPING):
                await app.stop.aio()
        except modal.exception.NotFoundError:
            pass

    async def delete_volume(self, name: str) -> None:
        """Delete a Volume, if it is there."""
        volumes = cast("Any", modal.Volume.objects)  # its types are not all known
        await volumes.delete.aio(name, allow_missing=True, environment_name=self._environment)

    async def remove_file(self, volume: str, path: str) -> None:
        """Remove a file of a Volume, if both are there."""
        found = cast("Any", modal.Volume.from_name(volume, environment_name=self._environment))  # as above
        with contextlib.suppress(FileNotFoundError, modal.exception.NotFoundError):
            await found.remove_file.aio(path)

    async def logs(self, app_id: str, entries: int) -> str:
        """The last entries that containers of the app have printed."""
        app = await modal.App.lookup.aio(app_id)
        return "".join([entry.message async for entry in app.logs.tail.aio(entries)])

    async def stats(self, app_id: str) -> dict[str, Any]:
        """Of the last hour, as far as Modal knows by now."""
        app = await modal.App.lookup.aio(app_id)
        total = (await app.stats.aio(since=datetime.now(UTC) - LOOKBACK)).functions.total
        return {
            "calls": total.calls.total,
            "failed_calls": total.calls.failed,
            "containers": total.containers.total,
            "container_errors": total.containers.errors,
        }

    async def rates(self) -> dict[str, str]:
        """What the account pays, in US dollars, by the names that Modal gives."""
        rates = await modal.Workspace.from_context().billing.rates.aio()
        return {name: str(rate) for name, rate in rates.items()}

    async def bill(self, since: str, tag: str) -> list[dict[str, Any]]:
        """What was billed since then, in whole hours, with the value of one tag."""
        start = datetime.fromisoformat(since).astimezone(UTC).replace(tzinfo=None)
        rows = await modal.Workspace.from_context().billing.report.aio(start=start, resolution="h", tag_names=[tag])
        return [
            {
                "app_id": row.object_id,
                "began_at": row.interval_start.isoformat(),
                "usd": str(row.cost),
                "by_resource": {name: str(cost) for name, cost in row.cost_by_resource.items()},
                "tag": row.tags.get(tag),
            }
            for row in rows
        ]

    async def make_proxy_token(self, name: str) -> dict[str, str]:
        """A new proxy token, with which requests pass an endpoint that asks for one. Its secret is told once."""
        token = await modal.Workspace.from_context().proxy_tokens.create.aio(name=name)
        return {"id": token.token_id, "secret": token.token_secret}

    def _named(self) -> modal.Environment:
        if self._environment is None:
            return modal.Environment.from_context()
        return modal.Environment.from_name(self._environment)


async def _described(app: App) -> dict[str, Any]:
    info = await app.info.aio(refresh=True)
    life = info.lifecycle
    return {
        "app_id": info.app_id,
        "name": app.name or info.description,
        "state": life.state.value,
        "version": life.version,
        "deployed_at": life.deployed_at.isoformat() if life.deployed_at else None,
        "tags": await app.get_tags.aio(),
    }


class Questions:
    """Reads questions and writes their answers."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._going: set[asyncio.Task[None]] = set()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    async def serve(self) -> None:
        """Until the input ends, or nothing was asked for a while."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        while True:
            try:
                line = await asyncio.wait_for(self._lines.get(), IDLE_SECONDS)
            except TimeoutError:
                if self._going:
                    continue
                return
            if line is None:
                return
            task = asyncio.create_task(self._answer(json.loads(line)))
            self._going.add(task)
            task.add_done_callback(self._going.discard)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(self._lines.put_nowait, line)
        loop.call_soon_threadsafe(self._lines.put_nowait, None)

    async def _answer(self, question: dict[str, Any]) -> None:
        call: Callable[..., Awaitable[Any]] = getattr(self._control, question["call"])
        try:
            answer = {"answer": await call(**question["with"])}
        except Exception as error:  # noqa: BLE001 - whoever asked decides what it means
            answer = {"error": f"{error}" or type(error).__name__, "status": status_of(error)}
        say({"id": question["id"], **answer})


def say(message: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps(message, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> str:
    assert isinstance(value, Decimal)
    return str(value)


def main() -> None:
    """Entry point."""
    asyncio.run(Questions(Control()).serve())
    os._exit(0)  # the client's own thread would be waited for


if __name__ == "__main__":
    main()
