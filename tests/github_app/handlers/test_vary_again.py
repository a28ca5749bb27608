"""Whose variations a retry keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import AppName
from github_app.handlers.commands.vary import kept_by
from runner.model import GithubRepository, RunProgress, RunRequest
from runner.records import RunRecords
from runner.variations.model import Axis, Grid, Variations, VaryRequest

if TYPE_CHECKING:
    from runner.database import Database

GRID = Grid(axes=(Axis(name="steps", values=(20, 30)),))
REPO = GithubRepository(installation=1, id=4711, full_name="acme/site")


def test_a_retry_that_ended_before_it_began_hands_on_whose_cells_it_was_to_keep(database: Database) -> None:
    """Such as one that did not fit below a limit: the next one must not pay for the same cells again."""
    records = RunRecords(database)
    asked = VaryRequest(grid=GRID, again="run_aaaaaaaaaaaaaaaaaaaa")
    request = RunRequest(kind="vary", repo=REPO, base="main", filename="a.json", workflow=b"{}", vary=asked)
    record = records.add(request, AppName("poster"), protocol="4")
    assert kept_by(record, asked) == "run_aaaaaaaaaaaaaaaaaaaa"
    assert kept_by(record, VaryRequest(grid=GRID)) == record.id
    records.progress(record.id, RunProgress(variations=Variations(grid=GRID, kept=1)))
    assert kept_by(records.get(record.id), asked) == record.id
