"""What the notes of a workflow say of its models: links to files, with the size where it stands beside one.

People, and ComfyUI's official templates, list in a note what has to be downloaded:
`- [sdxl.safetensors](https://huggingface.co/…/resolve/main/sdxl.safetensors) (6.46 GB)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from codegen.addresses import direct_url, public_url
from codegen.core_version import MODEL_SUFFIXES
from codegen.json_values import as_list, as_object, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import Workflow

NOTES = frozenset({"Note", "MarkdownNote", "Note Plus (mtb)", "Label (rgthree)"})
LONGEST_NOTE = 100_000
"""Characters that are looked at; a note is for people to read."""
LARGEST_FILE = 200 * 2**30
"""Bytes; what is said to be larger is a slip, and would cost the largest GPU."""
_SIZE = r"(?:[ \t]{0,4}[(\[]?[ \t]{0,4}(?P<size>\d{1,6}(?:\.\d{1,4})?)[ \t]?(?P<unit>[KMG]i?B)\b)?"
_URL = r"https://[^\s()<>\[\]\"'`]{1,1000}"
_LINK = re.compile(rf"\[(?P<text>[^\[\]\n]{{1,300}})\]\((?P<url>{_URL})\){_SIZE}|(?P<bare>{_URL})")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
"""Notes count as file managers do."""


@dataclass(frozen=True, slots=True)
class LinkedModel:
    """A link to a file."""

    file: str
    """Its name, without folders."""
    url: str
    """As a lock takes it; of a page that shows the file on Hugging Face it is the file itself."""
    about_bytes: int | None
    """Rounded as people round."""


def linked_models(workflow: Workflow) -> Iterator[LinkedModel]:
    """Every link to a model file in every note, in the order of the file."""
    if workflow.kind != "ui":
        return
    document = workflow.document
    for graph in (document, *objects(as_object(document.get("definitions")).get("subgraphs"))):
        for node in objects(graph.get("nodes")):
            if str(node.get("type")) in NOTES:
                values = node.get("widgets_values")
                for text in as_list(values) or as_object(values).values():
                    if isinstance(text, str):
                        yield from _links(text[:LONGEST_NOTE])


def _links(text: str) -> Iterator[LinkedModel]:
    for match in _LINK.finditer(text):
        url = public_url((match["url"] or match["bare"]).rstrip(".,;:*"))
        file = _file(match["text"], url) if url else None
        if url and file:
            size = round(float(match["size"]) * _UNITS[match["unit"][0]]) if match["size"] else 0
            yield LinkedModel(file, direct_url(url), size if 0 < size <= LARGEST_FILE else None)


def _file(text: str | None, url: str) -> str | None:
    """The name by which a loader asks for it: that of the link, as the server may have another."""
    shown = (text or "").strip().strip("`*").rsplit("/", 1)[-1]
    if shown.lower().endswith(MODEL_SUFFIXES):
        return shown
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    name = unquote(path.rsplit("/", 1)[-1])
    return name if name.lower().endswith(MODEL_SUFFIXES) else None
