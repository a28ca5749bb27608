"""What makes two executions of a node the same: its class, its inputs, and those of everything before it."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from codegen.json_values import as_object
from runner.stand_in.links import is_link
from runner.stand_in.nodes.load import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.model import JsonObject
    from runner.stand_in.files import Files


NEVER_THE_SAME = frozenset({"SaveImageWebsocket"})
"""Classes whose `IS_CHANGED` says so: what they send is kept nowhere."""


def signatures(nodes: JsonObject, order: Iterable[str], files: Files) -> dict[str, str]:
    """Node id → signature; `order` has each node after those it needs."""
    found: dict[str, str] = {}
    for node in order:
        entry = nodes[node]
        inputs = {
            name: ["from", found[value[0]], value[1]] if is_link(value) and value[0] in found else value
            for name, value in as_object(entry.get("inputs")).items()
        }
        once = uuid.uuid4().hex if entry["class_type"] in NEVER_THE_SAME else None
        facts: list[Any] = [entry["class_type"], inputs, _file_facts(entry, files), once]
        found[node] = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return found


def _file_facts(entry: JsonObject, files: Files) -> list[int] | None:
    """A file that was replaced under its name is another input, as `IS_CHANGED` of the loaders says."""
    upload = UPLOADS.get(str(entry["class_type"]))
    path = files.given(str(entry.get("inputs", {}).get(upload[0]))) if upload else None
    if path is None:
        return None
    facts = path.stat()
    return [facts.st_mtime_ns, facts.st_size]
