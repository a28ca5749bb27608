"""YAML from strangers: a small part of the language, bounded, each value with its line.

PyYAML composes the nodes; values are made from them here, so that no tag can make an object. Refused are aliases (which
can grow without end), keys that occur twice (of which YAML silently keeps the last), tags, and several documents.
Plain scalars mean what YAML 1.2 says: `on`, `no` and `12:30` are texts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

from codegen.errors import CodegenError

MAX_CHARACTERS: Final = 64 * 1024
"""Ten times what anybody writes by hand."""
MAX_DEPTH: Final = 20
Path: TypeAlias = tuple[str | int, ...]

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,50}|[0-9]{1,50}(\.[0-9]{0,50})?)([eE][-+]?[0-9]{1,3})?")
_KINDS = ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in _KINDS)
"""What PyYAML gives to nodes without a tag."""


class InvalidYaml(CodegenError):  # noqa: N818 - reads as the sentence that is shown
    """A text is not YAML, or is more of it than is taken."""

    def __init__(self, message: str, *, line: int = 1) -> None:
        super().__init__(message)
        self.line = line
        """From 1."""


@dataclass(frozen=True)
class Document:
    """A YAML document."""

    value: Any
    """Of dicts with texts as keys, lists, texts, numbers, booleans and `None`."""
    lines: dict[Path, int]
    """The line, from 1, on which each value begins; that of its key, where it has one."""

    def line(self, path: Path) -> int:
        """The line of a value, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


FAST: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml, and says less of what is wrong."""


def load(text: str, *, most_characters: int = MAX_CHARACTERS, loader: type[Any] = yaml.SafeLoader) -> Document:
    """Read a document. An empty one is `None`.

    Raises:
        InvalidYaml: with the line.
    """
    if len(text) > most_characters:
        raise InvalidYaml(f"the text has {len(text):,} characters; at most {most_characters:,} are read")
    _check(text, loader)
    try:
        root: yaml.Node | None = loader(text).get_single_node()
    except yaml.YAMLError as error:
        raise _told(error) from None
    lines: dict[Path, int] = {}
    return Document(value=None if root is None else _value(root, (), lines), lines=lines)


def _check(text: str, kind: type[Any]) -> None:
    """Refuse what must not even be composed: the composer recurses, and follows aliases."""
    depth = 0
    try:
        loader = kind(text)
        while loader.check_event():
            event: object = loader.get_event()
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise InvalidYaml("anchors and aliases (& and *) are not taken; write the value out", line=_line(event))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise InvalidYaml(f"nested more than {MAX_DEPTH} levels deep", line=_line(event))
    except yaml.YAMLError as error:
        raise _told(error) from None
    except RecursionError:
        raise InvalidYaml(f"nested more than {MAX_DEPTH} levels deep") from None


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:  # noqa: ANN401 - any YAML value
    lines.setdefault(path, _line(node))
    if node.tag not in _TAGS:
        raise InvalidYaml("tags (!) are not taken", line=_line(node))
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, lines)
        case yaml.SequenceNode():
            return [_value(each, (*path, index), lines) for index, each in enumerate(node.value)]
        case _:
            return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise InvalidYaml("a key has to be a word", line=_line(key_node))
        key = str(key_node.value)
        if key in result:
            raise InvalidYaml(f"the key {key[:60]!r} occurs twice; remove one of them", line=_line(key_node))
        lines[*path, key] = _line(key_node)
        result[key] = _value(value_node, (*path, key), lines)
    return result


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    if _NULL.fullmatch(text):
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _line(marked: Any) -> int:  # noqa: ANN401 - an event or a node
    return marked.start_mark.line + 1


def _told(error: yaml.YAMLError) -> InvalidYaml:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        return InvalidYaml(words or "not YAML", line=mark.line + 1 if mark else 1)
    if isinstance(error, yaml.reader.ReaderError):
        return InvalidYaml(f"the character U+{int(error.character):04X} is not allowed in YAML")
    return InvalidYaml("not YAML")
