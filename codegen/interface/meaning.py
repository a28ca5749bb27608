"""Inputs by what they do in the prompt, for workflows whose author said nothing of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from codegen.catalog import readable
from codegen.interface.inputs import MEDIA, Candidate, describe, is_prose, is_seed, leaf
from codegen.interface.joining import ENCODER_NAMES, SAMPLING, SERVICE_SETTINGS, SIZES, one_text_for_each_encoder
from codegen.interface.names import from_title, identifier, telling, usual
from codegen.interface.sides import text_sides
from codegen.json_values import as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.interface.prompt_graph import PromptGraph

Group: TypeAlias = Literal["text", "primitive", "media", "size", "seed", "sampling"]
GROUPS: tuple[Group, ...] = ("text", "primitive", "media", "size", "seed", "sampling")
"""What candidates are, in the order in which people ask for them."""

PRIMITIVES = frozenset(
    {"PrimitiveInt", "PrimitiveFloat", "PrimitiveString", "PrimitiveStringMultiline", "PrimitiveBoolean", "CustomCombo"}
)
PRIMITIVE_VALUES = frozenset({"value", "choice"})
"""The inputs of those that hold what they give."""
GLUE = frozenset(
    {
        "ComfyMathExpression", "CaseConverter", "JsonExtractString", "RegexExtract", "RegexMatch", "RegexReplace",
        "StringCompare", "StringConcatenate", "StringContains", "StringFormat", "StringLength", "StringReplace",
        "StringSubstring", "StringTrim", "GLSLShader",
    }
)  # fmt: skip
"""Nodes whose texts are part of how the workflow is made."""
_JOINER = "StringConcatenate"
_GLUE_INPUTS = frozenset(
    {
        "a", "b", "c", "x", "y", "index", "start", "end", "find", "replace", "delimiter", "string_a", "string_b",
        "regex_pattern", "substring", "expression", "condition", "on_true", "on_false", "any",
    }
)  # fmt: skip
_NAMED_NEGATIVE = frozenset({"negative_prompt", "negative"})
_SIZED = re.compile(r"empty|latent|resolution|aspect", re.IGNORECASE)
"""In the names of classes that nobody has defined: what makes the canvas."""
_SAME_SIZE = frozenset({"Flux2Scheduler", "ModelSamplingFlux"})
"""Classes that must be told the size of the picture once more."""
_PICTURE = frozenset({"IMAGE"})
_MEDIA_TYPES = frozenset({"IMAGE", "MASK", "VIDEO", "AUDIO", "LATENT", ""})
_ROLES = frozenset(
    {
        "start_image", "end_image", "first_image", "last_image", "first_frame", "last_frame", "start_frame",
        "end_frame", "middle_image", "middle_frame", "reference_image", "ref_image", "reference_video", "style_image",
        "control_image", "control_video", "pose_video", "face_video", "background_video", "background_image",
        "subject_image", "character_image", "product_image", "target_image", "source_image", "scene_image",
        "garment_image", "model_image", "human_image", "cloth_image", "image_left", "image_right", "image_back",
        "image_front", "driving_video", "motion_video", "reference_audio", "mask_image", "style_reference",
        "character_mask",
    }
)  # fmt: skip
"""Inputs that say what part a file plays."""
_WELL_KNOWN = SAMPLING | SIZES | {"prompt", "negative_prompt", "strength"}
INSIDE = ":"
"""In the id of a node that is inside a subgraph."""
MAX_ROLE_STEPS = 200
"""Nodes looked at when a file is followed to where it plays its part."""


class Meaning:
    """What the literals of one prompt mean."""

    def __init__(self, graph: PromptGraph) -> None:
        self._graph = graph
        self._sides = text_sides(graph, lambda node, name: is_prose(graph, node, name))
        self._media_count: dict[str, int] = {}
        for node in graph.prompt:
            for name in graph.inputs(node):
                candidate = describe(graph, node, name)
                if candidate is not None and candidate.kind in MEDIA:
                    self._media_count[candidate.kind] = self._media_count.get(candidate.kind, 0) + 1

    def candidates(self) -> Iterator[Candidate]:
        """By what they do in the prompt, the most asked for first; equal ones that belong together are one."""
        groups: dict[Group, list[Candidate]] = {group: [] for group in GROUPS}
        for node in self._graph.prompt:
            for name in self._graph.inputs(node):
                candidate = self.describe(node, name)
                group = self._group(candidate) if candidate is not None else None
                if candidate is not None and group is not None:
                    groups[group].append(self.named(candidate))
        order = {"prompt": 0, "negative_prompt": 2}
        groups["text"] = one_text_for_each_encoder([*groups["text"], *self._text_in_glue(groups["text"])])
        groups["text"].sort(key=lambda candidate: order.get(candidate.names[0], 1))
        groups["size"] = [self._with_followers(candidate) for candidate in self._of_results(groups["size"])]
        groups["seed"] = self._of_pictures(groups["seed"])
        for group in GROUPS:
            yield from groups[group]

    def describe(self, node: str, name: str) -> Candidate | None:
        """The candidate at one place of the prompt; `None` if there is no literal that people could set."""
        candidate = describe(self._graph, node, name)
        if candidate is not None and candidate.kind == "integer" and self._is_primitive(candidate):
            consumer = self._consumer(node)
            if consumer is not None and is_seed(consumer):
                return candidate.model_copy(update={"kind": "seed"})
        return candidate

    def named(self, candidate: Candidate) -> Candidate:
        """With the names that say what it does."""
        node, _ = candidate.targets[0]
        title = self.title(candidate)
        known = self._graph.knows(title.strip())
        given = "" if known else from_title(title, self._graph.class_type(node), self._display_name(node))
        names: list[str]
        if candidate.kind in MEDIA:
            role = given or self._role(candidate)
            names = [role or {"mesh": "model_3d"}.get(candidate.kind, candidate.kind)]
        elif candidate.kind == "seed":
            names = [candidate.leaf if is_seed(candidate.leaf) else "seed", given]
        elif candidate.kind == "text":
            names = self._text_names(candidate, given)
        elif self._is_primitive(candidate):
            names = [given or self._purpose(node) or candidate.leaf]
        else:
            names = [candidate.leaf, given]
        found = tuple(dict.fromkeys(slug for name in names if (slug := usual(name))))
        return candidate.model_copy(update={"names": found or (candidate.kind,), "title": title if given else None})

    def title(self, candidate: Candidate) -> str:
        """Of the node, if it can be that of the input: loaders, primitives and encoders have one that matters."""
        node, _ = candidate.targets[0]
        title = as_object(as_object(self._graph.prompt.get(node)).get("_meta")).get("title")
        if not isinstance(title, str):
            return ""
        alone = candidate.kind in MEDIA or not telling(candidate.leaf) or candidate.leaf in ENCODER_NAMES
        return title if alone else ""

    def _group(self, candidate: Candidate) -> Group | None:  # noqa: PLR0911 - a table
        """The group that a candidate belongs to; `None` for what nobody will want to set."""
        node, name = candidate.targets[0]
        graph = self._graph
        definition = graph.definition(node)
        if candidate.kind in MEDIA:
            return "media"
        if candidate.kind == "seed":
            return None if _adds_no_noise(graph, node) else "seed"
        if self._is_primitive(candidate):
            return self._primitive_group(candidate)
        service = definition.api_node if definition else "prompt" in graph.inputs(node)
        if service and candidate.leaf in SERVICE_SETTINGS:
            return "size"
        if candidate.kind == "text":
            internal = graph.class_type(node) in GLUE or (candidate.leaf == "system_prompt" and _draws(graph, node))
            return "text" if is_prose(graph, node, name) and not internal else None
        if candidate.leaf in SIZES and _makes_canvas(graph, node, candidate.leaf):
            return "size"
        if candidate.leaf in {"aspect_ratio", "megapixels", "resolution"} and _chooses_size(graph, node):
            return "size"
        if candidate.leaf == "strength" and "control_net" in graph.wires_into(node):
            return "sampling"
        return "sampling" if candidate.leaf in SAMPLING and _matters(graph, candidate) else None

    def _primitive_group(self, candidate: Candidate) -> Group | None:
        node, _ = candidate.targets[0]
        named = self.named(candidate)
        if INSIDE in node and named.names[0] not in _WELL_KNOWN:
            return None  # its author could have shown it on the outside
        if candidate.kind == "text" and candidate.targets[0] in self._sides:
            return "text"
        return "primitive" if named.title is not None or self._purpose(node) else None

    def _is_primitive(self, candidate: Candidate) -> bool:
        node, name = candidate.targets[0]
        return self._graph.class_type(node) in PRIMITIVES and name in PRIMITIVE_VALUES

    def _text_names(self, candidate: Candidate, given: str) -> list[str]:
        node, _ = candidate.targets[0]
        side = self._sides.get(candidate.targets[0])
        by_side = [{"positive": "prompt", "negative": "negative_prompt"}[side]] if side else []
        own = candidate.leaf
        if own in _GLUE_INPUTS:
            return [*by_side, given, own]
        if own in _NAMED_NEGATIVE:
            return ["negative_prompt", given]
        if self._is_primitive(candidate):
            return [given, *by_side, self._purpose(node), "prompt" if not self._sides else "text"]
        definition = self._graph.definition(node)
        service = definition is not None and definition.api_node
        if not by_side and not service and "positive" in self._sides.values() and own in ENCODER_NAMES:
            return [given or f"{identifier(self._display_name(node))}_{own}"]
        if own in ENCODER_NAMES or usual(own) == "prompt":
            return [*(by_side or ["prompt"]), given]
        return [own, given] if telling(own) else [*by_side, given, own]

    def _purpose(self, node: str) -> str:
        """What a primitive is for, as far as the input says that it feeds."""
        consumer = self._consumer(node)
        return "" if consumer is None or consumer in _GLUE_INPUTS or not telling(consumer) else consumer

    def _consumer(self, node: str) -> str | None:
        """The input that a primitive feeds, if all its readers agree."""
        names = {leaf(wire.name) for wire in self._graph.wires_from(node)}
        return names.pop() if len(names) == 1 else None

    def _role(self, candidate: Candidate) -> str:
        """Where files of one kind are several: the part that this one plays, if it plays one."""
        if self._media_count.get(candidate.kind, 0) < 2:  # noqa: PLR2004 - one needs no telling apart
            return ""
        waiting, seen, roles = [candidate.targets[0][0]], set[str](), dict[str, None]()
        while waiting and len(seen) < MAX_ROLE_STEPS:
            node = waiting.pop(0)
            if node in seen:
                continue
            seen.add(node)
            for wire in self._graph.wires_from(node):
                name = identifier(leaf(wire.name))
                if name in _ROLES:
                    roles[name] = None
                elif self._graph.output(wire)[0] in _MEDIA_TYPES and self._graph.gives(wire.target) & {"IMAGE", "MASK"}:
                    waiting.append(wire.target)
        return next(iter(roles)) if len(roles) == 1 else ""

    def _display_name(self, node: str) -> str:
        definition = self._graph.definition(node)
        return definition.readable_name if definition else readable(self._graph.class_type(node))

    def _text_in_glue(self, texts: list[Candidate]) -> list[Candidate]:
        """Where nothing else is a prompt: the longest of the texts that are put together for one."""
        positive = {place for place, side in self._sides.items() if side == "positive"}
        if any(text.names[0] == "prompt" or text.targets[0] in positive for text in texts):
            return []
        found = [
            candidate
            for node, name in self._sides
            if (node, name) in positive
            and self._graph.class_type(node) == _JOINER
            and (candidate := self.describe(node, name)) is not None
        ]
        longest = max(found, key=lambda candidate: len(str(candidate.value)), default=None)
        return [] if longest is None else [longest.model_copy(update={"names": ("prompt",)})]

    def _of_pictures(self, seeds: list[Candidate]) -> list[Candidate]:
        """Where something is drawn, the seeds of language models that write on the way are left alone."""
        drawn = [seed for seed in seeds if self._graph.gives(seed.targets[0][0]) != frozenset({"STRING"})]
        return drawn or seeds

    def _of_results(self, sizes: list[Candidate]) -> list[Candidate]:
        """A plain picture is the canvas if it is the only one; several, or one beside latents, are paint."""
        plain = {size.targets[0][0] for size in sizes if self._is_plain(size)}
        latents = any("LATENT" in self._graph.gives(size.targets[0][0]) for size in sizes)
        return [size for size in sizes if not self._is_plain(size) or (len(plain) == 1 and not latents)]

    def _is_plain(self, size: Candidate) -> bool:
        definition = self._graph.definition(size.targets[0][0])
        return definition is not None and not definition.api_node and self._graph.gives(size.targets[0][0]) == _PICTURE

    def _with_followers(self, candidate: Candidate) -> Candidate:
        """A size goes to all nodes that must be told the same."""
        if candidate.leaf not in {"width", "height"}:
            return candidate
        more = tuple(
            (node, candidate.leaf)
            for node in self._graph.prompt
            if self._graph.class_type(node) in _SAME_SIZE
            and self._graph.inputs(node).get(candidate.leaf) == candidate.value
        )
        return candidate.model_copy(update={"targets": (*candidate.targets, *more)})


def _draws(graph: PromptGraph, node: str) -> bool:
    return not graph.gives(node) <= {"STRING"}


def _adds_no_noise(graph: PromptGraph, node: str) -> bool:
    return graph.inputs(node).get("add_noise") in ("disable", False)


def _matters(graph: PromptGraph, candidate: Candidate) -> bool:
    """Sampling from pure noise makes sense in full only: `denoise` is for pictures that are to be changed."""
    if candidate.leaf != "denoise" or candidate.value != 1:
        return True
    latent = graph.wires_into(candidate.targets[0][0]).get("latent_image")
    return latent is not None and not graph.class_type(latent.source).startswith("Empty")


def _makes_canvas(graph: PromptGraph, node: str, name: str) -> bool:
    """Sizes are offered where something is made, not where something is cropped or resized on the way."""
    given = graph.gives(node)
    if graph.definition(node) is None:
        return name != "batch_size" and _SIZED.search(graph.class_type(node)) is not None
    taken = {graph.output(wire)[0] for wire in graph.wires_into(node).values()}
    if name == "batch_size":
        kind = graph.class_type(node)
        return kind.startswith("Empty") and "LATENT" in given and "length" not in graph.inputs(node)
    return "LATENT" in given or (name in {"width", "height"} and given == _PICTURE and "IMAGE" not in taken)


def _chooses_size(graph: PromptGraph, node: str) -> bool:
    """Nodes that give nothing but a width and a height."""
    definition = graph.definition(node)
    if definition is None or graph.wires_into(node):
        return False
    return {output.name.lower() for output in definition.outputs} == {"width", "height"}
