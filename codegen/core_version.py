"""Which ComfyUI a workflow needs: the oldest that ships with every class and every value it uses."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from codegen.catalog import COMBO, Catalog, InputDefinition, load_catalog, packaged_versions
from codegen.convert import convert
from codegen.convert.dynamic import find_input
from codegen.json_values import as_object
from codegen.lock import ComfyPin
from codegen.model import Conversion, Finding, Frozen, JsonObject, Workflow
from codegen.questions import about_pack

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx", ".pkl", ".task", ".npz")
"""A combo value that ends so is a file on some disk, whatever else the list holds."""


class CoreFacts(Frozen):
    """What is known of a core version beside its nodes."""

    exclude_newer: date
    """Python packages published later are not installed with it."""
    python: str


class Choice(Frozen):
    """A core version with the prompt that it gives."""

    pin: ComfyPin
    conversion: Conversion
    missing: tuple[str, ...]
    """Classes that the version does not have, in the order of the prompt."""
    findings: tuple[Finding, ...]
    """One for each class and each value that the version does not have."""


def choose_core(workflow: Workflow, wanted: str | None, packs: Catalog | None = None) -> tuple[Choice, Catalog]:
    """Try the versions from old to new; the newest is taken when none has everything.

    `packs` has definitions of classes that are not ComfyUI's own. They make the conversion exact, and the classes are
    missing all the same: a pack has to bring them.

    Raises:
        CatalogError: `wanted` does not ship.
        InvalidGraph: the graph cannot be converted.
    """
    versions = (wanted,) if wanted else packaged_versions()
    missing: list[str] = []
    for version in versions:
        shipped = load_catalog(version)
        catalog = shipped.extended(packs) if packs else shipped
        conversion = convert(workflow, catalog)
        classes = _missing_classes(conversion.prompt, shipped)
        values = _refused_values(conversion.prompt, catalog)
        lacks = [*(f"the node {_shown(kind)}" for kind in classes), *values]
        if lacks and version != versions[-1]:
            missing.append(f"{version} lacks {lacks[0]}")
            continue
        if wanted:
            reason = "asked for"
        elif lacks:
            reason = f"the newest that ships, though it lacks {lacks[0]}"
        elif missing:
            reason = f"the oldest that has everything: {missing[-1]}"
        else:
            reason = "the oldest that ships has everything"
        return Choice(
            pin=ComfyPin(version=version, reason=reason),
            conversion=conversion,
            missing=classes,
            findings=(
                *(unknown_class(kind, version) for kind in classes),
                *(_refused_value(what, version) for what in values),
            ),
        ), catalog
    raise AssertionError("at least one version ships")


@cache
def core_facts(version: str) -> CoreFacts:
    """Date bound and Python of a version that ships."""
    text = (resources.files("codegen") / "data" / "cores.json").read_text("utf-8")
    return CoreFacts.model_validate(json.loads(text)[version])


def is_file_choice(value: Any, choices: tuple[Any, ...], options: JsonObject) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a combo lists files, so that its value says nothing about the version."""
    if not choices or any(key.endswith("_upload") or key in {"remote", "image_folder"} for key in options):
        return True
    return isinstance(value, str) and value.lower().endswith(MODEL_SUFFIXES)


def unknown_class(class_type: str, version: str) -> Finding:
    """A class that a version does not have."""
    return Finding(
        code="unknown-class",
        severity="error",
        message=(
            f"ComfyUI {version} has no node {_shown(class_type)}: "
            "it belongs to a custom-node pack or to another version"
        ),
        hint="name the pack that provides it; the app cannot run without",
        questions=about_pack(class_type, f"Which pack has the node {_shown(class_type)}?"),
    )


def foreign_classes(missing: Iterable[str]) -> tuple[str, ...]:
    """Those that no version that ships has: they are not of ComfyUI."""
    return tuple(kind for kind in missing if not any(kind in load_catalog(version) for version in packaged_versions()))


def _shown(class_type: str) -> str:
    return ascii(class_type)[1:-1][:80]


def _missing_classes(prompt: JsonObject, catalog: Catalog) -> tuple[str, ...]:
    kinds = dict.fromkeys(str(node.get("class_type")) for node in prompt.values())
    return tuple(kind for kind in kinds if kind not in catalog)


def _refused_values(prompt: JsonObject, catalog: Catalog) -> tuple[str, ...]:
    refused: dict[str, None] = {}
    for node in prompt.values():
        kind = str(node.get("class_type"))
        definition = catalog.get(kind)
        if definition is None:
            continue
        inputs = as_object(node.get("inputs"))
        for name, value in inputs.items():
            declared = find_input(definition.inputs, name, inputs)
            if declared is not None and not isinstance(value, list | dict) and _is_refused(value, declared):
                refused[f"the value {ascii(value)[:60]} of {kind}.{name}"] = None
    return tuple(refused)


def _is_refused(value: Any, declared: InputDefinition) -> bool:  # noqa: ANN401 - any JSON value
    """Whether the server would refuse a literal (ComfyUI, execution.py, `validate_inputs`), or read another out of it.

    Values out of bounds are the usual sign of a file that was saved with other definitions, where each value sits in
    the place of another.
    """
    if declared.type == COMBO:
        choices = declared.choices or ()
        is_file = isinstance(value, str) and is_file_choice(value, choices, declared.options)
        return not is_file and value not in choices
    if declared.type not in {"INT", "FLOAT"}:
        return False
    if not isinstance(value, int | float):
        return True
    low, high = declared.options.get("min"), declared.options.get("max")
    return (
        (declared.type == "INT" and value != int(value))
        or (isinstance(low, int | float) and value < low)
        or (isinstance(high, int | float) and value > high)
    )


def _refused_value(what: str, version: str) -> Finding:
    return Finding(
        code="unknown-value",
        severity="warning",
        message=f"ComfyUI {version} does not take {what}",
        hint="choose one that it has, or another version with --core",
    )
