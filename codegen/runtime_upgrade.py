"""From the runtime that a repository has to the one that ships: whether to bring it, and what changes."""

from __future__ import annotations

import re
from typing import Final, Literal

from codegen.model import Frozen
from codegen.vendored import FOLDER, runtime_files, runtime_version

CHANGES: Final = f"{FOLDER}/CHANGES.md"
_HEADING = re.compile(r"(?m)^## (?P<version>\d+(?:\.\d+){1,3})\b.*$")
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,3}")


class Upgrade(Frozen):
    """What is to be done with `apps/modal/shared`."""

    kind: Literal["add", "update", "none", "newer"]
    """`newer`: the repository's is newer than what ships, and only a newer Flowberth can work with it."""
    there: str | None
    """The version of the repository; `None` where there is none, or one without a stamp that can be read."""
    summary: str
    """What has changed since then, as the runtime's own list of changes says: Markdown, and ours."""


def upgrade_from(stamp: bytes | None) -> Upgrade:
    """`stamp` is the content of the repository's `shared/VERSION`."""
    there = _read(stamp)
    if there is None:
        return Upgrade(kind="add" if stamp is None else "update", there=None, summary="")
    ours = runtime_version()
    if _key(there) == _key(ours):
        return Upgrade(kind="none", there=there, summary="")
    if _key(there) > _key(ours):
        return Upgrade(kind="newer", there=there, summary="")
    return Upgrade(kind="update", there=there, summary=_changes_since(there))


def _read(stamp: bytes | None) -> str | None:
    text = (stamp or b"")[:100].decode("utf-8", "replace").strip()
    return text if _VERSION.fullmatch(text) else None


def _changes_since(version: str) -> str:
    text = runtime_files().get(CHANGES, b"").decode()
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    newer = (
        text[heading.start() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
        if _key(heading["version"]) > _key(version)
    )
    return "\n\n".join(newer)


def _key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
