"""One run's folder: files written safely, commits made once, the branch pushed where nobody else has pushed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, PushRejected, UnsafePath
from worktrees.git import git, succeeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worktrees.lock import FileLock

SOUND = "flowberth-sound"
"""File in the worktree's git folder: checked out completely. Without it the worktree is left from a crash, and is made
again."""


LOOSE_OBJECTS = "2000"
"""A run leaves about fifty; packing as many as forty runs leave takes under a second."""
FOLDER_MODE = "040000"
"""Of a folder in a commit."""
PARTIAL = ".flowberth-partial"
"""Ending of a file that is being written; what a crash leaves is never committed."""


class Worktree:
    """A worktree on the run's branch."""

    def __init__(self, path: Path, mirror: Path, branch: str, base: str, lock: FileLock) -> None:
        self.path = path
        self.branch = branch
        self.base = base
        self._mirror = mirror
        self._lock = lock

    def is_sound(self) -> bool:
        """Whether it is there, complete, and on its branch."""
        if not (self.path / ".git").is_file():
            return False
        try:
            marked = Path(git(self.path, "rev-parse", "--absolute-git-dir"), SOUND).is_file()
            if not marked or git(self.path, "symbolic-ref", "--short", "HEAD") != self.branch:
                return False
            self._unlock_index()
        except GitFailed:
            return False
        return True

    def mark_sound(self) -> None:
        """Say that the checkout is complete."""
        Path(git(self.path, "rev-parse", "--absolute-git-dir"), SOUND).touch()

    def _unlock_index(self) -> None:
        """A killed git command leaves its lock; at most one process works in a worktree, so the lock is stale."""
        Path(git(self.path, "rev-parse", "--absolute-git-dir"), "index.lock").unlink(missing_ok=True)

    def head(self) -> str:
        """The commit of the branch."""
        return git(self.path, "rev-parse", "HEAD")

    def exists(self, path: str) -> bool:
        """Whether there is a file (not a link) at `path`, given with forward slashes."""
        target = self._locate(path)
        return target.is_file()

    def read(self, path: str) -> bytes | None:
        """A file's content."""
        target = self._locate(path)
        return target.read_bytes() if target.is_file() else None

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, making folders.

        Raises:
            UnsafePath: one would lie outside, inside `.git`, or behind a symbolic link. Nothing has been written then.
        """
        located = {path: self._locate(path) for path in files}
        self._refuse_links(files)
        for path, target in located.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}{PARTIAL}")
            partial.write_bytes(files[path])
            partial.replace(target)

    def replace_folder(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files, and delete whatever else is in `folder`.

        Raises:
            UnsafePath: as `write`. Nothing has changed then.
        """
        place = self._locate(folder)
        self.write(files)
        kept = {self._locate(path) for path in files}
        for path in sorted(place.rglob("*"), reverse=True):
            if path.is_symlink() or (not path.is_dir() and path not in kept):
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def _refuse_links(self, paths: Iterable[str]) -> None:
        """A link above the folders that are checked out exists in the commit only."""
        folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents} - {"."}
        if not folders:
            return
        listed = git(self.path, "ls-tree", "-z", "HEAD", "--", *sorted(folders))
        for entry in filter(None, listed.split("\0")):
            facts, _, name = entry.partition("\t")
            if name in folders and not facts.startswith(FOLDER_MODE):
                raise UnsafePath(f"{name!a} is a symbolic link or a file in the repository; replace it by a folder")

    def delete(self, folder: str, pattern: str) -> None:
        """Delete the files of a folder whose names match, such as `sample.*`; none is fine.

        Raises:
            UnsafePath: the folder lies outside, inside `.git`, or behind a symbolic link.
        """
        for path in self._locate(folder).glob(pattern):
            if path.is_file() or path.is_symlink():
                path.unlink()

    def _locate(self, path: str) -> Path:
        pure = PurePosixPath(path)
        unsafe = {"", ".", ".."} | {name for name in pure.parts if name.lower() == ".git"}
        if pure.is_absolute() or not pure.parts or "\0" in path or "\\" in path or unsafe & set(pure.parts):
            raise UnsafePath(f"{ascii(path)[:200]} is no path inside a repository")
        target = self.path
        for part in pure.parts:
            target = target / part
            if target.is_symlink():
                link = target.relative_to(self.path).as_posix()
                raise UnsafePath(f"{link!a} is a symbolic link in the repository; replace it by a folder or file")
        return target

    def commit(self, message: str, trailers: Mapping[str, str]) -> str | None:
        """Commit everything that changed below the folders runs touch; `None` if nothing did.

        A commit that a killed process made is found that way: nothing has changed since. Ignore rules, the
        repository's or a person's, do not apply: an app without its picture or its lock is none.
        """
        self._unlock_index()
        git(self.path, "add", "--all", "--force", "--sparse", "--", ".", f":(exclude,glob)**/.*{PARTIAL}")
        if succeeds(self.path, "diff", "--cached", "--quiet"):
            return None
        lines = [f"--trailer={key}: {value}" for key, value in trailers.items()]
        git(self.path, "commit", "--quiet", "--no-verify", "--cleanup=verbatim", *lines, f"--message={message}")
        return self.head()

    def push(self) -> str:
        """Push the branch where the origin's is still as last seen; pushing what is there already is nothing.

        Raises:
            PushRejected: somebody else pushed meanwhile, or the repository refuses.
        """
        head = self.head()
        reference = f"refs/remotes/origin/{self.branch}"
        with self._lock:
            git(
                self._mirror,
                "fetch",
                "--quiet",
                "--prune",
                "--no-tags",
                "--update-shallow",
                "--no-recurse-submodules",
                "origin",
            )
            seen = git(self._mirror, "for-each-ref", "--format=%(objectname)", reference)
            if seen == head:
                return head
            merged = bool(seen) and succeeds(
                self._mirror, "merge-base", "--is-ancestor", seen, f"refs/remotes/origin/{self.base}"
            )
            if seen and not merged and not succeeds(self._mirror, "merge-base", "--is-ancestor", seen, head):
                raise PushRejected(
                    f"{self.branch} has commits that are not from this run; merge or delete that branch, then run again"
                )
            try:
                git(
                    self._mirror,
                    "push",
                    "--quiet",
                    "--no-verify",
                    f"--force-with-lease=refs/heads/{self.branch}:{seen}",
                    "origin",
                    f"{head}:refs/heads/{self.branch}",
                )
            except GitFailed as error:
                raise PushRejected(f"{self.branch} was not accepted: {error}") from None
            git(self._mirror, "update-ref", reference, head)
        return head

    def remove(self) -> None:
        """Remove the folder and git's record of it; commits and branch stay. Idempotent."""
        with self._lock:
            if self.path.exists():
                shutil.rmtree(self.path, onerror=_make_writable)
            git(self._mirror, "worktree", "prune", "--expire=now")
            # Everywhere else packing is off, so that no command waits for it; here a run has ended.
            git(self._mirror, "gc", "--auto", "--quiet", config={"gc.auto": LOOSE_OBJECTS, "gc.autoDetach": "false"})


def _make_writable(_function: object, path: str, _error: object) -> None:
    Path(path).chmod(0o700)
    os.unlink(path) if not Path(path).is_dir() else os.rmdir(path)  # noqa: PTH106, PTH108
