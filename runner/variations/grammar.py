"""How variations are written: `seed=1..4 steps=20,30 cfg=5..7:0.5 prompt="a cat","a dog, asleep"`.

Only the form is looked at here; `runner.variations.grid` knows the inputs and their types.

    wish  := axis { blank axis }
    axis  := name "=" item { "," item }
    item  := range | word | quoted
    range := number ".." number [ ":" step ]
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

from codegen.model import Frozen
from runner.variations.errors import BadVariation
from runner.variations.model import MOST_CELLS, MOST_INPUTS

FORM: Final = 'input=value,value or input=1..4, such as seed=1..4 steps=20,30 prompt="a cat","a dog"'
SHOWN: Final = 60
"""Characters of what somebody wrote, in a message."""
_NUMBER: Final = r"[+-]?\d{1,20}(?:\.\d{1,12})?(?:[eE][+-]?\d{1,3})?"
NUMBER: Final = re.compile(_NUMBER, re.ASCII)
"""Bounded in every part, so that nothing that is written in a line takes long to compute with."""
_SPAN: Final = re.compile(rf"({_NUMBER})(?:\.\.|…)({_NUMBER})(?::({_NUMBER}))?", re.ASCII)
_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,99})\s*=\s*", re.ASCII)
_BARE: Final = re.compile(r"[^\s,]+")
_BLANK: Final = re.compile(r"\s*")
_QUOTED: Final = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
_ESCAPED: Final = re.compile(r"\\([\\\"'])")
_QUOTES_OF_PHONES: Final = str.maketrans("\u201c\u201d\u201e\u2018\u2019", '"""\'\'')


class Word(Frozen):
    """One value, as it was written."""

    text: str
    quoted: bool = False
    """Then it is text, whatever it looks like."""


class Span(Frozen):
    """A range of numbers, both ends among them, as it was written."""

    low: str
    high: str
    step: str | None = None


Item: TypeAlias = Word | Span


class Wish(Frozen):
    """The values that are wished for one input."""

    name: str
    items: tuple[Item, ...]


class _Item(NamedTuple):
    item: Item
    end: int


def read_wishes(text: str) -> tuple[Wish, ...]:
    """What is written in a line.

    Raises:
        BadVariation: it cannot be read; says where, and gives the form.
    """
    if not _is_text(text):
        raise BadVariation("what was written has bytes in it that are no UTF-8; write it with letters alone")
    text = text.translate(_QUOTES_OF_PHONES)
    wishes: dict[str, Wish] = {}
    at = _skip(text, 0)
    while at < len(text):
        found = _NAME.match(text, at)
        if found is None:
            raise BadVariation(f"{shown(text[at:].split(maxsplit=1)[0])} is not of the form {FORM}")
        if found[1] in wishes:
            raise BadVariation(f"{found[1]} is given twice; put all its values behind one =")
        if len(wishes) == MOST_INPUTS:
            raise BadVariation(f"more than {MOST_INPUTS} inputs are given; leave out those that are as in the workflow")
        items, at = _items(text, found.end(), found[1])
        wishes[found[1]] = Wish(name=found[1], items=items)
    if not wishes:
        raise BadVariation(f"nothing is to be varied; the form is {FORM}")
    return tuple(wishes.values())


def show_wishes(wishes: tuple[Wish, ...]) -> str:
    """The line that is read as `wishes`."""
    return " ".join(f"{wish.name}={','.join(map(show_item, wish.items))}" for wish in wishes)


def show_item(item: Item) -> str:
    """A value as it is written."""
    if isinstance(item, Span):
        return f"{item.low}..{item.high}" + (f":{item.step}" if item.step is not None else "")
    if not item.quoted:
        return item.text
    return '"' + item.text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(text: str) -> str:
    """What somebody wrote, fit for one line of a message."""
    line = "".join(char if char.isprintable() else " " for char in text[: 2 * SHOWN])
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _items(text: str, at: int, name: str) -> tuple[tuple[Item, ...], int]:
    items: list[Item] = []
    while True:
        item, at = _item(text, at, name)
        items.append(item)
        if len(items) > MOST_CELLS:
            raise BadVariation(
                f"{name} has more than {MOST_CELLS} values; at most {MOST_CELLS} variations are made at once"
            )
        after = _skip(text, at)
        if text[after : after + 1] != ",":
            return tuple(items), after
        at = _skip(text, after + 1)
        if at == len(text) or _NAME.match(text, at):  # a comma between two inputs, or behind the last, harms nobody
            return tuple(items), at


def _item(text: str, at: int, name: str) -> _Item:
    if text[at : at + 1] in _QUOTED:
        found = _QUOTED[text[at]].match(text, at)
        if found is None:
            raise BadVariation(f"{name}: a quotation mark has no second one")
        following = text[found.end() : found.end() + 1]
        if following not in ("", ",") and not following.isspace():
            raise BadVariation(f"{name}: a comma or a blank has to follow {shown(found[0])}")
        return _Item(Word(text=_ESCAPED.sub(r"\1", found[1]), quoted=True), found.end())
    found = _BARE.match(text, at)
    if found is None:
        raise BadVariation(f"{name}: a value is missing; the form is {FORM}")
    span = _SPAN.fullmatch(found[0])
    if span is not None:
        return _Item(Span(low=span[1], high=span[2], step=span[3]), found.end())
    return _Item(Word(text=found[0]), found.end())


def _is_text(text: str) -> bool:
    """Not so what a command line was given in another encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None
    return found.end()
