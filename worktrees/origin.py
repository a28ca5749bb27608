"""The remote as a mirror talks to it: with a token that only the one command sees, and failures told apart.

The token goes by environment (`GIT_CONFIG_COUNT`) as `http.<address>.extraHeader` of that one command: no argument
list, configuration file, address or log has it. git itself would send such a header on to whatever host it is
redirected to, so it follows no redirect; that of a renamed repository is followed here, to the same host only.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from worktrees.errors import GitFailed, RemoteUnavailable, RepositoryGone
from worktrees.git import Talk, git, redacted
from worktrees.refusals import failure, is_unauthenticated, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from worktrees.remote import Remote

ASK_SECONDS = 60.0
"""Asking for the branches comes before everything else, and finds out soon that nobody answers."""
TRANSFER_SECONDS = 900.0
"""For the first fetch of a large repository over a slow line."""
LOOKS_AT_REDIRECT_SECONDS = 20.0

_DISCOVERY = "/info/refs?service=git-upload-pack"
_REDIRECTED = re.compile(r"returned error: 30[12378]")
_BRANCHES = "refs/heads/"


class Origin:
    """One remote. `folder` is a repository that commands run in."""

    def __init__(self, folder: Path, remote: Remote) -> None:
        self._folder = folder
        self._remote = remote
        self._address = remote.address

    def branches(self) -> dict[str, str]:
        """Name to commit of every branch there.

        Raises:
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        lines = self._read("ls-remote", "--quiet", "--heads", "--", seconds=ASK_SECONDS).splitlines()
        return {name.removeprefix(_BRANCHES): commit for commit, _, name in (line.partition("\t") for line in lines)}

    def fetch(self, *refspecs: str, depth: int | None = None, prune: bool = False) -> None:
        """Fetch into the folder.

        Raises:
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        options = ["--quiet", "--no-tags", "--update-shallow", "--no-recurse-submodules", "--no-write-fetch-head"]
        options += ["--prune"] if prune else []
        options += [f"--depth={depth}"] if depth else []
        self._read("fetch", *options, "--", after=refspecs, seconds=TRANSFER_SECONDS)

    def push(self, branch: str, commit: str, *, seen: str, options: tuple[str, ...] = ()) -> None:
        """Move a branch there from `seen` (empty: it is not there) to `commit` (empty: delete it).

        Raises:
            PushRejected: the remote says no.
            RemoteError, NotARepository: as the tree in `worktrees` says.
        """
        lease = f"--force-with-lease={_BRANCHES}{branch}:{seen}"
        try:
            self._talk(
                *("push", "--quiet", "--no-verify", *options, lease, "--"),
                after=(f"{commit}:{_BRANCHES}{branch}",),
                seconds=TRANSFER_SECONDS,
            )
        except GitFailed as error:
            raise refusal(error.words, branch) or failure(error.words, self._remote.label) from None

    def _read(self, *arguments: str, after: tuple[str, ...] = (), seconds: float) -> str:
        try:
            return self._talk(*arguments, after=after, seconds=seconds)
        except GitFailed as error:
            raise failure(error.words, self._remote.label) from None

    def _talk(self, *arguments: str, after: tuple[str, ...], seconds: float) -> str:
        """Run a command on the remote; once more with a fresh token if the first has run out, or at its new address."""
        refused: str | None = None
        moved = False
        while True:
            token = self._remote.token(refused) if self._remote.token else None
            header = _header(token) if token else None
            try:
                return git(
                    self._folder, *arguments, self._address, *after, talk=Talk(self._config(header), seconds=seconds)
                )
            except GitFailed as error:
                if is_unauthenticated(error.words) and token and refused is None:
                    refused = token
                elif _REDIRECTED.search(error.words) and not moved:
                    moved = True
                    self._address = self._new_address(header)
                else:
                    raise

    def _config(self, header: str | None) -> dict[str, str]:
        safe = {"http.followRedirects": "false", "credential.helper": ""}
        return safe | ({f"http.{self._address}.extraHeader": f"Authorization: {header}"} if header else {})

    def _new_address(self, header: str | None) -> str:
        import httpx  # noqa: PLC0415 - slow to import, and hardly ever needed

        try:
            answer = httpx.get(
                self._address + _DISCOVERY,
                headers={"Authorization": header} if header else {},
                follow_redirects=False,
                timeout=LOOKS_AT_REDIRECT_SECONDS,
            )
        except httpx.HTTPError as error:
            raise RemoteUnavailable(f"{self._remote.label} does not answer: {redacted(str(error))}") from None
        new = urljoin(self._address + _DISCOVERY, answer.headers.get("Location", ""))
        here, there = urlsplit(self._address), urlsplit(new)
        same_host = (here.scheme, here.netloc) == (there.scheme, there.netloc)
        if not answer.is_redirect or not same_host or not new.endswith(_DISCOVERY):
            raise RepositoryGone(
                f"{self._remote.label} has moved to where it is not followed: {there.hostname or 'nowhere'}"
            )
        return new.removesuffix(_DISCOVERY)


def _header(token: str) -> str:
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return f"Basic {credentials}"
