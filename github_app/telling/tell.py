"""Brings what people see of one run to what its row says. Everything is find-or-create: twice is once."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from github_app.github.errors import (
    BadCredentials,
    Busy,
    NotFound,
    NotInstalled,
    Outdated,
    Refused,
    Suspended,
    Unavailable,
)
from github_app.github.model import Label
from github_app.handlers.auto_merge import consider
from github_app.handlers.production import versions
from github_app.handlers.talk import Talk
from github_app.repository_settings import DEFAULTS, InvalidRepositorySettings
from github_app.rules import rules_of
from github_app.telling import pages
from github_app.telling.viewing import state_of, superseding, view_of
from runner.documents import brought_up_to_date
from runner.errors import RunNotFound
from runner.model import GithubRepository
from runner.variations.files import is_of_variations

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from github_app.github.model import DeploymentState
    from github_app.github.repository import RepositoryApi
    from github_app.handlers.doors import Doors
    from github_app.repository_settings import Environments, RepositorySettings
    from github_app.telling.tellings import Shown
    from github_app.telling.view import RunView, ShownState
    from runner.model import Lane, RunRequest
    from runner.records import RunRecord

LABELS = {
    "flowberth:running": Label(name="flowberth:running", color="1d76db", description="A run is going on"),
    "flowberth:needs-input": Label(
        name="flowberth:needs-input", color="fbca04", description="Flowberth has a question"
    ),
    "flowberth:ready": Label(name="flowberth:ready", color="0e8a16", description="Tested, and ready for review"),
    "flowberth:failed": Label(name="flowberth:failed", color="b60205", description="The last run failed"),
}
GRAVEST_FIRST = ("flowberth:failed", "flowberth:needs-input", "flowberth:running", "flowberth:ready")
"""Of several apps in one conversation, the one that wants people most is what its label says."""
MOST_FILES = 300
"""Of a comparison; of a larger one GitHub does not say everything."""
LABELS_SECONDS = 600.0
"""How long a repository is believed to have a label; one that is gone is told of when it is used."""
RULES_SECONDS = 10.0
"""How long a repository's settings are believed: a run is told of every few seconds."""
LOOKS = 3
"""At what the labels are to be: somebody else may tell of another app of the conversation at the same time."""
WANTS_PEOPLE: frozenset[ShownState] = frozenset({"needs-input", "failed", "over-budget"})
_LABEL_OF: dict[ShownState, str | None] = {
    "queued": "flowberth:running",
    "running": "flowberth:running",
    "waiting": "flowberth:running",
    "needs-input": "flowberth:needs-input",
    "ready": "flowberth:ready",
    "failed": "flowberth:failed",
    "over-budget": "flowberth:failed",
    "cancelled": None,
    "superseded": None,
}

log = logging.getLogger(__name__)


class Refusals:
    """Of the parts of a telling: where the App may not write one of them, the others are written all the same."""

    def __init__(self) -> None:
        self._found: list[Refused] = []

    @contextmanager
    def kept(self) -> Generator[None]:
        """Go on after a refusal of what is in the block; not where nothing at all can be told."""
        try:
            yield
        except (BadCredentials, NotInstalled, Suspended):
            raise
        except Refused as error:
            self._found.append(error)

    @property
    def words(self) -> tuple[str, ...]:
        """Each reason once."""
        return tuple(dict.fromkeys(map(str, self._found)))

    def raise_first(self) -> None:
        """Raise what was kept, if anything."""
        if self._found:
            raise self._found[0]


