"""The packs that ComfyUI-Manager lists, and a few more: facts that ship as data, made by `tools/packs.py`."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.model import JsonObject

_SUBMITTED = re.compile(r"pr-(.+)-[0-9a-f]{8}")
"""Ids of packs that others than their authors brought into the registry: `pr-was-node-suite-comfyui-47064894`."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A pack that can be cloned. Unknown facts are `None`."""

    url: str
    classes: tuple[str, ...] = ()
    id: str | None = None
    """The Manager's own short id, which for some packs is that of the registry too."""
    stars: int | None = None
    updated: date | None = None
    prefix: str | None = None
    """All its classes begin so, whether `classes` has them or not."""
    suffix: str | None = None
    preempts: tuple[str, ...] = ()
    """Classes that the Manager gives to it whoever else has them."""
    listed: bool = True
    """Whether ComfyUI-Manager lists it; of the others only some that are much used are known."""
    removed: tuple[str, ...] = ()
    """Classes that it had once."""
    aliases: tuple[str, ...] = ()
    """Other addresses of the same repository, earlier ones mostly."""
    fork_of: str | None = None
    """The repository that it says it is a fork of."""
    replaces: tuple[str, ...] = ()
    """Packs that are given up, whose nodes it goes on with."""
    copies: tuple[str, ...] = ()
    """Better known repositories, most of whose classes it has."""

    @property
    def name(self) -> str:
        """Of the repository, without its owner."""
        return self.url.rsplit("/", 1)[-1]

    def is_named_like(self, registry_id: str) -> bool:
        """Whether the names are the same but for the `ComfyUI` that most names have somewhere."""
        return _bare(self.name) == _bare(registry_id) != ""

    def affixed(self, class_type: str) -> bool:
        """Whether a class is named in the way of this pack."""
        return (self.prefix is not None and class_type.startswith(self.prefix)) or (
            self.suffix is not None and class_type.endswith(self.suffix)
        )


class KnownPacks:
    """Repositories by class, by id and by address."""

    def __init__(self, repositories: Iterable[Repository], *, core: Iterable[str] = (), day: date) -> None:
        self.day = day
        """What the ages of repositories are counted to."""
        self._core = frozenset(core)
        self._by_url: dict[str, Repository] = {}
        self._by_alias: dict[str, Repository] = {}
        self._by_class: dict[str, list[Repository]] = {}
        self._by_removed: dict[str, list[Repository]] = {}
        self._by_id: dict[str, dict[str, Repository]] = {}
        self._by_replaced: dict[str, Repository] = {}
        self._affixed: list[Repository] = []
        for repository in sorted(repositories, key=lambda repository: repository.url.lower()):
            self._by_url[repository.url.lower()] = repository
            for alias in repository.aliases:
                self._by_alias.setdefault(alias.lower(), repository)
            for replaced in repository.replaces:
                self._by_replaced.setdefault(replaced.lower(), repository)
            for class_type in repository.classes:
                self._by_class.setdefault(class_type, []).append(repository)
            for class_type in repository.removed:
                self._by_removed.setdefault(class_type, []).append(repository)
            for name in {repository.name, repository.id or repository.name}:
                self._by_id.setdefault(_folded(name), {})[repository.url] = repository
            if repository.prefix or repository.suffix:
                self._affixed.append(repository)

    def is_core(self, class_type: str) -> bool:
        """Whether a class is one of ComfyUI itself, if of a version that does not ship here."""
        return class_type in self._core

    def providers(self, class_type: str) -> tuple[Repository, ...]:
        """Everybody who has a class, by address; if nobody has it today, those who had it."""
        found = {repository.url: repository for repository in self._by_class.get(class_type, ())}
        found |= {repository.url: repository for repository in self._affixed if repository.affixed(class_type)}
        if not found:
            found = {repository.url: repository for repository in self._by_removed.get(class_type, ())}
        return tuple(found[url] for url in sorted(found, key=str.lower))

    def is_taken_over(self, repository: Repository, class_type: str) -> bool:
        """Whether a class of a repository is first of all one of another, its origin or one that it copies."""
        origins = {url.lower() for url in (repository.fork_of, *repository.copies) if url}
        return any(other.url.lower() in origins for other in self._by_class.get(class_type, ())) if origins else False

    def identified(self, registry_id: str) -> tuple[Repository, ...]:
        """Repositories of that id or name: the registry's ids are mostly the names of repositories, in lower case."""
        submitted = _SUBMITTED.fullmatch(registry_id)
        named = self._by_id.get(_folded(registry_id)) or (self._by_id.get(_folded(submitted[1])) if submitted else None)
        return tuple((named or {}).values())

    def at(self, url: str) -> Repository | None:
        """The repository at an address, in whatever case it is written, also if it has another address today."""
        return self._by_url.get(url.lower()) or self._by_alias.get(url.lower())

    def replacement(self, url: str) -> Repository | None:
        """The pack that goes on with the nodes of one that is given up."""
        return self._by_replaced.get(url.lower())


@cache
def known_packs() -> KnownPacks:
    """The snapshot that ships."""
    packed = (resources.files("codegen") / "data" / "packs.json.gz").read_bytes()
    document = json.loads(gzip.decompress(packed))
    return KnownPacks(
        (_repository(entry) for entry in document["repositories"]),
        core=document["core"],
        day=date.fromisoformat(document["day"]),
    )


def _repository(entry: JsonObject) -> Repository:
    updated = entry.get("updated")
    return Repository(
        url=entry["url"],
        classes=tuple(entry.get("classes", ())),
        id=entry.get("id"),
        stars=entry.get("stars"),
        updated=date.fromisoformat(updated) if updated else None,
        prefix=entry.get("prefix"),
        suffix=entry.get("suffix"),
        preempts=tuple(entry.get("preempts", ())),
        listed=entry.get("listed", True),
        removed=tuple(entry.get("removed", ())),
        aliases=tuple(entry.get("aliases", ())),
        fork_of=entry.get("fork_of"),
        replaces=tuple(entry.get("replaces", ())),
        copies=tuple(entry.get("copies", ())),
    )


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())


def _bare(name: str) -> str:
    return "-".join(word for word in _folded(name).split("-") if word not in {"comfyui", "comfy"})
