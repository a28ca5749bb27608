"""What only the network knows, as values: the same file and the same facts give the same plan.

`wanted` of a plan says what is worth asking; something that speaks to the network (`Lookups`, whose implementation is
in `runner.lookups`) answers with `Facts`. Without facts a plan is made too: what is missing is a finding then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field

from codegen.lock import Commit, GitHttpsUrl, ModelPin
from codegen.model import Finding, Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Pinned = Annotated[str, Field(pattern=r"^pinned from patterns/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.md$")]
"""Source of a pin that an entry of the knowledge base gave."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelFacts(Frozen):
    """What the server that has a file says of it. Unknown facts are `None`."""

    url: str
    state: Literal["found", "gated", "missing"]
    """`gated`: nobody gets the file without having agreed to something; `missing`: the server has no such file."""
    bytes: Annotated[int, Field(ge=0)] | None = None
    sha256: Sha256 | None = None
    licence: Annotated[str, Field(max_length=100)] | None = None
    """An SPDX identifier where there is one, such as `apache-2.0`, in the server's own letters."""


class ModelAddress(Frozen):
    """Where a file was found that nobody had an address for."""

    folder: str
    file: str
    url: Annotated[str, Field(pattern=r"^https://[^\s\"'<>\\]+$", max_length=2000)]
    sha256: Sha256 | None = None
    source: Literal["civitai", "hugging-face"] | Pinned


class PackFacts(Frozen):
    """What the host of a repository says of it."""

    repository: GitHttpsUrl
    """As it was asked for."""
    state: Literal["found", "missing"] = "found"
    moved_to: GitHttpsUrl | None = None
    """Where it is now, after a rename or a change of owner."""
    archived: bool = False
    fork_of: GitHttpsUrl | None = None
    commit: Commit | None = None
    """Of the version that was asked for, else the newest of the default branch."""
    commit_of: str | None = None
    """What the commit is: a tag or a branch, such as `v1.2.0` or `main`."""
    stars: int | None = None
    licence: Annotated[str, Field(max_length=100)] | None = None
    """An SPDX identifier, such as `GPL-3.0`."""
    known_from: Pinned | None = None
    """Whose commit it is, if an entry of the knowledge base says that it worked."""


class PackOfClass(Frozen):
    """A repository that the registry gives for a class that nobody else knows."""

    class_type: str
    repository: GitHttpsUrl
    registry_id: str


class Facts(Frozen):
    """Answers. What was not asked, or not answered, is not in here."""

    models: tuple[ModelFacts, ...] = ()
    addresses: tuple[ModelAddress, ...] = ()
    packs: tuple[PackFacts, ...] = ()
    classes: tuple[PackOfClass, ...] = ()
    unreachable: tuple[str, ...] = ()
    """Hosts that gave no answer, so that what they would know is missing here."""
    offline: bool = False
    """Whether there was something to ask and nobody was asked."""

    def model(self, url: str | None) -> ModelFacts | None:
        """Of the file at an address."""
        return next((one for one in self.models if one.url == url), None)

    def address(self, folder: str, file: str) -> ModelAddress | None:
        """Of a file without one."""
        return next((one for one in self.addresses if (one.folder, one.file) == (folder, file)), None)

    def pack(self, repository: str) -> PackFacts | None:
        """Of a repository, in whatever case it is written."""
        return next((one for one in self.packs if one.repository.lower() == repository.lower()), None)

    def merged(self, later: Facts) -> Facts:
        """With what a later round has found."""
        return Facts(
            models=self.models + later.models,
            addresses=self.addresses + later.addresses,
            packs=self.packs + later.packs,
            classes=self.classes + later.classes,
            unreachable=tuple(sorted({*self.unreachable, *later.unreachable})),
            offline=self.offline or later.offline,
        )


NOTHING_LOOKED_UP = Facts()


class WantedPack(Frozen):
    """A repository to ask about."""

    repository: GitHttpsUrl
    version: str | None = None
    """Of the registry, whose commit is wanted; else the newest commit."""


class WantedModel(Frozen):
    """A file to look for."""

    folder: str
    file: str
    sha256: Sha256 | None = None
    """Then it is looked for by that, and nothing else is it."""


class Wanted(Frozen):
    """What a plan would gain from. Nothing of the workflow but these names leaves the machine."""

    model_urls: tuple[str, ...] = ()
    models: tuple[WantedModel, ...] = ()
    packs: tuple[WantedPack, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.model_urls or self.models or self.packs or self.classes)

    def joined(self, other: Wanted) -> Wanted:
        """Both."""
        return Wanted(
            model_urls=self.model_urls + other.model_urls,
            models=self.models + other.models,
            packs=self.packs + other.packs,
            classes=self.classes + other.classes,
        )

    def without(self, asked: Wanted) -> Wanted:
        """What is not in `asked`."""
        return Wanted(
            model_urls=tuple(url for url in self.model_urls if url not in asked.model_urls),
            models=tuple(model for model in self.models if model not in asked.models),
            packs=tuple(pack for pack in self.packs if pack not in asked.packs),
            classes=tuple(kind for kind in self.classes if kind not in asked.classes),
        )


class Lookups(Protocol):
    """Answers what is wanted, as far as it can. Never raises for what is not there or cannot be reached."""

    def look_up(self, wanted: Wanted) -> Facts:
        """The facts; the order of the answers is that of the questions."""
        ...


ROUNDS = 2
"""An address that was found has a size, a class that was found has a pack, and the pack a commit."""


def gather(lookups: Lookups, wanted: Callable[[Facts], Wanted]) -> Facts:
    """Ask what is wanted, and then what is wanted because of the answers."""
    facts = NOTHING_LOOKED_UP
    asked = Wanted()
    for _ in range(ROUNDS):
        following = wanted(facts).without(asked)
        if following.empty or facts.offline:
            break
        facts = facts.merged(lookups.look_up(following))
        asked = asked.joined(following)
    return facts


def wanted_models(
    pins: Iterable[ModelPin], lost: Iterable[ModelPin]
) -> tuple[tuple[str, ...], tuple[WantedModel, ...]]:
    """Addresses whose file is not known well, and files without an address; or with a `lost` one, by their hash."""
    known = tuple(pins)
    urls = tuple(dict.fromkeys(pin.url for pin in known if pin.url and (pin.bytes is None or pin.sha256 is None)))
    homeless = (pin for pin in known if pin.url is None)
    elsewhere = (pin for pin in lost if pin.sha256)
    wanted = (*homeless, *elsewhere)
    return urls, tuple(WantedModel(folder=pin.folder, file=pin.file, sha256=pin.sha256) for pin in wanted)


def about_lookups(facts: Facts) -> tuple[Finding, ...]:
    """What could not be asked, so that nobody takes silence for an answer."""
    if facts.offline:
        return (
            Finding(
                code="offline",
                severity="info",
                message="nothing was looked up: sizes, licences and addresses of models, and commits of packs, are as "
                "the workflow and the lists that ship here say",
                hint="run again with a network, and without --offline or FLOWBERTH_OFFLINE",
            ),
        )
    if facts.unreachable:
        hosts = ", ".join(ascii(host)[1:-1] for host in facts.unreachable)
        return (
            Finding(
                code="lookup-failed",
                severity="warning",
                message=f"no answer from {hosts}: what is known there of the workflow's models and packs is missing",
                hint="run again later; a token in the settings raises the limits of these services",
            ),
        )
    return ()
