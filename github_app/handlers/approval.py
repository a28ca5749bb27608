"""The workflows of somebody without write permission: shown in one comment of ours, and run once that is approved."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.plans import plan_of
from github_app.telling import pages
from github_app.telling.pages import plainly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github_app.handlers.talk import Talk
    from runner.model import RunRequest

MARKER = "outsider"
"""Of that comment."""


def show(talk: Talk, requests: Sequence[RunRequest], author: str) -> None:
    """Say what waits for an approval, and what it would cost; nothing if just that was approved before."""
    said = talk.api.said(talk.number, MARKER)
    wanted = _digests(requests)
    if said and plainly.is_approved(said.body) and wanted <= plainly.digests_in(said.body):
        return
    parts: list[str] = []
    for request in requests:
        plan = plan_of(request)
        lock = plan.lock
        seconds = lock.timeouts.startup_seconds + lock.timeouts.execution_seconds
        parts.append(
            pages.outsider(
                plan,
                requester=author,
                estimate_usd=lock.hardware.usd_per_second * seconds,
                budget_usd=request.budget_usd or talk.rules.budget_usd,
            )
        )
    talk.api.say(talk.number, MARKER, "\n\n---\n\n".join(parts) + plainly.digests(_listed(requests)))


def check(talk: Talk, requests: Sequence[RunRequest], author: str) -> None:
    """Let only that pass which our comment had shown before the person commanded, not what came into the issue since.

    Raises:
        CannotDo: it has not; it is shown now.
    """
    said = talk.api.said(talk.number, MARKER)
    if said is None and talk.api.may_write(author):
        raise CannotDo("nothing here waits for an approval; /deploy starts a run")
    commanded = talk.api.comment(talk.comment).created_at if talk.comment is not None else None
    if said is None or not _digests(requests) <= plainly.digests_in(said.body):
        show(talk, requests, author)
        raise CannotDo("the issue has changed since its workflow was last shown; look at it now, and approve again")
    if plainly.is_approved(said.body):
        return
    # GitHub tells times to the second: what is as old as the command may have come after it.
    if commanded is None or said.updated_at >= commanded:
        raise CannotDo("the issue was changing as you wrote this; look at what it holds now, and approve again")


def note(talk: Talk, requests: Sequence[RunRequest]) -> None:
    """Say who has approved it, which the first one has."""
    said = talk.api.said(talk.number, MARKER)
    if said and plainly.is_approved(said.body) and plainly.digests_in(said.body) == _digests(requests):
        return
    talk.api.say(talk.number, MARKER, plainly.approved(talk.sender, _listed(requests)))


def _digests(requests: Sequence[RunRequest]) -> set[str]:
    return {digest for _, digest in _listed(requests)}


def _listed(requests: Sequence[RunRequest]) -> list[tuple[str, str]]:
    return [(request.filename, _fingerprint(request)) for request in requests]


def _fingerprint(request: RunRequest) -> str:
    """Of the workflow, and of what the issue asks for beside it: a GPU is a matter of money."""
    workflow = hashlib.sha256(request.workflow).hexdigest()
    exactly = [workflow, request.name, request.gpu, request.budget_usd]
    if request.reference is not None:
        exactly.append(hashlib.sha256(request.reference).hexdigest())
    return hashlib.sha256(json.dumps(exactly).encode()).hexdigest()
