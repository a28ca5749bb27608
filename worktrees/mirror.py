"""A bare copy of a repository, for all work on it. The person's own checkout is never touched.

Branches of the origin are in `refs/remotes/origin/*`, so that fetching never moves the branches that runs work on.
Facts measured with git 2.39: parallel `git worktree add` on one repository needs a lock of its own and `--no-track`; a
worktree whose folder is gone blocks its branch until `git worktree prune`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, NotARepository, UnsafePath, UnusableBase
from worktrees.git import git, git_bytes, redacted, succeeds
from worktrees.lock import FileLock
from worktrees.worktree import Worktree

if TYPE_CHECKING:
    from collections.abc import Generator

SPARSE_FOLDERS = ("apps/modal", "docs/knowledge-base")
"""What runs touch; a repository's other files are never checked out."""
MADE = "flowberth-made"
"""Configuration key that is set when a mirror is complete; one without it is left from a crash and made again."""
ATTRIBUTES = b"".join(
    (
        *(f"{folder}/** -text -eol -ident -working-tree-encoding\n".encode() for folder in SPARSE_FOLDERS),
        b"docs/knowledge-base/**/*.md merge=union\n",
    )
)
"""Nothing that runs write is converted, whatever a repository's own attributes say: `* text` would break pictures.
Knowledge-base files of two pull requests never conflict: both sides' lines are kept."""
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Mirror:
    """The mirror of one repository. Cheap to make: nothing happens before the first call."""

    def __init__(self, data_dir: Path, remote: Path) -> None:
        self.remote = remote
        digest = hashlib.sha256(str(remote).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", remote.name).strip(".-")[:40] or "repository"
        self.path = data_dir / "mirrors" / f"{slug}-{digest}.git"
        self._worktrees = data_dir / "worktrees" / f"{slug}-{digest}"

    @cached_property
    def _lock(self) -> FileLock:
        return FileLock(self.path.with_suffix(".lock"))

    @contextmanager
    def _locked(self) -> Generator[None]:
        with self._lock:
            self._ensure()
            yield

    def _ensure(self) -> None:
        self._make()
        attributes = self.path / "info" / "attributes"
        if not attributes.is_file() or attributes.read_bytes() != ATTRIBUTES:
            attributes.parent.mkdir(exist_ok=True)
            attributes.write_bytes(ATTRIBUTES)

    def _make(self) -> None:
        if self.path.is_dir() and succeeds(self.path, "config", "--get", f"flowberth.{MADE}"):
            return
        if not self.remote.exists():
            raise NotARepository(f"{self.remote} does not exist any more")
        shutil.rmtree(self.path, ignore_errors=True)
        half = Path(tempfile.mkdtemp(prefix="half-", dir=self.path.parent))
        try:
            kind = git(self.remote, "rev-parse", "--show-object-format")
            git(half, "init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={kind}")
            git(half, "remote", "add", "origin", str(self.remote))
            git(half, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
            git(half, "config", f"flowberth.{MADE}", "true")
            half.rename(self.path)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise

    def fetch(self) -> None:
        """Bring the origin's branches up to date.

        Raises:
            NotARepository: the origin is gone, or is none.
        """
        with self._locked():
            self._fetch()

    def _fetch(self) -> None:
        try:
            git(
                self.path,
                "fetch",
                "--quiet",
                "--prune",
                "--no-tags",
                "--update-shallow",
                "--no-recurse-submodules",
                "origin",
            )
        except GitFailed as error:
            if "dubious ownership" in str(error):
                raise NotARepository(
                    f"{self.remote} belongs to another user, whose hooks would run as you; make it yours with "
                    "`chown -R`, or work in a clone of your own"
                ) from None
            raise NotARepository(f"{self.remote} cannot be read: {redacted(str(error))}") from None

    def tip(self, branch: str) -> str | None:
        """The commit of a branch of the origin, as last fetched."""
        return self.commit_of(f"refs/remotes/origin/{branch}")

    def commit_of(self, reference: str) -> str | None:
        """The commit a reference names, if there is one."""
        try:
            return git(self.path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        except GitFailed:
            return None

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit."""
        try:
            return git_bytes(self.path, "cat-file", "blob", f"{commit}:{path}")
        except GitFailed:
            return None

    def is_merged(self, commit: str, into: str) -> bool:
        """Whether `into` holds everything of `commit`."""
        return succeeds(self.path, "merge-base", "--is-ancestor", commit, into)

    def open_worktree(self, run_id: str, branch: str, base: str) -> Worktree:
        """Find or make the worktree of a run, on `branch`.

        An unmerged `branch` of the origin is gone on with; otherwise the branch starts at `base`. Any worktree another
        run left on the same branch is removed: at most one run of a name is alive.

        Raises:
            UnusableBase: the origin has no branch `base`, or a name is no branch name.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise UnsafePath(f"{run_id!a} cannot be the name of a worktree")
        check_branch(branch)
        check_branch(base)
        folder = self._worktrees / run_id
        with self._locked():
            if self.tip(base) is None:
                self._fetch()
            base_tip = self.tip(base)
            if base_tip is None:
                raise UnusableBase(f"{self.remote} has no branch {base!a}; name another with --base")
            worktree = Worktree(folder, self.path, branch, base, self._lock)
            if worktree.is_sound():
                return worktree
            self._clear(folder, branch)
            existing = self.tip(branch)
            start = existing if existing and not self.is_merged(existing, base_tip) else base_tip
            folder.parent.mkdir(parents=True, exist_ok=True)
            git(
                self.path,
                "worktree",
                "add",
                "--quiet",
                "--no-checkout",
                "--no-track",
                "-B",
                branch,
                "--",
                str(folder),
                start,
            )
            git(folder, "sparse-checkout", "set", "--no-cone", *(f"/{path}/" for path in SPARSE_FOLDERS))
            git(folder, "reset", "--quiet", "--hard", "HEAD")
            worktree.mark_sound()
            return worktree

    def _clear(self, folder: Path, branch: str) -> None:
        for path in {folder, *self._holders(branch)}:
            if path.exists():
                shutil.rmtree(path)
        git(self.path, "worktree", "prune", "--expire=now")

    def _holders(self, branch: str) -> list[Path]:
        """Worktrees that have `branch` checked out."""
        holders: list[Path] = []
        current: Path | None = None
        for line in git(self.path, "worktree", "list", "--porcelain", "-z").split("\0"):
            if line.startswith("worktree "):
                current = Path(line.removeprefix("worktree "))
            elif line == f"branch refs/heads/{branch}" and current is not None:
                holders.append(current)
        return holders


def check_branch(name: str) -> None:
    """Refuse what git would not take as a branch.

    Raises:
        UnusableBase: it would not.
    """
    if name.startswith("-") or not succeeds(Path("/"), "check-ref-format", "--branch", name):
        raise UnusableBase(f"{ascii(name)[:80]} is no name of a branch")
