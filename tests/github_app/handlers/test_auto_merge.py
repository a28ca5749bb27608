"""A pull request merges itself: a run that ComfyUI itself has tested is put on record, GitHub and Postgres are real."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from github_app.github.model import FileAddition
from github_app.handlers.doors import Doors
from github_app.handlers.handle import handle
from github_app.installations import Installations
from github_app.server.deliveries import Delivery
from github_app.submissions.site import Site
from runner.model import EngineChoice, Origin, PullRequestRef, RunProgress, RunRequest, RunResult
from runner.records import RunRecords
from runner.tables import run
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.conftest import app, installation, installed, process, site  # noqa: F401 - fixtures

SETTINGS = ".github/flowberth.yml"
BRANCH = "flowberth/poster"


class Proposal:
    """A pull request whose last run has passed, and an event that says that the checks of others have ended."""

    def __init__(self, forge, site, app, database) -> None:  # noqa: F811
        self.site, self.installed = site, next(iter(forge.installations))
        records = RunRecords(database)
        self.bob = forge.client("bob")
        main = self.commit("main", SETTINGS, b"auto_merge: when-green\n")
        site.create_branch(BRANCH, main)
        self.head = self.commit(BRANCH, "apps/modal/poster/app.py", b"pass\n")
        self.pull, _ = site.open_pull(head=BRANCH, base="main", title="Add poster", body="", draft=False)
        self.doors = Doors(
            github=app, runs=None, records=records, installations=Installations(database), target=None,
            engine=EngineChoice(), site=Site.of(forge.api_url),
        )  # fmt: skip
        request = RunRequest(
            repo=site.about().reference, base="main", filename="poster.json", workflow=b"{}",
            origin=Origin(sender="bob", pull=self.pull.number),
        )  # fmt: skip
        self.run = records.add(request, "poster", protocol="1", key="poster")
        ref = PullRequestRef(number=self.pull.number, title="Add poster", url=self.pull.url)
        records.progress(self.run.id, RunProgress(commit=self.head, pull=ref))
        records.finish(
            self.run.id,
            RunResult(
                run_id=self.run.id, state="succeeded", name="poster", repo=self.run.repo, branch=BRANCH,
                commit=self.head, app_dir=None, endpoint=None, engine="comfyui", attempts=1, pr=ref,
            ),
        )  # fmt: skip

    def commit(self, branch: str, path: str, data: bytes) -> str:
        files = [FileAddition(path=path, data=data)]
        head = self.site.tip(branch)
        return self.site.create_commit_on_branch(branch, expected_head=head, message="Change", additions=files)

    def status(self, state: str) -> None:
        self.bob.post(f"/repos/acme/site/statuses/{self.head}", json={"state": state, "context": "ci"})

    def checks_end(self, *, sha: str | None = None, by: str = "ci[bot]") -> bool:
        repository = self.bob.get("/repos/acme/site").json()
        suite = {"id": 7, "head_sha": sha or self.head, "pull_requests": [{"number": self.pull.number}]}
        event = {
            "action": "completed", "check_suite": suite, "repository": repository,
            "sender": {"login": by, "type": "Bot"}, "installation": {"id": self.installed},
        }  # fmt: skip
        return handle(
            Delivery("g-1", "check_suite", "completed", self.installed, json.dumps(event).encode()), self.doors
        )

    @property
    def merged(self) -> bool:
        return self.site.pull(self.pull.number).state == "merged"


@pytest.fixture
def tested(forge, site, app, database):  # noqa: F811
    yield Proposal(forge, site, app, database)
    with database.begin() as connection:
        connection.execute(sa.delete(run))


def test_it_merges_when_the_last_check_of_others_has_ended(tested):
    tested.status("pending")
    assert tested.checks_end()
    assert not tested.merged
    told = tested.site.said(tested.pull.number, "auto-merge")
    assert told is not None
    assert "these checks had not ended: ci." in told.body
    tested.status("success")
    assert tested.checks_end()
    assert tested.merged


def test_nothing_that_failed_is_merged(tested):
    tested.status("failure")
    assert tested.checks_end()
    assert not tested.merged


def test_checks_of_a_commit_that_no_run_has_tested_change_nothing(tested):
    newer = tested.commit(BRANCH, "apps/modal/poster/app.py", b"...\n")
    assert tested.checks_end(sha=newer)
    assert tested.checks_end()
    assert not tested.merged


def test_our_own_checks_are_no_news(tested):
    assert not tested.checks_end(by=tested.doors.github.bot_login)
    assert not tested.merged
