"""One run's folder: files written safely, commits made once, the branch pushed where nobody else has pushed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from worktrees.ahead import commits_after
from worktrees.errors import GitFailed, PushRejected, UnsafePath, UnusableBase, WorktreeError
from worktrees.folders import remove_folder
from worktrees.git import git, succeeds
from worktrees.history import deleted
from worktrees.merge import Merged, merged_with_base

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worktrees.ahead import NewCommit
    from worktrees.merge import Conflicts
    from worktrees.mirror import Mirror

SOUND = "flowberth-sound"
"""File in the worktree's git folder: checked out completely. Without it the worktree is left from a crash, and is made
again."""
MOVING = "flowberth-moving"
"""File in the worktree's git folder while the files of another commit are put in place."""
LOOSE_OBJECTS = "2000"
"""A run leaves about fifty; packing as many as forty runs leave takes under a second."""
FOLDER_MODE = "040000"
"""Of a folder in a commit."""
PARTIAL = ".flowberth-partial"
"""Ending of a file that is being written; what a crash leaves is never committed."""
COMMITTED = (".", f":(exclude,glob)**/.*{PARTIAL}")
"""What is part of a commit, for git."""


class Worktree:
    """A worktree on the run's branch."""

    def __init__(self, path: Path, mirror: Mirror, branch: str | None, base: str) -> None:
        """`branch` is `None` where only a commit is checked out; `base` is that commit then."""
        self.path = path
        self.base = base
        self._branch = branch
        self._mirror = mirror

    @property
    def branch(self) -> str:
        """The branch that is checked out.

        Raises:
            WorktreeError: a commit is, which nothing can be added to.
        """
        if self._branch is None:
            raise WorktreeError(f"{self.base[:12]} is checked out to be read: it is on no branch")
        return self._branch

    @cached_property
    def _git_folder(self) -> Path:
        return Path(git(self.path, "rev-parse", "--absolute-git-dir"))

    def is_sound(self) -> bool:
        """Whether it is there, complete, and on its branch."""
        if not (self.path / ".git").is_file():
            return False
        try:
            self.__dict__.pop("_git_folder", None)  # it may have been made again meanwhile
            if not (self._git_folder / SOUND).is_file() or not self._is_in_place():
                return False
            self._unlock()
            if (self._git_folder / MOVING).exists():
                self._move_to("HEAD")
        except GitFailed:
            return False
        return True

    def _is_in_place(self) -> bool:
        if self._branch is None:
            return git(self.path, "rev-parse", "HEAD") == self.base
        return git(self.path, "symbolic-ref", "--short", "HEAD") == self.branch

    def mark_sound(self) -> None:
        """Say that the checkout is complete, which has just been made."""
        self.__dict__.pop("_git_folder", None)
        (self._git_folder / SOUND).touch()

    def _unlock(self) -> None:
        """A killed git command leaves its locks; at most one process works in a worktree, so they are stale."""
        for name in ("index.lock", "HEAD.lock"):
            (self._git_folder / name).unlink(missing_ok=True)
        (self._mirror.path / f"refs/heads/{self._branch}.lock").unlink(missing_ok=True)

    def _move_to(self, commit: str) -> None:
        """Put branch, index and files at a commit. Killed half-way, the next one to open the worktree ends it."""
        moving = self._git_folder / MOVING
        moving.touch()
        git(self.path, "reset", "--quiet", "--hard", commit)
        moving.unlink()

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

    def read_base(self, path: str) -> bytes | None:
        """A file's content as the base has it, as last fetched."""
        tip = self._mirror.tip(self.base)
        return self._mirror.read(tip, path) if tip else None

    def was_deleted(self, path: str) -> bool:
        """Whether a commit deletes a file that the base lacks, or has still."""
        tip = self._mirror.tip(self.base)
        return tip is not None and deleted(self.path, tip, "HEAD", path)

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
        self._unlock()
        git(self.path, "add", "--all", "--force", "--sparse", "--", *COMMITTED)
        if succeeds(self.path, "diff", "--cached", "--quiet"):
            return None
        lines = [f"--trailer={key}: {value}" for key, value in trailers.items()]
        git(self.path, "commit", "--quiet", "--no-verify", "--cleanup=verbatim", *lines, f"--message={message}")
        return self.head()

    def push(self) -> str:
        """Push the branch where the origin's is still as last seen; pushing what is there already is nothing.

        The base is brought up to date too: a pack is made of what the remote's branches lack, so far as we know them.

        Raises:
            PushRejected: somebody else pushed meanwhile, or the repository refuses; its `kind` says which.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        head, mirror = self.head(), self._mirror
        mirror.fetch(self.branch, self.base)
        seen = mirror.tip(self.branch)
        if seen == head:
            return head
        if seen and not succeeds(mirror.path, "merge-base", "--is-ancestor", seen, head):
            base = mirror.tip(self.base)
            if not base or not mirror.is_merged(seen, base):
                raise self._not_ours()
        mirror.origin.push(self.branch, head, seen=seen or "")
        mirror.note(self.branch, head)
        return head

    def commits_ahead(self) -> tuple[NewCommit, ...]:
        """The run's commits that the origin's branch lacks, oldest first, to be made there by its API.

        A commit the origin has with the same content counts as made, whatever its id: a crash after some of them is
        gone on from there. After the last one is made, `adopt` it.

        Raises:
            PushRejected: the origin's branch has what is not from this run.
            NotExpressible: a commit is a merge, or has a link, a submodule or an executable file.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        mirror = self._mirror
        mirror.fetch(self.branch, self.base)
        base, there = mirror.tip(self.base), mirror.tip(self.branch)
        if there and base and mirror.is_merged(there, base):
            there = None
        onto = there or (base and mirror.common(self.head(), base, deepen=(base,)))
        if onto is None:
            raise UnusableBase(f"{self.branch} and {self.base} have nothing in common")
        commits = commits_after(self.path, onto)
        if commits is None:
            raise self._not_ours()
        return commits

    def _not_ours(self) -> PushRejected:
        told = f"{self.branch} has commits that are not from this run; merge or delete that branch, then run again"
        return PushRejected(told, "moved")

    def adopt(self, commit: str) -> None:
        """Put branch and index onto a commit of the origin that has the same content, made by its API from ours.

        Files that are not committed yet stay as they are. Idempotent.

        Raises:
            UnusableBase: the origin has no such commit, or its content is another.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        self._mirror.fetch(commit=commit)
        ours, theirs = (git(self.path, "rev-parse", f"{at}^{{tree}}") for at in ("HEAD", commit))
        if ours != theirs:
            raise UnusableBase(f"{commit[:12]} has other content than {self.branch}")
        git(self.path, "update-ref", f"refs/heads/{self.branch}", commit)
        self._mirror.note(self.branch, commit)

    def merge_base(self) -> Merged | Conflicts | None:
        """Merge what the base has got since into the branch, as a merge commit; `None`: nothing. Not pushed yet.

        Files of the knowledge base never conflict: both sides' lines are kept. What is not committed would be lost,
        so nothing may be.

        Raises:
            UnusableBase: the base is gone.
            WorktreeError: there are changes that are not committed.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        if git(self.path, "status", "--porcelain", "--untracked-files=all", "--", *COMMITTED):
            raise WorktreeError(f"{self.branch} has changes that are not committed; commit them, then merge")
        merged = merged_with_base(self._mirror, self.head(), self.branch, self.base)
        if isinstance(merged, Merged):
            self._move_to(merged.commit)
        return merged

    def remove(self) -> None:
        """Remove the folder and git's record of it; commits and branch stay. Idempotent."""
        mirror = self._mirror
        with mirror.locked():
            remove_folder(self.path)
            git(mirror.path, "worktree", "prune", "--expire=now")
            # Everywhere else packing is off, so that no command waits for it; here a run has ended.
            git(mirror.path, "gc", "--auto", "--quiet", config={"gc.auto": LOOSE_OBJECTS, "gc.autoDetach": "false"})
