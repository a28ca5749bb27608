"""What has to be in a GPU's memory at once: for each node that computes, the model files behind it.

Weights travel along links of their own types (`MODEL`, `CLIP`, `VAE`, …), data along others. A node that gives data
needs the weights that reach it; ComfyUI moves those of other stages out when memory is short (`free_memory` in
comfy/model_management.py). What a conditioning carries beside its tensors is needed with it: control nets run inside
the sampler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.json_values import as_list, as_object
from codegen.model import Frozen, JsonObject

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from codegen.catalog import Catalog

DATA: Final = frozenset(
    {
        "AUDIO", "AUDIO_ENCODER_OUTPUT", "BBOX", "BOOLEAN", "BOUNDING_BOX", "CAMERA_CONTROL", "CLIP_VISION_OUTPUT",
        "COMBO", "CURVE", "FILE_3D", "FLOAT", "FLOATS", "IMAGE", "INT", "LATENT", "LOAD3D_CAMERA", "MASK", "MESH",
        "NOISE", "NUMBER", "POINT_CLOUD", "POSE_KEYPOINT", "SAMPLER", "SEGS", "SIGMAS", "SPLAT", "STRING", "SVG",
        "TRACKS", "VIDEO", "VOXEL", "WAN_CAMERA_EMBEDDING",
    }
)  # fmt: skip
"""Types of links that carry no weights. Any other may."""
CONDITIONING: Final = "CONDITIONING"
RUNS_WITH_SAMPLER: Final = frozenset({"CONTROL_NET", "GLIGEN", "MODEL_PATCH"})
"""Weights that a conditioning takes along to where it is used."""
MOST_FILES: Final = 500
"""Of a graph that is taken apart. One with more is no workflow of a person's, and is taken as one stage."""
_LINK_LENGTH: Final = 2


WEIGHTS: Final = frozenset(
    {"MODEL", "CLIP", "VAE", "CONTROL_NET", "CLIP_VISION", "STYLE_MODEL", "UPSCALE_MODEL", "AUDIO_ENCODER"}
)
"""Types of links that surely carry weights."""


class Stage(Frozen):
    """A node that computes, with the files that it needs, by their numbers."""

    node: str
    files: frozenset[int]


def find_stages(prompt: JsonObject, catalog: Catalog, files: Sequence[Sequence[str]]) -> tuple[Stage, ...]:
    """One for each node that needs any of the files, in the prompt's order. `files` lists who loads each of them."""
    if len(files) > MOST_FILES:
        return (Stage(node=files[0][0], files=frozenset(range(len(files)))),)
    loaded: dict[str, int] = {}
    for number, nodes in enumerate(files):
        for node in nodes:
            loaded[node] = loaded.get(node, 0) | 1 << number
    graph = _Graph(prompt, catalog, loaded)
    needs = ((node, graph.needed(node)) for node in prompt)
    return tuple(
        Stage(node=node, files=frozenset(number for number in range(len(files)) if need >> number & 1))
        for node, need in needs
        if need
    )


def unnamed_loaders(prompt: JsonObject, catalog: Catalog, loaders: Container[str]) -> tuple[str, ...]:
    """Nodes that give weights, get none, and are not among those that are known to load a file."""
    found: list[str] = []
    for node_id, node in prompt.items():
        definition = catalog.get(str(node.get("class_type")))
        if definition is None or node_id in loaders or not WEIGHTS & {output.type for output in definition.outputs}:
            continue
        if not any(declared.type in WEIGHTS for declared in definition.inputs):
            found.append(node_id)
    return tuple(found)


class _Graph:
    """Sets of files as the bits of integers: what leaves each node as weights, and beside a conditioning."""

    def __init__(self, prompt: JsonObject, catalog: Catalog, loaded: Mapping[str, int]) -> None:
        self._prompt = prompt
        self._catalog = catalog
        self._loaded = loaded
        self._weights: dict[str, int] = {}
        self._carried: dict[str, int] = {}
        for node in self._sources_first():
            self._weights[node], self._carried[node] = self._leaving(node)

    def needed(self, node: str) -> int:
        """The files of a node that computes; none for one that only hands weights on."""
        definition = self._catalog.get(str(self._prompt[node].get("class_type")))
        outputs = definition.outputs if definition else ()
        if outputs and all(output.type not in DATA and output.type != CONDITIONING for output in outputs):
            return 0
        return self._weights[node]

    def _leaving(self, node: str) -> tuple[int, int]:
        weights, carried = self._loaded.get(node, 0), 0
        for source, kind in self._links(node):
            if kind == CONDITIONING:
                carried |= self._carried.get(source, 0)
                weights |= self._carried.get(source, 0)
            elif kind not in DATA:
                weights |= self._weights.get(source, 0)
                if kind in RUNS_WITH_SAMPLER:
                    carried |= self._weights.get(source, 0)
        return weights, carried

    def _links(self, node: str) -> Iterator[tuple[str, str]]:
        for value in as_object(self._prompt[node].get("inputs")).values():
            link = as_list(value)
            if len(link) == _LINK_LENGTH and isinstance(link[0], str) and link[0] in self._prompt:
                yield link[0], self._type(link[0], link[1])

    def _type(self, source: str, slot: object) -> str:
        definition = self._catalog.get(str(self._prompt[source].get("class_type")))
        if definition and isinstance(slot, int) and 0 <= slot < len(definition.outputs):
            return definition.outputs[slot].type
        return "*"

    def _sources_first(self) -> Iterator[str]:
        """Without recursion, because graphs may be long; a circle ends where it began."""
        seen: set[str] = set()
        for root in self._prompt:
            stack = [(root, False)]
            while stack:
                node, done = stack.pop()
                if done:
                    yield node
                elif node not in seen:
                    seen.add(node)
                    stack.append((node, True))
                    stack.extend((source, False) for source, _ in self._links(node))
