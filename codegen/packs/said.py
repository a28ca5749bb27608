"""What a saved graph says of where its nodes come from.

The editor writes into each node's `properties`: `cnr_id`, the pack's id in the registry, or `aux_id`, `owner/name` on
GitHub for one that was cloned; and `ver`, the version or the commit that was installed (ComfyUI frontend,
`workflowSchema.ts`; ComfyUI-Manager, `workflow-metadata.js`). An API export has none of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from codegen.json_values import as_object, objects
from codegen.model import Frozen, JsonObject, Workflow

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

CORE_ID = "comfy-core"
"""The `cnr_id` of ComfyUI's own nodes."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_GITHUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,39}")


class Saying(Frozen):
    """What one node, or several alike, say of their pack."""

    registry_id: str | None = None
    url: str | None = None
    commit: str | None = None
    version: str | None = None
    """As the registry counts; also what else stands in the place of a commit, such as a short one."""


def sayings(workflow: Workflow, classes: Container[str]) -> dict[str, tuple[Saying, ...]]:
    """For each of the classes, what its nodes say, in the order of the file and each once."""
    found: dict[str, dict[Saying, None]] = {}
    if workflow.kind == "ui":
        for node in _nodes(workflow.document):
            kind = node.get("type")
            if isinstance(kind, str) and kind in classes:
                saying = _saying(as_object(node.get("properties")))
                if saying.registry_id or saying.url:
                    found.setdefault(kind, {})[saying] = None
    return {kind: tuple(said) for kind, said in found.items()}


def _nodes(document: JsonObject) -> Iterator[JsonObject]:
    groups = as_object(as_object(document.get("extra")).get("groupNodes")).values()
    subgraphs = objects(as_object(document.get("definitions")).get("subgraphs"))
    for graph in (document, *subgraphs, *(as_object(group) for group in groups)):
        yield from objects(graph.get("nodes"))


def _saying(properties: JsonObject) -> Saying:
    repository = _matched(_GITHUB, str(properties.get("aux_id", "")).removesuffix(".git"))
    version = properties.get("ver")
    commit = _matched(_COMMIT, version)
    return Saying(
        registry_id=_matched(_ID, properties.get("cnr_id")),
        url=f"https://github.com/{repository}" if repository else None,
        commit=commit.lower() if commit else None,
        version=None if commit else _matched(_VERSION, version),
    )


def _matched(pattern: re.Pattern[str], value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
