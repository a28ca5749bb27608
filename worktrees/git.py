"""Running git so that nothing of a stranger's repository or of this machine's configuration runs with it.

Hooks, filters, file-system monitors and helpers are code that a repository or a user configures; none of it belongs
into an unattended commit. Terminal prompts would hang for ever.

One command takes about 4 ms, half of it Python's (git 2.39, Linux): calls are counted, not saved at any price.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from threading import Timer
from typing import TYPE_CHECKING

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # GitPython would refuse to be imported where there is no git
from git.cmd import Git

from worktrees.errors import GitFailed, GitMissing

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

AUTHOR_NAME = "Flowberth"
AUTHOR_EMAIL = "flowberth@users.noreply.github.com"
COMMAND_SECONDS = 300.0
"""A git command that takes longer hangs on something: a lock, a prompt, a network file system."""
TIMED_OUT = "was ended, having taken too long:"
"""In the words of a command that we ended."""
CHUNK_BYTES = 64 * 1024
"""What a pipe holds."""
SHOWN_CHARACTERS = 500
"""Of git's last words in a message."""

_PASSED = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
_PASSED_TO_TALK = (
    "SSH_AUTH_SOCK",
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
)
"""What only a command that talks to another machine needs: the way out of a company's network."""
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
_SECRETS = (
    (re.compile(r"(\w+://)[^/\s@]+@"), r"\1***@"),
    (re.compile(r"\b(?:gh[a-z]_|github_pat_)[\w.\-]+"), "***"),
    (re.compile(r"(?i)\b(authorization\s*:\s*)?\b(basic|bearer|token)\s+[A-Za-z0-9+/=_.\-]{16,}"), r"\1\2 ***"),
    (re.compile(r"(?i)\b(authorization\s*:\s*)[^\s*]\S*(\s+\S+)?"), r"\1***"),
)
"""Credentials in URLs; GitHub's tokens of every kind, long ones with a JWT inside too; and headers."""


_TIMEOUT = re.compile(r'^Timeout: the command "')
"""How GitPython says that it has ended a command."""


@dataclass(frozen=True)
class Talk:
    """What only commands that talk to the remote are given: configuration that holds the token, by environment."""

    config: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    seconds: float = COMMAND_SECONDS


@dataclass(frozen=True)
class _Done:
    status: int
    output: bytes
    words: str


def git(
    folder: Path,
    *arguments: str,
    config: Mapping[str, str] | None = None,
    talk: Talk | None = None,
) -> str:
    """Run one git command in `folder` and return what it prints, without the last newline.

    Raises:
        GitFailed: it exits with another status than 0, or hangs.
        GitMissing: there is no git.
    """
    output = git_bytes(folder, *arguments, config=config, talk=talk)
    return output.decode("utf-8", "surrogateescape").rstrip("\n")


def git_bytes(
    folder: Path,
    *arguments: str,
    config: Mapping[str, str] | None = None,
    talk: Talk | None = None,
    stdin: bytes = b"",
) -> bytes:
    """As `git`, for content that is no text."""
    done = _run(folder, arguments, config or {}, talk, stdin)
    if done.status != 0:
        words = redacted(done.words)
        raise GitFailed(f"`git {arguments[0]}` failed: {words[-SHOWN_CHARACTERS:]}", words)
    return done.output


def git_records(folder: Path, *arguments: str, most_bytes: int) -> Generator[bytes]:
    """What a command prints that ends each record with a NUL, while it prints; git is ended with the generator.

    Of an output of more than `most_bytes`, the records that are whole by then.

    Raises:
        GitFailed: it exits with another status than 0, or hangs; known after the last record only.
        GitMissing: there is no git.
    """
    _check_there_is_git()
    if not folder.is_dir():
        raise GitFailed(f"`git {arguments[0]}` failed: {folder} is no folder")
    with TemporaryFile() as words:
        command = subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=_environment({}, None),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,
        )
        limit = Timer(COMMAND_SECONDS, command.kill)
        limit.daemon = True
        limit.start()
        try:
            assert command.stdout is not None
            begun: list[bytes] = []
            left = most_bytes
            while chunk := os.read(command.stdout.fileno(), CHUNK_BYTES):
                *whole, rest = chunk[:left].split(b"\0")
                if whole:
                    yield b"".join((*begun, whole[0]))
                    yield from whole[1:]
                    begun = []
                begun.append(rest)
                left -= len(chunk)
                if left <= 0:
                    return
            if command.wait() != 0:
                words.seek(0)
                told = redacted(words.read().decode("utf-8", "replace"))
                raise GitFailed(f"`git {arguments[0]}` failed: {told[-SHOWN_CHARACTERS:]}", told)
        finally:
            limit.cancel()
            command.kill()
            with command:  # closes the pipe, and waits
                pass


def answer(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of a command whose failure is an answer too."""
    done = _run(folder, arguments, {}, None)
    return done.status, done.output.decode("utf-8", "surrogateescape").rstrip("\n")


def succeeds(folder: Path, *arguments: str) -> bool:
    """Whether a git command that only asks exits with 0."""
    return _run(folder, arguments, {}, None).status == 0


def redacted(words: str) -> str:
    """Words without credentials in them."""
    cleaned = words.strip()
    for pattern, instead in _SECRETS:
        cleaned = pattern.sub(instead, cleaned)
    return cleaned


def _check_there_is_git() -> None:
    if shutil.which("git") is None:
        raise GitMissing("git is not installed, or not on the PATH; install it from https://git-scm.com/downloads")


def _run(
    folder: Path, arguments: tuple[str, ...], config: Mapping[str, str], talk: Talk | None, stdin: bytes = b""
) -> _Done:
    _check_there_is_git()
    if not folder.is_dir():
        return _Done(128, b"", f"{folder} is no folder" if folder.exists() else f"{folder} does not exist")
    seconds = talk.seconds if talk else COMMAND_SECONDS
    environment = _environment(config, talk)
    with TemporaryFile() if stdin else nullcontext() as asked:
        if asked is not None:
            asked.write(stdin)
            asked.seek(0)
        status, output, words = Git(str(folder)).execute(  # pyright: ignore[reportCallIssue] - its overloads know no keywords for Popen
            [*_without(environment), "git", *arguments],
            istream=asked,
            env=environment,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            kill_after_timeout=seconds,
            start_new_session=True,  # ssh finds no terminal to ask on
        )
    if _TIMEOUT.search(words):
        return _Done(-signal.SIGTERM, b"", f"git {TIMED_OUT} {seconds:g} seconds")
    return _Done(status, output, words)


def _environment(config: Mapping[str, str], talk: Talk | None) -> dict[str, str]:
    settings = {**_SAFE_CONFIG, **config, **(talk.config if talk else {})}
    passed = (*_PASSED, *_PASSED_TO_TALK) if talk else _PASSED
    environment = {name: os.environ[name] for name in passed if name in os.environ}
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
