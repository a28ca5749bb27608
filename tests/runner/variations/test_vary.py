"""A grid made through the deployed app: what is committed, what is told, and what a crash or an empty purse leaves."""

from __future__ import annotations

import io
import json
import re
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from runner.budget.errors import OverBudget
from runner.budget.ledger import Ledger
from runner.model import RunId
from tests.runner.bench import OTHER, git

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.database import Database
    from tests.runner.bench import Bench

BRANCH = "flowberth/poster"
GRID = "width=64,128 height=64,96,128"


def committed(bench: Bench, path: str) -> bytes:
    shown = subprocess.run(
        ["git", "show", f"{BRANCH}:apps/modal/poster/{path}"], cwd=bench.repo, check=True, capture_output=True
    )
    return shown.stdout


def record(bench: Bench) -> Any:
    return json.loads(committed(bench, "variations/variations.json"))


def lines(bench: Bench, run_id: str) -> dict[str, str]:
    """What the run has paid for, and how that stands."""
    money = bench.do("money", run_id=run_id)
    return {line["key"]: line["state"] for line in money["lines"] if line["what"] == "vary"}


def paid_lines(bench: Bench, result: Any) -> list[Any]:
    money = bench.do("money", run_id=result["run_id"])
    return [line for line in money["lines"] if line["what"] == "vary"]


def edited(bench: Bench, file: str, edit: Callable[[Any], object]) -> str:
    """Somebody edits and pushes to the branch meanwhile; the commit."""
    git(bench.repo, "checkout", "--quiet", BRANCH)
    path = bench.repo / "apps/modal/poster" / file
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    git(bench.repo, "commit", "--quiet", "--all", "--message", f"Edit {file}")
    commit = git(bench.repo, "rev-parse", "HEAD")
    git(bench.repo, "checkout", "--quiet", "main")
    return commit


@pytest.mark.long
def test_a_grid_is_made_told_and_put_on_a_sheet_in_one_commit(bench: Bench) -> None:
    bench.do("up")
    before = bench.commits(BRANCH)
    result = bench.do("vary", vary=GRID)
    assert (result["state"], result["reason"], result["branch"]) == ("succeeded", None, BRANCH)
    variations = result["variations"]
    assert [cell["inputs"] for cell in variations["cells"]] == [
        {"width": width, "height": height} for width in (64, 128) for height in (64, 96, 128)
    ]
    assert {cell["state"] for cell in variations["cells"]} == {"made"}
    assert variations["estimate"]["cells"] == 6
    assert variations["sheet"].endswith("apps/modal/poster/variations/sheet.jpg")
    assert bench.commits(BRANCH) == [*before, "Vary poster: 6 of 6 variations made"]
    kept = record(bench)
    assert kept["variations"]["cells"] == variations["cells"]
    assert (kept["app"], kept["run"]) == ("poster", result["run_id"])
    sheet = Image.open(io.BytesIO(committed(bench, "variations/sheet.jpg")))
    assert sheet.width > sheet.height  # three beside each other, in two rows
    told = bench.runs()[0]["progress"]["variations"]
    assert told["cells"] == variations["cells"]
    assert bench.leftovers() == []


@pytest.mark.long
def test_a_killed_run_goes_on_with_what_is_missing_and_pays_for_nothing_twice(bench: Bench) -> None:
    bench.do("up", target="elsewhere")
    bench.do_until_killed("vary", vary=GRID, target="elsewhere", kill_at="vary detail 4")
    killed = bench.runs()[0]
    assert killed["state"] == "running"
    assert len(killed["progress"]["variations"]["cells"]) >= 2
    (result,) = bench.do("resume", target="elsewhere")
    assert (result["run_id"], result["state"]) == (killed["id"], "succeeded")
    before = {cell["number"]: cell for cell in killed["progress"]["variations"]["cells"]}
    after = {cell["number"]: cell for cell in result["variations"]["cells"]}
    assert {number: after[number] for number in before} == before  # whose seeds are random: they were not made again
    assert lines(bench, result["run_id"]) == {f"vary-{number}": "spent" for number in range(1, 7)}
    assert bench.commits(BRANCH).count("Vary poster: 6 of 6 variations made") == 1
    assert bench.leftovers() == []


@pytest.mark.long
@pytest.mark.parametrize("kill_at", ["vary finished", "deploy detail", "document detail", "document finished"])
def test_wherever_it_is_killed_there_is_one_commit_in_the_end(bench: Bench, kill_at: str) -> None:
    bench.do("up", target="elsewhere")
    bench.do_until_killed("vary", vary=GRID, target="elsewhere", kill_at=kill_at)
    (result,) = bench.do("resume", target="elsewhere")
    assert result["state"] == "succeeded"
    assert bench.commits(BRANCH).count("Vary poster: 6 of 6 variations made") == 1
    assert set(lines(bench, result["run_id"])) == {f"vary-{number}" for number in range(1, 7)}


