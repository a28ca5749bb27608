"""The models that an app's lock names: downloaded once for all apps, and linked to where ComfyUI looks for them.

The store that apps share is a Modal volume. A file's place in it is its SHA-256, or its URL where the lock has no hash;
never its name: what one app calls `sd_xl_base_1.0.safetensors` must not become another's. Downloads go on where they
were cut off, and nothing is in its place before it is verified. The app itself gets the store read-only.
"""

from __future__ import annotations

import hashlib
import json
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHUNK_BYTES = 8 * 1024 * 1024
"""Read and hashed at a time."""
TIMEOUT = httpx.Timeout(60.0)
"""Without a byte, not for the whole file: models have tens of gigabytes."""
TOKEN_HOSTS = {"huggingface.co": "HF_TOKEN", "civitai.com": "CIVITAI_TOKEN"}
"""Which environment variable is the bearer token of a host; sent to that very host only, not where it redirects to."""


class ModelUnavailable(RuntimeError):  # noqa: N818 - reads as the sentence that is shown
    """A model cannot be downloaded, or is not what the lock says; the message names the file and the way out."""


def fetch_models(lock: Path, store: Path, commit: Callable[[], object]) -> None:
    """Bring every model of `lock` into `store`; `commit` makes each lasting.

    Raises:
        ModelUnavailable: one cannot be had. Those before it stay.
    """
    for model in _models(lock):
        if not model["url"]:
            raise ModelUnavailable(f"{_shown(model)}: no url; add one to app.lock.json")
        target = _place(store, model)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _download(model, target)
            commit()


def link_models(lock: Path, store: Path, folder: Path) -> None:
    """Link every model of `lock` from ComfyUI's models `folder` into `store`.

    Raises:
        ModelUnavailable: one has not been fetched, or its name leads out of the folder.
    """
    for model in _models(lock):
        link = folder / model["folder"] / model["file"]
        if not link.parent.resolve().is_relative_to(folder.resolve()) or ".." in link.parts:
            raise ModelUnavailable(f"{_shown(model)} would leave the models folder; correct app.lock.json")
        source = _place(store, model)
        if not source.is_file():
            raise ModelUnavailable(f"{_shown(model)} has not been downloaded; run the app's fetch_models")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(source)


def _models(lock: Path) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(lock.read_bytes())["models"])


def _place(store: Path, model: dict[str, Any]) -> Path:
    if model["sha256"]:
        return store / "sha256" / str(model["sha256"])
    return store / "url" / hashlib.sha256(str(model["url"]).encode()).hexdigest()


def _shown(model: dict[str, Any]) -> str:
    return ascii(f"{model['folder']}/{model['file']}")[1:-1]


def _download(model: dict[str, Any], target: Path) -> None:
    url, sha256, size = model["url"], model["sha256"], model.get("bytes")
    part = target.with_name(target.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-"} if done else {}
    variable = TOKEN_HOSTS.get(httpx.URL(url).host)
    if variable and os.environ.get(variable):
        headers["Authorization"] = f"Bearer {os.environ[variable]}"  # httpx drops it when a redirect leaves the host
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT) as answer:
            if answer.status_code in {401, 403}:
                raise ModelUnavailable(
                    f"{_shown(model)}: access refused; accept its licence and set {variable or 'a token'}"
                )
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # nothing is left to download
                if answer.headers.get("Content-Range") != f"bytes */{done}":
                    part.unlink()
                    raise ModelUnavailable(f"{_shown(model)}: the file has become shorter; the next call begins anew")
            else:
                _receive(answer.raise_for_status(), part)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelUnavailable(f"{_shown(model)}: {error}; the next call goes on where this one stopped") from error
    if sha256 and _digest(part) != sha256:
        part.unlink()
        raise ModelUnavailable(f"{_shown(model)}: the download is not the file that the lock names (sha256 differs)")
    if size is not None and part.stat().st_size != size:
        part.unlink()
        raise ModelUnavailable(f"{_shown(model)}: the download is not the file that the lock names (size differs)")
    part.replace(target)


def _receive(answer: httpx.Response, part: Path) -> None:
    resumed = answer.status_code == HTTPStatus.PARTIAL_CONTENT
    with part.open("ab" if resumed else "wb") as file:
        for chunk in answer.iter_bytes(CHUNK_BYTES):
            file.write(chunk)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
