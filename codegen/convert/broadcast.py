"""Links that cg-use-everywhere makes in the browser: from what goes into a broadcasting node to open sockets elsewhere.

The pack saves those of the root graph with the file, in `extra.ue_links`: who sends (`controller`), from where
(`upstream`, `upstream_slot`) and to where (`downstream`, `downstream_slot`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.convert.graph import Graph, Link
from codegen.convert.virtual import BROADCASTERS, SEED_BROADCASTER
from codegen.json_values import as_object, objects
from codegen.model import Finding

if TYPE_CHECKING:
    from codegen.convert.expand import Instance
    from codegen.model import JsonObject

SAVED = "ue_links"


def wire_broadcasts(root: Graph, source: JsonObject) -> None:
    """Make the saved links of broadcasting nodes real, where their ends exist and the socket is open."""
    for number, entry in enumerate(objects(as_object(source.get("extra")).get(SAVED))):
        origin = root.nodes.get(str(entry.get("upstream")))
        target = root.nodes.get(str(entry.get("downstream")))
        origin_slot, slot = entry.get("upstream_slot"), entry.get("downstream_slot")
        if origin is None or target is None or not isinstance(origin_slot, int) or not isinstance(slot, int):
            continue
        if 0 <= slot < len(target.inputs) and target.inputs[slot].link is None:
            link = Link(f"{SAVED} {number}", origin.id, origin_slot, target.id, slot)
            root.links[link.id] = link
            target.inputs[slot].link = link.id
    root.forget_order()


def unsaved_broadcasts(instances: list[Instance], source: JsonObject) -> list[Finding]:
    """Broadcasting nodes of which the file does not say where they send."""
    saved = {str(entry.get("controller")) for entry in objects(as_object(source.get("extra")).get(SAVED))}
    return [
        Finding(
            code="unknown-broadcast",
            severity="warning",
            message=f"{instance.node.type!a} sends to open sockets, and the file does not say to which ones",
            node=instance.id,
            hint="turn its links into real ones in the editor (its menu can do that), and save again",
        )
        for instance in instances
        if instance.node.active
        and not instance.hidden
        and instance.id not in saved
        and (
            instance.node.type == SEED_BROADCASTER
            or (instance.node.type in BROADCASTERS and any(socket.link is not None for socket in instance.node.inputs))
        )
    ]
