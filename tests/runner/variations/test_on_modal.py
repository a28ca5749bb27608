"""A grid on Modal, with Modal's real client and the real ledger: side by side, paid for by the call, gone afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from modal_proto import api_pb2

from tests.modal.bed import ModalBed
from tests.runner.bench import git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.bench import Bench

GRID = "width=64,128 height=64,96,128"
GONE = (api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_STOPPING)
LOCK = "apps/modal/poster/app.lock.json"


@pytest.fixture
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModalBed]:
    with ModalBed(tmp_path_factory.mktemp("modal")) as running:
        yield running


def allow_containers(bench: Bench, number: int) -> None:
    """As a person does, in the lock on the branch."""
    git(bench.repo, "checkout", "--quiet", "flowberth/poster")
    lock = json.loads((bench.repo / LOCK).read_text())
    lock["scaling"]["max_containers"] = number
    (bench.repo / LOCK).write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")
    git(bench.repo, "commit", "--quiet", "--all", "--message", "Allow more containers")
    git(bench.repo, "checkout", "--quiet", "main")


@pytest.mark.long
def test_a_grid_on_modal_is_killed_goes_on_and_pays_for_each_call(bench: Bench, bed: ModalBed) -> None:
    order: dict[str, Any] = {"modal": bed.environment()}
    assert bench.do("up", target="elsewhere")["branch"] == "flowberth/poster"  # the app that is varied; soon there
    allow_containers(bench, 3)
    bench.do_until_killed("vary", vary=GRID, kill_at="vary detail 3", **order)
    result = bench.do("vary", vary=GRID, **order)  # the same command goes on
    assert (result["state"], result["reason"]) == ("succeeded", None)
    assert result["variations"]["at_once"] == 3
    assert {cell["state"] for cell in result["variations"]["cells"]} == {"made"}
    assert len(bench.runs()) == 2
    money = bench.do("money", run_id=result["run_id"])
    calls = {line["key"]: line for line in money["lines"] if line["what"] == "vary"}
    assert {key.partition("~")[0] for key in calls} == {f"vary-{number}" for number in range(1, 7)}
    assert {line["state"] for line in calls.values()} == {"spent"}
    assert all(float(line["reserved"]) < 0.5 for line in calls.values())
    assert [app.name for app in bed.workspace().apps.values() if app.state not in GONE] == []
    bench.until(lambda: not bed.containers)
    assert bench.leftovers() == []
