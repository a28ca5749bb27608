"""Index and sums are brought up to date on the base branch after a merge; what is up to date is left alone.

So are entries whose bills have all come since they were written: of these, one line is changed, and nothing in those
that people have edited.

Where a rule of the repository does not let us commit there, one pull request has them, which each later merge brings up
to date, from the branch `flowberth-knowledge-base`. Nothing else depends on it: the entries are the truth.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.knowledge import PATTERNS, entry_path
from runner.knowledge.entry_file import LARGEST, with_actual_cost
from runner.knowledge.learnings import learnings
from runner.knowledge.library import MOST_ENTRIES, library_of
from worktrees.errors import PushRejected
from worktrees.merge import FOLLOWED_BY_CHECKOUT
from worktrees.snapshot import Snapshot, first
from worktrees.writing import commit_onto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.knowledge.entry import ActualCost, Entry
    from runner.protocols import Forge
    from worktrees.mirror import Mirror
    from worktrees.snapshot import Blob

BRANCH: Final = "flowberth-knowledge-base"
"""Ours alone. Below `flowberth/` it would be taken for an app's."""
TITLE: Final = "Bring the knowledge base up to date"
BODY: Final = """\
The index and the sums of the knowledge base, after what was merged, and what bills have come to. They are made \
from the entries in \
`docs/knowledge-base/workflows/patterns/`, and every later merge brings this pull request up to date; it can be merged \
at any time.

It is a pull request because a rule of this repository does not let Flowberth commit to its base branch.
"""
QUIET: Final = "[skip ci]"
"""In commits on the base branch: nothing but these files changes. Never in a pull request, whose required checks would
be waited for in vain."""
TRAILER: Final = "Flowberth-Run: knowledge-base"
TRIES: Final = 5
"""To commit on a base that others move at the same time; the next merge does it anyway."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of the entries, which are in memory together; one has about 5,000."""

log = logging.getLogger(__name__)


class Refreshed(NamedTuple):
    """What was done."""

    commit: str | None = None
    """`None`: all was up to date."""
    pull: int | None = None
    """Number of the pull request that has it."""


def no_bills(_entry: Entry) -> ActualCost | None:
    """Where nobody keeps count of money."""
    return None


def refresh(
    mirror: Mirror,
    base: str,
    forge: Forge | None = None,
    bills: Callable[[Entry], ActualCost | None] = no_bills,
) -> Refreshed:
    """Write index and sums of the base branch anew. Any number of times, also at the same time.

    Args:
        mirror: of the repository.
        base: the branch.
        forge: without one there is no pull request where the base cannot be committed to.
        bills: what the deployment of an entry has cost by all of its bills; `None` if they have not all come. What an
            entry says may be anybody's words: whoever answers makes sure that the run is one of this repository.

    Raises:
        PushRejected: the base moves faster than this, or it cannot be committed to, and there is no forge.
        RemoteError, NotARepository: as the tree in `worktrees` says.
        runner.errors.ForgeUnavailable, ForgeBusy, ForgeRefused: as of the forge.
    """
    for attempt in range(1, TRIES + 1):
        mirror.fetch(base)
        tip = mirror.tip(base)
        if tip is None:
            return Refreshed()
        files = _due(mirror, tip, bills)
        commit = commit_onto(mirror, tip, files, f"{TITLE}\n\n{QUIET}\n\n{TRAILER}") if files else None
        if commit is None:
            return Refreshed()
        try:
            local = "://" not in mirror.remote.address
            mirror.origin.push(base, commit, seen=tip, options=(FOLLOWED_BY_CHECKOUT,) if local else ())
        except PushRejected as refused:
            if refused.kind != "moved" and forge is not None:
                return _proposed(mirror, base, tip, files, forge, bills)
            if refused.kind != "moved" or attempt == TRIES:
                raise
            continue
        mirror.note(base, commit)
        return Refreshed(commit)
    raise AssertionError  # the last turn returns or raises


def _due(mirror: Mirror, commit: str, bills: Callable[[Entry], ActualCost | None]) -> dict[str, bytes]:
    """What is to be written; nothing if there is no entry at all, so that no repository gets an empty index."""
    snapshot = Snapshot(mirror.path, commit)
    pages = [
        blob for blob in snapshot.files(PATTERNS, deep=False) if blob.path.endswith(".md") and blob.size <= LARGEST
    ]
    entries = dict(_read(snapshot, first(pages, MOST_ENTRIES, MOST_BYTES)))
    billed = dict(_billed(entries, bills))
    library = library_of(entries | billed)
    sums = [blob for blob in snapshot.named(learnings(library, {})) if blob.size <= LARGEST]
    there = dict(_read(snapshot, sums))
    written = learnings(library, there)
    if not entries and not written.keys() & there.keys():
        return {}
    return billed | {path: data for path, data in written.items() if there.get(path) != data}


def _billed(entries: Mapping[str, bytes], bills: Callable[[Entry], ActualCost | None]) -> Iterator[tuple[str, bytes]]:
    """Those for which all bills have come since they were written."""
    for entry in library_of(entries).entries:
        path = entry_path(entry.name)
        if entry.awaits_bills and (actual := bills(entry)) is not None:
            data = with_actual_cost(entries[path], actual)
            if data != entries[path]:
                yield path, data


def _read(snapshot: Snapshot, blobs: Iterable[Blob]) -> Iterator[tuple[str, bytes]]:
    return ((blob.path, data) for blob, data in snapshot.contents(blobs))


def _proposed(  # noqa: PLR0917 - as of `refresh`, and what is to be written
    mirror: Mirror,
    base: str,
    tip: str,
    files: dict[str, bytes],
    forge: Forge,
    bills: Callable[[Entry], ActualCost | None],
) -> Refreshed:
    mirror.fetch(BRANCH, base)
    there = mirror.tip(BRANCH)
    if there is not None and not mirror.is_merged(there, tip):
        if not all(author.is_ours or author.is_merge for author in mirror.authors(tip, there)):
            log.warning("%s of %s has commits of others, and is left alone", BRANCH, mirror.remote.label)
            return Refreshed()
        if _due(mirror, there, bills) == {} and mirror.is_merged(tip, there):
            return Refreshed(there, _pull(forge, base))
    commit = commit_onto(mirror, tip, files, f"{TITLE}\n\n{TRAILER}")
    assert commit is not None
    mirror.origin.push(BRANCH, commit, seen=there or "")
    mirror.note(BRANCH, commit)
    return Refreshed(commit, _pull(forge, base))


def _pull(forge: Forge, base: str) -> int:
    return forge.propose(head=BRANCH, base=base, title=TITLE, body=BODY, ready=True).number
