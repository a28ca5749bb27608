"""What a language model may not propose, though a person or a rule of ours may.

`codegen.lock_patch.apply` holds every patch to what is possible at all, and a model's to hosts and commits that are
known. Here is the rest: who can write into a log must not get code of theirs into an app by way of a model that reads
it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from codegen import lock_changes as to
from codegen.errors import PatchRefused
from codegen.json_values import as_object
from codegen.lock_packages import project
from runner.repair.language_model.excerpt import line
from runner.repair.tables import canonical, modules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from codegen.lock import Lock, PackPin
    from codegen.lock_changes import Change
    from codegen.lock_patch import LockPatch
    from codegen.model import JsonObject
    from codegen.plan import Plan

SOURCE: Final = "language-model"
"""What the lock says of a pin's origin, whatever the model says."""
PERSON: Final = "answer"
WITHOUT_CODE: Final = frozenset({".safetensors", ".sft", ".gguf"})
"""Formats of models that hold numbers only: reading others may run what is in them."""
_VALUE: Final = re.compile(r"(?!/|[A-Za-z][\w+.-]*:/)[\w .,:+/=-]{0,200}")
"""A text for an input: names of samplers, files and sizes. Nothing that is an address, a place outside of ComfyUI's
folders, a call or markup anywhere."""


def held(patch: LockPatch, plan: Plan, today: date) -> LockPatch:
    """The patch as it may be applied.

    Raises:
        PatchRefused: something in it is for people to decide.
    """
    changes = tuple(_held(change, plan, today) for change in patch.changes)
    return patch.model_copy(update={"changes": changes, "because": line(patch.because) or "no reason was given"})


def _held(change: Change, plan: Plan, today: date) -> Change:
    match change:
        case to.AddPackage(requirement=requirement):
            _check_package(requirement, plan.lock)
        case to.PinModel():
            _check_model(change, plan.lock)
            return change.model_copy(update={"source": SOURCE})
        case to.RenameModel(file=file, to_file=to_file):
            if _suffix(file) != _suffix(to_file):
                raise PatchRefused("to_file", "it would be read as another kind of file; keep its ending")
        case to.PinPack(repository=repository):
            _check_decided("commit", (pin for pin in plan.lock.packs if pin.repository.lower() == repository.lower()))
            return change.model_copy(update={"source": SOURCE})
        case to.RemovePack(name=name):
            _check_decided("name", (pin for pin in plan.lock.packs if pin.name == name))
        case to.SetExcludeNewer(date=day):
            if day > today:
                raise PatchRefused("date", f"it has not come yet; take a day up to {today}")
        case to.SetInput():
            _check_input(change, plan.prompt)
        case _:
            pass
    return change


def _check_decided(field: str, pins: Iterable[PackPin]) -> None:
    if any(pin.source == PERSON for pin in pins):
        raise PatchRefused(field, "a person has named this pack; only a person changes it")


def _check_package(requirement: str, lock: Lock) -> None:
    name = project(requirement)
    if name not in well_known() and name not in {project(one) for one in lock.dependencies.packages}:
        raise PatchRefused(
            "requirement",
            f"{name} is none of the packages that are known, and a package is code that runs in the app; "
            "only a person adds another, to app.lock.json",
        )


def well_known() -> frozenset[str]:
    """Distributions that are installed without a person's word."""
    table = modules()
    return frozenset(map(canonical, (*table.same, *table.distributions.values(), *table.optional, *table.numpy_2)))


def _check_model(change: to.PinModel, lock: Lock) -> None:
    there = next((pin for pin in lock.models if (pin.folder, pin.file) == (change.folder, change.file)), None)
    if there is None:
        raise PatchRefused("file", "the lock has no such model; the workflow decides which it needs")
    if there.source == PERSON:
        raise PatchRefused("url", "a person has said where it is; only a person changes that")
    if there.gated:
        raise PatchRefused("url", "it is given only to those who agree to its terms; only a person does")
    if {_suffix(change.file), _suffix(urlsplit(change.url).path)} - WITHOUT_CODE:
        raise PatchRefused(
            "url",
            f"only files that hold no code ({', '.join(sorted(WITHOUT_CODE))}) are taken without a person's word; "
            "a person can name it: model <folder/file> = https://…",
        )


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _check_input(change: to.SetInput, prompt: JsonObject) -> None:
    node = as_object(prompt.get(change.node))
    if not node:
        raise PatchRefused("node", "the prompt has no such node")
    if change.input not in as_object(node.get("inputs")):
        raise PatchRefused("input", "the node has no such input in the prompt")
    if not isinstance(change.value, str):
        return
    if not _VALUE.fullmatch(change.value) or "//" in change.value or ".." in change.value.split("/"):
        raise PatchRefused("value", "a text may be a short name as the node lists them, without quotes and addresses")
