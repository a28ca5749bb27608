"""The check of a run on the head of its branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from codegen.committed import MAX_LOCK_BYTES
from codegen.errors import MalformedJson
from codegen.json_lines import Lines
from codegen.json_values import as_object, objects
from codegen.strict_json import loads
from github_app.github.model import Annotation, CheckAction, CheckView
from github_app.telling.pages.page import render
from github_app.telling.pages.words import headline
from runner.documents.markdown import line

if TYPE_CHECKING:
    from codegen.json_lines import Step
    from codegen.model import Finding, JsonObject
    from github_app.github.model import CheckStatus, Conclusion
    from github_app.telling.view import RunView, ShownState

RERUN: Final = "rerun"
CANCEL: Final = "cancel"
"""Identifiers of the buttons, as GitHub sends them back."""
MAX_ANNOTATIONS: Final = 50
"""What GitHub takes at once; more on one file nobody reads."""
MAX_TITLE: Final = 120

_RERUN = CheckAction(label="Re-run", description="Deploy and test it once more", identifier=RERUN)
_CANCEL = CheckAction(label="Cancel", description="Stop this run and what it has deployed", identifier=CANCEL)
_ENDS: Final[dict[ShownState, Conclusion]] = {
    "needs-input": "action_required",
    "ready": "success",
    "failed": "failure",
    "over-budget": "failure",
    "cancelled": "cancelled",
    "superseded": "cancelled",
}
"""A run that gave way has no other end than a cancelled one: `neutral` would let its commit be merged."""
_LEVELS: Final[dict[str, Literal["notice", "warning", "failure"]]] = {
    "info": "notice",
    "warning": "warning",
    "error": "failure",
}


def check(view: RunView) -> CheckView:
    """Everything of the comment, and the report of the tests."""
    status: CheckStatus = "completed" if view.finished else "in_progress" if view.state == "running" else "queued"
    simulated = "Simulated: " if view.engine != "comfyui" and view.state == "ready" else ""
    return CheckView(
        status=status,
        conclusion=_ENDS.get(view.state),
        title=line(f"{simulated}{view.name} {headline(view)}", MAX_TITLE),
        summary=render("check_summary.md.j2", view=view),
        text=render("check_text.md.j2", view=view) if view.tests or view.findings else None,
        annotations=_annotations(view),
        actions=_actions(view),
    )


def _actions(view: RunView) -> tuple[CheckAction, ...]:
    if not view.finished:
        return (_CANCEL,)
    return () if view.state == "superseded" else (_RERUN,)


def _annotations(view: RunView) -> tuple[Annotation, ...]:
    if view.lock is None or len(view.lock) > MAX_LOCK_BYTES:
        return ()
    try:
        lock = as_object(loads(view.lock.encode()))
    except MalformedJson:
        return ()
    lines = Lines(view.lock)
    return tuple(_annotation(view, lines, lock, finding) for finding in view.findings[:MAX_ANNOTATIONS])


def _annotation(view: RunView, lines: Lines, lock: JsonObject, finding: Finding) -> Annotation:
    number = lines.of(_place(lock, finding))
    words = [finding.message, *([f"What to do: {finding.hint}"] if finding.hint else [])]
    return Annotation(
        path=f"apps/modal/{view.name}/app.lock.json",
        start_line=number,
        end_line=number,
        level=_LEVELS[finding.severity],
        message="\n".join(line(each, 1000) for each in words),
        title=finding.code,
    )


def _place(lock: JsonObject, finding: Finding) -> tuple[Step, ...]:
    """The pin that a finding is about, as far as its question or its words tell."""
    asked = {question.name for question in finding.questions}
    for index, model in enumerate(objects(lock.get("models"))):
        name = f"{model.get('folder')}/{model.get('file')}"
        if name in asked or f"{ascii(str(model.get('file')))[1:-1]} ({model.get('folder')})" in finding.message:
            return ("models", index, "file")
    for index, pack in enumerate(objects(lock.get("packs"))):
        if str(pack.get("repository")) in finding.message:
            return ("packs", index, "repository")
    if finding.code in {"unknown-class", "unknown-value"}:
        return ("comfyui", "version")
    return ("packs",) if "pack" in finding.code else ("models",) if "model" in finding.code else ()
