"""What a workflow file says itself about the models it loads: `properties.models` of its nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen.addresses import public_url
from codegen.json_values import as_object, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject, Workflow

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_FOLDER = re.compile(r"[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """Facts of one entry. What it does not say, or says in a way that no lock would take, is `None`."""

    file: str
    """Below the folder, with forward slashes."""
    url: str
    """As a lock takes it: https, and without anybody's key."""
    folder: str | None
    """Below ComfyUI's `models/`; never leads out of it."""
    sha256: str | None
    """In lower case."""


def embedded_models(workflow: Workflow) -> Iterator[EmbeddedModel]:
    """Every entry in every graph of the file that has a name and an https URL."""
    if workflow.kind != "ui":
        return
    document = workflow.document
    for graph in (document, *objects(as_object(document.get("definitions")).get("subgraphs"))):
        for node in objects(graph.get("nodes")):
            for entry in objects(as_object(node.get("properties")).get("models")):
                model = _model(entry)
                if model:
                    yield model


def _model(fields: JsonObject) -> EmbeddedModel | None:
    name, folder, digest = (fields.get(key) for key in ("name", "directory", "hash"))
    url = public_url(fields.get("url"))
    if not isinstance(name, str) or url is None:
        return None
    is_sha256 = str(fields.get("hash_type", "")).lower() == "sha256"
    return EmbeddedModel(
        file=name.replace("\\", "/"),
        url=url,
        folder=folder if isinstance(folder, str) and _FOLDER.fullmatch(folder) else None,
        sha256=digest.lower() if is_sha256 and isinstance(digest, str) and _SHA256.fullmatch(digest) else None,
    )
