from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from github_app.github.model import CheckView, FileAddition
from github_app.telling.reconcile import Reconciler
from github_app.telling.tellings import Tellings
from runner.model import GithubRepository, RunRequest, RunResult
from runner.records import RunRecords
from runner.tables import run, telling
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.conftest import app, installation, installed, process, site  # noqa: F401 - fixtures

BRANCH = "flowberth/poster"
GOING_ON = CheckView(status="in_progress", title="Deploying", summary="3 of 9 steps")
DONE = CheckView(status="completed", conclusion="success", title="Ready", summary="All passed")


@pytest.fixture
def records(database):
    yield RunRecords(database)
    with database.begin() as connection:
        connection.execute(sa.delete(run))


@pytest.fixture
def commits(site):  # noqa: F811
    """Two on the branch of an open pull request."""
    tip = base = site.tip("main")
    site.create_branch(BRANCH, base)
    made: list[str] = []
    for text in (b"pass\n", b"...\n"):
        files = [FileAddition(path="apps/modal/poster/app.py", data=text)]
        tip = site.create_commit_on_branch(BRANCH, expected_head=tip, message="Add poster", additions=files)
        made.append(tip)
    site.open_pull(head=BRANCH, base="main", title="Add poster", body="", draft=True)
    return made


def ended(records, repo) -> str:
    """A run that has ended and was told to its end, as far as anybody knew."""
    request = RunRequest(repo=repo, base="main", filename="poster.json", workflow=b"{}")
    record = records.add(request, "poster", protocol="1", key="poster", told=True)
    result = RunResult(
        run_id=record.id, state="cancelled", name="poster", repo=record.repo, branch=None, commit=None, app_dir=None,
        endpoint=None, engine="comfyui", attempts=1,
    )  # fmt: skip
    records.finish(record.id, result)
    return record.id


def settle(database) -> None:
    with database.begin() as connection:
        connection.execute(sa.update(telling).values(settled=True, told=1000))


def unsettled(database) -> list[str]:
    with database.begin() as connection:
        return list(connection.scalars(sa.select(telling.c.run_id).where(sa.not_(telling.c.settled))))


def test_a_check_that_nobody_knows_of_is_found_on_any_commit_of_the_pull_request(
    database,
    records,
    installed,  # noqa: F811
    site,  # noqa: F811
    commits,
):
    reference = site.about().reference
    assert isinstance(reference, GithubRepository)
    run_id = ended(records, reference)
    lost = site.check(commits[0], "flowberth / poster", run_id, GOING_ON)
    site.check(commits[1], "flowberth / poster", run_id, DONE)
    site.check(commits[1], "flowberth / poster", "run_of_nobody", GOING_ON)
    settle(database)
    tellings = Tellings(database)
    Reconciler(records, tellings, lambda _: site).once(threading.Event())
    assert unsettled(database) == [run_id]
    shown = tellings.shown(run_id)
    assert shown is not None
    assert shown.checks == {commits[0]: lost}


def test_what_has_ended_with_its_run_is_left_alone(database, records, site, commits):  # noqa: F811
    run_id = ended(records, site.about().reference)
    site.check(commits[0], "flowberth / poster", run_id, DONE)
    settle(database)
    Reconciler(records, Tellings(database), lambda _: site).once(threading.Event())
    assert unsettled(database) == []
