"""A run on Modal is cut by `kill -9`, at boundaries between steps and while Modal is at work: Modal's real client, the real
ledger. Whatever is killed, one app is deployed once, nothing is left that is nobody's, and no money is forgotten."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest
from modal_proto import api_pb2

from runner.model import steps_of
from tests.modal.bed import ModalBed
from tests.runner.bench import POSTER, Bench, git

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE = (api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_STOPPING)
HELD_SECONDS = 600.0
"""How late Modal answers whoever is to be killed meanwhile."""
ON_MODAL = ("deploy", "preflight", "test")
STEPS = steps_of("propose", drafts=True)
BOUNDARIES = [f"{step} {when}" for step in STEPS for when in ("started", "finished")]
INSIDE = [f"{step} detail" for step in (*ON_MODAL, "finish")]
WIDE = POSTER.replace('"width": 64', '"width": 64000')
"""ComfyUI makes none so wide: the preflight refuses it, and a second attempt is deployed."""


@dataclass
class Scene:
    """A bench whose runs go to a Modal of the test's own."""

    bench: Bench
    bed: ModalBed
    order: dict[str, Any]
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The ledger's lines as they were seen last."""

    def up(self, **more: Any) -> dict[str, Any]:
        result = self.bench.do("up", **{**self.order, **more})
        self.looks_at_the_ledger(result["run_id"])
        return result

    def begins_anew(self) -> None:
        """With another run."""
        self.known.clear()
        self.bed.calls.clear()

    def is_killed_at(self, event: str, **more: Any) -> None:
        """By itself, once its journal has come so far."""
        self.bench.do_until_killed("up", kill_at=event, **{**self.order, **more})
        self.has_paid_for_what_modal_does()

    def is_killed_while(self, method: str, when: Literal["before", "after"], **more: Any) -> None:
        """Modal has been called, and has not answered: `after` it has done what it was asked for."""
        asked = len(self.bed.called(method))
        self.bed.delay(method, HELD_SECONDS, when=when, times=None)
        running = self.bench.start("up", **{**self.order, **more})
        self.bench.until(lambda: len(self.bed.called(method)) > asked or not running.process.is_alive())
        assert running.process.pid is not None
        os.kill(running.process.pid, signal.SIGKILL)
        assert running.ended() == -signal.SIGKILL, running.err.read_text()
        self.bench.until(lambda: self.bench.leftovers() == self.worktrees())  # what deploys dies with who waits for it
        self.bed.faults.clear()
        self.has_paid_for_what_modal_does()

    def has_paid_for_what_modal_does(self) -> None:
        """Whatever was begun has its line, and no line is gone."""
        (run,) = self.bench.runs()[:1]
        lines = self.looks_at_the_ledger(run["id"])
        begun = {"build": self.bed.called("ImageGetOrCreate"), "preflight": self.bed.called("FunctionMap")}
        assert {what for what, calls in begun.items() if calls} <= {line["what"] for line in lines.values()}

    def looks_at_the_ledger(self, run_id: str) -> dict[str, dict[str, Any]]:
        money = self.bench.do("money", run_id=run_id)
        lines = {line["key"]: line for line in money["lines"]}
        assert all(lines[key]["reserved_at"] == line["reserved_at"] for key, line in self.known.items())
        assert float(money["reserved"]) + float(money["estimated"]) <= float(money["limit"])
        self.known = lines
        return lines

    def live(self) -> list[str]:
        return sorted(app.name for app in self.bed.workspace().apps.values() if app.state not in GONE)

    def deployments(self) -> int:
        return sum(len(app.versions) for app in self.bed.workspace().apps.values())

    def worktrees(self) -> list[str]:
        """What a killed run keeps, to go on with."""
        return [entry for entry in self.bench.leftovers() if not entry.startswith("psutil.Process")]

    def nothing_is_left(self) -> None:
        assert self.live() == []
        assert [volume.name for volume in self.bed.workspace().volumes.values()] == []
        self.bench.until(lambda: not self.bed.containers)
        self.bench.until(lambda: self.bench.leftovers() == [])
        assert {line["state"] for line in self.known.values()} <= {"spent", "released"}


