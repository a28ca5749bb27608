"""One repository for each class that ComfyUI does not have, or the candidates between which people must choose.

What a person has answered counts, then the file's own word. What the Manager's map says is weighed::

    6    another class of the workflow comes from the repository, so it is needed anyway
    2    the Manager gives the class to it
    1    for each other foreign class of the workflow that is its own, up to 4
    0-5  stars, by powers of ten
    -1   for every two years without an update, down to -2
    -1   if the class is not its own

A class is not a repository's own if another has it too that it is a fork of, or from which it seems to have taken over
most of what that one has: else a pack that bundles many others would always explain a workflow best.

The best is taken only when it is `MARGIN` ahead of the next. If the workflow has classes that nobody lists, such as
those of a newer ComfyUI, then the class may be from there too: that origin competes, with 1 for each of them, up to 4.
What is decided counts for what is still open.
"""

from __future__ import annotations

from collections import Counter
from math import log10
from typing import TYPE_CHECKING, Literal

from codegen.model import Frozen
from codegen.packs.known import Repository
from codegen.packs.said import CORE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codegen.answers import PackAnswer
    from codegen.facts import PackOfClass
    from codegen.packs.known import KnownPacks
    from codegen.packs.said import Saying

MARGIN = 1.0
"""Ten times the stars, or one more class of the workflow."""
NEEDED = 6.0
PREEMPTS = 2.0
"""Anybody may ask the Manager for it, so a hundred times the stars make it a question."""
COMPANIONS = 4
"""Packs that are copies of each other, though nobody knows, have all classes in common: counting on adds nothing."""
DAYS_PER_POINT = 730
STALE_POINTS = 2.0


COPIED = 1.0
"""The origin is ahead unless it is left, or much less known."""


class Attribution(Frozen):
    """Where a class comes from: the first of the candidates if that is clear, else a question; the likeliest first."""

    class_type: str
    candidates: tuple[Repository, ...]
    source: Literal["answer", "properties", "manager-map", "registry"]
    clear: bool

    @property
    def repository(self) -> Repository | None:
        """The one, if it is clear."""
        return self.candidates[0] if self.clear else None


def attribute(
    classes: Sequence[str],
    said: Mapping[str, tuple[Saying, ...]],
    known: KnownPacks,
    registered: Sequence[PackOfClass] = (),
    answered: Mapping[str, PackAnswer] | None = None,
) -> dict[str, Attribution]:
    """For each class that somebody has; the others are left out.

    What the registry says, `registered`, counts for classes that nobody else knows; what is `answered`, before all.
    """
    found: dict[str, Attribution] = {}
    for class_type in classes:
        if answered and class_type in answered:
            url = answered[class_type].repository
            chosen = known.at(url) or Repository(url=url, listed=False)
            found[class_type] = Attribution(class_type=class_type, candidates=(chosen,), source="answer", clear=True)
            continue
        own = said.get(class_type, ())
        if known.is_core(class_type) or any(saying.registry_id == CORE_ID for saying in own):
            continue
        attribution = _first(class_type, own, known)
        if not attribution.candidates:
            attribution = _registered(class_type, registered, known)
        if attribution.candidates:
            found[class_type] = attribution
    unlisted = len(classes) - len(found)
    while decided := _decided(found, known, unlisted, most=1) or _decided(found, known, unlisted):
        found |= decided
    weigh = _Weigher(found, known)
    return {
        class_type: attribution.model_copy(update={"candidates": weigh.ranked(attribution)})
        for class_type, attribution in found.items()
    }


def _first(class_type: str, said: tuple[Saying, ...], known: KnownPacks) -> Attribution:
    """Before anything is weighed: all who come into question."""
    providers = known.providers(class_type)
    named: dict[str, Repository] = {}
    for saying in said:
        for repository in _named(saying, providers, known):
            named[repository.url] = repository
    if named:
        return Attribution(
            class_type=class_type, candidates=tuple(named.values()), source="properties", clear=len(named) == 1
        )
    return Attribution(class_type=class_type, candidates=providers, source="manager-map", clear=False)


def _registered(class_type: str, registered: Sequence[PackOfClass], known: KnownPacks) -> Attribution:
    named: dict[str, Repository] = {}
    for one in registered:
        if one.class_type == class_type and one.registry_id != CORE_ID:
            repository = known.at(one.repository) or Repository(url=one.repository, listed=False)
            named[repository.url] = repository
    return Attribution(
        class_type=class_type, candidates=tuple(named.values()), source="registry", clear=len(named) == 1
    )


def _named(saying: Saying, providers: tuple[Repository, ...], known: KnownPacks) -> tuple[Repository, ...]:
    if saying.url:
        return (known.at(saying.url) or Repository(url=saying.url, listed=False),)
    registry_id = saying.registry_id or ""
    identified = known.identified(registry_id) or tuple(one for one in providers if one.is_named_like(registry_id))
    return tuple(repository for repository in identified if repository in providers) or identified


def _decided(
    found: Mapping[str, Attribution], known: KnownPacks, unlisted: int, *, most: int | None = None
) -> dict[str, Attribution]:
    """What becomes clear with what already is, among classes with at most so many candidates."""
    weigh = _Weigher(found, known)
    decided: dict[str, Attribution] = {}
    for class_type, attribution in found.items():
        if attribution.clear or len(attribution.candidates) > (most or len(attribution.candidates)):
            continue
        best, *others = weigh.ranked(attribution)
        rivals = [weigh.score(other, class_type) for other in others[:1]]
        if unlisted and attribution.source == "manager-map":
            rivals.append(min(unlisted, COMPANIONS))
        if all(weigh.score(best, class_type) - rival >= MARGIN for rival in rivals):
            decided[class_type] = attribution.model_copy(update={"candidates": (best,), "clear": True})
    return decided


class _Weigher:
    """Scores, with what is decided so far; the sums over the workflow are made once."""

    def __init__(self, found: Mapping[str, Attribution], known: KnownPacks) -> None:
        self._known = known
        self._needed = {attribution.repository.url for attribution in found.values() if attribution.repository}
        self._own = Counter(
            one.url
            for attribution in found.values()
            for one in attribution.candidates
            if not known.is_taken_over(one, attribution.class_type)
        )

    def ranked(self, attribution: Attribution) -> tuple[Repository, ...]:
        """The likeliest first; by address where nothing else decides."""
        return tuple(
            sorted(attribution.candidates, key=lambda one: (-self.score(one, attribution.class_type), one.url))
        )

    def score(self, candidate: Repository, class_type: str) -> float:
        """How likely it is that the class comes from there, in points."""
        idle = (self._known.day - candidate.updated).days if candidate.updated else 0
        taken_over = self._known.is_taken_over(candidate, class_type)
        return (
            NEEDED * (candidate.url in self._needed)
            + PREEMPTS * (class_type in candidate.preempts)
            + min(self._own[candidate.url] - (not taken_over), COMPANIONS)
            + log10(1 + max(candidate.stars or 0, 0))
            - min(max(idle, 0) / DAYS_PER_POINT, STALE_POINTS)
            - COPIED * taken_over
        )
