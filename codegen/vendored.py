"""The runtime that generated apps share, as files to put into people's repositories."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.errors import CodegenError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER = "shared"
_SKIPPED = frozenset({"__pycache__"})


@cache
def runtime_files() -> dict[str, bytes]:
    """Path relative to `apps/modal` (`shared/service.py`) → content, sorted by path."""
    found: dict[str, bytes] = {}
    _collect(_source(), FOLDER, found)
    return dict(sorted(found.items()))


def runtime_version() -> str:
    """The stamp that a lock names."""
    return runtime_files()[f"{FOLDER}/VERSION"].decode().strip()


def _source() -> Traversable:
    """The copy inside the installed package, or the original of a checkout."""
    packaged = resources.files("codegen") / "vendored_runtime" / FOLDER
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).parents[1] / "apps" / "modal" / FOLDER
    if not checkout.is_dir():
        raise CodegenError("the runtime of generated apps is missing from this installation; install Flowberth again")
    return checkout


def _collect(folder: Traversable, prefix: str, found: dict[str, bytes]) -> None:
    for entry in folder.iterdir():
        if entry.name in _SKIPPED or entry.name.endswith(".pyc"):
            continue
        path = f"{prefix}/{entry.name}"
        if entry.is_dir():
            _collect(entry, path, found)
        else:
            found[path] = entry.read_bytes()
