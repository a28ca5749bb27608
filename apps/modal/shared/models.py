"""The models that an app's lock names, downloaded into the folder that ComfyUI reads.

Each once, resumed where it was cut off, and verified.
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


def fetch_models(lock: Path, folder: Path, commit: Callable[[], object]) -> None:
    """Bring every model of `lock` into `folder`; `commit` makes each lasting.

    Raises:
        ModelUnavailable: one cannot be had. Those before it stay.
    """
    models = cast("list[dict[str, Any]]", json.loads(lock.read_bytes())["models"])
    for model in models:
        target = folder / model["folder"] / model["file"]
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ModelUnavailable(f"{model['file']!r} would leave the models folder; correct app.lock.json")
        if target.is_file():
            continue
        if not model["url"]:
            raise ModelUnavailable(f"{model['folder']}/{model['file']}: no url; add one to app.lock.json")
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(model["url"], target, model["sha256"])
        commit()


def _download(url: str, target: Path, sha256: str | None) -> None:
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
                    f"{target.name}: access refused; accept its licence and set {variable or 'a token'}"
                )
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # nothing is left to download
                if answer.headers.get("Content-Range") != f"bytes */{done}":
                    part.unlink()
                    raise ModelUnavailable(f"{target.name}: the file has become shorter; the next call begins anew")
            else:
                _receive(answer.raise_for_status(), part)
    except httpx.HTTPError as error:
        raise ModelUnavailable(f"{target.name}: {error}; the next call goes on where this one stopped") from error
    if sha256 and _digest(part) != sha256:
        part.unlink()
        raise ModelUnavailable(f"{target.name}: the download is not the file that the lock names (sha256 differs)")
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
