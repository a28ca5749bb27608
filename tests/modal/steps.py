"""What an image's steps say would be in it: they are read here, not carried out."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.modal.world import Image

NEWEST = "999.0.0"
"""Of ComfyUI, when it is not a version that is checked out."""
_URL = re.compile(r"https?://[^\s'\"]+")
_FOLDER = re.compile(r"(/[\w./-]*?/ComfyUI(?:/custom_nodes/[\w.-]+)?)(?![\w.-])")
_REF = re.compile(r"\b[0-9a-f]{40}\b|\bv?\d+\.\d+\.\d+\b")
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
    """In the order in which they come; steps that speak of the same folder belong together."""
    urls: dict[str, str] = {}
    refs: dict[str, str] = {}
    for command in (command for layer in layers for command in layer.commands):
        url = _URL.search(command)
        for folder in _FOLDER.findall(_URL.sub(" ", command)):
            if url is not None:
                urls.setdefault(folder, url[0].removesuffix(".git"))
            if ref := _REF.search(_URL.sub(" ", command).replace(folder, " ")):
                refs.setdefault(folder, ref[0])
    return [Checkout(folder, url, refs.get(folder, "")) for folder, url in urls.items()]


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
