"""Issues, comments, reactions and labels."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from github_app.github.connection import nothing
from github_app.github.errors import NotFound, Refused
from github_app.github.graphql import Mutation
from github_app.github.markers import has_marker, marked, same_text
from github_app.github.model import Value
from github_app.github.reading import comment_of, issue_of
from github_app.github.subject import Subject
from github_app.github.text import LONGEST_TITLE, cut_body, cut_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from github_app.github.model import Comment, Content, Issue, Label

LONGEST_LABEL = 100
"""Characters of a label's description, says GitHub."""


class Conversation(Subject):
    """What people read and write."""

    def issue(self, number: int) -> Issue:
        """An issue, or the conversation of a pull request."""
        return self._read(issue_of, self._rest.issues.get, number)

    def comment(self, comment: int) -> Comment:
        """One comment by its id."""
        return self._read(comment_of, self._rest.issues.get_comment, comment)

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments there, oldest first; asked page by page, as they are consumed."""
        return self._pages(comment_of, self._rest.issues.list_comments, number)

    def said(self, number: int, marker: str) -> Comment | None:
        """Our comment with this hidden marker. Others can write our markers, too: their comments are never ours."""
        return next(
            (
                comment
                for comment in self.comments(number)
                if self._is_ours(comment.author.login) and has_marker(marker, comment.body)
            ),
            None,
        )

    def say(self, number: int, marker: str, body: str, *, known: int | None = None) -> int:
        """Bring our comment with this hidden marker to say `body`; its id. Never a second one, no edit for nothing.

        `marker`: letters, digits, and `_ . : / -`; put in front of the body as an HTML comment. `known`: the id as
        returned before, which saves looking through the comments; anything else that it may be does no harm.
        """
        text = cut_body(marked(marker, body))
        said = self._known_comment(known, number, marker)
        if said is None:
            said, _ = self._find_or_create(
                f"comment {number} {marker}",
                lambda: self.said(number, marker),
                lambda: self._create(comment_of, self._rest.issues.create_comment, number, data={"body": text}),
            )
        if not same_text(said.body, text):
            self._connection.mutate(Mutation("updateIssueComment", {"id": said.node_id, "body": text}))
        return said.id

    def unsay(self, number: int, marker: str) -> None:
        """Delete our comment with this marker, if there is one."""
        said = self.said(number, marker)
        if said is not None:
            try:
                self._change(nothing, self._rest.issues.delete_comment, said.id)
            except NotFound:
                return

    def open_issue(self, marker: str, title: str, body: str, *, since: datetime | None = None) -> int:
        """Find our issue with this hidden marker, open or closed, or open it; its number.

        `since`: it cannot be older, so that not all of them have to be looked through.
        """
        line, text = cut_line(title, LONGEST_TITLE), cut_body(marked(marker, body))
        issue, _ = self._find_or_create(
            f"issue {marker}",
            lambda: self._our_issue(marker, since),
            lambda: self._create(issue_of, self._rest.issues.create, data={"title": line, "body": text}),
        )
        return issue.number

    def close_issue(self, number: int, reason: Literal["completed", "not_planned"] = "completed") -> None:
        """Close it; closing a closed one changes nothing."""
        if self.issue(number).state == "open":
            self._change(nothing, self._rest.issues.update, number, data={"state": "closed", "state_reason": reason})

    def react(self, content: Content, *, issue: int | None = None, comment: int | None = None) -> None:
        """React to one of an issue (or pull request) and a comment. GitHub keeps one of each kind per author."""
        if issue is not None:
            self._change(nothing, self._rest.reactions.create_for_issue, issue, data={"content": content})
        if comment is not None:
            self._change(nothing, self._rest.reactions.create_for_issue_comment, comment, data={"content": content})

    def ensure_labels(self, labels: Iterable[Label]) -> dict[str, str]:
        """Create those that the repository does not have; one that it has keeps its colour and words.

        Their ids for `label`, by the names that were given.

        Raises:
            NotFound: somebody has deleted one at this moment.
        """
        wanted = list(labels)
        there = self._label_ids()
        missing = [label for label in wanted if label.name.lower() not in there]
        for label in missing:
            self._make_label(label)
        if missing:
            there = self._label_ids()
        gone = [label.name for label in wanted if label.name.lower() not in there]
        if gone:
            raise NotFound(f"the labels {', '.join(gone)} are not there any more")
        return {label.name: there[label.name.lower()] for label in wanted}

    def label(self, wanted: Mapping[int, str | None], ids: Mapping[str, str], *, among: Collection[str]) -> None:
        """Give each issue and pull request the label that is `wanted`, and take the others `among` these from it.

        One request changes them all; what is as wanted already is left alone, as is what was deleted meanwhile.
        `ids`: as `ensure_labels` said.

        Raises:
            NotFound: a label was deleted since.
        """
        changes: list[Mutation] = []
        for number, name in wanted.items():
            try:
                there = self._read(_labelled_of, self._rest.issues.get, number)
            except NotFound:
                continue
            if name is not None and name.lower() not in there.labels:
                changes.append(_labels("addLabelsToLabelable", there.node_id, [ids[name]]))
            others = [other.lower() for other in among if other != name]
            gone = [there.labels[other] for other in others if other in there.labels]
            if gone:
                changes.append(_labels("removeLabelsFromLabelable", there.node_id, gone))
        if changes:
            self._connection.mutate(*changes)

    def _known_comment(self, known: int | None, number: int, marker: str) -> Comment | None:
        if known is None:
            return None
        try:
            said = self.comment(known)
        except NotFound:
            return None
        belongs = f"/{number}#" in said.url or not said.url
        return said if belongs and self._is_ours(said.author.login) and has_marker(marker, said.body) else None

    def _our_issue(self, marker: str, since: datetime | None) -> Issue | None:
        wanted: dict[str, Any] = {"creator": self._installation.app.bot_login, "state": "all", "direction": "asc"}
        if since is not None:
            wanted["since"] = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"  # its own form has a blank in it
        issues = self._pages(issue_of, self._rest.issues.list_for_repo, **wanted)
        return next(
            (
                issue
                for issue in issues
                if not issue.is_pull and self._is_ours(issue.author.login) and has_marker(marker, issue.body)
            ),
            None,
        )

    def _label_ids(self) -> dict[str, str]:
        return _ids_of(self._pages(lambda said: said, self._rest.issues.list_labels_for_repo))

    def _make_label(self, label: Label) -> None:
        said: Any = {
            "name": label.name,
            "color": label.color,
            "description": cut_line(label.description, LONGEST_LABEL),
        }
        try:
            self._change(nothing, self._rest.issues.create_label, data=said)
        except Refused as error:
            if "already_exists" not in str(error):
                raise


class _Labelled(Value):
    """An issue or pull request with its labels' ids by their names in lower case."""

    node_id: str
    labels: dict[str, str]


def _labelled_of(said: Any) -> _Labelled:  # noqa: ANN401 - JSON
    return _Labelled(node_id=said["node_id"], labels=_ids_of(said["labels"]))


def _ids_of(labels: Iterable[Any]) -> dict[str, str]:
    return {str(label["name"]).lower(): str(label["node_id"]) for label in labels}


def _labels(mutation: str, node_id: str, ids: list[str]) -> Mutation:
    return Mutation(mutation, {"labelableId": node_id, "labelIds": ids})
