"""`interface.json` from hints and candidates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

from codegen.catalog import readable
from codegen.interface.hints import Hint, Hints, hints
from codegen.interface.inputs import MEDIA, Candidate, leaf, optional, unknown_option
from codegen.interface.joining import one_of_equal, one_seed_for_each_result, with_prompt
from codegen.interface.meaning import Meaning
from codegen.interface.media_types import ACCEPTED, produced
from codegen.interface.names import MAX_TITLE, Names, from_label, in_words, shown, telling, unnumbered
from codegen.interface.outputs import Output, find_outputs
from codegen.interface.prompt_graph import PromptGraph
from codegen.json_values import as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.catalog import Catalog
    from codegen.model import JsonObject, Workflow

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_SEED = 2**64 - 1
"""KSampler's own bound."""
MAX_INPUTS = 64
"""A form with more is no form; what is left out keeps the workflow's own value."""
MEANT_BOUND = 2**53
"""Larger bounds of a definition are those of a machine type, and say nothing to people."""
DIGITS = 12
"""Of a fraction: single precision shows as 0.30000000000000004 beyond."""

_DESCRIPTIONS = {
    "seed": "The same seed gives the same result; left out, a random one is used and reported",
    "image": "A picture: https URL, data URI or file upload",
    "mask": "A mask picture: https URL, data URI or file upload",
    "video": "A video: https URL, data URI or file upload",
    "audio": "A sound file: https URL, data URI or file upload",
    "mesh": "A 3D model: https URL, data URI or file upload",
    "file": "A file: https URL, data URI or file upload",
}


def build_interface(name: str, workflow: Workflow, prompt: JsonObject, catalog: Catalog) -> JsonObject:
    """The whole document. The same workflow gives the same names, in the same order."""
    graph = PromptGraph(prompt, catalog)
    said = hints(workflow, catalog)
    outputs = _in_order(find_outputs(prompt, catalog), said)
    properties: JsonObject = {}
    required: list[str] = []
    chosen = one_of_equal(_chosen(said, graph, frozenset(output.node for output in outputs)))
    chosen = with_prompt(one_seed_for_each_result(chosen, graph))
    names, result_names = Names(), Names()
    for candidate in chosen[:MAX_INPUTS]:
        key = names.free(candidate.names)
        properties[key] = _property(candidate, graph)
        if candidate.kind in MEDIA and not optional(candidate):
            required.append(key)
    results: JsonObject = {}
    for output in outputs:
        results[result_names.free((output.kind,))] = _output(output, graph)
    return {
        "$schema": DRAFT,
        "title": name,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
        "$defs": {"outputs": {"type": "object", "properties": results}},
    }


def _in_order(outputs: tuple[Output, ...], said: Hints) -> list[Output]:
    """Those that the form shows come first."""
    return sorted(outputs, key=lambda output: output.node not in said.outputs)


def _chosen(said: Hints, graph: PromptGraph, results: frozenset[str]) -> Iterator[Candidate]:
    """What people may set: each place once, and none that changes nothing."""
    meaning = Meaning(graph)
    taken: set[tuple[str, str]] = set()
    # A class that nobody has defined may do anything; a choice that nobody knows may have inputs that the prompt lacks.
    unknown = [node for node in graph.prompt if graph.definition(node) is None and not list(graph.wires_from(node))]
    alive = graph.upstream([*results, *unknown])
    if not any(graph.wires_into(node) for node in results):
        alive = frozenset(graph.prompt)  # the results are cut off, which a person has to mend
    vague = any(unknown_option(graph, node) for node in alive)

    def free(candidate: Candidate) -> Candidate | None:
        kept = vague and candidate.kind in MEDIA
        targets = tuple(place for place in candidate.targets if place not in taken and (kept or place[0] in alive))
        taken.update(targets)
        return candidate.model_copy(update={"targets": targets}) if targets else None

    listed = [(hint.app_mode, found) for hint in said.places if (found := _from_hint(hint, meaning)) is not None]
    meant = list(meaning.candidates())
    only_form = _is_whole(said, [found for on_form, found in listed if on_form], meant)
    for on_form, found in [*listed, *((False, found) for found in meant)]:
        if on_form or not only_form or _always(found):
            candidate = free(found)
            if candidate is not None:
                yield candidate


