"""What the files of a knowledge base say, as documents that can be found.

Read tolerantly: people edit these files, and other tools may write them. A front matter or JSON that cannot be read
leaves its file's text; a field that nobody knows is text, too. Files come from a repository that strangers may have
written: sizes and depths are bounded, and nothing is resolved or expanded.
"""

from __future__ import annotations

import re
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from codegen import strict_json, strict_yaml
from codegen.errors import MalformedJson
from codegen.json_values import is_object
from runner.knowledge.words import spaced
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = "docs/knowledge-base/workflows"
LARGEST_FILE: Final = 1_000_000
"""Bytes of a file that is read."""
LARGEST_FRONT_MATTER: Final = 100_000
"""Characters."""
DEEPEST: Final = 12
"""Nested lists and mappings in front matter or JSON."""
MOST_VALUES: Final = 20_000
"""Of one file."""
MOST_SECTIONS: Final = 500
"""Of one file."""
MOST_HEADINGS: Final = 20 * MOST_SECTIONS
"""Of one file: those with nothing below them are no sections. The last has the rest."""
MOST_NAMES: Final = 400
"""Identifiers of one document, and lines with errors."""
MOST_PROSE: Final = 20_000
"""Characters of a document's text; Postgres indexes less than a megabyte of words."""
MOST_SHOWN: Final = 4 * MOST_PROSE
"""Characters of which that text is made: the addresses of links are taken out of it."""
MOST_BITS: Final = 256
"""Of a number."""
MOST_DESCRIBED: Final = 20
"""Of what is listed, for an embedding."""
LONGEST_DESCRIPTION: Final = 400
"""Characters: about the 128 word pieces that small models were trained on; more takes longer and says no more."""
LONGEST_VALUE: Final = 300
"""Characters of a title, an identifier or a line."""

Kind: TypeAlias = Literal["pattern", "learning", "fix", "nodes"]
"""A workflow that was deployed; a section of what was learned; what repaired a failure; what a pack's nodes are."""

_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+)$", re.MULTILINE)
"""The text has what may close it at its end, too: looking for that here would take the square of the blanks."""
_CLOSING: Final = " \t\r#"
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300}+)\]\([^\[)\s]{0,2000}+\)")
"""Neither part goes beyond the next bracket that opens one, so that no character is looked at for many of them."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What Postgres refuses, and what terminals obey. JSON and YAML can write them with letters that are none."""

Field: TypeAlias = Literal["", "name", "title", "classes", "models", "packs", "errors"]
_KEYS: Final[dict[Field, str]] = {
    "name": "name app",
    "title": "title workflow",
    "classes": "classes class nodes node_classes class_type",
    "models": "models model checkpoints loras",
    "packs": "packs pack custom_nodes dependencies repository repositories",
    "errors": "errors error issues symptom symptoms signature details cause",
}
"""Which keys hold what; all that is below them belongs to it."""
_FIELDS: Final[dict[str, Field]] = {key: field for field, keys in _KEYS.items() for key in keys.split()}
_LISTED: Final = ("classes", "models", "packs")
_FILE: Final = ("folder", "file")
_NAMING: Final = frozenset({"file", "name", "url", "path", "folder", "title", "id"})
"""Keys of an entry in such a list that name it."""


class Document(Frozen):
    """One thing that can be found."""

    kind: Kind
    part: str
    """Anchor of the section in its file; empty for a whole file."""
    title: str
    name: str = ""
    """Of the app, where it is about one."""
    classes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """Lines that somebody would paste who has seen the same."""
    prose: str = ""


def is_indexed(path: str) -> bool:
    """Whether a file of a repository is part of its knowledge base; the overview is made from the others."""
    return path.startswith(f"{ROOT}/") and path.endswith((".md", ".json")) and path != f"{ROOT}/README.md"


def documents_of(path: str, data: bytes) -> tuple[Document, ...]:
    """What one file holds. A file that holds nothing gives nothing; none is an error."""
    if len(data) > LARGEST_FILE:
        return ()
    text = data.decode("utf-8", "replace")
    inside = path.removeprefix(f"{ROOT}/")
    if path.endswith(".json"):
        return _from_json(inside, text)
    front, body = _front_matter(text)
    if inside.startswith("learnings/"):
        return tuple(islice(_sections(inside, front, body), MOST_SECTIONS))
    return (_document("pattern", inside, front, _facts(front), body),)


def _from_json(inside: str, text: str) -> tuple[Document, ...]:
    try:
        value = strict_json.loads(text.encode())
    except MalformedJson:
        return ()
    if not is_object(value):
        return ()
    if "/fixes/" in f"/{inside}":
        return (_document("fix", inside, {}, _facts({"errors": value}), ""),)
    definitions = value.get("definitions")
    facts: dict[str, Any] = {key: told for key, told in value.items() if key != "definitions"}
    if is_object(definitions):
        facts["classes"] = list(definitions)
        facts["shown"] = [
            [told.get("display_name"), told.get("category"), told.get("description")]
            for told in definitions.values()
            if is_object(told)
        ]
    return (_document("nodes", inside, facts, _facts(facts), ""),)


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    found = _FRONT.match(text)
    if found is None or len(found[1]) > LARGEST_FRONT_MATTER:
        return {}, text
    return _yaml(found[1]), text[found.end() :]


