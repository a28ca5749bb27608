"""The packs of a workflow: what goes into the lock, and what is left to ask."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from types import MappingProxyType
from typing import TYPE_CHECKING

from codegen.facts import NOTHING_LOOKED_UP, Facts, PackFacts
from codegen.lock import PackPin
from codegen.model import Finding, Frozen, JsonObject
from codegen.packs.attribution import attribute
from codegen.packs.known import KnownPacks, Repository, known_packs
from codegen.packs.said import sayings
from codegen.packs.told import about, ambiguous, unused
from codegen.packs.use import PackUse, is_of_version

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from codegen.answers import PackAnswer
    from codegen.model import Workflow
    from codegen.packs.attribution import Attribution
    from codegen.packs.said import Saying

SOURCES = ("answer", "properties", "manager-map", "registry")
"""The surest first."""
LONGEST_NAME = 90
"""Of a folder before its number, so that both are a `SafeName`."""


class Packs(Frozen):
    """Everything about the packs of one workflow."""

    uses: tuple[PackUse, ...] = ()
    pins: tuple[PackPin, ...] = ()
    findings: tuple[Finding, ...] = ()
    attributed: frozenset[str] = frozenset()
    """Classes that somebody has, be it clear who or not; about the others nothing is said here."""


def find_packs(
    workflow: Workflow,
    prompt: JsonObject,
    foreign: Sequence[str],
    known: KnownPacks | None = None,
    facts: Facts = NOTHING_LOOKED_UP,
    *,
    answered: Mapping[str, PackAnswer] = MappingProxyType({}),
) -> Packs:
    """Find out where the `foreign` classes of the prompt, those that are not of ComfyUI, come from.

    `known` is the snapshot that ships unless another is given; without foreign classes it is not even loaded. `facts`
    is what was looked up of the repositories that an earlier call named, and of the classes that it left out.
    `answered` is what people have said of classes.
    """
    unasked = tuple(unused(kind) for kind in answered if kind not in foreign)
    if not foreign:
        return Packs(findings=unasked)
    known = known or known_packs()
    said = sayings(workflow, frozenset(foreign))
    found = attribute(foreign, said, known, facts.classes, answered)
    nodes = _first_nodes(prompt)
    by_repository: dict[str, list[Attribution]] = defaultdict(list)
    findings: list[Finding] = [*unasked]
    for class_type, attribution in found.items():
        if attribution.repository is None:
            findings.append(ambiguous(class_type, attribution.candidates, nodes.get(class_type)))
        else:
            by_repository[_today(attribution.repository.url, known, facts)].append(attribution)
    uses = tuple(
        _use(url, by_repository[url], said, known, facts, answered=answered)
        for url in sorted(by_repository, key=str.lower)
    )
    for use in uses:
        findings.extend(about(use, nodes.get(use.classes[0])))
    return Packs(uses=uses, pins=_pins(uses), findings=tuple(findings), attributed=frozenset(found))


def _first_nodes(prompt: JsonObject) -> dict[str, str]:
    nodes: dict[str, str] = {}
    for node_id, node in prompt.items():
        nodes.setdefault(str(node.get("class_type")), node_id)
    return nodes


def _today(url: str, known: KnownPacks, facts: Facts) -> str:
    """Where a repository is now, in the letters of the lists if they have it there."""
    looked_up = facts.pack(url)
    moved_to = looked_up.moved_to if looked_up else None
    if moved_to is None or moved_to.lower() == url.lower():
        return url
    listed = known.at(moved_to)
    return moved_to if listed is None or listed.url == url else listed.url


def _use(
    url: str,
    attributions: Sequence[Attribution],
    said: Mapping[str, tuple[Saying, ...]],
    known: KnownPacks,
    facts: Facts,
    *,
    answered: Mapping[str, PackAnswer],
) -> PackUse:
    classes = tuple(attribution.class_type for attribution in attributions)
    sources = {attribution.source for attribution in attributions}
    attributed = dict.fromkeys(one.repository.url for one in attributions if one.repository)
    told = [
        saying
        for one in attributions
        if one.source == "properties" and one.repository
        for saying in said[one.class_type]
        if _names(saying, one.repository, known)
    ]
    addresses = (url, *attributed)
    others = (*(saying.url for saying in told), *attributed)
    repository = next(filter(None, map(known.at, addresses)), None) or Repository(url=url, listed=False)
    looked_up = next(filter(None, map(facts.pack, addresses)), None) or PackFacts(repository=url)
    replacement = known.replacement(url)
    removed = tuple(kind for kind in classes if kind in repository.removed)
    version = _only(saying.version for saying in told)
    chosen = next((answered[kind].commit for kind in classes if kind in answered and answered[kind].commit), None)
    saved = _only(saying.commit for saying in told)
    lost = chosen is None and saved is not None and looked_up.commit is not None and looked_up.commit != saved
    commit, commit_of, pinned_from = chosen or (None if lost else saved), None, None
    if commit is None and (not removed or is_of_version(looked_up.commit_of, version)):
        commit, commit_of = looked_up.commit, looked_up.commit_of
        pinned_from = looked_up.known_from
    return PackUse(
        repository=url,
        classes=classes,
        source=next(source for source in SOURCES if source in sources),
        commit=commit,
        commit_of=commit_of,
        pinned_from=pinned_from,
        lost_commit=saved if lost else None,
        version=version,
        listed=repository.listed,
        missing=looked_up.state == "missing",
        unseen=chosen is not None and looked_up.commit is not None and looked_up.commit != chosen,
        elsewhere=_elsewhere(repository, [one for one in attributions if one.source == "properties"], known),
        licence=looked_up.licence,
        archived=looked_up.archived,
        moved_from=next((other for other in others if other and other.lower() != url.lower()), None),
        fork_of=looked_up.fork_of or repository.fork_of,
        replaces=repository.replaces,
        replaced_by=replacement.url if replacement else None,
        removed=removed,
    )


def _names(saying: Saying, repository: Repository, known: KnownPacks) -> bool:
    """Whether a node means this repository; the commits of those that mean another say nothing of it."""
    if saying.url:
        return (known.at(saying.url) or Repository(url=saying.url)).url == repository.url
    registry_id = saying.registry_id or ""
    return repository in known.identified(registry_id) or repository.is_named_like(registry_id)


def _elsewhere(repository: Repository, attributions: Sequence[Attribution], known: KnownPacks) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for one in attributions:
        providers = known.providers(one.class_type)
        if repository.listed and providers and repository.url not in {provider.url for provider in providers}:
            found.update(dict.fromkeys(provider.url for provider in providers))
    return tuple(found)


def _only(values: Iterable[str | None]) -> str | None:
    distinct = {value for value in values if value}
    return distinct.pop() if len(distinct) == 1 else None


def folder_name(repository: str, taken: Container[str]) -> str:
    """Where a pack is cloned to: as its repository is called, unless that is `taken`, in lower case."""
    owner, name = repository.rsplit("/", 2)[1:]
    longer = f"{owner}-{name}"[:LONGEST_NAME]
    names = chain((name, longer), (f"{longer}.{number}" for number in count(2)))
    return next(one for one in names if one.lower() not in taken)


def _pins(uses: Sequence[PackUse]) -> tuple[PackPin, ...]:
    """Those with a commit that the Manager lists or a person has named.

    Each has a folder of its own, also where letters have no case.

    A pack is code that is run when the app is built, before anybody has reviewed it: a repository that nobody but the
    file itself knows is for people to put into the lock.
    """
    taken: set[str] = set()
    pins: list[PackPin] = []
    for use in uses:
        if use.commit is not None and use.trusted and not use.missing:
            chosen = folder_name(use.repository, taken)
            taken.add(chosen.lower())
            pins.append(
                PackPin(
                    name=chosen,
                    repository=use.repository,
                    commit=use.commit,
                    classes=use.classes,
                    source=use.pinned_from or use.source,
                )
            )
    return tuple(pins)
