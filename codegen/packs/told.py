"""What people are told of the packs of a workflow: what keeps a pack from being pinned, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import Finding
from codegen.packs.use import is_of_version
from codegen.questions import about_pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codegen.packs.known import Repository
    from codegen.packs.use import PackUse

SHOWN_CANDIDATES = 5
"""Repositories in a question; the likeliest come first."""
SHOWN_CLASSES = 3
"""Of a pack, in a message."""
ASKED_CLASSES = 20
"""Of a pack that is gone; with answers for some, the next run asks about others."""


def ambiguous(class_type: str, candidates: Sequence[Repository], node: str | None) -> Finding:
    """The question which of several repositories a class comes from."""
    shown = ", ".join(_with_stars(candidate) for candidate in candidates[:SHOWN_CANDIDATES])
    more = len(candidates) - SHOWN_CANDIDATES
    if len(candidates) == 1:
        message = (
            f"the node {_quoted(class_type)} may come from {shown}, or from where the nodes come that nobody lists"
        )
    else:
        message = f"several packs have a node {_quoted(class_type)}: {shown}{f', and {more} more' if more > 0 else ''}"
    return Finding(
        code="ambiguous-pack",
        severity="error",
        message=message,
        node=node,
        hint="say which one is meant: add it with a commit to packs in app.lock.json, or save the workflow again in a "
        "ComfyUI that has it installed",
        questions=about_pack(class_type, f"Which pack has the node {_quoted(class_type)}?", candidates[0].url),
    )


def unused(class_type: str) -> Finding:
    """An answer to what nobody asks."""
    return Finding(
        code="unused-answer",
        severity="warning",
        message=f"nobody asks where the node {_quoted(class_type)} comes from: it is not there, or ComfyUI has it",
        hint="look at the spelling; upper and lower case count",
    )


def _with_stars(repository: Repository) -> str:
    match repository.stars:
        case None:
            return repository.url
        case 1:
            return f"{repository.url} (1 star)"
        case stars:
            return f"{repository.url} ({stars:,} stars)"


def about(use: PackUse, node: str | None) -> Iterator[Finding]:
    """What keeps a pack from being pinned or should be known of its commit, then what became of it."""
    yield from _about_its_commit(use, node)
    if use.source == "answer":
        yield _answered(use, node)
    if use.removed and use.commit is None:
        yield Finding(
            code="removed-node",
            severity="warning",
            message=f"{use.repository} no longer has {', '.join(map(_quoted, use.removed[:SHOWN_CLASSES]))}",
            node=node,
            hint="take a commit of it from before, or replace the node in the workflow",
        )
    if use.elsewhere:
        has = " and ".join(use.elsewhere[:SHOWN_CLASSES])
        yield Finding(
            code="unconfirmed-pack",
            severity="warning",
            message=f"the file says that {_classes(use.classes)} from {use.repository}; as far as the lists know "
            f"it is {has} that has it",
            node=node,
            hint="if that is not what was meant, put the right pack into app.lock.json",
        )
    if use.archived:
        message = f"{use.repository} is archived: nobody mends it any more"
        yield Finding(code="archived-pack", severity="warning", message=message, node=node)
    if use.moved_from:
        message = f"{use.moved_from} is {use.repository} today"
        yield Finding(code="moved-pack", severity="info", message=message, node=node)
    if use.replaces:
        message = f"{use.repository} goes on with the nodes of {', '.join(use.replaces)}, which is given up"
        yield Finding(code="replacing-pack", severity="info", message=message, node=node)
    elif use.fork_of:
        message = f"{use.repository} is a fork of {use.fork_of}"
        yield Finding(code="forked-pack", severity="info", message=message, node=node)


def _about_its_commit(use: PackUse, node: str | None) -> Iterator[Finding]:
    if use.missing:
        instead = f"; {use.replaced_by} goes on with its nodes" if use.replaced_by else ""
        yield Finding(
            code="missing-pack",
            severity="error",
            message=f"{_classes(use.classes)} from {use.repository}, which is not there any more{instead}",
            node=node,
            hint="add a copy or a fork of it with a commit to packs in app.lock.json, or replace the nodes",
            questions=tuple(
                question
                for kind in use.classes[:ASKED_CLASSES]
                for question in about_pack(
                    kind,
                    f"Which repository has the node {_quoted(kind)} today?",
                    *((use.replaced_by,) if use.replaced_by else ()),
                )
            ),
        )
    elif not use.trusted:
        named = "the file itself names" if use.source == "properties" else f"{_classes(use.classes)} from"
        instead = f"; {use.replaced_by} goes on with its nodes" if use.replaced_by else ""
        yield Finding(
            code="unlisted-pack",
            severity="error",
            message=f"{named} {use.repository}, which ComfyUI-Manager does not list{instead}",
            node=node,
            hint="a pack is code that runs in the app: read it, then add it with a commit to the packs in the lock",
            questions=about_pack(
                use.classes[0],
                f"Is {use.repository} to be trusted? ComfyUI-Manager does not list it, and its code runs in the app.",
                use.repository if use.commit is None else f"{use.repository}@{use.commit}",
            ),
        )
    elif use.commit is None:
        version = f"; the file was saved with version {use.version}" if use.version else ""
        yield Finding(
            code="unpinned-pack",
            severity="error",
            message=f"{_classes(use.classes)} from {use.repository}, and nothing says at which commit{version}",
            node=node,
            hint="look up a commit of it and add both to packs in app.lock.json; the app cannot run without",
            questions=about_pack(
                use.classes[0],
                f"At which commit is {use.repository} to be used?",
                f"{use.repository}@<commit, 40 characters>",
            ),
        )
    elif use.pinned_from:
        yield Finding(
            code="known-pack",
            severity="info",
            message=f"{use.repository} is {use.pinned_from}: it worked there at that commit",
            node=node,
        )
    elif use.commit_of and not is_of_version(use.commit_of, use.version):
        if use.lost_commit:
            saved = f"was saved with {use.lost_commit}, which its default branch does not have"
        elif use.version:
            saved = f"was saved with version {use.version}"
        else:
            saved = "does not say which one it was made with"
        yield Finding(
            code="newest-pack",
            severity="warning",
            message=f"{use.repository} is pinned to {_quoted(use.commit_of)} as it is now: the file {saved}",
            node=node,
            hint="if its nodes have changed since, put an older commit into packs in app.lock.json",
        )


def _answered(use: PackUse, node: str | None) -> Finding:
    owner = use.repository.rsplit("/", 2)[1]
    message = f"{_classes(use.classes)} from {use.repository}, as a person answered"
    if not use.listed:
        message += f"; ComfyUI-Manager does not list it, so it is {owner} alone who is trusted with code in the app"
    if use.unseen:
        message += f"; its default branch does not have the commit {use.commit}"
    return Finding(
        code="answered-pack",
        severity="info" if use.listed and not use.unseen else "warning",
        message=message,
        node=node,
        hint=None if use.listed and not use.unseen else "read the code at that commit before this is merged",
    )


def _classes(classes: Sequence[str]) -> str:
    shown = ", ".join(_quoted(class_type) for class_type in classes[:SHOWN_CLASSES])
    more = len(classes) - SHOWN_CLASSES
    if more > 0:
        return f"the nodes {shown} and {more} more come"
    return f"the node {shown} comes" if len(classes) == 1 else f"the nodes {shown} come"


def _quoted(class_type: str) -> str:
    return ascii(class_type)[1:-1][:80]
