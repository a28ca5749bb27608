"""What becomes of a workflow's entry when it is tested again: what people have done to it counts.

An entry that a person has deleted on a pull request's branch is not added to that pull request again. One whose
generated part a person has changed stays as it is, byte for byte, and people are told. Notes below its last line are
kept. The next pull request begins with what its base has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codegen.model import Finding
from runner.knowledge import entry_path
from runner.knowledge.entry_file import Unreadable, is_edited, notes_of, read

if TYPE_CHECKING:
    from runner.knowledge.entry import ActualCost, Entry
    from worktrees.worktree import Worktree


class Kept(NamedTuple):
    """What is to be done."""

    write: bool
    notes: str = ""
    """Of people, to go on with."""
    told: Finding | None = None
    instead: bytes | None = None
    """What is there in the base, and counts."""
    actual: ActualCost | None = None
    """Noted there after a merge, to go on with."""


def kept(worktree: Worktree, name: str) -> Kept:
    """What people have done to the entry of a workflow, on the branch that is checked out."""
    path = entry_path(name)
    there = worktree.read(path)
    if there is None:
        return Kept(write=not worktree.was_deleted(path), told=None)
    if not is_edited(there):
        return _ours(there)
    in_base = worktree.read_base(path)
    if in_base is not None and in_base != there and _entry(there) is None:
        there = in_base  # both sides' lines, after a merge: people's own are in the base
        if not is_edited(there):
            return _ours(there)
    hint = "delete it and commit that on the base branch to have it written again at the next deployment"
    return Kept(write=False, told=_told(path, hint), instead=there)


def _ours(there: bytes) -> Kept:
    entry = _entry(there)
    return Kept(write=True, notes=notes_of(there), actual=entry.actual_cost if entry else None)


def _entry(data: bytes) -> Entry | None:
    try:
        return read(data).entry
    except Unreadable:
        return None


def _told(path: str, hint: str) -> Finding:
    return Finding(
        code="kept-knowledge",
        severity="info",
        message=f"{path} was edited by hand, and stays as it is: what this run has found out is not in it",
        hint=hint,
    )