@pytest.mark.long
def test_when_the_money_ends_what_there_is_is_shown(bench: Bench, database: Database) -> None:
    bench.do("up", target="elsewhere")
    going_on = bench.start("vary", vary=GRID, target="elsewhere", pause_at="vary detail 4").paused()
    run_id = RunId(bench.runs()[0]["id"])
    Ledger(database, lambda: datetime.now(UTC)).bill(run_id, "build-1", Decimal("20.50"))
    going_on.go_on()
    result = going_on.result()
    assert (result["state"], result["endpoint"]) == ("over-budget", None)
    assert "making a variation" in result["reason"]
    made = result["variations"]["cells"]
    assert 0 < len(made) < 6
    assert record(bench)["variations"]["stopped"] == result["variations"]["stopped"] == result["reason"]
    assert bench.commits(BRANCH)[-1] == f"Vary poster: {len(made)} of 6 variations made"
    assert bench.leftovers() == []


@pytest.mark.long
def test_all_containers_that_run_beside_one_call_are_paid_for(bench: Bench) -> None:
    bench.do("up", target="elsewhere")
    few = bench.do("vary", vary="width=64", target="elsewhere")
    edited(bench, "app.lock.json", lambda lock: lock["scaling"].update(min_containers=4, max_containers=4))
    many = bench.do("vary", vary="width=64", target="elsewhere")
    (one,), (four,) = paid_lines(bench, few), paid_lines(bench, many)
    assert Decimal(four["reserved"]) == pytest.approx(4 * Decimal(one["reserved"]), abs=Decimal("0.00001"))
    assert Decimal(four["usd_per_second"]) == 4 * Decimal(one["usd_per_second"])


def test_what_is_pushed_between_the_question_and_the_run_is_not_varied_in_its_place(bench: Bench) -> None:
    bench.do("up")
    asked = git(bench.repo, "rev-parse", BRANCH)
    pushed = edited(bench, "app.lock.json", lambda lock: lock["scaling"].update(scaledown_window_seconds=30))
    result = bench.do("vary", vary="width=64", commit=asked)
    assert result["state"] == "failed"
    assert result["reason"] == (
        f"vary: {BRANCH} has moved since: it was at {asked[:10]} when this was asked for, and is at {pushed[:10]} now; "
        "comment `/vary` again to vary what is there"
    )
    assert git(bench.repo, "rev-parse", BRANCH) == pushed
    first = bench.do("vary", vary="width=64", commit=pushed)
    assert first["state"] == "succeeded"
    assert git(bench.repo, "rev-parse", f"{BRANCH}^") == pushed
    again = bench.do("vary", vary="width=64,128", commit=pushed)  # as after /retry: only variations are new there
    assert again["state"] == "succeeded"
    assert bench.leftovers() == []


@pytest.mark.long
@pytest.mark.parametrize("move", ["forward", "back"])
def test_what_is_pushed_while_it_varies_stays_as_it_was_pushed(bench: Bench, move: str) -> None:
    bench.do("up")
    asked = git(bench.repo, "rev-parse", BRANCH)
    going_on = bench.start("vary", vary="width=64", commit=asked, pause_at="document started").paused()
    if move == "forward":
        there = edited(bench, "app.lock.json", lambda lock: lock["scaling"].update(scaledown_window_seconds=30))
    else:
        there = git(bench.repo, "rev-parse", f"{BRANCH}^")
        git(bench.repo, "branch", "--force", BRANCH, there)
    going_on.go_on()
    result = going_on.result()
    assert result["state"] == "failed"
    assert result["reason"].startswith(f"document: {BRANCH} ")
    assert git(bench.repo, "rev-parse", BRANCH) == there


@pytest.mark.long
def test_a_call_that_nobody_can_end_is_paid_for_to_the_end(bench: Bench) -> None:
    bench.do("up", target="elsewhere")
    edited(bench, "app.lock.json", lambda lock: lock["timeouts"].update(startup_seconds=1, execution_seconds=1))
    result = bench.do("vary", vary="width=64,128", target="elsewhere", behaviour="hangs")
    assert result["state"] == "failed"
    assert [cell["reason"] for cell in result["variations"]["cells"]] == ["POST /generate was not answered in time"] * 2
    for line in paid_lines(bench, result):
        assert (line["state"], line["estimated"]) == ("spent", line["reserved"])


@pytest.mark.long
def test_it_is_cancelled_like_any_run(bench: Bench) -> None:
    bench.do("up")
    going_on = bench.start("vary", vary=GRID, behaviour="hangs")
    bench.until(lambda: bench.journal().count("vary started") == 2)
    bench.do("cancel", run_id=bench.runs()[0]["id"])
    assert going_on.result()["state"] == "cancelled"
    assert bench.leftovers() == []


@pytest.mark.long
def test_an_app_that_answers_wrong_gives_failed_cells_and_no_sheet(bench: Bench) -> None:
    bench.do("up")
    result = bench.do("vary", vary="width=64,128", behaviour="answers wrong")
    assert result["state"] == "failed"
    assert result["reason"].startswith("vary: none of the 2 variations could be made: POST /generate answered 500")
    assert {cell["state"] for cell in result["variations"]["cells"]} == {"failed"}


