"""What packs say of their nodes is written down in the repository.

So the next workflow with the same pack at the same commit is converted exactly before anything is deployed. A file for
each pack and for what was learned of it at once, named by what it says: two pull requests that learn the same add the
same file, and two that learn different things never conflict. All of it comes from code of strangers, and is believed
as far as a preflight is: of classes that ComfyUI itself has not, and until the next preflight says other.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue, ValidationError

from codegen import strict_json
from codegen.catalog import CUSTOM_NODES
from codegen.definition_facts import facts_of, without_model_files
from codegen.errors import MalformedJson
from codegen.json_values import is_object
from codegen.lock import Commit, GitHttpsUrl
from runner.knowledge import NODES
from runner.model import Frozen
from worktrees.errors import UnsafePath

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codegen.lock import PackPin
    from codegen.model import JsonObject
    from worktrees.worktree import Worktree

MOST_FILES: Final = 50
"""Of one pack at one commit that are read: workflows mostly use the same few of its classes."""
LARGEST_DEFINITION: Final = 50_000
"""Bytes. A class that lists a thousand choices has less."""
LARGEST_FILE: Final = 1_000_000
DEEPEST: Final = 30
"""Nested lists and objects of a definition. Dynamic inputs within dynamic inputs have a dozen."""


class PackDefinitions(Frozen):
    """One file."""

    repository: GitHttpsUrl
    commit: Commit
    definitions: dict[str, dict[str, JsonValue]]
    """By class, reduced to facts."""


def facts_of_used(definitions: Mapping[str, JsonValue], prompt: JsonObject) -> dict[str, JsonValue]:
    """Of the classes that the prompt uses, what is worth keeping.

    Left out is what is too large or too deep, or has halves of surrogate pairs, which no file holds as text.
    """
    used = {str(node.get("class_type")) for node in prompt.values()}
    found: dict[str, JsonValue] = {}
    for name, definition in definitions.items():
        if name in used and is_object(definition) and _is_flat(definition):
            facts: dict[str, Any] = without_model_files(facts_of(definition))
            if is_text(name) and is_text(told := json.dumps(facts, ensure_ascii=False)):
                found |= {name: facts} if len(told) <= LARGEST_DEFINITION else {}
    return found


def definition_files(
    learned: Mapping[str, JsonValue], packs: Iterable[PackPin], known: Mapping[str, JsonValue]
) -> dict[str, bytes]:
    """Path in the repository → content, of what is not `known` there yet and a pack of the lock brings."""
    files: dict[str, bytes] = {}
    for pin in packs:
        new: dict[str, Any] = {
            name: definition
            for name, definition in sorted(learned.items())
            if is_object(definition)
            and definition.get("python_module") == f"{CUSTOM_NODES}{pin.name}"
            and known.get(name) != definition
        }
        if new:
            told = PackDefinitions(repository=pin.repository, commit=pin.commit, definitions=new)
            data = (json.dumps(told.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode("ascii")
            if len(data) <= LARGEST_FILE:
                files[f"{_folder(pin)}/{hashlib.sha256(data).hexdigest()[:16]}.json"] = data
    return files


def learned_definitions(worktree: Worktree, packs: Iterable[PackPin], prompt: JsonObject) -> dict[str, JsonValue]:
    """What the repository knows of the prompt's classes. What cannot be read is not there: people may edit it."""
    found: dict[str, JsonValue] = {}
    for pin in packs:
        for told in _files_of(worktree, pin):
            if (told.repository, told.commit) == (pin.repository, pin.commit):
                theirs = {
                    name: definition
                    for name, definition in told.definitions.items()
                    if definition.get("python_module") == f"{CUSTOM_NODES}{pin.name}"
                }
                found |= facts_of_used(theirs, prompt)
    return found


def _files_of(worktree: Worktree, pin: PackPin) -> Iterable[PackDefinitions]:
    folder = worktree.path / _folder(pin)
    for path in sorted(folder.glob("*.json"))[:MOST_FILES] if folder.is_dir() else []:
        try:
            if path.lstat().st_size <= LARGEST_FILE:
                yield PackDefinitions.model_validate(
                    strict_json.loads(worktree.read(f"{_folder(pin)}/{path.name}") or b"")
                )
        except (OSError, UnsafePath, MalformedJson, ValidationError):
            continue


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folder(pin: PackPin) -> str:
    return f"{NODES}/{pin.name}/{pin.commit}"


def _is_flat(value: JsonValue) -> bool:
    """Whether it is nested no deeper than is bearable."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return True
    return False


def _inside(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
