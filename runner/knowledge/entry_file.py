"""An entry as a file: YAML front matter, Markdown for people, and below a last line whatever they add.

The front matter names the hash of what was generated. If it does not fit any more, a person has edited the file, and it
is theirs from then on, as an `app.py` is. Words below the last line are kept without that.

Bills come when the entry is merged long since, and perhaps another pull request changes it. So they have a line of
their own, which the hash leaves out, behind one that never changes: git merges both.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from codegen.json_values import is_list, is_object
from codegen.strict_yaml import FAST, InvalidYaml, load
from runner.knowledge.entry import SCHEMA_ID, ActualCost, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 400_000
"""Bytes of a file that is read."""
LONGEST_FRONT: Final = 200_000
"""Characters of front matter: five hundred models with their addresses have less."""
MAPS: Final = frozenset({"inputs", "outputs", "links"})
"""Fields with a line for each name."""
NOTES: Final = "<!-- What you write below this line is kept. If you change what is above, all of the file is yours. -->"
HEAD: Final = (
    f"# yaml-language-server: $schema={SCHEMA_ID}",
    "# Written by Flowberth at each test of the app.",
)
BILLS: Final = "# Bills come later. What all of a run's have come to is noted below after a merge."
"""The last line of front matter that is generated, where something is paid; only `actual_cost` follows."""
_FRONT: Final = re.compile(r"\A---[ \t]*\n(?P<front>.*?)^---[ \t]*$\n?(?P<body>.*)\Z", re.DOTALL | re.MULTILINE)
_MARK: Final = re.compile(r'^generated: "?[0-9a-f]{0,64}"?[ \t]*\n', re.MULTILINE)
_ACTUAL: Final = re.compile(
    rf"(?<=^{re.escape(BILLS)}\n)"
    r'actual_cost: \{"run": "[\w-]{1,80}"(?:, "(?:build|tests|total)": \d[\d.e+-]{0,30}){3}\}\n',
    re.MULTILINE | re.ASCII,
)
"""As it is written here: one that a person has changed to anything else counts as edited."""


class Unreadable(Exception):  # noqa: N818 - reads as the sentence that is shown
    """A file is no entry that can be read: `str(error)` says why, with text of the file in it only as `ascii`."""


@dataclass(frozen=True)
class EntryFile:
    """What was read."""

    entry: Entry
    body: str
    """Markdown, with the notes of people."""
    edited: bool
    """Whether a person has changed what was generated."""


def written(entry: Entry, body: str, notes: str = "") -> bytes:
    """The file. `body` is Markdown; `notes` are what people have added before."""
    front = "".join(f"{line}\n" for line in (*HEAD, *_front(entry)))
    paid = entry.cost.total is not None or entry.actual_cost is not None
    bills = f"{BILLS}\n" if paid else ""
    text = f"---\n{front}{bills}---\n\n{body.strip(chr(10))}\n\n{NOTES}\n"
    mark = f'generated: "{_digest(text)}"\n'
    if entry.actual_cost is not None:
        text = text.replace(f"{BILLS}\n", f"{BILLS}\n{_actual(entry.actual_cost)}", 1)
    return (text.replace(f"{HEAD[-1]}\n", f"{HEAD[-1]}\n{mark}", 1) + notes).encode()


def is_edited(data: bytes) -> bool:
    """Whether a person has changed something else than the notes."""
    text = _decoded(data)
    mark = _MARK.search(text)
    head, line, _ = text.partition(f"{NOTES}\n")
    return mark is None or not line or _digest(_ACTUAL.sub("", _MARK.sub("", head + line, 1), 1)) not in mark[0]


def with_actual_cost(data: bytes, actual: ActualCost) -> bytes:
    """The file with what the bills have come to, every other byte as it was; unchanged if a person has edited it."""
    before, line, after = data.partition(f"{BILLS}\n".encode())
    if not line or is_edited(data):  # nor has one with line ends of Windows a place for it
        return data
    noted, _, rest = after.partition(b"\n")
    return before + line + _actual(actual).encode() + (rest if noted.startswith(b"actual_cost:") else after)


def notes_of(data: bytes) -> str:
    """What people have written below the last line."""
    return _decoded(data).partition(f"{NOTES}\n")[2]


def read(data: bytes) -> EntryFile:
    """An entry, whoever has written it.

    Raises:
        Unreadable: it is none, or more of it than is read.
    """
    if len(data) > LARGEST:
        raise Unreadable(f"the file has {len(data):,} bytes; at most {LARGEST:,} are read")
    found = _FRONT.match(_decoded(data))
    if found is None:
        raise Unreadable("it does not begin with front matter between two lines of ---")
    try:
        entry = Entry.model_validate(load(found["front"], most_characters=LONGEST_FRONT, loader=FAST).value)
    except InvalidYaml as error:
        raise Unreadable(f"line {error.line + 1}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(ascii(part)[:60] for part in first["loc"]) or "front matter"
        raise Unreadable(f"{place}: {first['msg']}"[:300]) from None
    return EntryFile(entry=entry, body=found["body"].strip("\n"), edited=is_edited(data))


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _front(entry: Entry) -> Iterator[str]:
    """A line for each fact: JSON values, which are YAML."""
    told: dict[str, Any] = entry.model_dump(mode="json", exclude_none=True, exclude={"actual_cost"})
    for key in Entry.model_fields:
        value = told.get(key)
        if is_list(value) and any(map(is_object, value)):
            yield f"{key}:"
            yield from (f"  - {_json(one)}" for one in value)
        elif is_object(value) and key in MAPS and value:
            yield f"{key}:"
            yield from (f"  {_json(name)}: {_json(one)}" for name, one in value.items())
        elif value not in ([], {}) and (value is not None or key == "gpu"):
            yield f"{key}: {_json(value)}"


def _actual(actual: ActualCost) -> str:
    return f"actual_cost: {_json(actual.model_dump(mode='json'))}\n"


def _json(value: Any) -> str:  # noqa: ANN401 - of an entry
    return json.dumps(value, ensure_ascii=False)
