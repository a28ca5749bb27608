"""Node definitions: names, types, order, defaults, bounds, options, outputs.

Facts of several ComfyUI core versions ship as data, made by `tools/catalog.py` from a server's `GET /object_info`; a
catalog from a live server can be laid over them. Source of the shape: ComfyUI, server.py, `node_info`.
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from codegen.errors import CatalogError
from codegen.json_values import as_list, as_object, is_list, is_object
from codegen.model import Frozen, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

COMBO = "COMBO"
CUSTOM_NODES = "custom_nodes."
"""How `python_module` of a class begins that is not of ComfyUI itself (nodes.py, `load_custom_node`)."""
_SECTIONS = ("required", "optional")
_WORD_ENDS = re.compile(
    r"(?<=[a-z])(?=[A-Z](?!$))|(?<=[A-Z]{2})(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][a-z])"
    r"|(?<=[0-9]D)(?=[A-Z][a-z])|(?<=[a-z])(?=[0-9]D(?![a-z]))|_+"
)


class InputDefinition(Frozen):
    """One declared input of a node class."""

    name: str
    type: str
    """A socket type such as `IMAGE`, a widget type such as `INT`, or `COMBO` for every kind of list."""
    required: bool
    options: JsonObject
    choices: tuple[Any, ...] | None = None
    """Of a combo; empty when the server lists files of a folder that is empty where the facts were read."""


class OutputDefinition(Frozen):
    """One output slot."""

    name: str
    type: str
    is_list: bool = False


class NodeDefinition:
    """One node class. `raw` is its entry in `/object_info`, reduced to facts."""

    def __init__(self, class_type: str, raw: JsonObject) -> None:
        self.class_type = class_type
        self.raw = raw

    @property
    def display_name(self) -> str:
        """What the editor calls it."""
        return str(self.raw.get("display_name") or self.class_type)

    @property
    def readable_name(self) -> str:
        """The same; for a class that has no name beside its own, that in words."""
        return str(self.raw.get("display_name") or readable(self.class_type))

    @property
    def category(self) -> str:
        """Its place in the editor's menu, such as `image/upscaling`."""
        return str(self.raw.get("category", ""))

    @property
    def python_module(self) -> str:
        """Where the server loaded it from; `custom_nodes.<pack>` when it is not of the core."""
        return str(self.raw.get("python_module", ""))

    @property
    def output_node(self) -> bool:
        """Whether the server runs a prompt for its sake."""
        return bool(self.raw.get("output_node", False))

    @property
    def api_node(self) -> bool:
        """Whether it calls a paid partner service."""
        return bool(self.raw.get("api_node", False))

    @cached_property
    def inputs(self) -> tuple[InputDefinition, ...]:
        """In the frontend's order: required, then optional, each by `input_order`."""
        return tuple(input_definitions(self.raw.get("input"), self.raw.get("input_order")))

    def input(self, name: str) -> InputDefinition | None:
        """A declared input by name; those inside dynamic combos are not declared here."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, InputDefinition]:
        return {definition.name: definition for definition in self.inputs}

    @cached_property
    def outputs(self) -> tuple[OutputDefinition, ...]:
        """In slot order."""
        types = as_list(self.raw.get("output"))
        names = as_list(self.raw.get("output_name")) or types
        lists = as_list(self.raw.get("output_is_list"))
        return tuple(
            OutputDefinition(
                name=str(names[index]) if index < len(names) else str(kind),
                type=kind if isinstance(kind, str) else COMBO,
                is_list=bool(lists[index]) if index < len(lists) else False,
            )
            for index, kind in enumerate(types)
        )


def readable(class_type: str) -> str:
    """A class's name in words: `CLIPTextEncode` is CLIP Text Encode."""
    if " " in class_type:
        return class_type
    return _WORD_ENDS.sub(" ", class_type.removesuffix("Node")).strip() or class_type


