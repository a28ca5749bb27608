"""What a remote's words mean, for people. Pure.

The texts are GitHub's: `GH006` protected branch, `GH013` rulesets, `GH001` large files, `GH009` secrets, and those of a
missing permission. Words of a remote are a stranger's: control characters are taken out, and only a few lines shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from worktrees.errors import (
    AccessDenied,
    NotARepository,
    PushRejected,
    RefusalKind,
    RemoteUnavailable,
    RepositoryGone,
    WorktreeError,
)
from worktrees.git import TIMED_OUT

SHOWN_LINES = 8
SHOWN_CHARACTERS = 600

_REMOTE_LINE = re.compile(r"^remote:(?: error:)? ?(.*)$", re.MULTILINE)
_STATUS_LINE = re.compile(r"^ ! \[(?:remote )?(?:rejected|failure)\].* \((.*)\)$", re.MULTILINE)
_NOISE = re.compile(r"^(?:GH\d{3}: |Trace: |See https?://|Resolving deltas|Review all repository rules|\W*$)")
_UNAUTHENTICATED = re.compile(r"could not read (?:Username|Password)|Authentication failed|returned error: 401")
_FORBIDDEN = re.compile(r"returned error: (?:403|451)")
_GONE = re.compile(r"^fatal: repository '.*' not found|Repository not found|returned error: (?:404|410)", re.MULTILINE)
_UNAVAILABLE = re.compile(
    r"returned error: (?:408|425|429|5\d\d)|Could not resolve|[Cc]ould ?n[o']t connect|Failed to connect|timed out|"
    r"hung up|early EOF|RPC failed|unexpected disconnect|Connection (?:reset|refused|closed)|Recv failure|Send failure|"
    r"Empty reply|SSL_ERROR_SYSCALL|HTTP/2 stream|unable to rewind rpc post data|Service Unavailable|Internal Server "
    rf"Error|bad line length|remote end hung|the remote end|expected flush|couldn't find remote ref|{TIMED_OUT}"
)
"""What may go away by itself: no connection, half an answer, a branch that was deleted between two questions."""


def is_unauthenticated(words: str) -> bool:
    """Whether the token was not taken, so that a fresh one may help."""
    return _UNAUTHENTICATED.search(words) is not None


def failure(words: str, label: str) -> WorktreeError:
    """Why the remote could not be read or written, from git's words."""
    said = _said(words)
    if is_unauthenticated(words):
        return AccessDenied(
            f"{label} does not accept the token; check that the App is installed there and its key is right"
        )
    if _FORBIDDEN.search(words):
        return AccessDenied(f"{label} cannot be accessed: {said or 'forbidden'}")
    if _GONE.search(words):
        return RepositoryGone(f"{label} does not exist, or the App is not installed there")
    if _UNAVAILABLE.search(words):
        return RemoteUnavailable(f"{label} does not answer as it should: {_last(words)}")
    if "dubious ownership" in words:
        return NotARepository(
            f"{label} belongs to another user, whose hooks would run as you; make it yours with `chown -R`, or work in "
            "a clone of your own"
        )
    return NotARepository(f"{label} cannot be read: {_shortened(words)}")


@dataclass(frozen=True)
class _Refusal:
    """A kind of refusal: what tells it in the remote's words, and what to say with `{branch}` and `{said}`."""

    sign: str
    kind: RefusalKind
    says: str


_OUT_OF_RULES = "Exempt the App from the rule, or leave branches `flowberth/*` out of it"
_REFUSALS = (
    _Refusal(
        r"stale info|fetch first|non-fast-forward|cannot lock ref",
        "moved",
        "{branch} has moved in the meantime: somebody else has pushed; run again",
    ),
    _Refusal(
        r"refusing to allow .*workflow",
        "workflow-scope",
        "{branch} was not accepted: {said}. Give the App the permission `workflows: write`, or leave files in "
        ".github/workflows alone",
    ),
    _Refusal(
        r"GH001|exceeds maximum allowed size|file size limit",
        "too-large",
        "{branch} was not accepted, since a file is too large: {said}",
    ),
    _Refusal(
        r"verified signatures?|must be signed",
        "protected",
        "{branch} was not accepted by the repository's rules: {said}. Set `verified_commits: true` in "
        ".github/flowberth.yml: commits are then made by GitHub, which signs them",
    ),
    _Refusal(
        r"GH009|[Ss]ecrets? detected|PUSH PROTECTION|contain secrets",
        "protected",
        "{branch} was not accepted, since it holds a secret: {said}. Take it out of the workflow",
    ),
    _Refusal(
        r"GH006|protected branch",
        "protected",
        f"{{branch}} is protected and was not accepted: {{said}}. {_OUT_OF_RULES}",
    ),
    _Refusal(
        r"GH013|rule violations",
        "protected",
        f"{{branch}} was not accepted by the repository's rules: {{said}}. {_OUT_OF_RULES}",
    ),
    _Refusal(r"permission|denied|not granted", "denied", "{branch} may not be written: {said}"),
    _Refusal(r"", "other", "{branch} was not accepted: {said}"),
)
"""In the order in which they are looked for: the more telling first. The last fits everything."""


def refusal(words: str, branch: str) -> PushRejected | None:
    """Why a push was not taken; `None` if the remote has not said: it was never asked, or did not answer."""
    status = _STATUS_LINE.search(words)
    if status is None:
        if not _FORBIDDEN.search(words):
            return None
        why = _said(words) or "no permission to write"
        return PushRejected(f"{branch} may not be written: {why}. The App needs `contents: write` there", "denied")
    reason = _shortened(status.group(1))
    asked = "\n".join((reason, *_REMOTE_LINE.findall(words)))
    fits = next(each for each in _REFUSALS if re.search(each.sign, asked))
    return PushRejected(fits.says.format(branch=branch, said=_said(words) or reason), fits.kind)


def _said(words: str) -> str:
    """The remote's own lines as one line, without what helps nobody."""
    lines = [_printable(line).strip(" -\t") for line in _REMOTE_LINE.findall(words)]
    kept = [line for line in lines if line and not _NOISE.match(line)]
    return "; ".join(line.rstrip(".") for line in kept[:SHOWN_LINES])[:SHOWN_CHARACTERS]


def _last(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    return _shortened(lines[-1].removeprefix("fatal: ")) if lines else "nothing was said"


def _shortened(words: str) -> str:
    return _printable(words)[-SHOWN_CHARACTERS:]


def _printable(words: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else " " for character in words)