def _yaml(text: str) -> dict[str, Any]:
    """A mapping; nothing if it is none, or more of YAML than strangers may use."""
    try:
        value: object = strict_yaml.load(text, most_characters=LARGEST_FRONT_MATTER, loader=strict_yaml.FAST).value
    except strict_yaml.InvalidYaml:
        return {}
    return value if is_object(value) else {}


def _sections(inside: str, front: dict[str, Any], body: str) -> Iterator[Document]:
    """A document for each heading: learnings of many workflows stand in one file."""
    headings = list(islice(_HEADING.finditer(body), MOST_HEADINGS))
    whole = _title(inside, front, body)
    facts = _facts(front)
    used: dict[str, int] = {}
    for found, following in zip_longest(headings, headings[1:]):
        text = body[found.end() : following.start() if following else None]
        heading = found[2].rstrip(_CLOSING)
        anchor = _anchor(heading, used)
        if text.strip():
            title = _line(heading) if len(found[1]) > 1 else whole
            yield _document("learning", inside, {"title": title}, facts, text, anchor)
    before = body[: headings[0].start()] if headings else body
    if before.strip():
        yield _document("learning", inside, {"title": whole}, facts, before)


def _facts(front: dict[str, Any]) -> dict[Field, tuple[str, ...]]:
    """What is told of each field; under the empty one the rest, as text."""
    found: dict[Field, list[str]] = {field: [] for field in ("", *_KEYS)}
    for field, value in islice(_values(front), MOST_VALUES):
        found[field].append(value)
    rest = _shown("\n".join(found.pop("")))[:MOST_PROSE]
    return {"": (rest,), **{field: _distinct(values) for field, values in found.items()}}


def _document(  # noqa: PLR0917 - a document's parts
    kind: Kind, inside: str, front: dict[str, Any], facts: dict[Field, tuple[str, ...]], body: str, part: str = ""
) -> Document:
    lines = dict.fromkeys(body.splitlines()) if kind == "learning" and "error" in inside else ()
    prose = "\n".join((_shown(body.strip()), *facts[""]))[:MOST_PROSE].strip()
    return Document(
        kind=kind,
        part=part,
        title=_title(inside, front, body),
        name=next(iter(facts["name"]), ""),
        classes=facts["classes"],
        models=facts["models"],
        packs=facts["packs"],
        errors=_distinct((*facts["errors"], *lines)),
        prose=prose,
    )


def _values(value: object, field: Field = "", depth: int = 0) -> Iterator[tuple[Field, str]]:
    """`(field, text)` of all that is below; the field is empty where nothing says what it is."""
    if depth > DEEPEST:
        return
    match value:
        case {"folder": str(folder), "file": str(file)} if field == "models":
            yield field, f"{folder}/{file}"
            rest = {key: inner for key, inner in cast("dict[object, object]", value).items() if key not in _FILE}
            yield from _values(rest, field, depth)
        case dict():
            for key, inner in cast("dict[object, object]", value).items():
                below = _field_of(str(key).casefold(), field, depth)
                if below == field and field in _LISTED and str(key).casefold() not in _NAMING | _FIELDS.keys():
                    yield field, str(key)  # a mapping from names to what is known of each
                yield from _values(inner, below, depth + 1)
        case list():
            for inner in cast("list[object]", value):
                yield from _values(inner, field, depth + 1)
        case None | bool():
            pass
        case int() if value.bit_length() > MOST_BITS:  # Python refuses to write it down
            pass
        case _:
            yield field, str(value)


def _field_of(key: str, outer: Field, depth: int) -> Field:
    known: Field = _FIELDS.get(key, "")
    if depth and known in ("name", "title"):  # of something else than the workflow
        known = ""
    if known or outer == "":
        return known
    if outer in _LISTED and depth > 1 and key not in _NAMING:
        return ""  # what is told of a model or a pack besides its name
    return outer


def _title(inside: str, front: dict[str, Any], body: str) -> str:
    told = front.get("title")
    heading = _HEADING.search(body)
    stem = inside.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return _line(
        told if isinstance(told, str) and told.strip() else heading[2].rstrip(_CLOSING) if heading else ""
    ) or _line(stem)


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    lines = dict.fromkeys(_line(value) for value in values)
    return tuple(islice(filter(None, lines), MOST_NAMES))


def _line(text: str) -> str:
    return " ".join(_shown(text[: 4 * LONGEST_VALUE]).split())[:LONGEST_VALUE]


def _shown(text: str) -> str:
    return _UNSEEN.sub(" ", _LINK.sub(r"\1", _COMMENT.sub(" ", text)[:MOST_SHOWN]))


def _anchor(heading: str, used: dict[str, int]) -> str:
    """As GitHub makes them of headings: https://docs.github.com/en/get-started/writing-on-github#section-links."""
    kept = "".join(char for char in _line(heading).lower() if char.isalnum() or char in " -_").replace(" ", "-")
    count = used.get(kept, 0)
    used[kept] = count + 1
    return f"{kept}-{count}" if count else kept


def described(document: Document) -> str:
    """What it is about, for an embedding: what it does first, because models read the beginning only.

    Lists and tables are left out of the prose: they repeat the facts, or are the same in every entry.
    """
    sentences = [line for line in document.prose.splitlines() if line[:1].isalpha()]
    classes = ", ".join(spaced(name) for name in document.classes[:MOST_DESCRIBED])
    parts = (document.title, *document.errors[:MOST_DESCRIBED], *sentences, classes, ", ".join(document.models))
    return "\n".join(dict.fromkeys(filter(None, parts)))[:LONGEST_DESCRIPTION]
