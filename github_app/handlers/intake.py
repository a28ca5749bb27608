"""From an issue to runs: one for each workflow in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from codegen.naming import MAX_LENGTH, app_name
from github_app.commands.approve import Approve
from github_app.commands.deploy import Deploy
from github_app.github.errors import Busy
from github_app.handlers import approval
from github_app.handlers.behalf import author_of
from github_app.handlers.errors import CannotDo, Explained, Unusable
from github_app.handlers.plans import plan_of
from github_app.submissions.fetch import collect
from github_app.submissions.find import find_submissions
from github_app.submissions.model import Collected, RepositoryFile, Unreadable
from github_app.telling import pages
from runner.model import RunRequest, repository_key

if TYPE_CHECKING:
    from codegen.model import AppName
    from github_app.github.model import Issue
    from github_app.handlers.talk import Talk
    from github_app.submissions.model import Found, Reference
    from runner.records import RunRecord

WORKFLOW_LABEL = "workflow"
"""Says that an issue is meant for us; the issue form sets it."""
MAX_WORKFLOWS = 10
"""Of one issue; more are a mistake, or mischief."""
PUT_IT_RIGHT = "Put it right and edit the issue; that starts a run."
NAMING_ATTEMPTS = 5
"""One fails only if another issue got one of the names just then, and few are handled at the same time."""
NAMING_PAUSE = timedelta(seconds=1)
_NUMBERED = re.compile(r"(.+)-[0-9]+")


def take_in(talk: Talk, issue: Issue, command: Deploy | Approve | None = None) -> tuple[RunRecord, ...]:
    """Ask for the runs of an issue, or say why there are none. Without a `command` the issue itself is what asks.

    A workflow that is as the issue's last run had it starts nothing, so that labels and edits of words are free; a
    `/deploy` does.

    Raises:
        CannotDo: there is nothing to deploy, in words for the issue.
    """
    full_name = talk.api.about().reference.full_name
    site = talk.doors.site
    found = find_submissions(issue.body, title=issue.title, repository=full_name, site=site)
    meant = found.is_form or WORKFLOW_LABEL in issue.labels or command is not None
    if not found.references:
        if meant and found.problems:
            raise Explained(pages.unreadable((), found.problems))
        if meant:
            raise Explained(pages.nothing_found(is_form=found.is_form))
        return ()
    references = _allowed(talk, found.references, full_name)
    collected = collect(references, repository=full_name, files=talk.api, site=site, look=found.look)
    if not collected.submissions:
        told = [each for each in collected.unreadable if meant or not each.incidental]
        if told:
            raise Explained(pages.unreadable(told, found.problems))
        return ()
    talk.react("eyes")
    alone = len(collected.submissions) == 1
    collected = _usable(talk, found, collected, command, alone=alone)
    requests = _requests(talk, found, collected, command, alone=alone)
    written = _requests(talk, found, collected, None, alone=alone)
    author = author_of(issue, talk.doors.github.bot_login)
    # Whoever labels or edits the issue of an outsider has not looked at what is in it.
    theirs = author != talk.sender and not talk.api.may_write(author)
    if not talk.may_write or (theirs and command is None):
        approval.show(talk, written, author)
        return ()
    needs_approval = theirs or isinstance(command, Approve)
    if needs_approval:
        approval.check(talk, written, author)
    _warn(talk, found, collected)
    asked = _ask(talk, requests, again=isinstance(command, Deploy), alone=alone)
    if needs_approval:
        approval.note(talk, written)
    return asked


def _usable(
    talk: Talk, found: Found, collected: Collected, command: Deploy | Approve | None, *, alone: bool
) -> Collected:
    """Those that can be deployed; a file that cannot is no reason to leave the others.

    Raises:
        Explained: none can.
    """
    kept, spoiled = list(collected.submissions), list[Unreadable]()
    requests = _requests(talk, found, collected, command, alone=alone)
    for submission, request in zip(collected.submissions, requests, strict=True):
        try:
            plan_of(request)
        except Unusable as error:
            if alone:
                raise
            kept.remove(submission)
            spoiled.append(
                Unreadable(what=error.filename, kind="not-a-workflow", why=error.words, way_out=PUT_IT_RIGHT)
            )
    unreadable = (*collected.unreadable, *spoiled)
    if not kept:
        raise Explained(pages.unreadable(unreadable, found.problems))
    return Collected(submissions=tuple(kept), unreadable=unreadable, look=collected.look)


def _requests(
    talk: Talk, found: Found, collected: Collected, command: Deploy | Approve | None, *, alone: bool
) -> list[RunRequest]:
    """Of all that was collected. `alone`: the issue holds one workflow, so what it says of a name is about that."""
    options = found.options
    given = command if isinstance(command, Deploy) else Deploy()
    gpu = given.gpu or options.gpu
    talk.check_gpu(gpu)
    talk.check_target(given.target or options.target)
    budget = talk.budget(given.budget or options.budget)
    if len(collected.submissions) > MAX_WORKFLOWS:
        raise CannotDo(
            f"the issue holds {len(collected.submissions)} workflows; at most {MAX_WORKFLOWS} are taken from one"
        )
    reference = talk.api.about()
    return [
        RunRequest(
            repo=reference.reference,
            base=reference.default_branch,
            filename=submission.filename,
            workflow=submission.data,
            name=options.name if alone else None,
            gpu=gpu,
            budget_usd=budget,
            monthly_budget_usd=talk.rules.monthly_budget_usd,
            quality=talk.rules.quality,
            reference=collected.look,
            engine=talk.doors.engine,
            keep=True,
            gpus=talk.rules.gpus,
            closes_issue=alone,
            origin=talk.origin,
        )
        for submission in collected.submissions
    ]


def _allowed(talk: Talk, references: tuple[Reference, ...], full_name: str) -> tuple[Reference, ...]:
    """Without files of the repository at paths that its settings leave out.

    Raises:
        CannotDo: nothing is left.
    """
    kept = tuple(
        each
        for each in references
        if not isinstance(each, RepositoryFile)
        or each.full_name.lower() != full_name.lower()
        or any(talk.rules.allows_path(path) for _, path in each.readings())
    )
    if not kept:
        raise CannotDo(f"workflows of this repository are to be at {', '.join(talk.rules.paths)}, say its settings")
    return kept


def _warn(talk: Talk, found: Found, collected: Collected) -> None:
    """Tell of what was left out, in one comment that goes when it is put right."""
    told = [each for each in collected.unreadable if not each.incidental]
    if told or found.problems:
        talk.api.say(talk.number, "problems", pages.unreadable(told, found.problems))
    else:
        talk.api.unsay(talk.number, "problems")


class _Named(NamedTuple):
    request: RunRequest
    name: AppName
    last: RunRecord | None
    """The issue's last run of that name."""