class Tell:
    """What the teller does with one run."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._label_ids: dict[str, tuple[float, dict[str, str]]] = {}
        self._rules: dict[str, tuple[float, RepositorySettings]] = {}

    def run(self, record: RunRecord, request: RunRequest, shown: Shown) -> None:
        """Show it. What was made is noted in `shown` as soon as it is there.

        Raises:
            github_app.github.errors.GithubError: GitHub does not answer, or does not allow it.
        """
        assert isinstance(request.repo, GithubRepository)
        api = self._doors.repository(request.repo)
        rules = self._rules_of(api, record.repo)
        view = seen_now(self._doors, record, request, lock=_lock(api, record))
        refusals = Refusals()
        with refusals.kept():
            self._check(api, record, request, view, shown)
        with refusals.kept():
            self._deployment(api, rules.environments, record, view, shown)
        if view.kind == "production" and view.finished:
            with refusals.kept():
                view = view.model_copy(update={"approved_by": _approvers(api, request)})
        if rules.notifications.labels:
            with refusals.kept():
                self._labels(api, record, request, view, shown)
        view = view.model_copy(update={"unseen": refusals.words})
        with refusals.kept():
            self._comment(api, rules, request, view, shown)
        if view.finished:
            with refusals.kept():
                self._spent(api, record, view)
        if view.state == "ready":
            with refusals.kept():
                self._afterwards(record, request, shown)
        refusals.raise_first()
        if view.money is not None and self._doors.ledger is not None:
            self._doors.ledger.told([alert for alert in view.money.alerts if alert.told_at is None])

    def _spent(self, api: RepositoryApi, record: RunRecord, view: RunView) -> None:
        """What it has spent, in its pull request: a bill comes when nothing else of a run is written any more.

        While a run goes on its own steps write the body; and as long as nobody asks for another one, nobody else does.
        """
        if view.pull is None or view.money is None or not self._doors.runs.is_newest(record):
            return
        before = api.pull(view.pull.number).body
        body = brought_up_to_date(before, view.money)
        if body is not None and body != before:
            api.update_pull(view.pull.number, body=body)

    def _comment(
        self, api: RepositoryApi, rules: RepositorySettings, request: RunRequest, view: RunView, shown: Shown
    ) -> None:
        number = conversation(request)
        if number is None or not _wanted(rules, view):
            return
        body = pages.sticky(view)
        if view.state in WANTS_PEOPLE and rules.notifications.mention:
            mentioned = " ".join("@" + name.removeprefix("@") for name in rules.notifications.mention)
            body = f"{body}\n{mentioned}\n"
        shown.comment = api.say(number, f"run:{view.id}", body, known=shown.comment)

    def _check(self, api: RepositoryApi, record: RunRecord, request: RunRequest, view: RunView, shown: Shown) -> None:
        """On the head that the run has pushed; those on heads before it end as it does."""
        if view.commit is None or view.kind == "production":
            return
        if view.kind == "vary":
            self._carry_check(api, record, request, view, shown)
            return
        name = f"flowberth / {view.name}"
        for sha in dict.fromkeys((view.commit, *shown.checks)):
            if sha == view.commit or view.finished:
                shown.checks[sha] = api.check(sha, name, view.id, pages.check(view), known=shown.checks.get(sha))

    def _carry_check(
        self, api: RepositoryApi, record: RunRecord, request: RunRequest, view: RunView, shown: Shown
    ) -> None:
        """The commit with variations changes nothing of the app: what was found of the one before is true of it."""
        if not view.finished or view.commit is None or view.commit in (request.commit, *shown.checks):
            return
        tested = self._tested(record, request.commit)
        if tested is not None and _adds_variations_only(api, record.name, tested.progress.commit, view.commit):
            seen = seen_now(self._doors, tested, self._doors.records.request(tested.id), lock=_lock(api, tested))
            name = f"flowberth / {tested.name}"
            shown.checks[view.commit] = api.check(view.commit, name, tested.id, pages.check(seen))

    def _tested(self, record: RunRecord, commit: str | None) -> RunRecord | None:
        """The run that has tested what is on a commit, perhaps with other variations between."""
        for run in self._doors.records.of_app(record.repo, record.name):
            if run.finished and commit is not None and run.progress.commit == commit:
                if run.kind != "vary":
                    return run
                commit = self._doors.records.request(run.id).commit
        return None

    def _deployment(
        self, api: RepositoryApi, names: Environments, record: RunRecord, view: RunView, shown: Shown
    ) -> None:
        state = _deployment_state(record)
        if state is None or view.commit is None:
            return
        production = view.environment == "production"
        environment = f"{(names.production if production else names.preview) or 'production'}: {view.name}"
        if shown.deployment is None:
            shown.deployment = api.deployment(
                view.commit, environment, view.id, description=f"{view.name}, run {view.id}", production=production
            )
        if shown.deployment_state != state:
            api.deployment_status(shown.deployment, state, url=view.endpoint, description=_said(view))
            shown.deployment_state = state

    def _labels(self, api: RepositoryApi, record: RunRecord, request: RunRequest, view: RunView, shown: Shown) -> None:
        """On the issue and the pull request, by the newest run of an app only."""
        if view.state == "superseded" or (view.kind != "production" and not self._doors.runs.is_newest(record)):
            return
        for _ in range(LOOKS):
            wanted = self._wanted_labels(record, request, view)
            key = f"{view.state} {sorted(wanted.items())}"
            if shown.label == key:
                return
            labels = {label for label in wanted.values() if label is not None}
            try:
                api.label(wanted, self._ids_of(api, record.repo, labels), among=LABELS)
            except NotFound:  # somebody has deleted a label: it is made anew
                self._label_ids.pop(record.repo, None)
            else:
                shown.label = key

    def _rules_of(self, api: RepositoryApi, repo: str) -> RepositorySettings:
        """What cannot be read is told elsewhere."""
        now = time.monotonic()
        read_at, rules = self._rules.get(repo, (now - RULES_SECONDS, DEFAULTS))
        if now - read_at >= RULES_SECONDS:
            try:
                rules = rules_of(api)
            except InvalidRepositorySettings:
                rules = DEFAULTS
            self._rules[repo] = (now, rules)
        return rules

    def _ids_of(self, api: RepositoryApi, repo: str, labels: Collection[str]) -> dict[str, str]:
        """Of these labels at least, which the repository has then."""
        now = time.monotonic()
        read_at, ids = self._label_ids.get(repo, (now - LABELS_SECONDS, dict[str, str]()))
        if now - read_at >= LABELS_SECONDS or not ids.keys() >= set(labels):
            ids = api.ensure_labels([label for name, label in LABELS.items() if name in labels or name in ids])
            self._label_ids[repo] = (now, ids)
        return ids

    def _wanted_labels(self, record: RunRecord, request: RunRequest, view: RunView) -> dict[int, str | None]:
        """Of each conversation that the run belongs to."""
        issue, pull = request.origin.issue if request.origin else None, _pull(request, view)
        if view.kind == "production":  # what is merged wants nothing any more
            return {number: None for number in (issue, pull) if number}
        records, wanted = self._doors.records, dict[int, str | None]()
        if issue:
            wanted[issue] = self._gravest(records.of_issue(record.repo, issue))
        if pull:
            wanted[pull] = self._gravest(records.of_pull(record.repo, pull))
        return wanted

    def _gravest(self, runs: tuple[RunRecord, ...]) -> str | None:
        """The label of one conversation, from the newest run of each of its apps."""
        newest: dict[Lane, RunRecord] = {}
        for run in runs:
            if run.environment == "preview" and run.kind != "vary":
                newest.setdefault(run.lane, run)
        labels = {_LABEL_OF[state_of(run)] for run in newest.values() if self._doors.runs.is_newest(run)}
        return next((label for label in GRAVEST_FIRST if label in labels), None)

    def _afterwards(self, record: RunRecord, request: RunRequest, shown: Shown) -> None:
        assert isinstance(request.repo, GithubRepository)
        number = (
            record.progress.pull.number if record.progress.pull else request.origin.pull if request.origin else None
        )
        sender = request.origin.sender if request.origin else ""
        talk = Talk(self._doors, request.repo, number or 0, is_pull=True, sender=sender, key=record.id)
        if record.kind == "production" and request.commit is not None:
            for tag, commit in versions(talk, record.name):
                if commit == request.commit and shown.tag != tag:
                    try:
                        talk.api.tag(tag, commit)
                    except Outdated:
                        log.warning("%s: the tag %s is on another commit", record.id, tag)
                    shown.tag = tag
        elif number is not None and not shown.auto_merge:
            try:
                consider(talk)
            except InvalidRepositorySettings as error:
                log.info("%s: no auto-merge: %s", record.id, error)
            shown.auto_merge = True


def seen_now(doors: Doors, record: RunRecord, request: RunRequest, *, lock: str | None = None) -> RunView:
    """The run as people are to see it at this moment, wherever they are told of it."""
    view = view_of(
        record,
        request,
        queued_ahead=doors.runs.ahead_of(record) if record.state == "queued" else 0,
        superseded_by=_number(doors, superseding(record)),
        lock=lock,
        target=doors.target.name,
        money=doors.money(record.id),
    )
    if view.state == "needs-input" and not doors.runs.is_newest(record):
        # the answer, or another workflow, has come
        view = view.model_copy(update={"state": "superseded", "questions": ()})
    return view


def _number(doors: Doors, run_id: str | None) -> int | None:
    try:
        return doors.records.get(run_id).number if run_id else None
    except RunNotFound:
        return None


def conversation(request: RunRequest) -> int | None:
    """Where a run was asked for, and is told of."""
    origin = request.origin
    if origin is None:
        return None
    return origin.pull or origin.issue


def _approvers(api: RepositoryApi, request: RunRequest) -> tuple[str, ...]:
    """Whose last word on the pull request was an approval, if it is that one's merge that went to production."""
    number = request.origin.pull if request.origin else None
    if number is None or api.pull(number).merge_sha != request.commit:
        return ()
    last: dict[str, str] = {}
    for review in api.reviews(number):
        if review.state != "COMMENTED":
            last[review.author.login] = review.state
    return tuple(login for login, state in last.items() if state == "APPROVED")


