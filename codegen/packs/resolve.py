"""The packs of a workflow: what goes into the lock, and what is left to ask."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from typing import TYPE_CHECKING, Literal

from codegen.lock import PackPin
from codegen.model import Finding, Frozen, JsonObject
from codegen.packs.attribution import Attribution, attribute
from codegen.packs.known import KnownPacks, Repository, known_packs
from codegen.packs.said import Saying, sayings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from codegen.model import Workflow

SHOWN_CANDIDATES = 5
"""Repositories in a question; the likeliest come first."""
SHOWN_CLASSES = 3
"""Of a pack, in a message."""
LONGEST_NAME = 90
"""Of a folder before its number, so that both are a `SafeName`."""


class PackUse(Frozen):
    """A pack that the workflow needs, and what of it."""

    repository: str
    classes: tuple[str, ...]
    source: Literal["properties", "manager-map"]
    commit: str | None
    """As the file names it; `None` when it names none, or several."""
    version: str | None
    """Of the registry, where the file names that instead."""
    listed: bool
    """Whether ComfyUI-Manager lists the repository."""
    moved_from: str | None = None
    """The address that the file gives, if the repository has another one today."""
    fork_of: str | None = None
    """What it says it is a fork of."""
    replaces: tuple[str, ...] = ()
    """Packs that are given up, whose nodes it goes on with."""
    replaced_by: str | None = None
    """The pack that goes on with its nodes, if it is given up."""
    removed: tuple[str, ...] = ()
    """Those of the classes that its newest version no longer has."""


class Packs(Frozen):
    """Everything about the packs of one workflow."""

    uses: tuple[PackUse, ...] = ()
    pins: tuple[PackPin, ...] = ()
    findings: tuple[Finding, ...] = ()
    attributed: frozenset[str] = frozenset()
    """Classes that somebody has, be it clear who or not; about the others nothing is said here."""


def find_packs(
    workflow: Workflow, prompt: JsonObject, foreign: Sequence[str], known: KnownPacks | None = None
) -> Packs:
    """Find out where the `foreign` classes of the prompt, those that are not of ComfyUI, come from.

    `known` is the snapshot that ships unless another is given; without foreign classes it is not even loaded.
    """
    if not foreign:
        return Packs()
    known = known or known_packs()
    said = sayings(workflow, frozenset(foreign))
    found = attribute(foreign, said, known)
    nodes = _first_nodes(prompt)
    by_repository: dict[str, list[Attribution]] = defaultdict(list)
    findings: list[Finding] = []
    for class_type, attribution in found.items():
        if attribution.repository is None:
            findings.append(_ambiguous(class_type, attribution.candidates, nodes.get(class_type)))
        else:
            by_repository[attribution.repository.url].append(attribution)
    uses = tuple(_use(url, by_repository[url], said, known) for url in sorted(by_repository, key=str.lower))
    for use in uses:
        findings.extend(_about(use, nodes.get(use.classes[0])))
    return Packs(uses=uses, pins=_pins(uses), findings=tuple(findings), attributed=frozenset(found))


def _first_nodes(prompt: JsonObject) -> dict[str, str]:
    nodes: dict[str, str] = {}
    for node_id, node in prompt.items():
        nodes.setdefault(str(node.get("class_type")), node_id)
    return nodes


def _use(
    url: str, attributions: Sequence[Attribution], said: Mapping[str, tuple[Saying, ...]], known: KnownPacks
) -> PackUse:
    by_file = [attribution for attribution in attributions if attribution.source == "properties"]
    told = [saying for attribution in by_file for saying in said[attribution.class_type]]
    repository = known.at(url) or Repository(url=url, listed=False)
    classes = tuple(attribution.class_type for attribution in attributions)
    replacement = known.replacement(url)
    return PackUse(
        repository=url,
        classes=classes,
        source="properties" if by_file else "manager-map",
        commit=_only(saying.commit for saying in told),
        version=_only(saying.version for saying in told),
        listed=repository.listed,
        moved_from=_only(saying.url for saying in told if saying.url and saying.url.lower() != url.lower()),
        fork_of=repository.fork_of,
        replaces=repository.replaces,
        replaced_by=replacement.url if replacement else None,
        removed=tuple(kind for kind in classes if kind in repository.removed),
    )


def _only(values: Iterable[str | None]) -> str | None:
    distinct = {value for value in values if value}
    return distinct.pop() if len(distinct) == 1 else None


def _pins(uses: Sequence[PackUse]) -> tuple[PackPin, ...]:
    """Those with a commit that the Manager lists, each with a folder of its own also where letters have no case.

    A pack is code that is run when the app is built, before anybody has reviewed it: a repository that nobody but the
    file itself knows is for people to put into the lock.
    """
    taken: set[str] = set()
    pins: list[PackPin] = []
    for use in uses:
        if use.commit is not None and use.listed:
            owner, name = use.repository.rsplit("/", 2)[1:]
            longer = f"{owner}-{name}"[:LONGEST_NAME]
            names = chain((name, longer), (f"{longer}.{number}" for number in count(2)))
            chosen = next(one for one in names if one.lower() not in taken)
            taken.add(chosen.lower())
            pins.append(
                PackPin(
                    name=chosen, repository=use.repository, commit=use.commit, classes=use.classes, source=use.source
                )
            )
    return tuple(pins)


def _ambiguous(class_type: str, candidates: Sequence[Repository], node: str | None) -> Finding:
    shown = ", ".join(_with_stars(candidate) for candidate in candidates[:SHOWN_CANDIDATES])
    more = len(candidates) - SHOWN_CANDIDATES
    if len(candidates) == 1:
        message = (
            f"the node {_quoted(class_type)} may come from {shown}, or from where the nodes come that nobody lists"
        )
    else:
        message = f"several packs have a node {_quoted(class_type)}: {shown}{f', and {more} more' if more > 0 else ''}"
    return Finding(
        code="ambiguous-pack",
        severity="error",
        message=message,
        node=node,
        hint="say which one is meant: add it with a commit to packs in app.lock.json, or save the workflow again in a "
        "ComfyUI that has it installed",
    )


def _with_stars(repository: Repository) -> str:
    match repository.stars:
        case None:
            return repository.url
        case 1:
            return f"{repository.url} (1 star)"
        case stars:
            return f"{repository.url} ({stars:,} stars)"


def _about(use: PackUse, node: str | None) -> Iterator[Finding]:
    """What keeps it from being pinned, then what else people should know of it."""
    if not use.listed:
        named = "the file itself names" if use.source == "properties" else f"{_classes(use.classes)} from"
        instead = f"; {use.replaced_by} goes on with its nodes" if use.replaced_by else ""
        yield Finding(
            code="unlisted-pack",
            severity="error",
            message=f"{named} {use.repository}, which ComfyUI-Manager does not list{instead}",
            node=node,
            hint="a pack is code that runs in the app: read it, then add it with a commit to the packs in the lock",
        )
    elif use.commit is None:
        version = f"; the file was saved with version {use.version}" if use.version else ""
        yield Finding(
            code="unpinned-pack",
            severity="error",
            message=f"{_classes(use.classes)} from {use.repository}, and nothing says at which commit{version}",
            node=node,
            hint="look up a commit of it and add both to packs in app.lock.json; the app cannot run without",
        )
    if use.removed and use.commit is None:
        yield Finding(
            code="removed-node",
            severity="warning",
            message=f"{use.repository} no longer has {', '.join(map(_quoted, use.removed[:SHOWN_CLASSES]))}",
            node=node,
            hint="take a commit of it from before, or replace the node in the workflow",
        )
    if use.moved_from:
        yield Finding(
            code="moved-pack", severity="info", message=f"{use.moved_from} is {use.repository} today", node=node
        )
    if use.replaces:
        given_up = ", ".join(use.replaces)
        message = f"{use.repository} goes on with the nodes of {given_up}, which is given up"
        yield Finding(code="replacing-pack", severity="info", message=message, node=node)
    elif use.fork_of:
        message = f"{use.repository} is a fork of {use.fork_of}"
        yield Finding(code="forked-pack", severity="info", message=message, node=node)


def _classes(classes: Sequence[str]) -> str:
    shown = ", ".join(_quoted(class_type) for class_type in classes[:SHOWN_CLASSES])
    more = len(classes) - SHOWN_CLASSES
    if more > 0:
        return f"the nodes {shown} and {more} more come"
    return f"the node {shown} comes" if len(classes) == 1 else f"the nodes {shown} come"


def _quoted(class_type: str) -> str:
    return ascii(class_type)[1:-1][:80]
