from __future__ import annotations

import pytest
import sqlalchemy as sa

from runner.model import steps_of
from tests.runner.bench import OTHER, POSTER, git
from tests.runner.test_database import postmasters


def test_a_run_takes_every_step_once_and_leaves_a_pull_request_and_nothing_else(bench):
    before = git(bench.repo, "rev-parse", "HEAD")
    result = bench.do("up")
    assert result["state"] == "succeeded", result["reason"]
    assert [entry for entry in bench.journal() if not entry.endswith("detail")] == [
        f"{step} {when}" for step in steps_of("propose", drafts=False) for when in ("started", "finished")
    ]
    assert result["name"] == "poster"
    assert result["branch"] == "flowberth/poster"
    assert result["commit"] == git(bench.repo, "rev-parse", "flowberth/poster")
    assert result["app_dir"] == "apps/modal/poster"
    assert result["engine"] == "stand-in"
    assert result["endpoint"] is None
    assert result["attempts"] == 1
    trailers = git(bench.repo, "log", "--format=%(trailers:key=Flowberth-Run,valueonly)", "main..flowberth/poster")
    assert set(trailers.split()) == {result["run_id"]}
    files = git(bench.repo, "ls-tree", "-r", "--name-only", "flowberth/poster").splitlines()
    assert {"apps/modal/poster/report.json", "docs/knowledge-base/workflows/patterns/poster.md"} < set(files)
    assert bench.leftovers() == []
    assert git(bench.repo, "status", "--porcelain") == ""
    assert git(bench.repo, "rev-parse", "HEAD") == before


@pytest.mark.long
def test_the_same_again_brings_the_open_pull_request_up_to_date(bench):
    first, second = bench.do("up"), bench.do("up", workflow=OTHER)
    assert first["run_id"] != second["run_id"]
    assert len(bench.pulls()) == 1
    assert bench.branches() == ["flowberth/poster", "main"]
    assert bench.commits("flowberth/poster")[3:] == [
        "Update poster: generated app",
        "Test poster: report, sample and knowledge-base entry",
    ]


def test_a_newer_run_cancels_the_one_that_is_being_carried_out(bench):
    older = bench.start("up", pause_at="test started", behaviour="hangs").paused()
    older.go_on()  # to wait for an answer that never comes
    newer = bench.do("up", workflow=OTHER)
    cancelled = older.result()
    assert newer["state"] == "succeeded", newer["reason"]
    assert cancelled["state"] == "cancelled"
    assert cancelled["reason"] == f"superseded by {newer['run_id']}"
    assert cancelled["pr"] is None
    assert len(bench.pulls()) == 1
    assert len(bench.commits("flowberth/poster")) == 3
    assert bench.leftovers() == []


@pytest.mark.long
def test_of_three_the_newest_wins(bench):
    oldest = bench.start("up", pause_at="render started").paused()
    waiting = bench.start("up", workflow=OTHER)
    bench.until(lambda: [run for run in bench.runs() if run["state"] == "queued"])
    newest = bench.start("up", workflow=POSTER.replace("64", "96"))
    bench.until(lambda: [run for run in bench.runs() if run["state"] == "cancelled"])
    assert waiting.result()["state"] == "cancelled"  # it never had its turn
    oldest.go_on()
    assert oldest.result()["state"] == "cancelled"
    assert newest.result()["state"] == "succeeded"
    assert len(bench.pulls()) == 1
    assert bench.leftovers() == []


def test_different_names_in_one_repository_run_side_by_side(bench):
    poster = bench.start("up", pause_at="test started").paused()
    banner = bench.do("up", name="banner")  # while the other is in the middle
    poster.go_on()
    assert banner["state"] == "succeeded", banner["reason"]
    assert poster.result()["state"] == "succeeded"
    assert bench.branches() == ["flowberth/banner", "flowberth/poster", "main"]
    assert {pull["head"] for pull in bench.pulls()} == {"flowberth/banner", "flowberth/poster"}
    assert bench.leftovers() == []


