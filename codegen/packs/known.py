"""The packs that ComfyUI-Manager lists: facts that ship as data, made by `tools/packs.py`."""

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

    @property
    def name(self) -> str:
        """Of the repository, without its owner."""
        return self.url.rsplit("/", 1)[-1]

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
        self._by_class: dict[str, list[Repository]] = {}
        self._by_id: dict[str, dict[str, Repository]] = {}
        self._affixed: list[Repository] = []
        for repository in sorted(repositories, key=lambda repository: repository.url.lower()):
            self._by_url[repository.url.lower()] = repository
            for class_type in repository.classes:
                self._by_class.setdefault(class_type, []).append(repository)
            for name in {repository.name, repository.id or repository.name}:
                self._by_id.setdefault(_folded(name), {})[repository.url] = repository
            if repository.prefix or repository.suffix:
                self._affixed.append(repository)

    def is_core(self, class_type: str) -> bool:
        """Whether a class is one of ComfyUI itself, if of a version that does not ship here."""
        return class_type in self._core

    def providers(self, class_type: str) -> tuple[Repository, ...]:
        """Everybody who has a class, by address."""
        found = {repository.url: repository for repository in self._by_class.get(class_type, ())}
        found |= {repository.url: repository for repository in self._affixed if repository.affixed(class_type)}
        return tuple(found[url] for url in sorted(found, key=str.lower))

    def identified(self, registry_id: str) -> tuple[Repository, ...]:
        """Repositories of that id or name: the registry's ids are mostly the names of repositories, in lower case."""
        return tuple(self._by_id.get(_folded(registry_id), {}).values())

    def at(self, url: str) -> Repository | None:
        """The repository at an address, in whatever case it is written."""
        return self._by_url.get(url.lower())


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
    )


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())
