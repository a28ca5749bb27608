"""The check of a commit with variations: what was tested before is true of it only if nothing else lies between."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from github_app.github.model import FileAddition
from github_app.handlers.doors import Doors
from github_app.installations import Installations
from github_app.submissions.site import Site
from github_app.telling.tell import Tell
from github_app.telling.teller import Teller
from github_app.telling.tellings import Tellings
from runner.model import EngineChoice, RunProgress, RunRequest, RunResult
from runner.records import RunRecords
from runner.tables import run
from runner.variations.model import Axis, Grid, VaryRequest
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.conftest import app, installation, installed, process, site  # noqa: F401 - fixtures
from tests.github_app.telling.test_money import BRANCH, Lanes, Modal
from tests.runner.budget.payers import Clock

APP = "apps/modal/poster"
GRID = VaryRequest(grid=Grid(axes=(Axis(name="steps", values=(20, 30)),)))


class Branch:
    """A pull request's branch with commits of runs and of people, and the one who tells of the runs."""

    def __init__(self, forge, site, app, database) -> None:  # noqa: F811
        self.site, self.records = site, RunRecords(database)
        doors = Doors(
            github=app, runs=Lanes(self.records), records=self.records, installations=Installations(database),
            target=Modal(), engine=EngineChoice(), site=Site.of(forge.api_url),
        )  # fmt: skip
        self.teller = Teller(Tellings(database), self.records, Tell(doors), Clock())
        site.create_branch(BRANCH, site.tip("main"))

    def gets(self, path: str, data: bytes) -> str:
        """A commit with a file."""
        return self.site.create_commit_on_branch(
            BRANCH,
            expected_head=self.site.tip(BRANCH),
            message="A commit",
            additions=[FileAddition(path=path, data=data)],
        )

    def ran(self, kind: str, *, asked: str | None, made: str) -> None:
        """A run that has ended well with the commit `made`, and is told of."""
        request = RunRequest(
            kind=kind, repo=self.site.about().reference, base="main", filename="poster.json", workflow=b"{}",
            branch=BRANCH, commit=asked, vary=GRID if kind == "vary" else None,
        )  # fmt: skip
        record = self.records.add(request, "poster", protocol="1", key=made, told=True)
        self.records.progress(record.id, RunProgress(commit=made))
        self.records.finish(
            record.id,
            RunResult(
                run_id=record.id, state="succeeded", name="poster", repo=record.repo, branch=BRANCH, commit=made,
                app_dir=APP, endpoint=None, engine="comfyui", attempts=1,
            ),
        )  # fmt: skip
        while self.teller.once():
            pass

    def checks(self, commit: str) -> list[tuple[str, str | None]]:
        return [(check.name, check.conclusion) for check in self.site.our_checks(commit)]


@pytest.fixture
def branch(forge, site, app, database):  # noqa: F811
    yield Branch(forge, site, app, database)
    with database.begin() as connection:
        connection.execute(sa.delete(run))


def test_variations_of_what_was_tested_are_as_good_and_those_on_something_else_are_not(branch):
    tested = branch.gets(f"{APP}/app.py", b"pass\n")
    branch.ran("propose", asked=None, made=tested)
    assert branch.checks(tested) == [("flowberth / poster", "success")]

    first = branch.gets(f"{APP}/variations/variations.json", b"{}")
    branch.ran("vary", asked=tested, made=first)
    assert branch.checks(first) == [("flowberth / poster", "success")]
    second = branch.gets(f"{APP}/variations/variations.json", b"[]")
    branch.ran("vary", asked=first, made=second)
    assert branch.checks(second) == [("flowberth / poster", "success")]

    branch.gets(f"{APP}/app.py", b"raise SystemExit\n")
    third = branch.gets(f"{APP}/variations/variations.json", b"0")
    branch.ran("vary", asked=second, made=third)
    assert branch.checks(third) == []
