"""Literals that are one input to people: what nodes are told alike, and seeds of one drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.catalog import InputDefinition
    from codegen.interface.inputs import Candidate
    from codegen.interface.prompt_graph import PromptGraph

SAMPLING = frozenset({"steps", "cfg", "denoise", "guidance"})
SIZES = frozenset({"width", "height", "length", "batch_size", "frame_rate", "fps", "seconds", "duration"})
SERVICE_SETTINGS = frozenset(
    {
        "aspect_ratio", "ratio", "resolution", "size", "width", "height", "duration", "duration_seconds", "quality",
        "n", "number_of_images", "generate_audio", "style", "voice", "language", "output_format", "scale_factor",
    }
)  # fmt: skip
"""What callers of a partner's service choose, besides the prompt."""
ENCODER_NAMES = frozenset(
    {"text", "prompt", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "llama", "bert", "mt5xl", "qwen25_7b"}
)
"""Encoders call their texts so, whatever is in them."""
SHARED = SAMPLING | SIZES | SERVICE_SETTINGS | {"prompt", "negative_prompt", "system_prompt", "strength"}
"""What several nodes of a workflow are mostly told alike."""
MAX_SEEDS = 32
"""Workflows with more are compared with themselves in vain."""


def one_text_for_each_encoder(texts: list[Candidate]) -> list[Candidate]:
    """Encoders with several text models are mostly given the same text for each."""
    found: dict[tuple[str, str], Candidate] = {}
    for text in texts:
        node, name = text.targets[0]
        key = (node, str(text.value) if text.leaf in ENCODER_NAMES else name + str(text.value))
        first = found.get(key)
        found[key] = text if first is None else first.model_copy(update={"targets": (*first.targets, *text.targets)})
    return list(found.values())


def one_of_equal(candidates: Iterable[Candidate]) -> list[Candidate]:
    """What several nodes must agree on, such as samplers that share a job, is one input as long as they do agree."""
    found: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        # Prompts that are still empty are to be filled with different things.
        shared = candidate.names[0] in SHARED and (candidate.names[0], candidate.value) != ("prompt", "")
        key = (candidate.names[0], *_same(candidate)) if shared else candidate.targets[0]
        first = found.get(key)
        found[key] = candidate if first is None else _joined(first, candidate)
    return list(found.values())


def _same(candidate: Candidate) -> tuple[str, ...]:
    """What two candidates must have in common; a number that is whole for one node can be a fraction for another."""
    kind = "number" if candidate.kind == "integer" else candidate.kind
    choices = candidate.definition.choices if candidate.definition and kind == "choice" else ()
    return kind, repr(candidate.value), repr(choices)


def one_seed_for_each_result(candidates: list[Candidate], graph: PromptGraph) -> list[Candidate]:
    """Nodes that draw one after the other have one seed: with two, who gives one would get something else each time."""
    seeds = [candidate for candidate in candidates if candidate.kind == "seed" and candidate.names[0] == "seed"]
    if not 1 < len(seeds) <= MAX_SEEDS:
        return candidates
    joined: list[tuple[Candidate, frozenset[str], frozenset[str]]] = []
    for seed in seeds:
        users = _users(graph, seed)
        behind = graph.upstream(users)
        for index, (first, others, above) in enumerate(joined):
            if others & behind or users & above:
                joined[index] = (_joined(first, seed), others | users, above | behind)
                break
        else:
            joined.append((seed, users, behind))
    kept = {seed.targets[0]: seed for seed, _, _ in joined}
    return [
        kept.get(candidate.targets[0], candidate)
        for candidate in candidates
        if candidate not in seeds or candidate.targets[0] in kept
    ]


def _users(graph: PromptGraph, seed: Candidate) -> frozenset[str]:
    """The nodes that draw with a seed: what has it, or, where that only hands it on, what that feeds."""
    nodes = [node for node, _ in seed.targets]
    return frozenset(
        user
        for node in nodes
        for user in ([node] if graph.wires_into(node) else [wire.target for wire in graph.wires_from(node)])
    )


def _joined(first: Candidate, other: Candidate) -> Candidate:
    """One for the places of both, within the bounds of both."""
    stricter = other if (first.kind, other.kind) == ("number", "integer") else first
    return stricter.model_copy(
        update={
            "targets": (*first.targets, *other.targets),
            "definition": _narrowed(stricter.definition, first.definition, other.definition),
        }
    )


def _narrowed(kept: InputDefinition | None, *all_of: InputDefinition | None) -> InputDefinition | None:
    known = [definition.options for definition in all_of if definition is not None]
    if not known:
        return None
    options = dict(kept.options) if kept else dict(known[0])
    for bound, stricter in (("min", max), ("max", min)):
        limits = [limit for each in known if isinstance(limit := each.get(bound), int | float)]
        if limits:
            options[bound] = stricter(limits)
    base = kept or next(definition for definition in all_of if definition is not None)
    return base.model_copy(update={"options": options})


def with_prompt(candidates: list[Candidate]) -> list[Candidate]:
    """The only text that is a prompt is called so, whatever its title adds."""
    called = [candidate for candidate in candidates if "prompt" in candidate.names]
    if len(called) != 1 or called[0].names[0] == "prompt":
        return candidates
    only = called[0].model_copy(update={"names": ("prompt",)})
    return [only if candidate is called[0] else candidate for candidate in candidates]
