"""Variations in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.variations.adopting import Adoption
    from runner.variations.model import Estimate, Grid, Variations

LONGEST_VALUE: Final = 60
"""Characters of a value, where several stand side by side."""


def value_words(value: object) -> str:
    """A value in one short line, for whoever escapes it."""
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:.12g}"
        case int():
            return str(value)
        case _:
            text = "".join(char if char.isprintable() else " " for char in str(value)[: 4 * LONGEST_VALUE])
            line = " ".join(text.split())
            return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 1]}…"


def inputs_words(inputs: Mapping[str, object]) -> str:
    """`steps 20, cfg 7`."""
    return ", ".join(f"{name} {value_words(value)}" for name, value in inputs.items())


def adoption_words(adoption: Adoption, *, moved: bool) -> tuple[str, ...]:
    """What becomes the default, and what to know of it. `moved`: the app has changed since the variations were made."""
    changes = ", ".join(
        f"{change.name} {value_words('nothing' if change.before is None else change.before)} → "
        f"{value_words(change.after)}"
        for change in adoption.changes
    )
    seeds = [
        f"{name} has no default: who gives none gets a random one. To get this result again, give it with the call."
        for name in adoption.seeds
    ]
    other = "The app has changed since the variations were made: the result may be another one than on the sheet."
    head = f"variation {adoption.request.number} becomes the default: {changes}"
    return (head, *seeds, *((other,) if moved else ()))


def expected_words(variations: Variations, *, costs: bool) -> str:
    """How many there are, how many of them are there already, and what the others take."""
    words = grid_words(variations.grid)
    if variations.kept:
        words += f", of which {variations.kept} {'is' if variations.kept == 1 else 'are'} kept from the run before"
        if variations.kept == variations.grid.size:
            return f"{words}: nothing is left to make"
        words += "; the others take"
    elif variations.anew is not None:
        words += f", all made anew, as {variations.anew};"
    else:
        words += ","
    return f"{words} {estimate_words(variations.estimate, costs=costs)}"


def grid_words(grid: Grid) -> str:
    """`12 variations (4 seed × 3 steps)`."""
    axes = " × ".join(f"{len(axis.values)} {axis.name}" for axis in grid.axes if len(axis.values) > 1)
    return f"{grid.size} variation{'' if grid.size == 1 else 's'}" + (f" ({axes})" if axes else "")


def estimate_words(estimate: Estimate | None, *, costs: bool) -> str:
    """What it will take, with the basis."""
    if estimate is None:
        return "how long they take is not known: no test has measured a call yet"
    scaled = f", longer or shorter with {' and '.join(estimate.scaled_by)}" if estimate.scaled_by else ""
    more = "a container" if estimate.idle == 1 else f"{estimate.idle} containers"
    idle = f", and {more} more, which the app always has" if estimate.idle else ""
    basis = f"{estimate.call_seconds:.2f} s a call as last tested{scaled}{idle}"
    if not costs:
        return f"about {estimate.seconds:.0f} s ({basis}); nothing is spent on the local target"
    return f"about {estimate.seconds:.0f} s and ${estimate.usd:.4f} ({basis}, ${estimate.usd_per_second:.6f} a second)"
