"""The files that an app is made from, read back as they are committed: a person may have edited them.

Strict, and told by file, line and field, for what is in them becomes a command of the image's build.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from codegen.errors import InvalidLock, MalformedJson
from codegen.json_lines import Lines, spelled
from codegen.json_values import is_object
from codegen.lock import Lock
from codegen.strict_json import loads

if TYPE_CHECKING:
    from codegen.json_lines import Step
    from codegen.model import JsonObject

LOCK: Final = "app.lock.json"
PROMPT: Final = "prompt.json"
INTERFACE: Final = "interface.json"
MAX_LOCK_BYTES: Final = 500_000
"""A hundred times the largest that public templates give. Prompt and interface may have all that a workflow may."""
TOLD_PROBLEMS: Final = 10
SHOWN: Final = 60

_FORMS: Final[dict[str, str]] = {
    "repository": "an https:// address of a git repository",
    "commit": "a commit with all of its 40 hexadecimal digits",
    "url": "an https:// address without a password",
    "sha256": "64 hexadecimal digits",
    "version": "a version such as 1.2.3",
    "runtime": "a version such as 1.2.3",
    "python": "a version such as 3.12",
    "name": "a name of letters, digits, dots, dashes and underscores",
    "secrets": "names of Modal Secrets",
    "packages": "a package such as name==1.2.3",
    "overrides": "a package with versions such as name>=1.2,<2",
    "constraints": "a package with versions such as name>=1.2,<2",
    "excluded": "a package's name in lower case, such as name-of-it",
    "system": "a package of Debian such as libgl1",
    "targets": "a node of prompt.json and one of its inputs",
}
"""What a field looks like, in place of the pattern that it did not match."""


def read_lock(data: bytes) -> Lock:
    """The lock.

    Raises:
        InvalidLock: it is none; every problem is named, up to a number.
    """
    if len(data) > MAX_LOCK_BYTES:
        raise InvalidLock(f"{LOCK}: it has {len(data):,} bytes; at most {MAX_LOCK_BYTES:,} are accepted")
    document = _object(LOCK, data)
    try:
        lock = Lock.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise InvalidLock(_problems(LOCK, data, error)) from None
    _check_places(data, "packs", "name", [pin.name.lower() for pin in lock.packs])
    _check_places(data, "models", "file", [f"{pin.folder}/{pin.file}" for pin in lock.models])
    return lock


def read_prompt(data: bytes) -> JsonObject:
    """The prompt: nodes by id.

    Raises:
        InvalidLock: it is none.
    """
    document = _object(PROMPT, data)
    if not document:
        raise InvalidLock(f"{PROMPT}:1: nothing is in it; delete the file to have it made again")
    try:
        _PROMPT.validate_python(document)
    except ValidationError as error:
        raise InvalidLock(_problems(PROMPT, data, error)) from None
    return document


def read_interface(data: bytes, prompt: JsonObject) -> JsonObject:
    """The interface, all of whose inputs and outputs are in the prompt.

    Raises:
        InvalidLock: it is none, or something in it leads nowhere.
    """
    document = _object(INTERFACE, data)
    try:
        Draft202012Validator.check_schema(document)
        interface = _Interface.model_validate(document)
    except SchemaError as error:
        path = tuple(error.absolute_path)
        raise InvalidLock(_told(INTERFACE, _lines(data), path, f"is no JSON Schema: {_shown(error.message)}")) from None
    except ValidationError as error:
        raise InvalidLock(_problems(INTERFACE, data, error)) from None
    for name, field in interface.properties.items():
        for node, key in field.facts.targets:
            if not is_object(prompt.get(node)) or key not in prompt[node]["inputs"]:
                path = ("properties", name, "x-flowberth", "targets")
                words = f"leads to the input {_shown(key)} of node {_shown(node)}, which {PROMPT} does not have"
                raise InvalidLock(_told(INTERFACE, _lines(data), path, words))
    for name, result in interface.definitions.outputs.properties.items():
        if result.facts.node not in prompt:
            path = ("$defs", "outputs", "properties", name, "x-flowberth", "node")
            words = f"leads to node {_shown(result.facts.node)}, which {PROMPT} does not have"
            raise InvalidLock(_told(INTERFACE, _lines(data), path, words))
    for name in interface.required:
        if name not in interface.properties:
            raise InvalidLock(_told(INTERFACE, _lines(data), ("required",), f"names {_shown(name)}, which is no input"))
    return document


class _Part(BaseModel):
    """What we rely on; a schema may say more."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Node(_Part):
    class_type: str
    inputs: dict[str, Any]


_PROMPT = TypeAdapter(dict[str, _Node])
_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
_Kind = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,30}$")]


class _InputFacts(_Part):
    kind: _Kind
    targets: Annotated[list[Annotated[list[str], Field(min_length=2, max_length=2)]], Field(min_length=1)]


class _Input(_Part):
    facts: _InputFacts = Field(alias="x-flowberth")


class _OutputFacts(_Part):
    kind: _Kind
    node: str


class _Output(_Part):
    facts: _OutputFacts = Field(alias="x-flowberth")


class _Outputs(_Part):
    properties: Annotated[dict[_Name, _Output], Field(min_length=1)]


class _Definitions(_Part):
    outputs: _Outputs


class _Interface(_Part):
    type: Literal["object"]
    properties: dict[_Name, _Input]
    required: list[str]
    definitions: _Definitions = Field(alias="$defs")


def _object(file: str, data: bytes) -> JsonObject:
    try:
        document = loads(data)
    except MalformedJson as error:
        raise InvalidLock(f"{file}: {error}") from None
    if not is_object(document):
        raise InvalidLock(f"{file}:1: it is no JSON object")
    return document


def _check_places(data: bytes, field: str, key: str, places: list[str]) -> None:
    for index, place in enumerate(places):
        if place in places[:index]:
            words = f"{_shown(place)} is there twice; both would be put in the same place"
            raise InvalidLock(_told(LOCK, _lines(data), (field, index, key), words))


def _problems(file: str, data: bytes, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=True)
    lines = _lines(data)
    told = [_problem(file, lines, detail) for detail in found[:TOLD_PROBLEMS]]
    more = len(found) - TOLD_PROBLEMS
    return "\n".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _problem(file: str, lines: Lines, detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    path: tuple[Step, ...] = tuple(step for step in detail["loc"] if step != "[key]")
    match detail["type"]:
        case "missing":
            return _told(file, lines, path, "is missing")
        case "extra_forbidden":
            meant = get_close_matches(str(path[-1]), Lock.model_fields, n=1) if len(path) == 1 else []
            return _told(file, lines, path, "is no field of a lock" + (f"; did you mean {meant[0]}?" if meant else ""))
        case "string_pattern_mismatch":
            field = next((step for step in reversed(path) if isinstance(step, str)), "")
            wanted = _FORMS.get(field, "a text of that form")
            return _told(file, lines, path, f"{_shown(str(detail['input']))} is not {wanted}")
        case _:
            return _told(file, lines, path, str(detail["msg"]).removeprefix("Value error, ").lower())


def _lines(data: bytes) -> Lines:
    return Lines(data.decode("utf-8-sig"))


def _told(file: str, lines: Lines, path: tuple[Step, ...], words: str) -> str:
    line = lines.of(path)
    return f"{file}:{line}: {_shown(spelled(path))}: {words}" if path else f"{file}:{line}: {words}"


def _shown(text: str) -> str:
    printable = ascii(text)[1:-1]
    return printable if len(printable) <= SHOWN else f"{printable[: SHOWN - 1]}…"
