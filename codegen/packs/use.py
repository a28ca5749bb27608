"""A pack that a workflow needs, as far as it is known."""

from __future__ import annotations

from typing import Literal

from codegen.model import Frozen


class PackUse(Frozen):
    """A pack that the workflow needs, and what of it."""

    repository: str
    classes: tuple[str, ...]
    source: Literal["answer", "properties", "manager-map", "registry"]
    commit: str | None
    """As a person or the file names it, else as it was looked up; `None` when nobody gives one."""
    version: str | None
    """Of the registry, where the file names that instead of a commit."""
    listed: bool
    """Whether ComfyUI-Manager lists the repository."""
    moved_from: str | None = None
    """The address that the file or the lists give, if the repository has another one today."""
    fork_of: str | None = None
    """What it is a fork of."""
    replaces: tuple[str, ...] = ()
    """Packs that are given up, whose nodes it goes on with."""
    replaced_by: str | None = None
    """The pack that goes on with its nodes, if it is given up."""
    removed: tuple[str, ...] = ()
    """Those of the classes that its newest version no longer has."""
    commit_of: str | None = None
    """What the commit is that was looked up, such as `main` or `v1.2.0`; `None` if the file itself names one."""
    lost_commit: str | None = None
    """The commit that the file names, if the repository's default branch does not have it."""
    elsewhere: tuple[str, ...] = ()
    """Repositories that have one of the classes, where the lists know nothing of it in the one that the file names."""
    pinned_from: str | None = None
    """The entry of the knowledge base that the commit is from: it worked there."""
    licence: str | None = None
    """An SPDX identifier, as the repository's host states it."""
    archived: bool = False
    """Its owner has closed it to changes."""
    missing: bool = False
    """There is no such repository any more."""
    unseen: bool = False
    """Its default branch does not have the commit that a person has answered with."""

    @property
    def trusted(self) -> bool:
        """Whether it may be built before a review: the Manager lists it, or a person has answered with it."""
        return self.listed or self.source == "answer"

    @property
    def wanted_version(self) -> str | None:
        """What the file names, commit or version: what is to be looked up."""
        saved = None if self.commit_of or self.pinned_from else self.commit
        return self.lost_commit or saved or self.version


def is_of_version(commit_of: str | None, version: str | None) -> bool:
    """Whether what a commit was looked up for is a version."""
    return version is not None and commit_of in {version, f"v{version}"}
