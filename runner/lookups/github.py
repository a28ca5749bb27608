"""Repositories on GitHub: where they are now, archived or a fork, and the commit of a version.

`GET /repos/{owner}/{repo}` answers for an old name with a redirect to the new one
(https://docs.github.com/rest/repos/repos#get-a-repository); with an ETag, being asked again costs nothing of the hourly
limit (60 without a token).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from codegen.facts import PackFacts, WantedPack
from codegen.json_values import as_object, is_object

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from runner.lookups.web import Web

API: Final = "https://api.github.com"
_REPOSITORY = re.compile(r"https://github\.com/(?P<name>[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})")
_NAME = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}")
_VERSION = re.compile(r"\d+\.[\w.+-]{1,39}")
"""With a dot: what else stands there may be a part of a commit's number, of whomsoever."""


class GitHub:
    """Asks github.com."""

    def __init__(self, web: Web, api: str = API) -> None:
        self._web = web
        self._api = api.rstrip("/")

    def repository(self, wanted: WantedPack) -> PackFacts | None:
        """Facts of a repository; `None` if it is on another host.

        Raises:
            runner.lookups.web.Unreachable: GitHub does not answer, or will not for the rest of the hour.
        """
        match = _REPOSITORY.fullmatch(wanted.repository)
        if match is None:
            return None
        found = self._web.json(f"{self._api}/repos/{match['name']}")
        if not is_object(found):
            return PackFacts(repository=wanted.repository, state="missing")
        name = _name(found) or match["name"]
        parent = _name(as_object(found.get("source"))) or _name(as_object(found.get("parent")))
        stars = found.get("stargazers_count")
        commit, commit_of = self._commit(name, wanted.version, str(found.get("default_branch", "")))
        return PackFacts(
            repository=wanted.repository,
            moved_to=f"https://github.com/{name}" if name.lower() != match["name"].lower() else None,
            archived=found.get("archived") is True,
            fork_of=f"https://github.com/{parent}" if found.get("fork") is True and parent else None,
            commit=commit,
            commit_of=commit_of,
            stars=stars if isinstance(stars, int) else None,
            licence=_licence(found),
        )

    def _commit(self, name: str, version: str | None, branch: str) -> tuple[str | None, str | None]:
        """Of what the file was saved with, if the repository itself has it; else the newest."""
        if version and _COMMIT.fullmatch(version):
            if self._is_of(name, version, branch):
                return version, version
            names = []
        elif version and _VERSION.fullmatch(version):
            names = [f"v{version}", version]
        else:
            names = []
        for wanted in (*names, branch or "HEAD"):
            answer = as_object(self._web.json(f"{self._api}/repos/{name}/commits/{quote(wanted, safe='')}"))
            commit = answer.get("sha")
            if isinstance(commit, str) and _COMMIT.fullmatch(commit):
                return commit, wanted
        return None, None

    def _is_of(self, name: str, commit: str, branch: str) -> bool:
        """Whether the default branch holds a commit.

        GitHub gives out the commits of every fork under the name of the origin as well, so that a repository "has" what
        a stranger has pushed to a fork of it; only a comparison tells them apart
        (https://docs.github.com/rest/commits/commits#compare-two-commits: `behind` or `identical`).
        """
        between = f"{quote(branch or 'HEAD', safe='')}...{commit}"
        answer = as_object(self._web.json(f"{self._api}/repos/{name}/compare/{between}", {"per_page": "1"}))
        return answer.get("status") in {"behind", "identical"}


def _licence(repository: JsonObject) -> str | None:
    """GitHub says `NOASSERTION` where it finds one that it does not know."""
    found = as_object(repository.get("license")).get("spdx_id")
    return found if isinstance(found, str) and _SPDX.fullmatch(found) and found != "NOASSERTION" else None


def _name(repository: JsonObject) -> str | None:
    name = repository.get("full_name")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