@pytest.fixture
def scene(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ModalBed(tmp_path_factory.mktemp("modal")) as bed:
        yield Scene(bench, bed, {"modal": bed.environment(), "keep": True, "drafts": True})


def assert_ended_as_if_nothing_had_happened(scene: Scene, result: dict[str, Any], *, attempts: int = 1) -> None:
    assert (result["state"], result["attempts"]) == ("succeeded", attempts), result["reason"]
    assert result["endpoint"]
    assert all(test["passed"] for test in result["tests"])
    assert [pull["number"] for pull in scene.bench.pulls()] == [1]
    assert scene.live() == ["poster-pr1"]
    assert scene.deployments() == attempts
    assert {line["state"] for line in scene.known.values()} == {"spent"}
    keys = {key.partition("~")[0] for key in scene.known}
    assert keys == {
        *(f"{what}-{n + 1}" for n in range(attempts) for what in ("build", "preflight")),
        f"test-{attempts}",
    }
    scene.bench.do("cancel", run_id=result["run_id"], **scene.order)
    scene.nothing_is_left()


@pytest.mark.long
@pytest.mark.parametrize("event", [*(event for event in BOUNDARIES if event.startswith(ON_MODAL)), *INSIDE])
def test_a_run_that_is_killed_at_a_step_on_modal_goes_on_there(scene: Scene, event: str) -> None:
    scene.is_killed_at(event)
    assert_ended_as_if_nothing_had_happened(scene, scene.up())


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "when"),
    [
        ("AppCreate", "after"),
        ("ImageJoinStreaming", "before"),
        ("MountPutFile", "before"),
        ("FunctionCreate", "after"),
        ("AppPublish", "before"),
        ("AppPublish", "after"),
        ("FunctionMap", "after"),
        ("FunctionGetOutputs", "before"),
        ("WebhookTokenCreate", "before"),
        ("ContainerCheckpoint", "before"),
    ],
)
def test_a_run_that_is_killed_while_modal_is_at_work_deploys_once(scene: Scene, method: str, when: Any) -> None:
    scene.is_killed_while(method, when)
    assert_ended_as_if_nothing_had_happened(scene, scene.up())


@pytest.mark.long
def test_a_run_that_is_killed_at_every_boundary_in_turn_ends_as_if_nothing_had_happened(scene: Scene) -> None:
    for event in BOUNDARIES:
        scene.is_killed_at(event)
    assert_ended_as_if_nothing_had_happened(scene, scene.up())


@pytest.mark.long
@pytest.mark.parametrize("event", ["diagnose started", "repair started", "repair finished"])
def test_a_run_that_is_killed_while_it_repairs_deploys_each_attempt_once(scene: Scene, event: str) -> None:
    scene.is_killed_at(event, workflow=WIDE)
    result = scene.up(workflow=WIDE)
    assert (result["state"], result["attempts"]) == ("succeeded", 2), result["reason"]
    assert (scene.live(), scene.deployments()) == (["poster-pr1"], 2)
    scene.bench.do("cancel", run_id=result["run_id"], **scene.order)
    scene.nothing_is_left()


@pytest.mark.long
@pytest.mark.parametrize("event", ["AppStop before", "AppStop after"])
def test_a_run_that_is_killed_while_it_takes_its_app_down_leaves_none(scene: Scene, event: Any) -> None:
    method, _, when = event.partition(" ")
    scene.is_killed_while(method, when, keep=False)
    result = scene.up(keep=False)
    assert (result["state"], result["endpoint"]) == ("succeeded", None), result["reason"]
    assert scene.deployments() == 1
    scene.nothing_is_left()


@pytest.mark.long
def test_what_goes_into_production_is_there_once_and_nowhere_else_whatever_is_killed(scene: Scene) -> None:
    scene.up(keep=False)
    git(scene.bench.repo, "merge", "--quiet", "--ff-only", "flowberth/poster")
    merged = git(scene.bench.repo, "rev-parse", "HEAD")
    scene.begins_anew()
    before = scene.deployments()
    scene.is_killed_at("deploy finished", merged=merged)
    assert scene.live() == ["poster-next"]
    scene.is_killed_while("AppPublish", "before", merged=merged)
    scene.is_killed_while("AppPublish", "after", merged=merged)
    assert scene.live() == ["poster", "poster-next"]
    scene.is_killed_while("AppStop", "before", merged=merged)
    result = scene.up(merged=merged)
    assert result["state"] == "succeeded", result["reason"]
    assert scene.live() == ["poster"]
    assert scene.deployments() == before + 2
    scene.bench.do("cancel", run_id=result["run_id"], **scene.order)
    scene.nothing_is_left()


@pytest.mark.long
def test_a_run_that_dies_while_it_deploys_and_is_not_wanted_any_more_leaves_nothing(scene: Scene) -> None:
    scene.is_killed_while("AppPublish", "after")
    assert scene.live() == ["poster-pr1"]
    (run,) = scene.bench.runs()
    ended = scene.bench.do("cancel", run_id=run["id"], **scene.order)
    assert ended["state"] == "cancelled"
    scene.looks_at_the_ledger(run["id"])
    assert {line["state"] for line in scene.known.values()} == {"spent"}
    scene.nothing_is_left()


@pytest.mark.long
def test_what_passes_its_tests_and_cannot_be_put_into_production_is_not_left_beside_it(scene: Scene) -> None:
    scene.up(keep=False)
    git(scene.bench.repo, "merge", "--quiet", "--ff-only", "flowberth/poster")
    merged = git(scene.bench.repo, "rev-parse", "HEAD")
    scene.begins_anew()
    scene.bed.fail("AppPublish", "RESOURCE_EXHAUSTED", message="8 endpoints on this plan", skip=1, times=None)
    result = scene.up(merged=merged)
    assert result["state"] == "failed"
    assert "8 endpoints on this plan" in result["reason"]
    scene.nothing_is_left()


@pytest.mark.long
def test_modal_may_be_away_for_a_moment_while_a_run_takes_its_leave(scene: Scene) -> None:
    scene.is_killed_at("finish started")
    scene.bed.fail("AppGetOrCreate", "INTERNAL", times=1)
    assert_ended_as_if_nothing_had_happened(scene, scene.up())
