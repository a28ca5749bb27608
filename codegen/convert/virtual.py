"""Nodes that exist in the frontend alone. They never reach the server; some of them pass on what they are given."""

from __future__ import annotations

PRIMITIVE = "PrimitiveNode"
REROUTE = "Reroute"
SETTERS = frozenset({"SetNode", "easy setNode"})
GETTERS = frozenset({"GetNode", "easy getNode"})
"""Wireless links of KJNodes and Easy-Use: a getter stands for what goes into the setter of the same name."""
BROADCASTERS = frozenset({"Anything Everywhere", "Anything Everywhere?", "Anything Everywhere3", "Prompts Everywhere"})
"""Of cg-use-everywhere: they send what they are given to open sockets that the browser finds."""
SEED_BROADCASTER = "Seed Everywhere"
"""Of the same pack; it sends a value of its own, and runs on the server."""
RGTHREE = frozenset(
    f"{name} (rgthree)"
    for name in (
        "Reroute", "Label", "Bookmark", "Fast Muter", "Fast Bypasser", "Fast Groups Muter", "Fast Groups Bypasser",
        "Fast Actions Button", "Mute / Bypass Relay", "Mute / Bypass Repeater", "Node Collector", "Node Combiner",
        "Random Unmuter",
    )
)  # fmt: skip
"""Of rgthree-comfy: what they mute or bypass is saved in the modes of those nodes."""
NOTES = frozenset({"Note", "MarkdownNote", "Note Plus (mtb)"})
VIRTUAL_TYPES = NOTES | {PRIMITIVE, REROUTE} | SETTERS | GETTERS | BROADCASTERS | RGTHREE
