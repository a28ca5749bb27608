"""Files, branches, tags and commits, without git."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from githubkit.utils import UNSET

from github_app.github.connection import nothing
from github_app.github.errors import NotFound, Outdated, Refused
from github_app.github.graphql import CREATE_COMMIT
from github_app.github.model import Comparison, Value
from github_app.github.paths import escaped
from github_app.github.reading import file_of
from github_app.github.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.github.model import FileAddition


class Contents(Subject):
    """The repository's content through the API."""

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file's content at a branch, tag or commit (by default the default branch); `None` if there is no file."""
        at = UNSET if ref is None else ref
        try:
            found = self._read(_found_of, self._rest.repos.get_content, escaped(path.strip("/")), ref=at)
        except NotFound:
            return None
        if found is None or found.data is not None:
            return found and found.data
        return self._read(lambda said: base64.b64decode(said["content"]), self._rest.git.get_blob, found.sha)

    def tip(self, branch: str) -> str | None:
        """The commit of a branch; `None` if there is no such branch."""
        return self._commit_of(f"heads/{branch}")

    def compare(self, base: str, head: str) -> Comparison:
        """How `head` differs from where it left `base`."""
        both = f"{escaped(base)}...{escaped(head)}"
        return self._read(_comparison_of, self._rest.repos.compare_commits, both)

    def create_branch(self, branch: str, sha: str) -> None:
        """Make a branch; one that is there on that commit is fine.

        Raises:
            Outdated: it exists on another commit.
        """
        self._make_ref(f"heads/{branch}", sha)

    def advance_branch(self, branch: str, sha: str) -> None:
        """Make a branch on that commit, or move it forward to there; never away from what somebody has pushed.

        Raises:
            Outdated: it has commits that `sha` does not come from.
        """
        there = self.tip(branch)
        if there is None:
            self.create_branch(branch, sha)
        elif there != sha:
            try:
                method = self._rest.git.update_ref
                self._change(nothing, method, escaped(f"heads/{branch}"), data={"sha": sha, "force": False})
            except Refused as error:
                if "fast forward" not in str(error).lower():
                    raise
                raise Outdated(f"{branch} has commits that {sha[:12]} does not come from") from None

    def delete_branch(self, branch: str, *, sha: str | None = None) -> bool:
        """Delete a branch, if it is still on `sha`; whether it is gone now."""
        there = self.tip(branch)
        if there is None:
            return True
        if sha is not None and there != sha:
            return False
        try:
            self._change(nothing, self._rest.git.delete_ref, escaped(f"heads/{branch}"))
        except Refused:
            if self.tip(branch) is not None:
                raise
        return True

    def tag(self, name: str, sha: str) -> None:
        """Make a lightweight tag; one that is there on that commit is fine.

        Raises:
            Outdated: it exists on another commit.
        """
        self._make_ref(f"tags/{name}", sha)

    def create_commit_on_branch(
        self,
        branch: str,
        *,
        expected_head: str,
        message: str,
        additions: Iterable[FileAddition] = (),
        deletions: Iterable[str] = (),
    ) -> str:
        """One commit, signed by GitHub; its sha.

        Raises:
            Outdated: the branch is not on `expected_head` any more.
        """
        headline, _, body = message.partition("\n")
        commit = {
            "expectedHeadOid": expected_head,
            "message": {"headline": headline, "body": body.strip("\n")},
            "fileChanges": {
                "additions": [
                    {"path": file.path, "contents": base64.b64encode(file.data).decode()} for file in additions
                ],
                "deletions": [{"path": path} for path in deletions],
            },
        }

        def act(owner: str, name: str) -> str:
            place = {"repositoryNameWithOwner": f"{owner}/{name}", "branchName": branch}
            said = self._connection.graphql(CREATE_COMMIT, {"input": {"branch": place, **commit}})
            return str(said["createCommitOnBranch"]["commit"]["oid"])

        return self._there(act)

    def _commit_of(self, ref: str) -> str | None:
        try:
            return self._read(lambda said: str(said["object"]["sha"]), self._rest.git.get_ref, escaped(ref))
        except NotFound:
            return None
        except Outdated:  # 409: the repository is empty
            return None

    def _make_ref(self, ref: str, sha: str) -> None:
        def create() -> str:
            try:
                self._change(nothing, self._rest.git.create_ref, data={"ref": f"refs/{ref}", "sha": sha})
            except Refused:
                there = self._commit_of(ref)
                if there is None:
                    raise
                return there
            return sha

        there, _ = self._find_or_create(f"ref {ref}", lambda: self._commit_of(ref), create)
        if there != sha:
            raise Outdated(f"{ref.partition('/')[2]} exists on another commit, {there[:12]}")


class _Found(Value):
    sha: str
    data: bytes | None
    """`None` from 1 MB on: GitHub leaves it out then."""


def _found_of(said: Any) -> _Found | None:  # noqa: ANN401 - JSON
    if isinstance(said, list) or said["type"] != "file":  # a folder, a submodule, a link to nowhere
        return None
    data = base64.b64decode(said["content"]) if said.get("encoding") == "base64" else None
    return _Found(sha=said["sha"], data=data)


def _comparison_of(said: Any) -> Comparison:  # noqa: ANN401 - JSON
    return Comparison(
        ahead_by=said["ahead_by"],
        behind_by=said["behind_by"],
        merge_base=said["merge_base_commit"]["sha"],
        commits=tuple(str(commit["sha"]) for commit in said.get("commits") or ()),
        files=tuple(file_of(file) for file in said.get("files") or ()),
    )
