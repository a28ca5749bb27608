"""What an image's steps say would be in it: they are read here, not carried out."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.modal.world import Image

NEWEST = "999.0.0"
"""Of ComfyUI, when it is not a version that is checked out."""
_URL = re.compile(r"https?://\S+")
_REF = re.compile(r"[0-9a-f]{40}|v?\d+\.\d+\.\d+")
_COPY = re.compile(r"COPY \. (/\S*)")
_ENV = re.compile(r"ENV (?P<assignments>\w+=.*)")


@dataclass(frozen=True)
class Checkout:
    """Of a git repository: ComfyUI, or a pack."""

    folder: str
    url: str
    ref: str
    """A commit or a version; empty when no step says one."""

    @property
    def is_comfyui(self) -> bool:
        return self.folder.endswith("/ComfyUI")

    @property
    def version(self) -> str:
        return self.ref.removeprefix("v") if "." in self.ref else NEWEST


def checkouts(layers: Iterable[Image]) -> list[Checkout]:
    """Of commands that have an address with a folder behind it; the commit may be in another that names the folder."""
    urls: dict[str, str] = {}
    refs: dict[str, str] = {}
    for words in _commands(layers):
        for url, folder in pairwise(words):
            if _URL.fullmatch(url) and folder.startswith("/"):
                urls[folder] = url.removesuffix(".git")
        ref = next((word for word in words if _REF.fullmatch(word)), None)
        for folder in urls:
            if ref and folder in words:
                refs[folder] = ref
    return [Checkout(folder, url, refs.get(folder, "")) for folder, url in urls.items()]


def libraries(layers: Iterable[Image]) -> list[str]:
    """Folders that are put on Python's path."""
    return [after for words in _commands(layers) for word, after in pairwise(words) if word == "--library"]


def _commands(layers: Iterable[Image]) -> Iterator[list[str]]:
    for command in (command for layer in layers for command in layer.commands):
        with suppress(ValueError):  # words of a Dockerfile that no shell would take
            yield shlex.split(command)


def environment(layers: Iterable[Image]) -> dict[str, str]:
    """What `Image.env` and its like set."""
    values: dict[str, str] = {}
    for layer in layers:
        for command in layer.commands:
            if found := _ENV.fullmatch(command.strip()):
                values |= dict(one.split("=", 1) for one in shlex.split(found["assignments"]) if "=" in one)
    return values


def copies(layers: Iterable[Image]) -> list[tuple[str, str]]:
    """(mount, folder) of local files that were built in."""
    found: list[tuple[str, str]] = []
    for layer in layers:
        mount, copied = layer.request.image.context_mount_id, _COPY.search("\n".join(layer.commands))
        if mount and copied:
            found.append((mount, copied[1]))
    return found


def texts(layers: Iterable[Image]) -> list[str]:
    """Its steps, and the files that they read."""
    files = [file.data.decode(errors="replace") for layer in layers for file in layer.request.image.context_files]
    return [*files, *(command for layer in layers for command in layer.commands)]
