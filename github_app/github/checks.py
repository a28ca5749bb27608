"""Check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from githubkit.utils import UNSET

from github_app.github.connection import PAGE, nothing
from github_app.github.errors import NotFound
from github_app.github.markers import same_text
from github_app.github.model import Annotation, CheckRun, CheckSummary, Value
from github_app.github.subject import Subject
from github_app.github.text import cut_line, cut_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from github_app.github.model import CheckAction, CheckStatus, CheckView

ANNOTATIONS_AT_ONCE = 50
"""In one request, says GitHub; each request adds to those that are there."""
ACTIONS = 3
LONGEST_LABEL = 20
LONGEST_DESCRIPTION = 40
"""Characters of an action, says GitHub; its identifier has at most 20 too, and is ours."""
LONGEST_TITLE = 255
LONGEST_ANNOTATION = 8_000
"""Characters of an annotation's message: GitHub takes 64 KB each, but fifty of those are no request any more."""
_WELL = ("success", "neutral", "skipped")
_STATUS: dict[str, CheckStatus] = {"queued": "queued", "in_progress": "in_progress", "completed": "completed"}
"""GitHub Actions has more: `waiting`, `requested`, `pending`."""


class Checks(Subject):
    """The check runs of commits."""

    def check(self, sha: str, name: str, external_id: str, view: CheckView, *, known: int | None = None) -> int:
        """Bring our check run with that external id on the commit to show `view`, or create it; its id.

        Annotations can only be added, says GitHub: those that it has stay. `known`: as returned before.
        """
        batches = _batches(view.annotations)
        shown, created = self._known_check(known, sha, name, external_id), False
        if shown is None:
            shown, created = self._find_or_create(
                f"check {sha} {name} {external_id}",
                lambda: self._our_check(sha, name, external_id),
                lambda: self._change(
                    _shown_of,
                    self._rest.checks.create,
                    data=_said(view, batches[0], name=name, head_sha=sha, external_id=external_id),
                ),
            )
        if created:
            batches = batches[1:]
        elif view.annotations:
            there = self._annotations(shown.run) if shown.run.annotations else frozenset[Annotation]()
            batches = _batches([annotation for annotation in view.annotations if _cut(annotation) not in there])
        if not created and not any(batches) and shown.shows(view):
            return shown.run.id
        for batch in batches:
            self._change(nothing, self._rest.checks.update, shown.run.id, data=_said(view, batch))
        return shown.run.id

    def our_checks(self, sha: str) -> tuple[CheckRun, ...]:
        """The check runs that we have made on a commit."""
        return tuple(shown.run for shown in self._shown(sha) if shown.app == self._installation.app.app_id)

    def check_run(self, check: int) -> CheckRun:
        """One of ours by its id."""
        return self._read(_shown_of, self._rest.checks.get, check).run

    def checks_of_others(self, sha: str) -> CheckSummary:
        """What the latest check runs of others and the commit statuses say of a commit."""
        method = self._rest.checks.list_for_ref
        runs = [
            shown.run
            for shown in self._pages(_shown_of, method, sha, filter_="latest")
            if shown.app != self._installation.app.app_id
        ]
        statuses = self._read(
            lambda said: [(str(status["context"]), str(status["state"])) for status in said["statuses"]],
            self._rest.repos.get_combined_status_for_ref,
            sha,
            per_page=PAGE,
        )
        pending = [run.name for run in runs if run.status != "completed"]
        failed = [run.name for run in runs if run.status == "completed" and run.conclusion not in _WELL]
        pending += [context for context, state in statuses if state == "pending"]
        failed += [context for context, state in statuses if state in ("failure", "error")]
        return CheckSummary(pending=tuple(pending), failed=tuple(failed))

    def _known_check(self, known: int | None, sha: str, name: str, external_id: str) -> _Shown | None:
        if known is None:
            return None
        try:
            shown = self._read(_shown_of, self._rest.checks.get, known)
        except NotFound:
            return None
        return shown if self._is_that(shown, sha, name, external_id) else None

    def _our_check(self, sha: str, name: str, external_id: str) -> _Shown | None:
        there = self._shown(sha, name)
        return next((shown for shown in there if self._is_that(shown, sha, name, external_id)), None)

    def _is_that(self, shown: _Shown, sha: str, name: str, external_id: str) -> bool:
        """Other Apps can use our names and ids, too."""
        run = shown.run
        return (run.sha, run.name, run.external_id, shown.app) == (
            sha,
            name,
            external_id,
            self._installation.app.app_id,
        )

    def _shown(self, sha: str, name: str | None = None) -> Iterator[_Shown]:
        return self._pages(
            _shown_of,
            self._rest.checks.list_for_ref,
            sha,
            filter_="all",
            app_id=self._installation.app.app_id,
            check_name=UNSET if name is None else name,
        )

    def _annotations(self, run: CheckRun) -> frozenset[Annotation]:
        return frozenset(self._pages(_annotation_of, self._rest.checks.list_annotations, run.id))


