"""An entry as a file: YAML front matter, Markdown for people, and below a last line whatever they add.

The front matter names the hash of what was generated. If it does not fit any more, a person has edited the file, and it
is theirs from then on, as an `app.py` is. Words below the last line are kept without that.
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
from runner.knowledge.entry import SCHEMA_ID, Entry

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
_FRONT: Final = re.compile(r"\A---[ \t]*\n(?P<front>.*?)^---[ \t]*$\n?(?P<body>.*)\Z", re.DOTALL | re.MULTILINE)
_MARK: Final = re.compile(r'^generated: "?[0-9a-f]{0,64}"?[ \t]*\n', re.MULTILINE)


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
    text = f"---\n{front}---\n\n{body.strip(chr(10))}\n\n{NOTES}\n"
    mark = f'generated: "{_digest(text)}"\n'
    return (text.replace(f"{HEAD[-1]}\n", f"{HEAD[-1]}\n{mark}", 1) + notes).encode()


def is_edited(data: bytes) -> bool:
    """Whether a person has changed something else than the notes."""
    text = _decoded(data)
    mark = _MARK.search(text)
    head, line, _ = text.partition(f"{NOTES}\n")
    return mark is None or not line or _digest(_MARK.sub("", head + line, 1)) not in mark[0]


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
    told: dict[str, Any] = entry.model_dump(mode="json", exclude_none=True)
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


def _json(value: Any) -> str:  # noqa: ANN401 - of an entry
    return json.dumps(value, ensure_ascii=False)
