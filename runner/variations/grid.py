"""What was written, held against the app's interface: typed values within their bounds, and a bounded number of cells.

The keywords of JSON Schema that say something of a single value are looked at here, in words for people; a schema that
somebody has edited may have others, such as a pattern, which the app itself holds a call to.
"""

from __future__ import annotations

import difflib
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any, Final, cast

from codegen.json_values import as_object
from runner.variations.errors import BadVariation
from runner.variations.grammar import NUMBER, Span, Word, show_item, shown
from runner.variations.model import LONGEST_TEXT, MOST_CELLS, Axis, Grid

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from runner.variations.grammar import Item, Wish
    from runner.variations.model import Value

LARGEST: Final = Fraction(2**64)
"""Seeds go up to it; nothing else comes near."""
COUNTABLE: Final = 10**12
"""Larger numbers are not written out."""
SHOWN_CHOICES: Final = 12
_BOOLEANS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_PLAIN: Final = frozenset({"string", "integer", "number", "boolean"})
_MEDIA: Final = frozenset({"image", "mask", "video", "audio", "mesh", "file"})


def make_grid(wishes: tuple[Wish, ...], interface: JsonObject) -> Grid:
    """The grid that was asked for.

    Raises:
        BadVariation: an input is not there, a value is none that it takes, or there are too many cells.
    """
    properties = as_object(interface.get("properties"))
    named = [(_named(wish.name, properties), wish) for wish in wishes]
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise BadVariation(f"{name} is given twice; put all its values behind one =")
    _check_size([sum(_count(name, item) for item in wish.items) for name, wish in named])
    return Grid(axes=tuple(_axis(name, wish, as_object(properties[name])) for name, wish in named))


def check_grid(grid: Grid, interface: JsonObject) -> None:
    """Make sure that a grid is still one of this interface: the branch may have moved since it was asked for.

    Raises:
        BadVariation: it is not.
    """
    properties = as_object(interface.get("properties"))
    for axis in grid.axes:
        _named(axis.name, properties)
        for value in axis.values:
            check_value(axis.name, value, as_object(properties[axis.name]))


def check_value(name: str, value: Value, schema: JsonObject) -> None:
    """Make sure that an input takes a value.

    Raises:
        BadVariation: it does not; names the bound.
    """
    if "enum" in schema:
        if not any(same_value(value, choice) for choice in _choices(schema)):
            raise BadVariation(f"{name}: {_quoted(value)} is none of {_listed(schema)}")
        return
    _check_type(name, value, schema)
    if isinstance(value, str):
        _check_text(name, value, schema)
    elif not isinstance(value, bool):
        _check_number(name, value, schema)


def inputs_that_vary(interface: JsonObject) -> tuple[str, ...]:
    """The names that may be given."""
    properties = as_object(interface.get("properties"))
    return tuple(name for name, schema in properties.items() if _type(as_object(schema)) is not None)


def _named(name: str, properties: JsonObject) -> str:
    """The input that is meant: its name, whatever its case and its dashes."""
    plain = {_plainly(each): each for each in properties}
    found = name if name in properties else plain.get(_plainly(name))
    if found is None:
        known = list(inputs_that_vary({"properties": properties}))
        near = next(iter(difflib.get_close_matches(name[:60], known, n=1)), None)
        listed = ", ".join(known) or "none"
        raise BadVariation(
            f"the app has no input {shown(name)}; it has {listed}" + (f"; did you mean {near}?" if near else ""), near
        )
    if _type(as_object(properties[found])) is None:
        kind = as_object(as_object(properties[found]).get("x-flowberth")).get("kind", "value")
        raise BadVariation(f"{found} is of the kind {shown(str(kind))}; only texts, numbers and choices are varied")
    return found


def _plainly(name: str) -> str:
    return name.lower().replace("-", "_")


