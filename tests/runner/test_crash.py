"""A run is cut by `kill -9` at every boundary between steps, and inside each of them."""

from __future__ import annotations

import pytest

from runner.model import steps_of
from tests.runner.bench import OTHER

COMMITS = [
    "Vendor the Flowberth runtime",
    "Add poster: generated app",
    "Test poster: report, sample and knowledge-base entry",
]
STEPS = steps_of("propose", drafts=True)
CUT_ALWAYS = {(step, "started") for step in STEPS[::2]} | {("deploy", "finished"), ("propose", "finished")}
"""In every suite; what is left takes minutes."""
EVENTS = [
    pytest.param(f"{step} {when}", marks=[] if (step, when) in CUT_ALWAYS else [pytest.mark.long])
    for step in STEPS
    for when in ("started", "detail", "finished")
]


def assert_ended_as_if_nothing_had_happened(bench, result) -> None:
    assert result["state"] == "succeeded", result["reason"]
    assert all(test["passed"] for test in result["tests"])
    assert bench.branches() == ["flowberth/poster", "main"]
    assert [subject.partition(" runtime ")[0] for subject in bench.commits("flowberth/poster")][1:] == COMMITS[1:]
    assert bench.commits("flowberth/poster")[0].startswith(COMMITS[0])
    assert len(bench.commits("flowberth/poster")) == len(COMMITS)
    assert [(pull["number"], pull["state"], pull["head"]) for pull in bench.pulls()] == [
        (1, "open", "flowberth/poster")
    ]
    assert result["pr"]["number"] == 1
    assert result["commit"] in bench.heads()
    assert bench.leftovers() == []


@pytest.mark.parametrize("event", EVENTS)
def test_a_killed_run_goes_on_at_the_step_it_was_in(bench, event):
    bench.do_until_killed("up", kill_at=event, drafts=True)
    assert bench.journal()[-1] == event
    killed_in, before = event.partition(" ")[0], list(STEPS[: STEPS.index(event.partition(" ")[0])])
    (killed,) = bench.runs()
    assert (killed["state"], killed["step"]) == ("running", killed_in)

    # Either command goes on with it.
    result = (
        bench.do("up", drafts=True)
        if event.endswith("started")
        else bench.do("resume", run_id=killed["id"], drafts=True)[0]
    )

    assert result["run_id"] == killed["id"]
    assert_ended_as_if_nothing_had_happened(bench, result)
    starts = [entry.partition(" ")[0] for entry in bench.journal() if entry.endswith("started")]
    assert starts == [*before, killed_in, *STEPS[len(before) :]]  # once each, and twice the one that was cut
    (record,) = bench.runs()
    assert record["state"] == "succeeded"


@pytest.mark.long
def test_a_run_that_is_killed_again_and_again_still_ends_well(bench):
    for event in (f"{step} detail" for step in STEPS[::2]):
        bench.do_until_killed("up", kill_at=event, drafts=True)
    assert_ended_as_if_nothing_had_happened(bench, bench.do("up", drafts=True))


def test_after_a_crash_another_file_of_that_name_starts_anew_and_cleans_up(bench):
    bench.do_until_killed("up", kill_at="test detail")
    other = bench.do("up", workflow=OTHER)
    assert_ended_as_if_nothing_had_happened(bench, other)
    states = {run["id"]: (run["state"], run["reason"]) for run in bench.runs()}
    assert states.pop(other["run_id"]) == ("succeeded", None)
    assert list(states.values()) == [("cancelled", "superseded by a newer run")]