def test_ctrl_c_cancels_cleanly(bench):
    process = bench.start("up", pause_at="test started", behaviour="hangs").paused()
    process.go_on()
    process.interrupt()
    result = process.result()
    assert (result["state"], result["reason"]) == ("cancelled", "interrupted at the terminal")
    assert bench.pulls() == []
    assert bench.branches() == ["main"]
    assert bench.leftovers() == []
    assert bench.do("up", workflow=OTHER)["state"] == "succeeded"


def test_a_run_of_another_process_is_cancelled_by_its_id(bench):
    process = bench.start("up", pause_at="test started", behaviour="hangs").paused()
    process.go_on()
    (run,) = bench.runs()
    assert bench.do("cancel", run_id=run["id"])["state"] == "cancelled"
    assert process.result()["reason"] == "cancelled by a person"
    assert bench.leftovers() == []


def test_a_run_whose_process_died_is_cancelled_by_its_id(bench):
    bench.do_until_killed("up", kill_at="document detail")
    (run,) = bench.runs()
    assert bench.do("cancel", run_id=run["id"])["state"] == "cancelled"
    assert bench.leftovers() == []
    assert bench.do("resume", run_id=run["id"])[0]["state"] == "cancelled"
    assert bench.pulls() == []


def test_resume_refuses_a_run_that_is_being_carried_out(bench):
    process = bench.start("up", pause_at="render started").paused()
    (run,) = bench.runs()
    assert "RunBusy" in bench.start("resume", run_id=run["id"]).complaint()
    process.go_on()
    assert process.result()["state"] == "succeeded"


def test_an_app_that_does_not_come_up_ends_the_run_with_the_end_of_its_log(bench):
    result = bench.do("up", behaviour="does not come up")
    assert result["state"] == "failed"
    assert result["reason"] == "deploy: the app ended with code 1\nTraceback: no module named 'nothing'"
    assert (result["branch"], result["pr"]) == (None, None)
    assert bench.branches() == ["main"]
    assert bench.pulls() == []
    assert bench.leftovers() == []
    assert bench.journal()[-1] == "finish finished"


def test_an_app_that_fails_its_tests_is_proposed_with_what_failed(bench):
    result = bench.do("up", behaviour="answers wrong")
    assert result["state"] == "failed"
    assert "tests failed" in result["reason"]
    assert result["pr"]["number"] == 1
    assert [test["name"] for test in result["tests"] if not test["passed"]]
    assert bench.leftovers() == []


@pytest.mark.parametrize("workflow", ["", "{", '{"a": NaN}', "[" * 100_000, '{"hello": "world"}'])
def test_a_file_that_is_no_workflow_leaves_nothing_behind(lone_bench, workflow):
    assert "codegen.errors." in lone_bench.start("up", workflow=workflow).complaint()
    assert not (lone_bench.folder / "data").exists()
    assert lone_bench.branches() == ["main"]


@pytest.mark.long
def test_without_a_url_a_killed_run_goes_on_and_the_last_process_stops_the_embedded_server(lone_bench):
    lone_bench.do_until_killed("up", kill_at="deploy detail")
    assert len(postmasters(lone_bench.folder)) == 1
    assert lone_bench.do("up")["state"] == "succeeded"
    assert postmasters(lone_bench.folder) == []
    assert lone_bench.leftovers() == []


@pytest.mark.long
def test_a_run_that_loses_its_database_stops_and_is_resumed_later(lone_bench):
    process = lone_bench.start("up", pause_at="render detail").paused()
    for postgres in postmasters(lone_bench.folder):
        postgres.kill()
    process.go_on()
    assert "runner.errors.DatabaseUnavailable" in process.complaint()
    (result,) = lone_bench.do("resume")
    assert result["state"] == "succeeded"
    assert len(lone_bench.commits("flowberth/poster")) == 3
    assert lone_bench.leftovers() == []


def test_what_is_recorded_is_json_without_the_file_in_it(bench, database):
    result = bench.do("up")
    with database.begin() as connection:
        row = connection.execute(sa.text("SELECT * FROM flowberth.run WHERE id = :id"), {"id": result["run_id"]})
        (run,) = row.mappings()
    assert run["result"] == result
    assert bytes(run["workflow"]).decode() == POSTER
    assert "workflow" not in run["request"]