def _ask(talk: Talk, requests: list[RunRequest], *, again: bool, alone: bool) -> tuple[RunRecord, ...]:
    """Ask for a run of each, unless it is as the issue's last run had it.

    Whether a name is free is asked of GitHub, which takes its time; other issues are named meanwhile. If one of them
    has taken a name that was found here, it is all looked at again.

    Raises:
        Busy: that has happened time after time.
    """
    records, repository = talk.doors.records, repository_key(talk.repository)
    for _ in range(NAMING_ATTEMPTS):
        with records.naming(repository):
            before = records.newest_number(repository)
        named = _named(talk, requests, alone=alone)
        with records.naming(repository):
            if records.names_since(repository, before).isdisjoint(name for _, name, _ in named):
                return tuple(
                    talk.doors.runs.ask(request, name, key=f"{talk.key}/{index}")
                    for index, (request, name, last) in enumerate(named)
                    if again or last is None or _differ(records.request(last.id), request)
                )
    raise Busy("many issues ask for the same names", until=datetime.now(UTC) + NAMING_PAUSE)


def _named(talk: Talk, requests: list[RunRequest], *, alone: bool) -> list[_Named]:
    earlier = talk.doors.records.of_issue(repository_key(talk.repository), talk.number)
    used: set[str] = set()
    named: list[_Named] = []
    for request in requests:
        plan = plan_of(request)
        if request.name is not None:
            name = _given_name(talk, plan.name)
        elif alone and len({record.name for record in earlier}) == 1:
            name = earlier[0].name
        else:
            name = _free_name(talk, plan.name, [record.name for record in earlier], used)
        used.add(name)
        last = next((record for record in earlier if record.name == name and record.kind == "propose"), None)
        named.append(_Named(request.model_copy(update={"name": name}), name, last))
    return named


def _differ(before: RunRequest, now: RunRequest) -> bool:
    # A pasted workflow's file is named after the issue's title, in which people put words right.
    same = {"origin": None, "repo": now.repo, "answers": (), "filename": now.filename}
    return before.model_copy(update=same) != now.model_copy(update=same)


def _given_name(talk: Talk, name: AppName) -> AppName:
    """The name that the issue gives: an app that is there under that name is brought up to date."""
    other = _whose(talk, name)
    if other is not None:
        raise CannotDo(f"{name} is the name of the app for #{other}; give another one in the issue")
    return name


def _free_name(talk: Talk, wanted: AppName, earlier: list[AppName], used: set[str]) -> AppName:
    """The issue's own name from before, or the one that is wanted, with a number if somebody else has it."""
    for name in earlier:
        if name not in used and wanted in (name, _stem(name)):
            return name
    for number in range(1, 1000):
        suffix = "" if number == 1 else f"-{number}"
        name = app_name(wanted[: MAX_LENGTH - len(suffix)].rstrip("-") + suffix)
        free = name not in used and _whose(talk, name) is None
        if free and talk.api.file(f"apps/modal/{name}/app.lock.json") is None:
            return name
    raise CannotDo(f"every name like {wanted} is taken; give one in the issue")


def _stem(name: str) -> str:
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


def _whose(talk: Talk, name: AppName) -> int | None:
    """The other issue that a run or an open pull request of that name is for."""
    for record in talk.doors.records.of_app(repository_key(talk.repository), name):
        origin = talk.doors.records.request(record.id).origin
        if origin is None or origin.issue is None or origin.issue == talk.number:
            continue
        pull = record.progress.pull
        if not record.finished or (pull is not None and talk.api.pull(pull.number).state == "open"):
            return origin.issue
    return None
