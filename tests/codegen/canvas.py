"""A pen for workflows: graphs as the editor saves them, drawn node by node."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codegen.catalog import Catalog, load_catalog
from codegen.convert import convert
from codegen.parse import parse_workflow

if TYPE_CHECKING:
    from codegen.model import Conversion, Workflow

ACTIVE, MUTED, BYPASSED = 0, 2, 4
INPUT_BOUNDARY, OUTPUT_BOUNDARY = -10, -20


@dataclass(frozen=True)
class Output:
    """An output slot that can be wired to inputs."""

    node: Any
    slot: int
    type: str


class Drawn:
    """A node; `node[1]` is its second output."""

    def __init__(self, saved: dict[str, Any]) -> None:
        self.saved = saved

    def __getitem__(self, slot: int) -> Output:
        return Output(self.saved["id"], slot, self.saved["outputs"][slot]["type"])


@dataclass
class Canvas:
    """The root graph, or the inside of a subgraph."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    links: list[Any] = field(default_factory=list)
    inside_of: dict[str, Any] | None = None
    definitions: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        *,
        values: Any = None,
        gives: str = "IMAGE",
        id: Any = None,  # noqa: A002 - the name in the file
        mode: int = ACTIVE,
        title: str | None = None,
        properties: dict[str, Any] | None = None,
        widgets: str = "",
        **inputs: Output | Drawn | str | None,
    ) -> Drawn:
        """A node. Inputs are outputs of others, or the type of a socket that is left open; `widgets` names those that
        stand for widgets. `gives` lists the types of its outputs.
        """
        node: dict[str, Any] = {
            "id": len(self.nodes) + 1 if id is None else id,
            "type": kind,
            "mode": mode,
            "inputs": [],
            "outputs": [{"name": name, "type": name, "links": []} for name in gives.split()],
            "properties": properties or {},
        }
        if values is not None:
            node["widgets_values"] = values
        if title is not None:
            node["title"] = title
        self.nodes.append(node)
        for name, source in inputs.items():
            name = name.replace("__", ".")  # noqa: PLW2901 - `model__seed` is the socket `model.seed`
            self.socket(node, name, source, widget=name in widgets.split())
        return Drawn(node)

    def socket(self, node: dict[str, Any], name: str, source: Output | Drawn | str | None, *, widget: bool) -> None:
        """One more socket on a node."""
        if isinstance(source, Drawn):
            source = source[0]
        linked = isinstance(source, Output)
        socket: dict[str, Any] = {"name": name, "type": source.type if linked else source or "*", "link": None}
        if widget:
            socket["widget"] = {"name": name}
        node["inputs"].append(socket)
        if linked:
            socket["link"] = self._link(source, node["id"], len(node["inputs"]) - 1)

    def _link(self, source: Output, target: Any, slot: int) -> int:
        number = len(self.links) + 1
        if self.inside_of is None:
            self.links.append([number, source.node, source.slot, target, slot, source.type])
        else:
            self.links.append(
                {
                    "id": number,
                    "origin_id": source.node,
                    "origin_slot": source.slot,
                    "target_id": target,
                    "target_slot": slot,
                    "type": source.type,
                }
            )
        return number

    def subgraph(self, name: str, *, takes: dict[str, str], gives: dict[str, str]) -> Canvas:
        """A definition to draw in; its id is its name. Hosts are nodes of that type."""
        definition: dict[str, Any] = {
            "id": name,
            "name": name,
            "inputs": [{"name": key, "type": kind} for key, kind in takes.items()],
            "outputs": [{"name": key, "type": kind} for key, kind in gives.items()],
        }
        self.definitions.append(definition)
        inside = Canvas(inside_of=definition, definitions=self.definitions)
        definition["nodes"], definition["links"] = inside.nodes, inside.links
        return inside

    def taken(self, slot: int) -> Output:
        """Inside a subgraph: its input of that index."""
        assert self.inside_of is not None
        return Output(INPUT_BOUNDARY, slot, self.inside_of["inputs"][slot]["type"])

    def give(self, source: Drawn | Output, slot: int = 0) -> None:
        """Inside a subgraph: wire to its output."""
        self._link(source if isinstance(source, Output) else source[0], OUTPUT_BOUNDARY, slot)

    def saved(self) -> dict[str, Any]:
        """The file."""
        document: dict[str, Any] = {"version": 0.4, "nodes": self.nodes, "links": self.links, "extra": self.extra}
        if self.definitions:
            document["definitions"] = {"subgraphs": self.definitions}
        return document

    def workflow(self) -> Workflow:
        """As parsed."""
        return parse_workflow(json.dumps(self.saved()).encode(), filename="drawn.json")

    def converted(self, catalog: Catalog | None = None) -> Conversion:
        """As converted with the newest core that ships."""
        return convert(self.workflow(), catalog or load_catalog("0.33.0"))

    def prompt(self, catalog: Catalog | None = None) -> dict[str, Any]:
        """Id → inputs."""
        return {key: node["inputs"] for key, node in self.converted(catalog).prompt.items()}


def empty_image(canvas: Canvas, width: int = 64, **more: Any) -> Drawn:
    return canvas.add("EmptyImage", values=[width, 48, 1, 0], **more)


def save(canvas: Canvas, images: Drawn | Output | str | None, prefix: str = "out", **more: Any) -> Drawn:
    return canvas.add("SaveImage", values=[prefix], gives="", images=images, **more)


def text_to_image(prompt: str = "a fox", negative: str = "blurry") -> Canvas:
    """The workflow that everybody begins with."""
    canvas = Canvas()
    model = canvas.add("CheckpointLoaderSimple", values=["sd15.safetensors"], gives="MODEL CLIP VAE")
    positive = canvas.add("CLIPTextEncode", values=[prompt], gives="CONDITIONING", clip=model[1])
    unwanted = canvas.add("CLIPTextEncode", values=[negative], gives="CONDITIONING", clip=model[1])
    latent = canvas.add("EmptyLatentImage", values=[512, 512, 1], gives="LATENT")
    sampled = canvas.add(
        "KSampler",
        values=[42, "randomize", 20, 8.0, "euler", "normal", 1.0],
        gives="LATENT",
        model=model[0],
        positive=positive,
        negative=unwanted,
        latent_image=latent,
    )
    save(canvas, canvas.add("VAEDecode", samples=sampled, vae=model[2]), "fox")
    return canvas
