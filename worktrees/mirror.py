"""A bare copy of a repository, for all work on it. The person's own checkout is never touched.

Branches of the origin are in `refs/remotes/origin/*`, so that fetching never moves the branches that runs work on.
Facts measured with git 2.39: parallel `git worktree add` on one repository needs a lock of its own and `--no-track`; a
worktree whose folder is gone blocks its branch until `git worktree prune`.

Of a repository on this machine everything is mirrored. Of a `Remote` only the branches that were asked for are, and of
those the last `DEPTH` commits: the first run on a repository with years of history must not wait for all of it. What
needs more (where a branch left its base, long ago) fetches more, step by step. Measured with 4,000 commits of 385 MB on
one machine: 1.1 s and 25 MB until the first worktree, instead of 10 s and 385 MB; a later one takes 0.15 s. A mirror
without file contents (`--filter=blob:none`) starts as fast, but merges, checkouts and pushes then fetch what it misses.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from worktrees.errors import GitFailed, NotARepository, UnsafePath, UnusableBase
from worktrees.folders import remove_folder
from worktrees.git import git, git_bytes, succeeds
from worktrees.history import Author, authors, changed
from worktrees.lock import FileLock
from worktrees.origin import Origin
from worktrees.remote import Remote
from worktrees.worktree import Worktree

if TYPE_CHECKING:
    from collections.abc import Generator

SPARSE_FOLDERS = ("apps/modal", "docs/knowledge-base")
"""What runs touch; a repository's other files are never checked out."""
USED = "flowberth-used"
"""File in a mirror that is complete; its time says when it was last used. A mirror without it is made again."""
HALF = "half-"
"""How the folder of a mirror begins that is being made or removed; then its name follows, and something random."""
LEFT_LOCKS = ("shallow.lock", "packed-refs.lock", "config.lock")
"""What a killed git command leaves in a mirror, and what stops each one after it. All are taken under the mirror's lock
only, so whoever has that finds them stale."""
ATTRIBUTES = b"".join(
    (
        *(f"{folder}/** -text -eol -ident -working-tree-encoding\n".encode() for folder in SPARSE_FOLDERS),
        b"docs/knowledge-base/**/*.md merge=union\n",
    )
)
"""Nothing that runs write is converted, whatever a repository's own attributes say: `* text` would break pictures.
Knowledge-base files of two pull requests never conflict: both sides' lines are kept."""
DEPTH = 50
"""Commits of a branch of a `Remote` that are fetched: a pull request that is older than that is rare."""
DEEPER = (1_000, 2_147_483_647)
"""Depths to try when two commits have no common ancestor in sight; the last is git's word for everything."""
_TRACKING = "refs/remotes/origin/"
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Mirror:
    """The mirror of one repository. Cheap to make: nothing happens before the first call."""

    def __init__(self, data_dir: Path, remote: Path | Remote) -> None:
        self.remote = remote if isinstance(remote, Remote) else Remote.of(remote)
        self._narrow = isinstance(remote, Remote)
        digest = hashlib.sha256(self.remote.key.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        name = remote.key if isinstance(remote, Remote) else remote.name  # one that is renamed keeps its mirror
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:40] or "repository"
        self.path = data_dir / "mirrors" / f"{slug}-{digest}.git"
        self._worktrees = data_dir / "worktrees" / f"{slug}-{digest}"
        self.origin = Origin(self.path, self.remote)

    @cached_property
    def _lock(self) -> FileLock:
        return FileLock(self.path.with_suffix(".lock"))

    @contextmanager
    def locked(self) -> Generator[None]:
        """Alone with the mirror, which is there and complete. Not reentrant."""
        with self._lock:
            self._ensure()
            yield

    def _ensure(self) -> None:
        self._make()
        attributes = self.path / "info" / "attributes"
        if not attributes.is_file() or attributes.read_bytes() != ATTRIBUTES:
            attributes.parent.mkdir(exist_ok=True)
            attributes.write_bytes(ATTRIBUTES)
        (self.path / USED).touch()
        for name in LEFT_LOCKS:
            (self.path / name).unlink(missing_ok=True)

    def _make(self) -> None:
        here = None if "://" in self.remote.address else Path(self.remote.address)
        if (self.path / USED).is_file():
            return
        if here and not here.exists():
            raise NotARepository(f"{self.remote.label} does not exist any more")
        remove_folder(self.path)
        half = Path(tempfile.mkdtemp(prefix=f"{HALF}{self.path.stem}-", dir=self.path.parent))
        try:
            kind = git(here, "rev-parse", "--show-object-format") if here else "sha1"
            git(half, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", f"--object-format={kind}")
            (half / USED).touch()
            half.rename(self.path)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise

    def fetch(self, *branches: str, commit: str | None = None) -> None:
        """Bring branches up to date: these, or all that are mirrored; and have `commit`, on a branch or not.

        Of a `Remote` no branches are mirrored at first, and each that is named here is from then on.

        Raises:
            RemoteError: as the tree in `worktrees` says.
            NotARepository: the origin is gone, or is none.
            UnusableBase: the origin has no such commit.
        """
        if branches or not commit:
            self._refresh(branches)
        if commit and self.commit_of(commit) is None:
            self._fetch_commit(commit)

    def _refresh(self, branches: tuple[str, ...]) -> None:
        """Ask for the branches first, without the lock: mostly nothing has moved, and then nobody waits."""
        with self.locked():
            if not self._narrow:
                self._unlock_branches()
                self.origin.fetch(f"+refs/heads/*:{_TRACKING}*", prune=True)
                return
            before = self._tracked()
        wanted = branches or tuple(before)
        if not wanted:
            return
        there = self.origin.branches()
        with self.locked():
            for gone in (name for name in wanted if name in before and name not in there):
                # Unless somebody has just pushed it: then it is no longer what it was before asking.
                succeeds(self.path, "update-ref", "-d", f"{_TRACKING}{gone}", before[gone])
            now = self._tracked()
            moved = [name for name in wanted if name in there and now.get(name) != there[name]]
            if moved:
                self._unlock_branches()
                self.origin.fetch(*(f"+refs/heads/{name}:{_TRACKING}{name}" for name in moved), depth=DEPTH)

    def _fetch_commit(self, commit: str) -> None:
        if not _COMMIT.fullmatch(commit):
            raise UnusableBase(f"{ascii(commit)[:80]} is no commit")
        with self.locked():
            try:
                self.origin.fetch(commit, depth=DEPTH if self._narrow else None)
            except NotARepository:
                if not self._narrow and not Path(self.remote.address).exists():
                    raise
                raise UnusableBase(f"{self.remote.label} has no commit {commit[:12]}") from None

    def _tracked(self) -> dict[str, str]:
        listed = git(self.path, "for-each-ref", "--format=%(objectname) %(refname)", _TRACKING)
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name.removeprefix(_TRACKING): commit for commit, name in pairs}

    def _unlock_branches(self) -> None:
        """As `LEFT_LOCKS`, of the branches of the origin."""
        for left in (self.path / _TRACKING).rglob("*.lock"):
            left.unlink(missing_ok=True)

    def note(self, branch: str, commit: str) -> None:
        """Take down where a branch of the origin is, having just moved it there."""
        with self.locked():
            git(self.path, "update-ref", f"{_TRACKING}{branch}", commit)

    def tip(self, branch: str) -> str | None:
        """The commit of a branch of the origin, as last fetched."""
        return self.commit_of(f"{_TRACKING}{branch}")

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
        """Whether `into` holds everything of `commit`. Both are commits of the origin."""
        if succeeds(self.path, "merge-base", "--is-ancestor", commit, into):
            return True
        if self.common(commit, into, deepen=(commit, into)) is None:
            return False
        return succeeds(self.path, "merge-base", "--is-ancestor", commit, into)

    def common(self, one: str, other: str, *, deepen: tuple[str, ...]) -> str | None:
        """Where two commits went apart. If that is not in sight, more is fetched of `deepen`, commits of the origin.

        Raises:
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        for depth in (0, *DEEPER):
            if depth:
                if not (self.path / "shallow").exists() or not self._narrow:
                    return None
                with self.locked():
                    self.origin.fetch(*deepen, depth=depth)
            try:
                return git(self.path, "merge-base", one, other)
            except GitFailed:
                continue
        return None

    def changed(self, base: str, head: str) -> tuple[str, ...]:
        """Paths whose content differs between two commits of the origin, whatever lies between.

        Raises:
            UnusableBase: the origin has no such commit.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        self.fetch(commit=base)
        self.fetch(commit=head)
        return changed(self.path, base, head)

    def authors(self, base: str, head: str) -> tuple[Author, ...]:
        """Who made the commits of `head` that `base` has not, newest first.

        Raises:
            UnusableBase: the origin has no such commit.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        self.fetch(commit=base)
        self.fetch(commit=head)
        self.common(base, head, deepen=(base, head))
        return authors(self.path, base, head)

    def open_worktree(self, run_id: str, branch: str, base: str) -> Worktree:
        """Find or make the worktree of a run, on `branch`.

        An unmerged `branch` of the origin is gone on with; otherwise the branch starts at `base`. Commits that the same
        run made on top and has not pushed yet are kept when its folder is lost. Any worktree another run left on the
        same branch is removed: at most one run of a name is alive.

        Raises:
            UnusableBase: the origin has no branch `base`, or a name is no branch name.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        check_branch(branch)
        check_branch(base)
        worktree = Worktree(self._folder(run_id), self, branch, base)
        with self.locked():
            if worktree.is_sound():
                return worktree
        self._refresh((base, branch))
        base_tip, existing = self.tip(base), self.tip(branch)
        if base_tip is None:
            raise UnusableBase(f"{self.remote.label} has no branch {base!a}; name another with --base")
        start = existing if existing and not self.is_merged(existing, base_tip) else base_tip
        own = self._unpushed(run_id, branch, start)
        with self.locked():
            self._clear(worktree.path, self._holders(branch))
            self._check_out(worktree, "--no-track", "-B", branch, "--", str(worktree.path), own or start)
        return worktree

    def open_detached(self, run_id: str, commit: str) -> Worktree:
        """Find or make the worktree of a run at a commit of the origin, on no branch: to be read, never pushed.

        Raises:
            UnusableBase: the origin has no such commit.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        worktree = Worktree(self._folder(run_id), self, None, commit)
        with self.locked():
            if worktree.is_sound():
                return worktree
        self.fetch(commit=commit)
        with self.locked():
            self._clear(worktree.path, [])
            self._check_out(worktree, "--detach", "--", str(worktree.path), commit)
        return worktree

    def _unpushed(self, run_id: str, branch: str, start: str) -> str | None:
        """The last commit the run made after `start` and nobody has but this mirror."""
        own = self.commit_of(f"refs/heads/{branch}")
        if own is None or own == start or not succeeds(self.path, "merge-base", "--is-ancestor", start, own):
            return None
        made = authors(self.path, start, own)
        return own if made and made[0].run == run_id else None

    def _folder(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise UnsafePath(f"{run_id!a} cannot be the name of a worktree")
        return self._worktrees / run_id

    def _check_out(self, worktree: Worktree, *how: str) -> None:
        worktree.path.parent.mkdir(parents=True, exist_ok=True)
        git(self.path, "worktree", "add", "--quiet", "--no-checkout", *how)
        git(worktree.path, "sparse-checkout", "set", "--no-cone", *(f"/{path}/" for path in SPARSE_FOLDERS))
        git(worktree.path, "reset", "--quiet", "--hard", "HEAD")
        worktree.mark_sound()

    def _clear(self, folder: Path, holders: list[Path]) -> None:
        for path in {folder, *holders}:
            remove_folder(path)
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


@lru_cache(maxsize=1_024)
def _is_branch(name: str) -> bool:
    return not name.startswith("-") and succeeds(Path("/"), "check-ref-format", "--branch", name)


def check_branch(name: str) -> None:
    """Refuse what git would not take as a branch.

    Raises:
        UnusableBase: it would not.
    """
    if not _is_branch(name):
        raise UnusableBase(f"{ascii(name)[:80]} is no name of a branch")
