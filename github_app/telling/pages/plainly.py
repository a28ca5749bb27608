"""Answers of a sentence or two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from github_app.github.model import Annotation, CheckView
from github_app.repository_settings import PATH
from github_app.telling.pages.replies import settings_invalid
from runner.documents.markdown import code, line, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github_app.repository_settings import Problem

MAX_WORDS = 2000
"""Characters of an explanation."""
APPROVED = "✓ Approved by "
_DIGEST = re.compile(r"- .*, fingerprint `([0-9a-f]{64})`")


def cannot(words: str) -> str:
    """What was asked for is not done."""
    return f"That cannot be done: {plain(words, MAX_WORDS)}.\n\n`/help` lists what can."


def hints() -> str:
    """What `/fix` can do, if it could do nothing with a hint."""
    lines = "pack NodeClass = https://github.com/owner/repository\nmodel folder/file = https://…"
    return (
        "That hint names nothing that can be changed. `/fix` takes the name of a GPU (`/fix L4`), or an answer:\n\n"
        f"```text\n{lines}\n```\n\n"
        "Anything else is changed in `app.lock.json` on the branch; a push there is deployed and tested again."
    )


def unusable(filename: str, words: str) -> str:
    """A file that is no workflow, or none that can run."""
    return (
        f"{code(filename)} cannot be deployed: {plain(words, MAX_WORDS)}.\n\nPut it right and edit the issue; "
        "that starts a run."
    )


def digests(found: Sequence[tuple[str, str]]) -> str:
    """What exactly an approval is for: file name and fingerprint of each workflow. Ends a page."""
    return f"\n\nAn approval is for exactly this, and not for what the issue may hold later:\n\n{_listed(found)}\n"


def approved(by: str, found: Sequence[tuple[str, str]]) -> str:
    """What an outsider's issue holds was approved."""
    exactly = "That is for exactly this, and not for what the issue may hold later:"
    return f"{APPROVED}{plain(by)}. {exactly}\n\n{_listed(found)}\n"


def is_approved(page: str) -> bool:
    """Whether a comment says that what it lists was approved."""
    return any(each.startswith(APPROVED) for each in page.splitlines()[:2])


def digests_in(page: str) -> set[str]:
    """The fingerprints that a page ends with. Nothing above them counts: it holds words of strangers."""
    found: set[str] = set()
    for each in reversed(page.rstrip().splitlines()):
        match = _DIGEST.fullmatch(each)
        if match is None:
            break
        found.add(match[1])
    return found


def _listed(found: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {code(filename)}, fingerprint `{digest}`" for filename, digest in found)


def closed(names: Sequence[str]) -> str:
    """A pull request was closed without being merged."""
    stopped = f"Stopped: {', '.join(code(name) for name in names)}." if names else "Nothing was serving any more."
    go_on = "The branch is still there: reopen the pull request and write `/deploy` to go on."
    return f"Closed without a merge. {stopped} {go_on}"


def settings_check(problems: Sequence[Problem]) -> CheckView:
    """Whether the settings file on a pull request can be used."""
    if not problems:
        return CheckView(
            status="completed",
            conclusion="success",
            title="The settings can be used",
            summary="They count as soon as they are on the default branch.",
        )
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return CheckView(
        status="completed",
        conclusion="failure",
        title=f"The settings have {count}",
        summary=settings_invalid(problems),
        annotations=tuple(_annotation(problem) for problem in problems),
    )


def _annotation(problem: Problem) -> Annotation:
    return Annotation(
        path=PATH,
        start_line=problem.line,
        end_line=problem.line,
        level="failure",
        message=line(str(problem), MAX_WORDS),
    )
