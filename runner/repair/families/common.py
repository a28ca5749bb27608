"""What several families need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.catalog import Catalog, load_catalog, packaged_versions
from codegen.json_values import as_object
from codegen.lock_changes import ConstrainPackage
from codegen.questions import about_model, about_pack
from runner.repair.diagnosis import Question
from runner.repair.tables import canonical, torch_as_of

if TYPE_CHECKING:
    from datetime import date

    from codegen.lock import Lock, ModelPin, PackPin
    from codegen.lock_changes import Change
    from codegen.model import Question as Line
    from runner.repair.found import Found

_FOLDER: Final = re.compile(r"custom_nodes[/\\]{1,4}([^/\\'\"\s:,)]{1,150})")
_FILE: Final = re.compile(r"[^\s'\"`,;:()\[\]{}|<>]{1,250}\.(?:safetensors|sft|ckpt|pth?|bin|gguf|onnx)\b")
REDEPLOY: Final = "then comment `/deploy`"


def pack_in(text: str, lock: Lock) -> PackPin | None:
    """The pack of the lock whose folder is named last in a text."""
    by_name = {canonical(pin.name): pin for pin in lock.packs}
    by_name |= {canonical(pin.repository.rsplit("/", 1)[-1]): pin for pin in lock.packs}
    for folder in reversed(_FOLDER.findall(text)):
        if canonical(str(folder)) in by_name:
            return by_name[canonical(str(folder))]
    return None


def pack_of(found: Found) -> PackPin | None:
    """The pack whose code is at fault: that of the message's line, else of the traceback around it.

    ComfyUI logs the pack after the traceback of its import, or before it, depending on the version.
    """
    for text in (found.line, found.before[-4000:], found.text[found.end : found.end + 1500]):
        pin = pack_in(text, found.lock)
        if pin is not None:
            return pin
    return None


def used_classes(pin: PackPin, found: Found) -> tuple[str, ...]:
    """Classes of a pack that the prompt has."""
    used = {str(as_object(node).get("class_type")) for node in found.plan.prompt.values()}
    return tuple(kind for kind in pin.classes if kind in used)


def ask_for_pack(class_type: str, text: str, example: str = "https://github.com/owner/repository@<commit>") -> Question:
    """Where a class comes from, or at which commit."""
    lines = about_pack(class_type, text, example)
    return _question(text, lines)


def ask_for_another_commit(pin: PackPin, found: Found, text: str) -> Question:
    """For a pack that does not work as it is pinned."""
    classes = used_classes(pin, found) or pin.classes or (pin.name,)
    return ask_for_pack(classes[0], text, f"{pin.repository}@<commit, 40 characters>")


def ask_for_model(folder: str, file: str, text: str) -> Question:
    """Where a file is."""
    return _question(text, about_model(folder, file, text))


def _question(text: str, lines: tuple[Line, ...]) -> Question:
    line = lines[0] if lines else None
    answer = (
        f"Answer with one line: {line.example_answer}" if line else f"Edit app.lock.json of the branch, {REDEPLOY}."
    )
    return Question(text=text, answer=answer, line=line)


def model_in(text: str, lock: Lock) -> ModelPin | None:
    """The model of the lock whose file is named last in a text."""
    by_name = {pin.file.rsplit("/", 1)[-1].lower(): pin for pin in lock.models}
    for path in reversed(_FILE.findall(text)):
        name = str(path).replace("\\", "/").rsplit("/", 1)[-1].lower()
        if name in by_name:
            return by_name[name]
    return None


def catalog_of(found: Found) -> Catalog | None:
    """Definitions as the app has them: those of its core, with what the preflight has seen of them before."""
    version = found.lock.comfyui.version
    catalog = load_catalog(version) if version in packaged_versions() else None
    seen = as_object(found.evidence.details.get("definitions"))
    if seen:
        live = Catalog(version, {kind: as_object(raw) for kind, raw in seen.items()})
        return catalog.overlay(live) if catalog else live
    return catalog


def newer_cores(found: Found) -> tuple[str, ...]:
    """Those that ship and are newer than the lock's, from old to new."""
    now = version_key(found.lock.comfyui.version)
    return tuple(version for version in packaged_versions() if version_key(version) > now)


def version_key(version: str) -> tuple[int, ...]:
    """To compare versions by: their leading numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:6])


def held_torch(day: date) -> tuple[Change, ...]:
    """Torch and what is built against it, all as of one day."""
    release = torch_as_of(day)
    return tuple(
        ConstrainPackage(requirement=f"{name}=={version}")
        for name, version in (
            ("torch", release.torch),
            ("torchvision", release.torchvision),
            ("torchaudio", release.torchaudio),
        )
    )
