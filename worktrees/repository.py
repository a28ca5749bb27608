"""The repository that somebody works in: found, read, never written to from here."""

from __future__ import annotations

from pathlib import Path

from worktrees.errors import GitFailed, NotARepository, UnusableBase
from worktrees.git import git, succeeds

DEMO_README = b"""# Flowberth demo

Made by `flowberth up` because it was called outside a git repository. Everything in it can be deleted.
"""
NO_REPOSITORY = "not a git repository"
"""Git's words, in English since no language is passed to it; any other failure is of a repository that is there."""
USUAL_BASES = ("main", "master", "trunk", "develop")


def find_repository(start: Path) -> Path:
    """The root of the repository that holds `start`; of a bare one, the repository itself.

    A linked worktree is no repository of its own: its main one is found, so that both are one for runs.

    Raises:
        NotARepository: there is none.
    """
    try:
        if git(start, "rev-parse", "--is-bare-repository") == "true":
            return Path(git(start, "rev-parse", "--absolute-git-dir")).resolve()
        own, common = (
            (start / git(start, "rev-parse", which)).resolve() for which in ("--git-dir", "--git-common-dir")
        )
        if own != common:
            first, *_ = git(start, "worktree", "list", "--porcelain", "-z").split("\0")
            return Path(first.removeprefix("worktree ")).resolve()
        return Path(git(start, "rev-parse", "--show-toplevel")).resolve()
    except GitFailed as error:
        if NO_REPOSITORY not in str(error):
            raise
        raise NotARepository(
            f"{start} is in no git repository; run `git init` there, or name one with --repo"
        ) from None


def current_base(repo: Path) -> str:
    """The branch that a pull request should go into: the one checked out.

    Raises:
        UnusableBase: none is checked out and none can be told from the commit; or there is no commit yet.
    """
    try:
        branch = git(repo, "symbolic-ref", "--quiet", "--short", "HEAD")
    except GitFailed:
        branch = None
    if branch is not None:
        if not succeeds(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"):
            raise UnusableBase(f"{repo} has no commit on {branch} yet; make a first one")
        return branch
    holding = git(repo, "for-each-ref", "--contains=HEAD", "--format=%(refname:short)", "refs/heads").splitlines()
    for usual in USUAL_BASES:
        if usual in holding:
            return usual
    if len(holding) == 1:
        return holding[0]
    raise UnusableBase(
        f"{repo} has no branch checked out (detached HEAD); name one with --base, or `git switch` to one"
    )


def create_demo_repository(path: Path) -> Path:
    """Find or make a repository with one commit. A half-made one, left by a crash, is completed."""
    path.mkdir(parents=True, exist_ok=True)
    if not (path / ".git" / "HEAD").is_file():
        git(path, "init", "--quiet", "--initial-branch=main")
    if not succeeds(path, "rev-parse", "--verify", "--quiet", "HEAD"):
        (path / "README.md").write_bytes(DEMO_README)
        git(path, "add", "--", "README.md")
        git(path, "commit", "--quiet", "--message", "Begin the demo repository")
    return path.resolve()