def input_definitions(sections: Any, order: Any = None) -> Iterator[InputDefinition]:  # noqa: ANN401 - JSON of a server
    """Inputs of an `input` object of `/object_info`; also of the nested ones in dynamic combos and templates."""
    for section in _SECTIONS:
        declared = as_object(as_object(sections).get(section))
        listed = as_list(as_object(order).get(section))
        ordered = dict.fromkeys(name for name in listed if isinstance(name, str) and name in declared)
        for name in [*ordered, *(name for name in declared if name not in ordered)]:
            definition = input_definition(name, declared[name], required=section == "required")
            if definition is not None:
                yield definition


def input_definition(name: str, spec: Any, *, required: bool) -> InputDefinition | None:  # noqa: ANN401
    """One `[type, options]` pair; `None` for what is no declaration."""
    parts = as_list(spec)
    if not parts:
        return None
    kind = parts[0]
    options = as_object(parts[1]) if len(parts) > 1 else {}
    if is_list(kind):
        return InputDefinition(name=name, type=COMBO, required=required, options=options, choices=tuple(kind))
    if kind == COMBO:
        listed = tuple(as_list(options.get("options")))
        return InputDefinition(name=name, type=COMBO, required=required, options=options, choices=listed)
    return InputDefinition(name=name, type=str(kind), required=required, options=options)


class Catalog:
    """The definitions of one core version, possibly with others laid over them."""

    def __init__(self, version: str, raw: Mapping[str, JsonObject]) -> None:
        self.version = version
        self._raw = raw
        self._made: dict[str, NodeDefinition] = {}

    def get(self, class_type: str) -> NodeDefinition | None:
        """The definition of a class, if there is one."""
        made = self._made.get(class_type)
        if made is None:
            raw = self._raw.get(class_type)
            if raw is None:
                return None
            made = self._made[class_type] = NodeDefinition(class_type, raw)
        return made

    def __contains__(self, class_type: str) -> bool:
        return class_type in self._raw

    def classes(self) -> tuple[str, ...]:
        """Every class it defines."""
        return tuple(self._raw)

    def overlay(self, other: Catalog) -> Catalog:
        """This catalog, with what `other` knows in front."""
        return Catalog(self.version, {**self._raw, **other.raw})

    def extended(self, packs: Catalog) -> Catalog:
        """This catalog, with the classes that `packs` has from custom nodes and this one has not."""
        foreign = {
            name: raw
            for name, raw in packs.raw.items()
            if str(raw.get("python_module", "")).startswith(CUSTOM_NODES) and name not in self._raw
        }
        return Catalog(self.version, {**self._raw, **foreign})

    @property
    def raw(self) -> Mapping[str, JsonObject]:
        """As `GET /object_info` would answer, reduced to facts."""
        return self._raw


def catalog_from_object_info(raw: Mapping[str, Any], *, version: str) -> Catalog:
    """Definitions as a live server gives them.

    Raises:
        CatalogError: it is not the answer of `/object_info`.
    """
    for name, entry in raw.items():
        if not is_object(as_object(entry).get("input")):
            raise CatalogError(
                f"{ascii(name)[:60]} is no node definition; give the answer of ComfyUI's GET /object_info"
            )
    return Catalog(version, cast("Mapping[str, JsonObject]", raw))


def object_info(catalog: Catalog) -> JsonObject:
    """What `GET /object_info` answers, as far as the facts go."""
    return {
        name: {"display_name": name, "description": "", **entry, "name": name} for name, entry in catalog.raw.items()
    }


def packaged_versions() -> tuple[str, ...]:
    """The core versions that ship, oldest first."""
    names = (entry.name for entry in _folder().iterdir())
    versions = [name.removesuffix(".json.gz") for name in names if name.endswith(".json.gz")]
    return tuple(sorted(versions, key=lambda version: tuple(int(part) for part in version.split("."))))


@cache
def load_catalog(version: str) -> Catalog:
    """A core version that ships.

    Raises:
        CatalogError: it does not; the message names those that do.
    """
    if version not in packaged_versions():
        raise CatalogError(
            f"no definitions of ComfyUI {ascii(version)[:40]} ship; there are: {', '.join(packaged_versions())}"
        )
    packed = (_folder() / f"{version}.json.gz").read_bytes()
    return Catalog(version, json.loads(gzip.decompress(packed)))


def _folder() -> Traversable:
    return resources.files("codegen") / "data" / "catalog"