def _type(schema: JsonObject) -> str | None:
    """What an input takes: `enum` or a plain type of JSON; `None` for what cannot be varied."""
    if as_object(schema.get("x-flowberth")).get("kind") in _MEDIA:
        return None
    if "enum" in schema:
        return "enum" if _choices(schema) else None
    said: Any = schema.get("type")
    kinds: list[Any] = cast("list[Any]", said) if isinstance(said, list) else [said]
    return next((kind for kind in kinds if kind in _PLAIN), None)


def _count(name: str, item: Item) -> int:
    """How many values an item stands for, without making them."""
    if isinstance(item, Word):
        return 1
    low, high, step = _span(name, item)
    return int((high - low) / step) + 1


def _span(name: str, item: Span) -> tuple[Fraction, Fraction, Fraction]:
    low, high = Fraction(item.low), Fraction(item.high)
    if high < low:
        raise BadVariation(f"{name}: {show_item(item)} runs backwards; write {item.high}..{item.low}")
    if item.step is None:
        if low.denominator != 1 or high.denominator != 1:
            raise BadVariation(f"{name}: {show_item(item)} needs a step, such as {item.low}..{item.high}:0.5")
        return low, high, Fraction(1)
    step = Fraction(item.step)
    if step <= 0:
        raise BadVariation(f"{name}: the step {item.step} has to be more than 0")
    return low, high, step


def _check_size(counts: list[int]) -> None:
    size = prod(counts)
    if size > MOST_CELLS:
        how = " × ".join(_counted(count) for count in counts) + " = " if len(counts) > 1 else ""
        raise BadVariation(f"that would be {how}{_counted(size)} variations; at most {MOST_CELLS} are made at once")


def _counted(number: int) -> str:
    return f"{number:,}" if number <= COUNTABLE else f"more than {COUNTABLE:,}"


def _axis(name: str, wish: Wish, schema: JsonObject) -> Axis:
    values: list[Value] = []
    for item in wish.items:
        for value in _values(name, item, schema):
            check_value(name, value, schema)
            if any(same_value(value, known) for known in values):
                raise BadVariation(f"{name}: {_quoted(value)} is given twice")
            values.append(value)
    return Axis(name=name, values=tuple(values))


def _values(name: str, item: Item, schema: JsonObject) -> list[Value]:
    kind = _type(schema)
    if isinstance(item, Word):
        return [_typed(name, item, schema)]
    if kind in ("string", "boolean"):
        takes = "text" if kind == "string" else "true or false"
        raise BadVariation(f'{name} takes {takes}; for the text, put it in quotes: "{show_item(item)}"')
    low, high, step = _span(name, item)
    numbers = [low + index * step for index in range(int((high - low) / step) + 1)]
    return [_number(name, number, show_item(item), schema) for number in numbers]


def _typed(name: str, word: Word, schema: JsonObject) -> Value:
    kind = _type(schema)
    match kind:
        case "enum":
            return _choice(name, word, schema)
        case "string":
            return word.text
        case "boolean":
            value = _BOOLEANS.get(word.text.lower())
            if value is None:
                raise BadVariation(f"{name}: {_quoted(word.text)} is neither true nor false")
            return value
        case _:
            if word.quoted or not NUMBER.fullmatch(word.text):
                what = "whole number" if kind == "integer" else "number"
                raise BadVariation(f"{name}: {_quoted(word.text)} is no {what}; it takes {_bounds(schema)}")
            return _number(name, Fraction(word.text), word.text, schema)


def _number(name: str, number: Fraction, written: str, schema: JsonObject) -> Value:
    if abs(number) > LARGEST:
        raise BadVariation(f"{name}: {shown(written)} is too large; it takes {_bounds(schema)}")
    kind = _type(schema)
    if kind == "enum":
        value = int(number) if number.denominator == 1 else float(number)
        return next((choice for choice in _choices(schema) if same_value(value, choice)), value)
    if kind == "integer":
        if number.denominator != 1:
            raise BadVariation(f"{name}: {_shortly(float(number))} is no whole number; it takes {_bounds(schema)}")
        return int(number)
    return float(number)


