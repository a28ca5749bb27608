"""Definitions of node classes reduced to facts: names, types, order, defaults, bounds, options, outputs.

Descriptions and tooltips are prose of others. Lists of files say what lay on the disk of one server on one day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen.core_version import MODEL_SUFFIXES
from codegen.json_values import as_list, as_object, is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.model import JsonObject

KEPT = (
    "input",
    "input_order",
    "is_input_list",
    "output",
    "output_is_list",
    "output_name",
    "output_matchtypes",
    "output_node",
    "python_module",
    "category",
    "deprecated",
    "experimental",
    "api_node",
)
UPLOADS = ("image_upload", "animated_image_upload", "video_upload", "audio_upload", "mesh_upload", "file_upload")
PROSE = ("tooltip", "placeholder", "description")


def facts_of(definition: JsonObject) -> JsonObject:
    """An entry of `/object_info` with nothing but its facts. What the editor calls the class is not among them.

    Combos with an upload button list no files; "none" is a choice everywhere.
    """
    kept = {key: _without_prose(definition[key]) for key in KEPT if key in definition}
    return _with_choices(kept, lambda choices, options: _constant(choices) if _has_upload(options) else choices)


def without_model_files(definition: JsonObject) -> JsonObject:
    """A definition whose combos name no files of models, whatever else they list."""
    return _with_choices(definition, lambda choices, _: [choice for choice in choices if not _is_model(choice)])


def _without_prose(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """At every depth."""
    if is_object(value):
        return {
            key: _without_prose(inner) for key, inner in value.items() if key not in PROSE or not isinstance(inner, str)
        }
    if is_list(value):
        return [_without_prose(inner) for inner in value]
    return value


def _with_choices(definition: JsonObject, choose: Callable[[list[Any], JsonObject], list[Any]]) -> JsonObject:
    """With those of each combo that are chosen."""

    def chosen(spec: Any) -> Any:  # noqa: ANN401 - any JSON value
        parts = as_list(spec)
        if not parts:
            return spec
        options = as_object(parts[1]) if len(parts) > 1 else {}
        if is_list(parts[0]):
            return [choose(parts[0], options), *parts[1:]]
        if is_list(options.get("options")):
            return [parts[0], {**options, "options": choose(options["options"], options)}, *parts[2:]]
        return spec

    if not is_object(definition.get("input")):
        return definition
    inputs = {
        section: {name: chosen(spec) for name, spec in entries.items()} if is_object(entries) else entries
        for section, entries in definition["input"].items()
    }
    return {**definition, "input": inputs}


def _has_upload(options: JsonObject) -> bool:
    return any(options.get(flag) for flag in UPLOADS)


def _constant(choices: list[Any]) -> list[Any]:
    return [choice for choice in choices if choice == "none"]


def _is_model(choice: object) -> bool:
    return isinstance(choice, str) and choice.lower().endswith(MODEL_SUFFIXES)
