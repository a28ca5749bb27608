"""Clearing away what nobody needs: worktrees of runs that have ended, what crashes leave, mirrors above a quota.

Whatever it does it does under the mirror's lock, and never waits for one: a mirror that is in use is for another time.
Who is active is asked under the lock too. A run is on record before it opens its worktree, for which it needs the lock,
so no clock decides whether a worktree is too young to be removed. A crash at any point leaves what the next one clears.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worktrees.errors import WorktreeError
from worktrees.folders import disk_bytes, remove_folder
from worktrees.git import git
from worktrees.lock import FileLock
from worktrees.mirror import HALF, LEFT_LOCKS, USED
from worktrees.worktree import LOOSE_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

RECENT_SECONDS = 15 * 60
"""A mirror is read outside its lock too, shortly after it was fetched; one used as recently is not dropped."""


@dataclass(frozen=True)
class Reaped:
    """What was cleared away."""

    worktrees: tuple[str, ...]
    """Runs whose worktree was removed."""
    mirrors: tuple[str, ...]
    """Mirrors that were dropped, least recently used first; the next run on such a repository makes it again."""
    busy: tuple[str, ...]
    """Mirrors that somebody worked on, and that were left alone."""
    failed: tuple[str, ...]
    """What could not be cleared, and why."""
    bytes_kept: int
    """What mirrors and worktrees take on disk now. Above the quota if everything else is in use."""


def reap(
    data_dir: Path,
    *,
    active_run_ids: Callable[[], Collection[str]],
    quota_bytes: int,
    clock: Callable[[], float] = time.time,
) -> Reaped:
    """Clear away what no active run needs.

    Args:
        data_dir: As given to `Mirror`.
        active_run_ids: Asked for each mirror, while it is locked.
        quota_bytes: For mirrors and worktrees together.
        clock: Seconds since 1970, as in the times of files.
    """
    work = _Work(data_dir, active_run_ids, clock)
    for stem in work.stems():
        work.clear(stem)
    work.drop_above(quota_bytes)
    return work.done()


@dataclass
class _Work:
    data_dir: Path
    active_run_ids: Callable[[], Collection[str]]
    clock: Callable[[], float]
    worktrees: list[str] = field(default_factory=list[str])
    mirrors: list[str] = field(default_factory=list[str])
    busy: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])

    def done(self) -> Reaped:
        kept = sum(disk_bytes(self.data_dir / name) for name in ("mirrors", "worktrees"))
        return Reaped(tuple(self.worktrees), tuple(self.mirrors), tuple(self.busy), tuple(self.failed), kept)

    def stems(self) -> list[str]:
        """The names of all mirrors that are there, or of which something is left."""
        whole = {path.stem for path in (self.data_dir / "mirrors").glob("*.git")}
        half = {path.name.removeprefix(HALF).rpartition("-")[0] for path in self._halves()} - {""}
        return sorted(whole | half | {path.name for path in (self.data_dir / "worktrees").glob("*")})

    def _halves(self, stem: str = "") -> list[Path]:
        return sorted((self.data_dir / "mirrors").glob(f"{HALF}{stem}*"))

    def _mirror(self, stem: str) -> Path:
        return self.data_dir / "mirrors" / f"{stem}.git"

    def _lock(self, stem: str) -> FileLock:
        """The same file as the mirror's own. It is never removed: who waits for a removed one would have another."""
        return FileLock(self._mirror(stem).with_suffix(".lock"))

    def clear(self, stem: str) -> None:
        with self._lock(stem).if_free() as held:
            if not held:
                self.busy.append(stem)
                return
            try:
                self._clear(stem)
            except (OSError, WorktreeError) as error:
                self.failed.append(f"{stem}: {error}")

    def _clear(self, stem: str) -> None:
        for half in self._halves(f"{stem}-"):
            remove_folder(half)
        place, mirror = self.data_dir / "worktrees" / stem, self._mirror(stem)
        folders = sorted(place.glob("*"))
        active = self.active_run_ids() if folders else ()
        for folder in folders:
            if folder.name not in active:
                remove_folder(folder)
                self.worktrees.append(folder.name)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()
        if mirror.is_dir():
            for name in LEFT_LOCKS:
                (mirror / name).unlink(missing_ok=True)
            git(mirror, "worktree", "prune", "--expire=now")
            self._forget_branches(mirror)
            git(mirror, "gc", "--auto", "--quiet", config={"gc.auto": LOOSE_OBJECTS, "gc.autoDetach": "false"})

    def _forget_branches(self, mirror: Path) -> None:
        """Branches of runs that have ended, unless they hold what the origin has not: nobody else has it."""
        listed = git(mirror, "for-each-ref", "--format=%(refname) %(objectname) %(worktreepath)", "refs/heads")
        for line in listed.splitlines():
            reference, commit, *checked_out = line.split(" ", 2)
            if not any(checked_out) and not git(
                mirror, "rev-list", "--max-count=1", commit, "--not", "--remotes=origin", "--"
            ):
                git(mirror, "update-ref", "-d", reference, commit)

    def drop_above(self, quota_bytes: int) -> None:
        """Drop mirrors without worktrees, least recently used first, until the rest fits."""
        sizes = {stem: self._size(stem) for stem in self.stems()}
        total = sum(sizes.values())
        for age, stem in sorted(((self._age(stem), stem) for stem in sizes), reverse=True):
            if total <= quota_bytes or age < RECENT_SECONDS:
                return
            with self._lock(stem).if_free() as held:
                if not held or any((self.data_dir / "worktrees" / stem).glob("*")) or self._age(stem) < RECENT_SECONDS:
                    continue
                try:
                    self._drop(stem)
                except OSError as error:
                    self.failed.append(f"{stem}: {error}")
                    continue
            self.mirrors.append(stem)
            total -= sizes[stem]

    def _drop(self, stem: str) -> None:
        """At once for everybody else; a crash leaves what is taken for half a mirror."""
        going = self.data_dir / "mirrors" / f"{HALF}{stem}-dropped"
        remove_folder(going)
        self._mirror(stem).rename(going)
        remove_folder(going)

    def _size(self, stem: str) -> int:
        return disk_bytes(self._mirror(stem)) + disk_bytes(self.data_dir / "worktrees" / stem)

    def _age(self, stem: str) -> float:
        """Seconds since a mirror was used. One used in the future is none the younger: a clock has been put back."""
        try:
            return abs(self.clock() - (self._mirror(stem) / USED).stat().st_mtime)
        except OSError:
            return float(RECENT_SECONDS) if self._mirror(stem).is_dir() else 0.0