def _choice(name: str, word: Word, schema: JsonObject) -> Value:
    choices = _choices(schema)
    exact = [choice for choice in choices if _written(choice) == word.text]
    found = exact or [choice for choice in choices if _written(choice).lower() == word.text.lower()]
    if len(found) == 1:
        return found[0]
    if not word.quoted and NUMBER.fullmatch(word.text):
        number = _number(name, Fraction(word.text), word.text, schema)
        if any(same_value(number, choice) for choice in choices):
            return number
    near = next(iter(difflib.get_close_matches(word.text[:60], [_written(choice) for choice in choices], n=1)), None)
    meant = f"; did you mean {shown(near)}?" if near else ""
    raise BadVariation(f"{name}: {_quoted(word.text)} is none of {_listed(schema)}{meant}", near)


def _choices(schema: JsonObject) -> list[Value]:
    listed: Any = schema.get("enum")
    if not isinstance(listed, list):
        return []
    return [choice for choice in cast("list[Any]", listed) if isinstance(choice, str | int | float | bool)]


def _listed(schema: JsonObject) -> str:
    names = [shown(_written(choice)) for choice in _choices(schema)]
    more = len(names) - SHOWN_CHOICES
    return ", ".join(names[:SHOWN_CHOICES]) + (f" and {more} more" if more > 0 else "")


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def same_value(one: Value, other: Value) -> bool:
    """Equal, and not `True` for 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _check_type(name: str, value: Value, schema: JsonObject) -> None:
    kind = _type(schema)
    right = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if kind is None or not right[kind]:
        raise BadVariation(f"{name}: {_quoted(value)} is no {kind or 'value that can be given in text'}")


def _check_text(name: str, value: str, schema: JsonObject) -> None:
    least, most = _limit(schema, "minLength"), _limit(schema, "maxLength")
    most = LONGEST_TEXT if most is None else min(most, LONGEST_TEXT)
    if len(value) > most or (least is not None and len(value) < least):
        bounds = f"at most {most:,.0f}" if not least else f"{least:,.0f} to {most:,.0f}"
        raise BadVariation(f"{name}: {_quoted(value)} has {len(value):,} characters; it takes {bounds}")


def _check_number(name: str, value: float, schema: JsonObject) -> None:
    least, most = _limit(schema, "minimum"), _limit(schema, "maximum")
    above, below = _limit(schema, "exclusiveMinimum"), _limit(schema, "exclusiveMaximum")
    fits = (
        (least is None or value >= least)
        and (most is None or value <= most)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    if not fits:
        raise BadVariation(f"{name}: {_shortly(value)} is out of bounds; it takes {_bounds(schema)}")
    unit = _limit(schema, "multipleOf")
    if unit and Fraction(str(value)) % Fraction(str(unit)):
        raise BadVariation(f"{name}: {_shortly(value)} is no multiple of {_shortly(unit)}")


def _bounds(schema: JsonObject) -> str:
    if _type(schema) == "enum":
        return f"one of {_listed(schema)}"
    what = "whole numbers" if _type(schema) == "integer" else "numbers"
    words = [
        f"{word} {_shortly(limit)}"
        for key, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if (limit := _limit(schema, key)) is not None
    ]
    return " ".join([what, *words])


def _limit(schema: JsonObject, key: str) -> int | float | None:
    limit = schema.get(key)
    return limit if isinstance(limit, int | float) and not isinstance(limit, bool) else None


def _shortly(number: float) -> str:
    return f"{number}" if isinstance(number, int) else f"{number:.12g}"


def _quoted(value: Value) -> str:
    if isinstance(value, str):
        return f'"{shown(value)}"'
    return _written(value) if isinstance(value, bool) else _shortly(value)
