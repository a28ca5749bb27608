"""The prompt and the interface with the inputs that the lock overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.json_values import as_list, as_object

if TYPE_CHECKING:
    from codegen.lock import InputOverride
    from codegen.model import JsonObject


def with_inputs(
    prompt: JsonObject, interface: JsonObject, overrides: tuple[InputOverride, ...]
) -> tuple[JsonObject, JsonObject]:
    """Both as they are rendered. An override of a node that is not there has no effect; a second time changes nothing.

    Where callers may set the input, the new value is the default that they get; an input that is left out is none that
    they can set.
    """
    for override in overrides:
        if override.node in prompt:
            prompt = _in_prompt(prompt, override)
            interface = _in_interface(interface, override)
    return prompt, interface


def _in_prompt(prompt: JsonObject, override: InputOverride) -> JsonObject:
    node = as_object(prompt[override.node])
    inputs = {**as_object(node.get("inputs")), override.input: override.value}
    if override.value is None:
        del inputs[override.input]
    return {**prompt, override.node: {**node, "inputs": inputs}}


def _in_interface(interface: JsonObject, override: InputOverride) -> JsonObject:
    properties = dict(as_object(interface.get("properties")))
    required = as_list(interface.get("required"))
    target = [override.node, override.input]
    for name, schema in tuple(properties.items()):
        targets = as_list(as_object(schema.get("x-flowberth")).get("targets"))
        if target not in targets:
            continue
        if override.value is not None:
            if "default" in schema:
                properties[name] = {**schema, "default": override.value}
        elif len(targets) > 1:
            left = [one for one in targets if one != target]
            properties[name] = {**schema, "x-flowberth": {**schema["x-flowberth"], "targets": left}}
        else:
            del properties[name]
            required = [one for one in required if one != name]
    changed: JsonObject = {**interface, "properties": properties}
    return {**changed, "required": required} if "required" in interface else changed