@pytest.mark.long
def test_it_does_not_end_another_run_of_the_app(bench: Bench) -> None:
    bench.do("up")
    bench.do_until_killed("up", workflow=OTHER, kill_at="deploy started")
    interrupted = bench.runs()[0]
    complaint = bench.start("vary", vary="width=64,128").complaint()
    assert f"{interrupted['id']} of poster has not ended" in complaint
    assert bench.runs()[0]["state"] == "running"
    (result,) = bench.do("resume")
    assert result["run_id"] == interrupted["id"]
    assert bench.do("vary", vary="width=64,128", workflow=OTHER)["state"] == "succeeded"


@pytest.mark.long
def test_what_a_run_has_made_is_kept_when_it_is_tried_again(bench: Bench) -> None:
    bench.do("up", target="elsewhere")
    bench.do_until_killed("vary", vary=GRID, target="elsewhere", kill_at="vary detail 4")
    first = bench.runs()[0]
    bench.do("cancel", run_id=first["id"])
    known = {cell["number"]: cell for cell in first["progress"]["variations"]["cells"]}
    assert 0 < len(known) < 6

    second = bench.do("vary", vary=GRID, target="elsewhere", again=first["id"], budget_usd=19)
    assert (second["state"], second["reason"]) == ("succeeded", None)
    cells = {cell["number"]: cell for cell in second["variations"]["cells"]}
    assert set(cells) == set(range(1, 7))
    # One more may have ended, and be on record, than people were told of.
    assert second["variations"]["kept"] in (len(known), len(known) + 1)
    assert {number: cells[number] for number in known} == known
    paid = lines(bench, second["run_id"])
    assert len(paid) == 6 - second["variations"]["kept"]
    assert not {f"vary-{number}" for number in known} & set(paid)
    assert second["variations"]["estimate"]["cells"] == len(paid)
    sheet = Image.open(io.BytesIO(committed(bench, "variations/sheet.jpg")))
    assert sheet.width > sheet.height

    third = bench.do("vary", vary=GRID, target="elsewhere", again=second["run_id"], budget_usd=18)
    assert (third["state"], third["variations"]["kept"], third["engine"]) == ("succeeded", 6, second["engine"])
    assert third["variations"]["cells"] == second["variations"]["cells"]
    assert bench.do("money", run_id=third["run_id"])["lines"] == []  # nothing was left to make, nothing was deployed

    edited(bench, "app.lock.json", lambda lock: lock["scaling"].update(scaledown_window_seconds=30))
    fourth = bench.do("vary", vary=GRID, target="elsewhere", again=third["run_id"], budget_usd=17)
    assert fourth["variations"]["kept"] == 0
    assert fourth["variations"]["anew"] == (
        f"app.lock.json is another one than when {third['run_id']} made its variations"
    )
    assert len(lines(bench, fourth["run_id"])) == 6
    assert bench.leftovers() == []


@pytest.mark.long
def test_what_failed_is_made_again(bench: Bench) -> None:
    bench.do("up")
    first = bench.do("vary", vary="width=64,128", behaviour="answers wrong")
    assert first["state"] == "failed"
    second = bench.do("vary", vary="width=64,128", again=first["run_id"])
    assert (second["state"], second["variations"]["kept"], second["variations"]["anew"]) == ("succeeded", 0, None)
    assert {cell["state"] for cell in second["variations"]["cells"]} == {"made"}


@pytest.mark.long
def test_a_grid_that_does_not_fit_below_the_limits_begins_nothing(bench: Bench) -> None:
    bench.do("up", target="elsewhere")
    result = bench.do("vary", vary=GRID, target="elsewhere", budget_usd=0.5)
    assert result["state"] == "over-budget"
    assert "variations" not in result
    assert re.match(
        r"vary: making the variations needs \$[\d.]+, which does not fit below the limit of this run, \$0.5: \$0.00 spent;",
        result["reason"],
    )
    assert bench.do("money", run_id=result["run_id"])["lines"] == []
    assert bench.journal().count("deploy started") == 1  # of `up`


@pytest.mark.long
def test_what_a_grid_needs_is_held_while_it_is_made_and_given_back(bench: Bench, database: Database) -> None:
    bench.do("up", target="elsewhere")
    going_on = bench.start("vary", vary=GRID, target="elsewhere", pause_at="vary detail 3").paused()
    run_id = bench.runs()[0]["id"]
    (held,) = [line for line in bench.do("money", run_id=run_id)["lines"] if line["key"] == "variations"]
    assert held["state"] == "reserved"
    assert Decimal(held["reserved"]) > 0
    ledger = Ledger(database, lambda: datetime.now(UTC))
    with pytest.raises(OverBudget):
        ledger.reserve(RunId(run_id), "other", 20 - Decimal(held["reserved"]), what="test")
    going_on.go_on()
    result = going_on.result()
    assert result["state"] == "succeeded"
    money = bench.do("money", run_id=run_id)
    assert {line["key"]: line["state"] for line in money["lines"] if line["what"] == "variations"} == {
        "variations": "released"
    }
    assert Decimal(money["reserved"]) == 0
