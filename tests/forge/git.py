"""A bare repository, by the git program: the truth for everything that is git."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ZERO = "0" * 40
GITHUB = ("GitHub", "noreply@github.com")
_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
_SETTINGS = """[core]
	repositoryformatversion = 0
	bare = true
[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[gc]
	auto = 0
[receive]
	autogc = false
"""
_LOG_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x1e"


class GitError(Exception):
    """What git said on standard error."""


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, int]  # name, email, seconds since 1970
    committer: tuple[str, str, int]
    message: str


@dataclass(frozen=True)
class ChangedFile:
    sha: str | None
    path: str
    status: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None


@dataclass(frozen=True)
class Comparison:
    """What a head would bring to a base."""

    merge_base: str
    commits: int
    behind: int
    mergeable: bool
    additions: int
    deletions: int
    changed_files: int


class Bare:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, branch: str, hook: str) -> None:
        for name in ("objects", "refs/heads", "hooks"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (self.folder / "config").write_text(_SETTINGS)
        pre_receive = self.folder / "hooks" / "pre-receive"
        pre_receive.write_text(hook)
        pre_receive.chmod(0o755)

    def run(self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            env={**_ENVIRONMENT, **(env or {})},
        )
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def ask(self, *arguments: str) -> bool:
        try:
            self.run(*arguments)
        except GitError:
            return False
        return True

    def refs(self) -> dict[str, str]:
        """Branches and tags; tags that are objects stand for themselves."""
        out = self.run("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags").decode()
        return dict(line.split(" ") for line in out.splitlines())

    def commit_of(self, revision: str) -> str | None:
        """The commit that a branch, tag or (short) hash names."""
        if revision.startswith("-"):
            return None
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            try:
                return self.run("rev-parse", "-q", "--verify", f"{name}^{{commit}}").decode().strip()
            except GitError:
                continue
        return None

    def tip(self, branch: str) -> str | None:
        try:
            return self.run("rev-parse", "-q", "--verify", f"refs/heads/{branch}").decode().strip()
        except GitError:
            return None

    def file(self, revision: str, path: str) -> bytes:
        """The bytes of a file; raises GitError where there is none."""
        return self.run("cat-file", "blob", f"{revision}:{path}")

    def files(self, revision: str) -> list[str]:
        return self.run("ls-tree", "-r", "-z", "--name-only", revision).decode(errors="replace").split("\0")[:-1]

    def blob(self, data: bytes) -> str:
        return self.run("hash-object", "-w", "--stdin", stdin=data).decode().strip()

    def write_tree(self, base: str | None, changes: Mapping[str, bytes | tuple[str, str] | None]) -> str:
        """A tree: `base` with files replaced (bytes, or mode and hash) or removed (None)."""
        index = self.folder / f"index-{uuid.uuid4().hex}"
        env = {"GIT_INDEX_FILE": str(index)}
        lines: list[str] = []
        for path, change in changes.items():
            if change is None:
                lines.append(f"0 {ZERO}\t{path}")
            elif isinstance(change, tuple):
                lines.append(f"{change[0]} {change[1]}\t{path}")
            else:
                lines.append(f"100644 {self.blob(change)}\t{path}")
        try:
            self.run("read-tree", *([base] if base else ["--empty"]), env=env)
            self.run(
                "update-index", "-z", "--index-info", stdin="".join(f"{line}\0" for line in lines).encode(), env=env
            )
            return self.run("write-tree", env=env).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        author: tuple[str, str],
        committer: tuple[str, str] = GITHUB,
        *,
        date: str | None = None,
    ) -> str:
        date = date or f"{int(time.time())} +0000"
        env = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1], "GIT_AUTHOR_DATE": date}
        env |= {"GIT_COMMITTER_NAME": committer[0], "GIT_COMMITTER_EMAIL": committer[1], "GIT_COMMITTER_DATE": date}
        parent_options = [option for parent in parents for option in ("-p", parent)]
        return (
            self.run("commit-tree", tree, *parent_options, "-F", "-", stdin=message.encode(), env=env).decode().strip()
        )

    def move(self, ref: str, new: str | None, old: str | None = None) -> None:
        """Set or (None) delete a ref; with `old`, only from there (ZERO: only if there is none). Raises GitError."""
        expected = [old] if old else []
        self.run("update-ref", *(["-d", ref] if new is None else [ref, new]), *expected)

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.ask("merge-base", "--is-ancestor", old, new)

    def log(self, *revisions: str) -> list[Commit]:
        """Newest first."""
        out = self.run("log", f"--format={_LOG_FIELDS}", *revisions).decode(errors="replace")
        return [_commit(row.lstrip("\n")) for row in out.split("\x1e") if row.strip()]

    def commit(self, sha: str) -> Commit:
        return _one_commit(self, sha)

    def merge_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of the merge; None where there are conflicts."""
        try:
            return self.run("merge-tree", "--write-tree", ours, theirs).decode().split()[0]
        except GitError:
            return None

    def compare(self, base: str, head: str) -> Comparison:
        """Cached: both are hashes."""
        return _compare(self, base, head)

    def changed(self, base: str, head: str) -> tuple[ChangedFile, ...]:
        """The files of a diff of two commits, renames found. Cached."""
        return _changed(self, base, head)

    def touched(self, sha: str) -> dict[str, list[str]]:
        """The paths a commit added, removed and modified, as a push event tells them."""
        paths: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
        out = (
            self.run("diff-tree", "--no-commit-id", "--name-status", "--no-renames", "-r", "-z", "--root", sha)
            .decode(errors="replace")
            .split("\0")[:-1]
        )
        for status, path in zip(out[::2], out[1::2], strict=True):
            paths[{"A": "added", "D": "removed"}.get(status[0], "modified")].append(path)
        return paths

    def rebase(self, head: str, onto: str) -> str:
        """Replay the commits of `head` that `onto` lacks, one by one; the hash of the last. Raises GitError on a conflict."""
        tip = onto
        for commit in reversed(self.log("--no-merges", f"{onto}..{head}")):
            # Three commits that know of nothing else: so the merge is of this one commit's changes.
            before = self.write_commit(self.commit(commit.parents[0]).tree, [], "before", GITHUB)
            ours = self.write_commit(self.commit(tip).tree, [before], "ours", GITHUB)
            theirs = self.write_commit(commit.tree, [before], "theirs", GITHUB)
            tree = self.merge_tree(ours, theirs)
            if tree is None:
                raise GitError(f"{commit.sha} does not apply")
            tip = self.write_commit(
                tree, [tip], commit.message, commit.author[:2], GITHUB, date=f"{commit.author[2]} +0000"
            )
        return tip


def _commit(row: str) -> Commit:
    sha, tree, parents, an, ae, at, cn, ce, ct, message = row.split("\0", 9)
    return Commit(sha, tree, tuple(parents.split()), (an, ae, int(at)), (cn, ce, int(ct)), message.rstrip("\n"))


@lru_cache(maxsize=4096)
def _one_commit(git: Bare, sha: str) -> Commit:
    return git.log("-1", sha)[0]


@lru_cache(maxsize=1024)
def _compare(git: Bare, base: str, head: str) -> Comparison:
    behind, ahead = git.run("rev-list", "--left-right", "--count", f"{base}...{head}").decode().split()
    try:
        merge_base = git.run("merge-base", base, head).decode().strip()
    except GitError:
        merge_base = base
    rows = [
        row.split("\t") for row in git.run("diff", "--numstat", merge_base, head).decode(errors="replace").splitlines()
    ]
    return Comparison(
        merge_base=merge_base,
        commits=int(ahead),
        behind=int(behind),
        mergeable=git.merge_tree(base, head) is not None,
        additions=sum(int(row[0]) for row in rows if row[0] != "-"),
        deletions=sum(int(row[1]) for row in rows if row[1] != "-"),
        changed_files=len(rows),
    )


@lru_cache(maxsize=1024)
def _changed(git: Bare, base: str, head: str) -> tuple[ChangedFile, ...]:
    names = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "T": "changed", "C": "copied"}
    fields = git.run("diff", "--raw", "-z", "-M", "--no-abbrev", base, head).decode(errors="replace").split("\0")
    files: list[ChangedFile] = []
    at = 0
    while at < len(fields) - 1:
        *_, sha, status = fields[at].split()
        moved = status[0] in "RC"
        old, new = fields[at + 1], fields[at + 2 if moved else at + 1]
        at += 3 if moved else 2
        whole = git.run("diff", "-M", base, head, "--", *{old, new}).decode(errors="replace")
        patch = whole[whole.index("\n@@") + 1 :].rstrip("\n") if "\n@@" in whole else None
        lines = (patch or "").splitlines()
        added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        files.append(
            ChangedFile(
                None if sha == ZERO else sha, new, names[status[0]], added, removed, patch, old if moved else None
            )
        )
    return tuple(files)
