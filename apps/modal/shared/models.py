"""The models that an app's lock names: downloaded once for all apps, and linked to where ComfyUI looks for them.

The store that apps share is a Modal volume. A file's place in it is its SHA-256, or its URL where the lock has no hash;
never its name: what one app calls `sd_xl_base_1.0.safetensors` must not become another's. Downloads go on where they
were cut off, and nothing is in its place before it is verified. The app itself gets the store read-only.

    sha256/<hash>, url/<hash of the URL>     whole files
    partial/<hash>.<app>.partial             what an app has of one; two apps never write to the same
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import httpx

from shared.addresses import PublicTransport
from shared.downloads import Download, DownloadFailed, Limits, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TOKEN_HOSTS = {"huggingface.co": "HF_TOKEN", "civitai.com": "CIVITAI_TOKEN"}
"""Which environment variable is the bearer token of a host."""
TELL_SECONDS = 10.0
"""Between two lines on a download."""
ABANDONED_SECONDS = 7 * 24 * 3600.0
"""A part that nobody has written to for so long is removed."""


class ModelUnavailable(RuntimeError):  # noqa: N818 - reads as the sentence that is shown
    """A model cannot be downloaded, or is not what the lock says; the message names the file and the way out."""


def fetch_models(
    lock: Path,
    store: Path,
    commit: Callable[[], object],
    *,
    transport: Callable[[], httpx.AsyncBaseTransport] = PublicTransport,
    tokens: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> None:
    """Bring every model of `lock` into `store`; `commit` makes each lasting.

    `tokens` are those of hosts, by default what the environment has. Another call may bring the same files at the same
    time.

    Raises:
        ModelUnavailable: one or more cannot be had; the message has a line for each. The others stay.
    """
    document = json.loads(lock.read_bytes())
    models = cast("list[dict[str, Any]]", document["models"])
    lacking = [model for model in models if not model["url"]]
    if lacking:
        raise ModelUnavailable("\n".join(f"{_shown(model)}: no url; add one to app.lock.json" for model in lacking))
    _clear_away(store / "partial")
    given = {host: os.environ[name] for host, name in TOKEN_HOSTS.items() if os.environ.get(name)}
    shelf = _Shelf(
        store, commit, given if tokens is None else tokens, limits or Limits(), str(document.get("name", "app"))
    )
    wanted = {_place(store, model): model for model in models}
    absent = {target: model for target, model in wanted.items() if not _is_there(target, model)}
    for target in absent:
        target.parent.mkdir(parents=True, exist_ok=True)
    faults = asyncio.run(shelf.bring(absent, transport))
    if faults:
        raise ModelUnavailable("\n".join(faults))


def link_models(lock: Path, store: Path, folder: Path) -> None:
    """Link every model of `lock` from ComfyUI's models `folder` into `store`.

    Raises:
        ModelUnavailable: one has not been fetched, or its name leads out of the folder.
    """
    for model in cast("list[dict[str, Any]]", json.loads(lock.read_bytes())["models"]):
        link = folder / model["folder"] / model["file"]
        if not link.parent.resolve().is_relative_to(folder.resolve()) or ".." in link.parts:
            raise ModelUnavailable(f"{_shown(model)} would leave the models folder; correct app.lock.json")
        source = _place(store, model)
        if not source.is_file():
            raise ModelUnavailable(f"{_shown(model)} has not been downloaded; run the app's fetch_models")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(source)


class _Shelf:
    """The store, while models are brought into it."""

    def __init__(
        self, store: Path, commit: Callable[[], object], tokens: Mapping[str, str], limits: Limits, app: str
    ) -> None:
        self._store = store
        self._commit = commit
        self._tokens = tokens
        self._limits = limits
        self._app = hashlib.sha256(app.encode()).hexdigest()[:12]
        self._at_once = asyncio.Semaphore(limits.parallel)
        self._committing = asyncio.Lock()

    async def bring(
        self, models: Mapping[Path, dict[str, Any]], transport: Callable[[], httpx.AsyncBaseTransport]
    ) -> list[str]:
        """Bring each to its place; what went wrong, in the order of the models."""
        async with httpx.AsyncClient(transport=transport(), trust_env=False) as http:
            tasks = [self._bring(http, target, model) for target, model in models.items()]
            return [fault for fault in await asyncio.gather(*tasks) if fault]

    async def _bring(self, http: httpx.AsyncClient, target: Path, model: dict[str, Any]) -> str:
        async with self._at_once:
            url = str(model["url"])
            wanted = Wanted(url, model["sha256"], model.get("bytes"), token_name=_token_name(url))
            part = self._store / "partial" / f"{target.name}.{self._app}.partial"
            download = Download(http, wanted, part, self._tokens, self._limits, _Teller(_shown(model)))
            try:
                await download.bring(target)
            except DownloadFailed as error:
                return f"{_shown(model)}: {error}"
            async with self._committing:
                await asyncio.to_thread(self._commit)
        return ""


class _Teller:
    """Prints how far a download is, now and then, for whoever follows the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = time.monotonic()

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if done == total or now - self._told > TELL_SECONDS:
            self._told = now
            of = f" of {total / 1e6:.1f}" if total else ""
            sys.stdout.write(f"{self._name}: {done / 1e6:.1f}{of} MB\n")
            sys.stdout.flush()


def _is_there(target: Path, model: dict[str, Any]) -> bool:
    return target.is_file() and model.get("bytes") in {None, target.stat().st_size}


def _place(store: Path, model: dict[str, Any]) -> Path:
    if model["sha256"]:
        return store / "sha256" / str(model["sha256"])
    return store / "url" / hashlib.sha256(str(model["url"]).encode()).hexdigest()


def _shown(model: dict[str, Any]) -> str:
    return ascii(f"{model['folder']}/{model['file']}")[1:-1]


def _token_name(url: str) -> str | None:
    try:
        return TOKEN_HOSTS.get(httpx.URL(url).host)
    except httpx.InvalidURL:
        return None


def _clear_away(parts: Path) -> None:
    for part in parts.glob("*.partial"):
        if time.time() - part.stat().st_mtime > ABANDONED_SECONDS:
            part.unlink(missing_ok=True)
