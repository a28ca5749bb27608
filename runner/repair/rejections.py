"""What the server has against a prompt, in one form: that of ComfyUI's own log, whichever form it came in.

It comes as JSON of `POST /prompt`, as that in the text of an answer or a log, where Python may have printed it, or as
the lines that ComfyUI logs (execution.py, `validate_prompt`)::

    Failed to validate prompt for output 9:
    * CheckpointLoaderSimple 4:
      - Value not in list: ckpt_name: 'a.safetensors' not in []
"""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from codegen.json_values import as_list, as_object, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject
    from runner.repair.evidence import Evidence
    from runner.repair.found import Found

LONGEST_QUOTED: Final = 100_000
"""Characters of an object in a text that are taken for JSON."""
MOST_OBJECTS: Final = 20
MOST_LINES: Final = 500
_OBJECT: Final = re.compile(r"\{\s{0,10}[\"'](?:error|node_errors|type)[\"']\s{0,10}:")
_HEADING: Final = re.compile(
    r"(?m)^[ \t]{0,20}\* (?P<kind>[^\n]{1,300}?) (?P<node>[^\s:]{1,100}(?::\d{1,20})*):[ \t]*$"
)
_OUTPUT: Final = re.compile(
    r"(?m)^[^'\"\n]{0,40}Failed to validate prompt for output (?P<node>[^\s:]{1,100}):?[ \t]*\n[ \t]*\* \(prompt\):"
)
_CLASS: Final = re.compile(r"(?m)^[ \t]{0,20}(?:\* )?(?P<kind>[^\n:*]{1,300}):[ \t]*$")
_NAMED: Final = re.compile(r"(?i)\bnode (?:id )?['\"]?#?(?P<node>[\w:.-]{1,100})['\"]? \(")


class Place(NamedTuple):
    """A node of the prompt."""

    node: str
    class_type: str
    inputs: JsonObject


def told_rejections(evidence: Evidence, text: str) -> str:
    """The lines for every rejection that the evidence has as an object."""
    lines: list[str] = []
    for answer in (evidence.details, *_objects(text)):
        lines += _lines(answer)
    return "\n".join(lines[:MOST_LINES])


def _lines(answer: JsonObject) -> Iterator[str]:
    error = as_object(answer.get("error")) or (answer if "details" in answer and "message" in answer else {})
    faults = as_object(answer.get("node_errors"))
    if error.get("type"):
        yield f"invalid prompt: {_line(error.get('type'))}: {_said(error)}"
        if error.get("type") == "prompt_outputs_failed_validation" and "node_errors" in answer and not faults:
            yield "prompt_outputs_failed_validation with empty node_errors"
    for node, fault in faults.items():
        yield f"* {_line(as_object(fault).get('class_type')) or 'node'} {_line(node)}:"
        for one in objects(as_object(fault).get("errors")):
            yield f"  - {_said(one)}"
    for missing in as_list(answer.get("missing_classes")):
        yield f"Node '{_line(missing)}' not found. The custom node may not be installed."
    for failure in objects(answer.get("imports")):
        yield from str(failure.get("traceback") or "").splitlines()[-40:]
        yield (
            f"Cannot import /custom_nodes/{_line(failure.get('pack'))} module for custom nodes: "
            f"{_line(failure.get('error'))}"
        )


def _said(error: JsonObject) -> str:
    extra = as_object(error.get("extra_info"))
    words = [_line(error.get(key)) for key in ("message", "details") if error.get(key)]
    where = f" [class {_line(extra.get('class_type'))}]" if extra.get("class_type") else ""
    return ": ".join(words) + where


def _line(value: Any) -> str:  # noqa: ANN401 - JSON
    return " ".join(str(value if value is not None else "").split())


def _objects(text: str) -> Iterator[JsonObject]:
    """Objects of an answer that stand in a text, as JSON or as Python prints them."""
    decoder = json.JSONDecoder()
    end = 0
    for number, match in enumerate(_OBJECT.finditer(text)):
        if number >= MOST_OBJECTS:
            return
        if match.start() < end:
            continue
        piece = text[match.start() : match.start() + LONGEST_QUOTED]
        try:
            value, length = decoder.raw_decode(piece)
        except (ValueError, RecursionError):
            value, length = _printed(piece.partition("\n")[0])
        end = match.start() + length
        yield as_object(value)


def _printed(line: str) -> tuple[Any, int]:
    try:
        return ast.literal_eval(line.strip()), len(line)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}, 0


def place(found: Found) -> Place | None:
    """The node that a rejection is about, if the prompt has it."""
    prompt = found.plan.prompt
    on_line = None
    begin = found.text.rfind("\n", 0, found.end) + 1
    for on_line in _NAMED.finditer(found.text[begin : found.end]):  # noqa: B007 - the last one
        pass
    nodes: list[str] = [on_line["node"]] if on_line else []
    headings = [*_HEADING.finditer(found.before), *_OUTPUT.finditer(found.before)]
    nodes += [heading["node"] for heading in sorted(headings, key=lambda heading: -heading.start())[:1]]
    if not nodes and (classes := list(_CLASS.finditer(found.before))):
        kind = classes[-1]["kind"].strip()
        nodes = [node for node, entry in prompt.items() if as_object(entry).get("class_type") == kind]
        nodes = nodes if len(nodes) == 1 else []
    for node in nodes:
        if node in prompt:
            entry = as_object(prompt[node])
            return Place(node, str(entry.get("class_type")), as_object(entry.get("inputs")))
    return None


def places_with(found: Found, name: str, value: str) -> list[Place]:
    """Nodes of the prompt that have this value in this input: where a text does not say which one it means."""
    return [
        Place(node, str(entry.get("class_type")), as_object(entry.get("inputs")))
        for node, entry in ((node, as_object(entry)) for node, entry in found.plan.prompt.items())
        if str(as_object(entry.get("inputs")).get(name)) == value
    ]
