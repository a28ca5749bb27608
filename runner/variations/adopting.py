"""One variation made the app's default: a change to the lock, which prompt and interface follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.errors import PatchRefused
from codegen.json_values import as_list, as_object
from codegen.lock_changes import SetInput
from codegen.lock_patch import MOST_CHANGES, LockPatch, apply
from codegen.model import Frozen
from runner.variations.errors import BadVariation
from runner.variations.grid import check_grid
from runner.variations.model import AdoptRequest, Axis, Grid, Value

if TYPE_CHECKING:
    from codegen.lock import Lock
    from codegen.model import JsonObject
    from runner.variations.files import Record
    from runner.variations.model import CellResult

_PAIR: Final = 2


class Change(Frozen):
    """Of one input, for people."""

    name: str
    before: Value | None
    after: Value


class Adoption(Frozen):
    """What comes of taking a variation."""

    request: AdoptRequest
    changes: tuple[Change, ...]
    seeds: tuple[str, ...] = ()
    """Inputs that have no default: who gives none gets a random one."""
    others: tuple[str, ...] = ()
    """Inputs that have the value already."""


def adoption_of(number: int, record: Record, interface: JsonObject) -> Adoption:
    """What variation `number` changes in an app with this interface, which may be newer than the variation.

    Raises:
        BadVariation: there is no such variation, it was not made, or the app does not take its values any more.
    """
    cell = _cell(number, record)
    grid = Grid(axes=tuple(Axis(name=name, values=(value,)) for name, value in cell.inputs.items()))
    check_grid(grid, interface)
    changes: list[Change] = []
    set_inputs: list[SetInput] = []
    seeds: list[str] = []
    others: list[str] = []
    properties = as_object(interface.get("properties"))
    for name, value in cell.inputs.items():
        schema = as_object(properties[name])
        if "default" not in schema:
            seeds.append(name)
            continue
        before = schema["default"]
        if type(before) is type(value) and before == value:
            others.append(name)
            continue
        changes.append(
            Change(name=name, before=before if isinstance(before, str | int | float | bool) else None, after=value)
        )
        for target in as_list(as_object(schema.get("x-flowberth")).get("targets")):
            pair = as_list(target)
            if len(pair) == _PAIR:
                set_inputs.append(SetInput(node=str(pair[0]), input=str(pair[1]), value=value))
    if not set_inputs:
        raise BadVariation(_nothing(number, seeds, others))
    return Adoption(
        request=AdoptRequest(number=number, changes=tuple(set_inputs)),
        changes=tuple(changes),
        seeds=tuple(seeds),
        others=tuple(others),
    )


def adopted(lock: Lock, request: AdoptRequest, prompt: JsonObject) -> Lock:
    """The lock with the values of a variation.

    Raises:
        BadVariation: the lock cannot have them; says why.
    """
    because = f"variation {request.number} was adopted"
    changed = lock
    try:
        for start in range(0, len(request.changes), MOST_CHANGES):
            part = request.changes[start : start + MOST_CHANGES]
            changed = _with(changed, LockPatch(changes=part, because=because), prompt)
    except PatchRefused as error:
        raise BadVariation(str(error)) from None
    return changed


def _with(lock: Lock, patch: LockPatch, prompt: JsonObject) -> Lock:
    fresh = tuple(change for change in patch.changes if not (isinstance(change, SetInput) and _is_set(lock, change)))
    return apply(lock, patch.model_copy(update={"changes": fresh}), author="person", prompt=prompt) if fresh else lock


def _is_set(lock: Lock, change: SetInput) -> bool:
    return any(
        (one.node, one.input, type(one.value), one.value)
        == (change.node, change.input, type(change.value), change.value)
        for one in lock.inputs
    )


def _cell(number: int, record: Record) -> CellResult:
    cells = {cell.number: cell for cell in record.variations.cells}
    size = record.variations.grid.size
    if not 1 <= number <= size:
        raise BadVariation(f"there is no variation {number}; there are 1 to {size}")
    cell = cells.get(number)
    if cell is None:
        raise BadVariation(f"variation {number} was not made: {record.variations.stopped or 'the grid was stopped'}")
    if cell.state == "failed":
        raise BadVariation(f"variation {number} failed: {cell.reason or 'nobody knows why'}")
    return cell


def _nothing(number: int, seeds: list[str], others: list[str]) -> str:
    if seeds and not others:
        listed = " and ".join(seeds)
        return (
            f"variation {number} differs in {listed} only, which has no default: "
            "a caller that gives none gets a random one; give it with the call to get this result"
        )
    return f"the app's defaults are those of variation {number} already"
