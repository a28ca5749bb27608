"""One conversation on GitHub: an issue or a pull request, and the person who speaks in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.rules import rules_of
from runner.model import Origin, repository_key

if TYPE_CHECKING:
    from codegen.lock import Gpu
    from github_app.commands.values import Target
    from github_app.github.model import Content, Pull
    from github_app.github.repository import RepositoryApi
    from github_app.handlers.doors import Doors
    from github_app.repository_settings import RepositorySettings
    from runner.model import GithubRepository
    from runner.records import RunRecord


@dataclass(frozen=True)
class Talk:
    """Made for one event. `key` is unique to what was said: whatever is done because of it is done once."""

    doors: Doors
    repository: GithubRepository
    number: int
    is_pull: bool
    sender: str
    key: str
    comment: int | None = None
    part_name: str | None = None
    """Of what was said, where it is several things."""

    @cached_property
    def api(self) -> RepositoryApi:
        """GitHub's side of the repository."""
        return self.doors.repository(self.repository)

    @cached_property
    def rules(self) -> RepositorySettings:
        """The repository's settings for us, as they are on its default branch.

        Raises:
            InvalidRepositorySettings: they cannot be read; names every problem.
        """
        return rules_of(self.api)

    @cached_property
    def pull(self) -> Pull:
        """The pull request, as it is now."""
        return self.api.pull(self.number)

    @cached_property
    def may_write(self) -> bool:
        """Whether the person may tell us what to do, asked live."""
        return self.api.may_write(self.sender)

    def budget(self, asked: float | None) -> float:
        """US dollars of a run: what was asked for, but never more than the repository's settings allow."""
        limit = self.rules.budget_usd
        return min(asked or limit, limit)

    def check_gpu(self, gpu: Gpu | None) -> None:
        """Let only those pass that the repository's settings allow.

        Raises:
            CannotDo: it is not among them.
        """
        if not self.rules.allows_gpu(gpu):
            raise CannotDo(
                f"{gpu} is not among the GPUs that .github/flowberth.yml allows: {', '.join(self.rules.gpus or ())}"
            )

    def check_target(self, target: Target | None) -> None:
        """Let only those pass that this server deploys to.

        Raises:
            CannotDo: it is another one.
        """
        wanted = target or self.rules.target
        here = self.doors.target.name
        if wanted is not None and wanted != here:
            raise CannotDo(f"this server deploys to the target {here} only, and {wanted} was asked for")

    @property
    def origin(self) -> Origin:
        """Of the runs that are asked for here."""
        return Origin(
            sender=self.sender,
            issue=None if self.is_pull else self.number,
            pull=self.number if self.is_pull else None,
            comment=self.comment,
        )

    def runs(self) -> tuple[RunRecord, ...]:
        """The runs of this conversation, newest first."""
        records, key = self.doors.records, repository_key(self.repository)
        if self.is_pull:
            return records.of_pull(key, self.number)
        return tuple(record for record in records.of_issue(key, self.number) if record.kind == "propose")

    def reply(self, body: str) -> None:
        """Answer what was said, once. Of what an issue itself says only the newest answer stands."""
        self.api.say(self.number, self._reply_marker, body)

    def take_back(self) -> None:
        """Delete the answer to what an issue itself had said: it does not say that any more."""
        self.api.unsay(self.number, self._reply_marker)

    @property
    def _reply_marker(self) -> str:
        said = "issue" if self.comment is None and not self.is_pull else self.comment or self.key
        return f"reply:{said}" if self.part_name is None else f"reply:{said}/{self.part_name}"

    def react(self, content: Content) -> None:
        """React to what was said."""
        if self.comment is not None:
            self.api.react(content, comment=self.comment)
        else:
            self.api.react(content, issue=self.number)

    def part(self, name: str) -> Talk:
        """The same for one of several things that are done because of it, with a key and an answer of its own."""
        return replace(self, key=f"{self.key}/{name}", part_name=name)
