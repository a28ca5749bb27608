"""Wireless links: getters stand for what goes into the setter of the same name, here or in the graphs around.

Source of the scope: ComfyUI-KJNodes, web/js/setgetnodes.js, `findSetterByName`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.convert.virtual import SETTERS
from codegen.json_values import as_list
from codegen.model import Finding

if TYPE_CHECKING:
    from codegen.convert.expand import Instance


class Wireless:
    """Finds setters, and keeps what it has to say about those that it did not find or that are not the only ones."""

    def __init__(self) -> None:
        self._setters: dict[int, dict[str, list[Instance]]] = {}
        """By identity of the nodes that stand together, and by name."""
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One for each getter that was asked for."""
        return tuple(self._findings.values())

    def setter(self, getter: Instance) -> Instance | None:
        """The first setter of the getter's name: beside it, else in the graphs around it from the inside out."""
        name = _name(getter)
        place: Instance | None = getter
        while name is not None and place is not None:
            found = self._beside(place).get(name, [])
            if len(found) > 1:
                self._tell(
                    getter,
                    "ambiguous-setter",
                    f"{len(found)} Set nodes are named {ascii(name)[:60]}; the first of them, {found[0].id}, is taken",
                    "give each its own name",
                )
            if found:
                return found[0]
            place = place.host
        self._tell(
            getter,
            "missing-setter",
            f"no Set node in reach is named {ascii(name)[:60]}: what this Get node feeds stays unconnected",
            "connect it in the editor, or remove it",
        )
        return None

    def _beside(self, place: Instance) -> dict[str, list[Instance]]:
        setters = self._setters.get(id(place.siblings))
        if setters is None:
            setters = self._setters[id(place.siblings)] = {}
            for sibling in place.siblings.values():
                name = _name(sibling) if sibling.node.type in SETTERS else None
                if name is not None:
                    setters.setdefault(name, []).append(sibling)
        return setters

    def _tell(self, getter: Instance, code: str, message: str, hint: str) -> None:
        self._findings[getter.id] = Finding(code=code, severity="warning", message=message, node=getter.id, hint=hint)


def _name(instance: Instance) -> str | None:
    values = as_list(instance.node.values)
    return values[0] if values and isinstance(values[0], str) and values[0] else None
