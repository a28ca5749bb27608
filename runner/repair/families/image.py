"""What an image is built from and is not there any more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.catalog import packaged_versions
from codegen.lock_changes import AddSystemPackage, RemoveSystemPackage, SetComfyUI
from runner.repair.diagnosis import GiveUp
from runner.repair.families.common import ask_for_another_commit, ask_for_pack, pack_in, used_classes, version_key
from runner.repair.found import Found, Outcome, Step, outcome, shown
from runner.repair.tables import modules

if TYPE_CHECKING:
    from codegen.lock import PackPin

_URL: Final = re.compile(r"https://[A-Za-z0-9.-]{1,100}/[\w.~-]{1,100}/[\w.~-]{1,100}")


def commit_gone(found: Found) -> Outcome | None:
    """A pack is pinned to a commit that its repository does not have."""
    commit = next((value for key in ("commit", "spec", "object") if (value := found.groups.get(key))), "")
    pin = next((one for one in found.lock.packs if commit and one.commit.startswith(commit)), None)
    pin = pin or _pack(found)
    if pin is None:
        return None
    text = f"{pin.repository} does not have the commit {shown(commit)}. Which one is to be used?"
    return outcome(ask_for_another_commit(pin, found, text), subject=pin.name, commit=commit)


def repository_gone(found: Found) -> Outcome | None:
    """A pack's repository was deleted, renamed or made private."""
    pin = _pack(found)
    if pin is None:
        return None
    kind = (used_classes(pin, found) or pin.classes or (pin.name,))[0]
    text = f"{pin.repository} is not there any more, or is private. Which repository has the node {shown(kind)} today?"
    return outcome(ask_for_pack(kind, text), subject=pin.name)


def _pack(found: Found) -> PackPin | None:
    """Whose repository or folder is named nearest."""
    by_url = {pin.repository.lower(): pin for pin in found.lock.packs}
    text = found.before[-2000:] + found.text[found.start : found.end + 500]
    for url in reversed(_URL.findall(text)):
        pin = by_url.get(str(url).lower().rstrip("/").removesuffix(".git"))
        if pin is not None:
            return pin
    return pack_in(text, found.lock)


def core_version(found: Found) -> Outcome | None:
    """The nearest core that is known, from the lock's on."""
    now = version_key(found.lock.comfyui.version)
    later = [version for version in packaged_versions() if version_key(version) > now]
    steps: list[Step] = [(SetComfyUI(version=version),) for version in (later or packaged_versions())[:1]]
    end = GiveUp(why="ComfyUI's repository has no such version; put one that it has into app.lock.json")
    return outcome(*steps, end, subject=found.groups["version"])


def system_package(found: Found) -> Outcome | None:
    """The name that a package has today; one that nobody knows is left out."""
    name = found.groups["name"]
    if name not in found.lock.dependencies.system:
        return None
    steps: list[Step] = []
    if today := modules().debian_renamed.get(name):
        steps.append((RemoveSystemPackage(name=name), AddSystemPackage(name=today)))
    steps.append((RemoveSystemPackage(name=name),))
    return outcome(*steps, subject=name)
