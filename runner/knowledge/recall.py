"""What entries know of models and packs is taken before the network is asked.

Only of entries that worked on a ComfyUI itself. What they say is held to what everything else is held to: files come
from hosts that are known, and a commit that the repository's default branch does not have is not taken, because a
repository "has" what strangers have pushed to forks of it. So the network, where it answers, still has the last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from codegen.addresses import public_url
from codegen.facts import Facts, ModelAddress, ModelFacts, PackFacts, Wanted, WantedPack
from codegen.lock_models import MODEL_HOSTS
from codegen.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.facts import Lookups, WantedModel
    from runner.knowledge.entry import Entry, ModelUsed, PackUsed
    from runner.knowledge.library import Library

REFUSED: Final = "knowledge-refused"
"""Code of the finding."""


def source_of(entry: Entry) -> str:
    """What the lock says of a pin that an entry gave."""
    return f"pinned from patterns/{entry.name}.md"


class Recall:
    """Lookups that know the knowledge base: `codegen.facts.Lookups`."""

    def __init__(self, library: Library, lookups: Lookups) -> None:
        self._entries = library.believed
        self._lookups = lookups
        self.findings: tuple[Finding, ...] = ()
        """What was not taken though an entry says it."""

    def look_up(self, wanted: Wanted) -> Facts:
        """What the entries know, and of the rest what the network says."""
        if wanted.empty:
            return Facts()
        addresses = {(one.folder, one.file): found for one in wanted.models if (found := self._address(one))}
        packs = {one.repository.lower(): found for one in wanted.packs if (found := self._pack(one))}
        asked = wanted.model_copy(
            update={
                "models": tuple(one for one in wanted.models if (one.folder, one.file) not in addresses),
                "packs": tuple(_at(one, packs) for one in wanted.packs),
            }
        )
        answered = Facts() if asked.empty else self._lookups.look_up(asked)
        silent = answered.offline or bool(answered.unreachable)
        return answered.model_copy(
            update={
                "addresses": (*(found for found in addresses.values()), *answered.addresses),
                "packs": self._packs(answered.packs, packs, wanted.packs, silent=silent),
                "models": (*answered.models, *self._models(asked.model_urls, addresses.values(), answered)),
            }
        )

    def _address(self, wanted: WantedModel) -> ModelAddress | None:
        """Where a file was had from. Of two files with one name nobody knows which is meant, unless by the hash."""
        found = [
            (entry, model)
            for entry in self._entries
            for model in entry.models
            if (model.folder, model.file) == (wanted.folder, wanted.file)
            and wanted.sha256 in {None, model.sha256}
            and is_known_address(model.url)
        ]
        if not found or len({model.sha256 or model.url for _, model in found}) > 1:
            return None
        entry, model = found[0]
        assert model.url is not None
        return ModelAddress(
            folder=model.folder, file=model.file, url=model.url, sha256=model.sha256, source=source_of(entry)
        )

    def _pack(self, wanted: WantedPack) -> tuple[Entry, PackUsed] | None:
        """The newest that worked; of the version that the workflow names, if it names one."""
        for entry in self._entries:
            for pack in entry.packs:
                if pack.repository.lower() == wanted.repository.lower() and wanted.version in {None, pack.version}:
                    return entry, pack
        return None

    def _packs(
        self,
        answered: Iterable[PackFacts],
        known: dict[str, tuple[Entry, PackUsed]],
        wanted: Iterable[WantedPack],
        *,
        silent: bool,
    ) -> tuple[PackFacts, ...]:
        facts: list[PackFacts] = []
        refused: list[str] = []
        for one in answered:
            entry, pack = known.pop(one.repository.lower(), (None, None))
            if entry is None or pack is None or one.commit is None:
                facts.append(one)
            elif one.commit == pack.commit:
                version = f"v{pack.version}" if pack.version else None
                facts.append(one.model_copy(update={"commit_of": version, "known_from": source_of(entry)}))
            else:
                self._refuse(entry, pack)
                refused.append(one.repository.lower())
        if silent:
            facts.extend(
                PackFacts(
                    repository=pack.repository,
                    commit=pack.commit,
                    commit_of=f"v{pack.version}" if pack.version else None,
                    licence=pack.licence,
                    known_from=source_of(entry),
                )
                for entry, pack in known.values()
            )
        again = tuple(one for one in wanted if one.repository.lower() in refused)
        return (*facts, *self._lookups.look_up(Wanted(packs=again)).packs) if again else tuple(facts)

    def _refuse(self, entry: Entry, pack: PackUsed) -> None:
        told = Finding(
            code=REFUSED,
            severity="warning",
            message=f"patterns/{entry.name}.md has {pack.repository} at {pack.commit}, which its default branch does "
            "not have; it was not taken from there",
            hint="look who has changed that file, and why",
        )
        if told not in self.findings:
            self.findings = (*self.findings, told)

    def _models(self, asked: Iterable[str], found: Iterable[ModelAddress], answered: Facts) -> Iterable[ModelFacts]:
        """Size and hash of what the network did not answer for."""
        if not (answered.offline or answered.unreachable):
            return
        told = {one.url for one in answered.models}
        for url in (*asked, *(one.url for one in found)):
            model = next((one for one in self._files if one.url == url), None)
            if model is not None and url not in told and model.sha256 and model.bytes is not None:
                told.add(url)
                yield ModelFacts(url=url, state="found", bytes=model.bytes, sha256=model.sha256)

    @property
    def _files(self) -> Iterable[ModelUsed]:
        return (model for entry in self._entries for model in entry.models)


def is_known_address(url: str | None) -> bool:
    """Whether files are taken from there without a person's word."""
    return url is not None and public_url(url) == url and (urlsplit(url).hostname or "").lower() in MODEL_HOSTS


def _at(wanted: WantedPack, known: dict[str, tuple[Entry, PackUsed]]) -> WantedPack:
    """Asks for the commit that worked, so that the answer says whether the default branch has it."""
    found = known.get(wanted.repository.lower())
    return wanted if found is None else wanted.model_copy(update={"version": found[1].commit})