class _Shown(Value):
    """A check run with what of its texts can be compared. GitHub does not tell its actions, which go with its state."""

    run: CheckRun
    app: int | None
    title: str
    summary: str
    text: str
    details_url: str

    def shows(self, view: CheckView) -> bool:
        """Whether an update would change nothing."""
        return (
            (self.run.status, self.run.conclusion) == (view.status, view.conclusion)
            and self.title == cut_line(view.title, LONGEST_TITLE)
            and same_text(self.summary, cut_output(view.summary))
            and same_text(self.text, cut_output(view.text or ""))
            and (view.details_url is None or self.details_url == view.details_url)
        )


def _shown_of(said: Any) -> _Shown:  # noqa: ANN401 - JSON
    output: Any = said.get("output") or {}
    app: Any = said.get("app") or {}
    return _Shown(
        run=CheckRun(
            id=said["id"],
            name=said["name"],
            sha=said["head_sha"],
            external_id=said.get("external_id") or "",
            status=_STATUS.get(said["status"], "queued"),
            conclusion=said.get("conclusion"),
            annotations=output.get("annotations_count") or 0,
        ),
        app=app.get("id"),
        title=output.get("title") or "",
        summary=output.get("summary") or "",
        text=output.get("text") or "",
        details_url=said.get("details_url") or "",
    )


def _annotation_of(said: Any) -> Annotation:  # noqa: ANN401 - JSON
    return Annotation(
        path=said["path"],
        start_line=said["start_line"],
        end_line=said["end_line"],
        level=said["annotation_level"],
        message=said["message"],
        title=said.get("title") or None,
    )


def _said(view: CheckView, annotations: Sequence[Annotation], **identity: str) -> Any:  # noqa: ANN401 - a union of shapes by status
    """The body of a request."""
    output: dict[str, object] = {
        "title": cut_line(view.title, LONGEST_TITLE),
        "summary": cut_output(view.summary),
        "annotations": [_annotation_said(_cut(annotation)) for annotation in annotations],
    }
    if view.text is not None:
        output["text"] = cut_output(view.text)
    body: dict[str, object] = {**identity, "status": view.status, "output": output}
    if view.conclusion is not None:
        body["conclusion"] = view.conclusion
    if view.details_url is not None:
        body["details_url"] = view.details_url
    body["actions"] = [_action_said(action) for action in view.actions[:ACTIONS]]
    return body


def _annotation_said(annotation: Annotation) -> dict[str, object]:
    said: dict[str, object] = {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }
    return said if annotation.title is None else {**said, "title": annotation.title}


def _action_said(action: CheckAction) -> dict[str, str]:
    return {
        "label": cut_line(action.label, LONGEST_LABEL),
        "description": cut_line(action.description, LONGEST_DESCRIPTION),
        "identifier": action.identifier,
    }


def _cut(annotation: Annotation) -> Annotation:
    title = cut_line(annotation.title, LONGEST_TITLE) if annotation.title else None
    message = annotation.message[:LONGEST_ANNOTATION]
    return annotation.model_copy(update={"message": message, "title": title})


def _batches(annotations: Sequence[Annotation]) -> list[Sequence[Annotation]]:
    """At least one, perhaps empty: the state is told with the first."""
    return [annotations[at : at + ANNOTATIONS_AT_ONCE] for at in range(0, len(annotations), ANNOTATIONS_AT_ONCE)] or [
        ()
    ]