def _is_whole(said: Hints, form: list[Candidate], meant: list[Candidate]) -> bool:
    """Whether the form is all that people should see; one without the prompt was only begun."""
    places = {place for candidate in form for place in candidate.targets}
    prompts = {place for candidate in meant if candidate.names[0] == "prompt" for place in candidate.targets}
    return bool(form) and (said.is_app or prompts <= places)


def _always(candidate: Candidate) -> bool:
    """Where somebody made a form, it is the interface; with the files and seeds without which no call makes sense."""
    return candidate.kind in MEDIA or candidate.kind == "seed"


def _from_hint(hint: Hint, meaning: Meaning) -> Candidate | None:
    found = [candidate for target in hint.targets if (candidate := meaning.describe(*target)) is not None]
    if not found:
        return None
    first = meaning.named(found[0])
    targets = tuple(target for candidate in found for target in candidate.targets if candidate.kind == first.kind)
    # The editor makes names of widgets, and numbers equal ones; people's are the others.
    named = "" if unnumbered(leaf(hint.name)) == first.leaf else hint.name
    label = next((label for label in (hint.label, named) if label and telling(label)), None)
    names = (from_label(label) if label else ()) or first.names
    return first.model_copy(update={"targets": targets, "names": names, "title": label or first.title})


def _property(candidate: Candidate, graph: PromptGraph) -> JsonObject:
    kind, declared = candidate.kind, candidate.definition
    options = declared.options if declared else {}
    facts: JsonObject = {"kind": kind, "targets": [list(target) for target in candidate.targets]}
    schema: JsonObject = {"title": _title(candidate, graph)}
    match kind:
        case "text":
            schema |= {"type": "string", "default": candidate.value}
            facts["multiline"] = bool(options.get("multiline"))
        case "boolean":
            schema |= {"type": "boolean", "default": candidate.value}
        case "choice":
            schema |= {"enum": _choices(candidate), "default": candidate.value}
        case "seed":
            high = options.get("max")
            schema |= {
                "type": "integer",
                "minimum": 0,
                "maximum": high if isinstance(high, int) and high > 0 else MAX_SEED,
            }
        case "integer" | "number":
            schema |= {"type": kind, **_bounds(options, candidate.value), "default": _plain(candidate.value)}
            step = options.get("step")
            if _number(step) and step > 0:
                facts["step"] = step
        case _:
            schema["type"] = "string"
            if kind in ACCEPTED:
                facts["media_types"] = list(ACCEPTED[kind])
    if kind in _DESCRIPTIONS:
        schema["description"] = _DESCRIPTIONS[kind]
    schema["x-flowberth"] = facts
    return schema


def _choices(candidate: Candidate) -> list[Any]:
    """Those of the definition, and the workflow's own; each once, as JSON sees them."""
    declared = candidate.definition
    choices = [*((declared.choices or ()) if declared else ()), candidate.value]
    return list({json.dumps(choice, sort_keys=True): choice for choice in choices}.values())


def _bounds(options: JsonObject, value: float) -> JsonObject:
    """Bounds of the definition, as far as the workflow's own value keeps to them."""
    bounds: JsonObject = {}
    low, high = options.get("min"), options.get("max")
    if _number(low) and low <= value:
        bounds["minimum"] = low
    if _number(high) and high >= value:
        bounds["maximum"] = high
    return bounds


def _number(value: Any) -> TypeGuard[int | float]:  # noqa: ANN401 - any JSON value
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MEANT_BOUND


def _plain(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _output(output: Output, graph: PromptGraph) -> JsonObject:
    media_type = produced(graph, output.node)
    return {
        "title": _node_title(graph, output.node),
        **({"contentMediaType": media_type} if media_type else {}),
        "x-flowberth": {"kind": output.kind, "node": output.node},
    }


def _title(candidate: Candidate, graph: PromptGraph) -> str:
    """What a person called it; else where it is in the workflow."""
    given = shown(in_words(candidate.title)) if candidate.title else ""
    return given or f"{_node_title(graph, candidate.targets[0][0])}: {shown(candidate.leaf)}"[:MAX_TITLE].strip()


def _node_title(graph: PromptGraph, node: str) -> str:
    """What the editor shows on top of it."""
    title = as_object(as_object(graph.prompt.get(node)).get("_meta")).get("title")
    kind = graph.class_type(node)
    seen = shown(title) if isinstance(title, str) and title != kind else ""
    definition = graph.definition(node)
    return seen or shown(definition.readable_name if definition else readable(kind)) or "Node"
