"""Chromium, driven through its DevTools protocol: no more than these tests need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


class Served(Protocol):
    """What is at an address: a server, or a file."""

    @property
    def url(self) -> str: ...


class Page:
    """One tab, through the DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._calls = 0
        self.complaints: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        await self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer
                return answer["result"]
            if answer["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}:
                self.complaints.append(json.dumps(answer["params"]))

    async def ask(self, expression: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not await self.ask(condition):  # noqa: ASYNC110 - a page tells nobody of its conditions
                    await asyncio.sleep(0.02)
        except TimeoutError:
            text = await self.ask("document.body.innerText")
            raise AssertionError(f"never: {condition}\n{text}\n{self.complaints}") from None

    async def assert_clean(self) -> None:
        """No script of the workflow ran, nothing was fetched elsewhere, the policy had nothing to block."""
        assert await self.ask("document.title") == "poster"
        assert await self.ask("document.querySelectorAll('[onerror]').length") == 0
        hosts = await self.ask(
            "[...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).host))]"
        )
        assert hosts in ([await self.ask("location.host")], [await self.ask("location.host"), ""])
        # a request that was answered 4xx is logged too, and belongs to the story
        assert not [entry for entry in self.complaints if "Content Security Policy" in entry or "exception" in entry]


@contextlib.asynccontextmanager
async def browser(served: Served, path: str, folder: Path) -> AsyncIterator[Page]:
    assert CHROMIUM
    profile = folder / "profile"
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
    ]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - quick, and this loop has nothing else to do
            [
                CHROMIUM,
                *flags,
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                "--window-size=1280,900",
                "about:blank",
            ],
            stderr=log,
        )
        try:
            ports = profile / "DevToolsActivePort"
            async with asyncio.timeout(30):
                while not ports.exists() or len(ports.read_text().split()) < 2:  # noqa: ASYNC110 - nor does a file
                    await asyncio.sleep(0.02)
            port, root = ports.read_text().split()
            async with connect(f"ws://127.0.0.1:{port}{root}", proxy=None) as top:
                await top.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
                target = json.loads(await top.recv())["result"]["targetId"]
            async with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", proxy=None, max_size=None) as socket:
                page = Page(socket)
                await page.call("Runtime.enable")
                await page.call("Log.enable")
                await page.call("Page.navigate", url=served.url + path)
                await page.until("location.pathname !== 'blank' && document.readyState === 'complete'")
                yield page
        finally:
            process.terminate()
            process.wait(20)
