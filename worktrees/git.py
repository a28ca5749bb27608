"""Running git so that nothing of a stranger's repository or of this machine's configuration runs with it.

Hooks, filters, file-system monitors and helpers are code that a repository or a user configures; none of it belongs
into an unattended commit. Terminal prompts would hang for ever.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from io import BytesIO
from typing import TYPE_CHECKING

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # GitPython would refuse to be imported where there is no git
from git.cmd import Git
from git.exc import GitCommandError

from worktrees.errors import GitFailed, GitMissing

if TYPE_CHECKING:
    from pathlib import Path

AUTHOR_NAME = "Flowberth"
AUTHOR_EMAIL = "flowberth@users.noreply.github.com"
COMMAND_SECONDS = 300
"""A git command that takes longer hangs on something: a lock, a prompt, a network file system."""
SHOWN_CHARACTERS = 500
"""Of git's last words in a message."""

_PASSED = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "SYSTEMROOT")
_SAFE_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "protocol.file.allow": "always",
    "safe.directory": "*",
    "filter.lfs.required": "false",
    "filter.lfs.smudge": "",
    "filter.lfs.process": "",
    "init.defaultBranch": "main",
    "advice.detachedHead": "false",
}
_CREDENTIALS = re.compile(r"(\w+://)[^/\s@]+@")


def git(folder: Path, *arguments: str, stdin: bytes | None = None, config: dict[str, str] | None = None) -> str:
    """Run one git command in `folder` and return what it prints, without the last newline.

    Raises:
        GitFailed: it exits with another status than 0.
        GitMissing: there is no git.
    """
    return git_bytes(folder, *arguments, stdin=stdin, config=config).decode("utf-8", "surrogateescape").rstrip("\n")


def git_bytes(folder: Path, *arguments: str, stdin: bytes | None = None, config: dict[str, str] | None = None) -> bytes:
    """As `git`, for content that is no text."""
    if shutil.which("git") is None:
        raise GitMissing("git is not installed, or not on the PATH; install it from https://git-scm.com/downloads")
    environment = _environment(config or {})
    try:
        output = Git(str(folder)).execute(
            [*_without(environment), "git", *arguments],
            istream=BytesIO(stdin) if stdin is not None else None,
            env=environment,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            kill_after_timeout=COMMAND_SECONDS,
        )
    except GitCommandError as error:
        raise GitFailed(f"`git {arguments[0]}` failed: {redacted(error.stderr)[-SHOWN_CHARACTERS:]}") from None
    assert isinstance(output, bytes)
    return output


def answer(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of a command whose failure is an answer too."""
    environment = _environment({})
    status, output, _ = Git(str(folder)).execute(
        [*_without(environment), "git", *arguments],
        env=environment,
        with_extended_output=True,
        with_exceptions=False,
        kill_after_timeout=COMMAND_SECONDS,
    )
    return status, str(output)


def succeeds(folder: Path, *arguments: str) -> bool:
    """Whether a git command that only asks exits with 0."""
    try:
        git_bytes(folder, *arguments)
    except GitFailed:
        return False
    return True


def redacted(words: str) -> str:
    """Git's words without credentials in URLs."""
    cleaned = re.sub(r"(?m)^\s*stderr: '(.*)'$", r"\1", words.strip())
    return _CREDENTIALS.sub(r"\1***@", cleaned)


def _environment(config: dict[str, str]) -> dict[str, str]:
    settings = {**_SAFE_CONFIG, **config}
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environment |= {
        "LC_ALL": "C.UTF-8",  # some of git's words are looked for
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": AUTHOR_NAME,
        "GIT_AUTHOR_EMAIL": AUTHOR_EMAIL,
        "GIT_COMMITTER_NAME": AUTHOR_NAME,
        "GIT_COMMITTER_EMAIL": AUTHOR_EMAIL,
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _without(environment: dict[str, str]) -> list[str]:
    """The command that takes everything else of our environment away: tokens, and what a surrounding git left.

    GitPython lays `env` over a copy of our own environment, so it has to be taken away behind it.
    """
    if sys.platform == "win32":  # has no `env`
        return []
    return ["env", *(part for name in os.environ if name not in environment for part in ("-u", name))]