def _pull(request: RunRequest, view: RunView) -> int | None:
    return view.pull.number if view.pull else request.origin.pull if request.origin else None


def _adds_variations_only(api: RepositoryApi, name: str, tested: str | None, commit: str) -> bool:
    """Whether nothing lies between two commits but variations: whatever else somebody has pushed, nobody has tested."""
    if tested is None:
        return False
    added = api.compare(tested, commit)
    if added.behind_by or len(added.files) >= MOST_FILES:
        return False
    paths = {path for file in added.files for path in (file.path, file.previous_path) if path}
    return all(is_of_variations(f"apps/modal/{name}", path) for path in paths)


def _wanted(rules: RepositorySettings, view: RunView) -> bool:
    match rules.notifications.comments:
        case "progress":
            return True
        case "result":
            return view.finished
        case "questions":
            return view.state in WANTS_PEOPLE


def _lock(api: RepositoryApi, record: RunRecord) -> str | None:
    """For annotations on its lines, once there are any."""
    commit = record.progress.commit
    if commit is None or not record.finished:
        return None
    try:
        data = api.file(f"apps/modal/{record.name}/app.lock.json", commit)
    except (Refused, Unavailable, Busy):
        return None
    return data.decode(errors="replace") if data else None


def _deployment_state(record: RunRecord) -> DeploymentState | None:
    begun = any(step.step == "deploy" for step in record.progress.steps)
    if not begun:
        return None
    if not record.finished:
        return "in_progress"
    if record.state == "succeeded":
        return "success" if record.result and record.result.endpoint else "inactive"
    return "failure" if record.state in ("failed", "over-budget") else "inactive"


def _said(view: RunView) -> str:
    return f"{view.state}: {len(view.tests)} tests" if view.tests else view.state
