"""From GitHub's JSON to our values: only what we need, tolerant of what is missing or new."""

# ruff: noqa: ANN401 - JSON is anything

from __future__ import annotations

from typing import Any

from github_app.github.model import ChangedFile, Comment, Issue, Person, Pull, Review, Side

GHOST = Person(login="ghost")
"""How GitHub shows what deleted accounts have written."""


def person_of(said: Any) -> Person:
    """`user`, `author`, `creator`; `null` for a deleted account."""
    return Person(login=said["login"], is_bot=said.get("type") == "Bot") if said else GHOST


def labels_of(said: Any) -> tuple[str, ...]:
    """`labels`; plain strings in old answers."""
    return tuple(label if isinstance(label, str) else label["name"] for label in said or ())


def issue_of(said: Any) -> Issue:
    """An issue."""
    return Issue(
        number=said["number"],
        title=said["title"],
        body=said.get("body") or "",
        state=said["state"],
        author=person_of(said.get("user")),
        labels=labels_of(said.get("labels")),
        is_pull=bool(said.get("pull_request")),
        url=said["html_url"],
    )


def comment_of(said: Any) -> Comment:
    """A comment of an issue or pull request."""
    return Comment(
        id=said["id"],
        node_id=said["node_id"],
        body=said.get("body") or "",
        author=person_of(said.get("user")),
        url=said["html_url"],
        created_at=said["created_at"],
        updated_at=said["updated_at"],
    )


def pull_of(said: Any) -> Pull:
    """A pull request, whole or as in lists."""
    merged = bool(said.get("merged") or said.get("merged_at"))
    base = _side_of(said["base"])
    owner = (base.repository or "").partition("/")[0]
    people = (person["login"] for person in said.get("requested_reviewers") or ())
    teams = (f"{owner}/{team['slug']}" for team in said.get("requested_teams") or ())
    return Pull(
        number=said["number"],
        node_id=said["node_id"],
        title=said["title"],
        body=said.get("body") or "",
        state="merged" if merged else said["state"],
        draft=said.get("draft") or False,
        author=person_of(said.get("user")),
        head=_side_of(said["head"]),
        base=base,
        labels=labels_of(said.get("labels")),
        url=said["html_url"],
        merge_sha=said.get("merge_commit_sha") if merged else None,
        mergeable=said.get("mergeable"),
        mergeable_state=said.get("mergeable_state"),
        auto_merge=bool(said.get("auto_merge")),
        reviewers=(*people, *teams),
    )


def _side_of(said: Any) -> Side:
    repository = said.get("repo")
    return Side(branch=said["ref"], sha=said["sha"], repository=repository["full_name"] if repository else None)


def review_of(said: Any) -> Review:
    """A review of a pull request."""
    return Review(
        id=said["id"],
        author=person_of(said.get("user")),
        state=said["state"],
        body=said.get("body") or "",
        sha=said.get("commit_id"),
    )


def file_of(said: Any) -> ChangedFile:
    """A file that a pull request or comparison changes."""
    return ChangedFile(path=said["filename"], status=said["status"], previous_path=said.get("previous_filename"))
