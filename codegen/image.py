"""The steps of an app's image, from what changes least to what changes most.

Modal builds a layer anew when the step of it, or one before it, has changed:

    base, system packages, uv          python, system
    ComfyUI's files                    comfyui.version
    ComfyUI's requirements, torch      exclude_newer, and what bounds torch
    a layer for each pack              its commit; those after it are cloned again, which takes seconds
    all requirements together          packs, packages, overrides, constraints, excluded; only what differs is installed

Models, hardware, arguments, inputs and the runtime are in no layer. `apps/modal/shared/build.py` does what is more
than a plain command.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from codegen.model import Frozen
from codegen.vendored import runtime_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.lock import Lock, PackPin

COMFYUI_REPOSITORY: Final = "https://github.com/comfyanonymous/ComfyUI"
COMFYUI: Final = "/root/comfy/ComfyUI"
LIBRARIES: Final = "/root/comfy/libraries"
BUILD: Final = "/root/build.py"
UV: Final = "uv==0.9.9"
"""Installs the packages inside the image; pinned so that an old lock resolves as it did."""
BUILDER: Final = "2025.06"
"""Modal's version of base images: Debian 12, and one exact Python of each series. Pinned, so that what a workspace has
chosen, or Modal brings later, does not change an app."""
TORCH: Final = frozenset({"torch", "torchvision", "torchaudio"})
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


class Command(Frozen):
    """One shell command: its words, and those options that are worth a line each."""

    words: tuple[str, ...]
    options: tuple[tuple[str, ...], ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The command in pieces that belong together, each word quoted where a shell would misread it."""
        return (shlex.join(self.words), *(f" {shlex.join(option)}" for option in self.options))


class Image(Frozen):
    """What `app.py` says of the image."""

    clone: Command
    core: Command
    packs: tuple[Command, ...]
    dependencies: Command


def image_of(lock: Lock) -> Image:
    """The commands of the image's steps."""
    pins = lock.dependencies
    requirements = f"{COMFYUI}/requirements.txt"
    day = ("--exclude-newer", pins.exclude_newer.isoformat())
    of_runtime = frozenset(runtime_files()["shared/requirements.txt"].decode().split())
    return Image(
        clone=Command(
            words=(
                *("git", "clone", "--depth", "1", "--branch", f"v{lock.comfyui.version}"),
                *(COMFYUI_REPOSITORY, COMFYUI),
            )
        ),
        core=Command(
            words=("python", BUILD, "core", requirements, *day),
            options=(
                *_each("--constraint", filter(_is_torch, pins.constraints)),
                *_each("--override", filter(_is_torch, pins.overrides)),
            ),
        ),
        packs=tuple(
            Command(words=("python", BUILD, "checkout", pack.repository, _folder(pack), "--commit", pack.commit))
            for pack in lock.packs
        ),
        dependencies=Command(
            words=("python", BUILD, "dependencies", requirements, *day),
            options=(
                *_each("--pack", map(_folder, lock.packs)),
                *_each("--library", (_folder(pack) for pack in lock.packs if pack.layout == "library")),
                *_each("--constraint", pins.constraints),
                *_each("--override", pins.overrides),
                *_each("--exclude", pins.excluded),
                *(("--app" if package in of_runtime else "--package", package) for package in pins.packages),
            ),
        ),
    )


def _each(option: str, values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((option, value) for value in values)


def _folder(pack: PackPin) -> str:
    return f"{LIBRARIES if pack.layout == 'library' else f'{COMFYUI}/custom_nodes'}/{pack.name}"


def _is_torch(bound: str) -> bool:
    name = _NAME.match(bound)
    return name is not None and re.sub(r"[-_.]+", "-", name[0]).lower() in TORCH
