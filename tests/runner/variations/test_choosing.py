"""What variations will take, which of them is recommended, and what adopting one changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.variations.adopting import Adoption, adopted, adoption_of
from runner.variations.asking import ask_for
from runner.variations.choosing import recommend
from runner.variations.errors import BadVariation
from runner.variations.estimate import estimate_of
from runner.variations.files import read_record
from runner.variations.grammar import read_wishes
from runner.variations.grid import make_grid
from runner.variations.words import estimate_words
from tests.runner.variations.apps import INTERFACE, LOCK, PROMPT, cell, record

if TYPE_CHECKING:
    from runner.variations.model import Grid

REPORT = json.dumps({"cost": {"execution_seconds": 2.0}, "cold_start_seconds": 10.0}).encode()


def grid(text: str) -> Grid:
    return make_grid(read_wishes(text), INTERFACE)


def test_the_estimate_is_what_was_measured_times_the_rate_times_the_cells() -> None:
    made = estimate_of(grid("seed=1..4"), INTERFACE, REPORT, usd_per_second=0.0003, at_once=1)
    assert made is not None
    assert (made.seconds, made.usd) == (4 * 2.0 + 10.0, pytest.approx(18 * 0.0003))
    assert estimate_words(made, costs=True) == (
        "about 18 s and $0.0054 (2.00 s a call as last tested, $0.000300 a second)"
    )


def test_twice_the_steps_are_taken_for_twice_as_long_and_every_container_starts_once() -> None:
    made = estimate_of(grid("seed=1,2 steps=20,40"), INTERFACE, REPORT, usd_per_second=0.0003, at_once=3)
    assert made is not None
    assert made.seconds == 2 * (2.0 + 4.0) + 3 * 10.0
    assert made.scaled_by == ("steps",)


def test_containers_that_are_there_whatever_is_called_are_in_the_estimate() -> None:
    made = estimate_of(grid("seed=1"), INTERFACE, REPORT, usd_per_second=0.0003, at_once=1, min_containers=4)
    assert made is not None
    assert made.seconds == 4 * (2.0 + 10.0)
    assert estimate_words(made, costs=True) == (
        "about 48 s and $0.0144 "
        "(2.00 s a call as last tested, and 3 containers more, which the app always has, $0.000300 a second)"
    )
    shared = estimate_of(grid("seed=1..8"), INTERFACE, REPORT, usd_per_second=0.0003, at_once=4, min_containers=4)
    assert shared is not None
    assert (shared.seconds, shared.idle) == (8 * 2.0 + 4 * 10.0, 0)


@pytest.mark.parametrize(
    "report",
    [
        *(None, b"", b"[]", b'{"cost": {"execution_seconds": "2"}}', b'{"cost": {"execution_seconds": -1}}'),
        *(b'{"cost": {"execution_seconds": 1e300}}', b'{"warm_seconds": 1' + b"0" * 400 + b"}"),
    ],
)
def test_without_a_measurement_nothing_is_made_up(report: bytes | None) -> None:
    assert estimate_of(grid("seed=1..4"), INTERFACE, report, usd_per_second=1, at_once=1) is None


@pytest.mark.parametrize("default", [10**400, 1e-300, -20, True, "20", float(2**1000), None])
def test_a_default_that_cannot_be_scales_nothing_beyond_bounds(default: object) -> None:
    odd = {"properties": {"steps": {"type": "integer", "default": default}}}
    made = estimate_of(
        make_grid(read_wishes("steps=1,18446744073709551615"), odd), odd, REPORT, usd_per_second=1, at_once=1
    )
    assert made is None or made.usd < 1e9
    if made is not None:
        assert type(made).model_validate_json(made.model_dump_json()) == made


def app(**files: bytes | None) -> Any:
    committed = {
        "app.lock.json": LOCK.dumps(),
        "prompt.json": json.dumps(PROMPT).encode(),
        "interface.json": json.dumps(INTERFACE).encode(),
        "report.json": REPORT,
        **files,
    }
    return committed.get


def test_more_than_a_run_may_spend_is_refused_with_numbers() -> None:
    wishes = read_wishes("seed=1..64")
    assert ask_for(wishes, app(), budget_usd=1.0, costs=True).grid.size == 64
    with pytest.raises(BadVariation, match=r"64 variations would take about 158 s and \$0.05, and this run may spend"):
        ask_for(wishes, app(), budget_usd=0.04, costs=True)
    assert ask_for(wishes, app(), budget_usd=0.04, costs=False).estimate is not None


def test_an_app_whose_files_are_missing_or_broken_is_not_varied() -> None:
    with pytest.raises(BadVariation, match=r"interface.json is missing from the app's folder; /deploy makes it"):
        ask_for(read_wishes("seed=1"), app(**{"interface.json": None}), budget_usd=1, costs=True)


def test_the_best_score_is_recommended_and_of_those_as_good_the_cheapest() -> None:
    best = recommend(
        [cell(1, score=6.0, usd=0.1), cell(2, score=8.7, usd=0.4, seconds=3.2), cell(3, score=8.1, usd=0.1)]
    )
    assert best is not None
    assert (best.number, best.reason) == (2, "the best score, 8.7 of 10; the next one has 8.1 (3.20 s, $0.400000)")
    near = recommend([cell(1, score=8.7, usd=0.4), cell(2, score=8.5, usd=0.1, seconds=1.0)])
    assert near is not None
    assert (near.number, near.reason) == (
        2,
        "its score, 8.5, is as good as the best, 8.7, and it costs least of those (1.00 s, $0.100000)",
    )


def test_without_scores_the_cheapest_is_recommended_and_said_to_be_just_that() -> None:
    found = recommend([cell(1, usd=0.2, seconds=2), cell(2, usd=0.1, seconds=1), cell(3, state="failed", reason="no")])
    assert found is not None
    assert (found.number, found.reason) == (
        2,
        "the cheapest and quickest of 2 (1.00 s, $0.100000); nothing was scored, so the sheet decides",
    )


def test_what_failed_or_has_a_flaw_is_not_recommended() -> None:
    assert recommend([cell(1, state="failed"), cell(2, flaw="blank", score=9.0)]) is None
    assert recommend([]) is None


def adoption(number: int, text: str, **facts: Any) -> Adoption:
    made = grid(text)
    cells = [cell(each.number, inputs=each.inputs, **facts) for each in made.cells]
    return adoption_of(number, record(made, *cells), INTERFACE)


def test_adopting_sets_every_place_of_an_input_in_the_lock_and_leaves_seeds_alone() -> None:
    found = adoption(4, "seed=1,2 steps=20,30 cfg=7")
    assert [(change.name, change.before, change.after) for change in found.changes] == [("steps", 20, 30)]
    assert (found.seeds, found.others) == (("seed",), ("cfg",))
    lock = adopted(LOCK, found.request, PROMPT)
    assert {(one.node, one.input, one.value, one.because) for one in lock.inputs} == {
        ("2", "steps", 30, "variation 4 was adopted"),
        ("3", "steps", 30, "variation 4 was adopted"),
    }
    assert adopted(lock, found.request, PROMPT) == lock  # twice is once


def test_what_is_the_default_already_or_has_none_is_told() -> None:
    with pytest.raises(BadVariation, match="the app's defaults are those of variation 1 already"):
        adoption(1, "steps=20,30")
    with pytest.raises(BadVariation, match="variation 2 differs in seed only, which has no default"):
        adoption(2, "seed=1,2")


def test_a_variation_that_is_not_there_cannot_be_adopted() -> None:
    made = grid("steps=20,30,40")
    known = record(made, cell(1), cell(2, state="failed", reason="out of memory"), stopped="the limit is used up")
    for number, told in (
        (4, "there is no variation 4; there are 1 to 3"),
        (3, "variation 3 was not made: the limit is used up"),
        (2, "variation 2 failed: out of memory"),
    ):
        with pytest.raises(BadVariation) as refused:
            adoption_of(number, known, INTERFACE)
        assert str(refused.value) == told


def test_more_places_than_one_patch_may_change_are_changed_in_several() -> None:
    many = [str(number) for number in range(25)]
    prompt = {node: {"class_type": "KSampler", "inputs": {"steps": 20}} for node in many}
    interface = {
        "properties": {
            "steps": {
                "type": "integer",
                "default": 20,
                "x-flowberth": {"kind": "integer", "targets": [[node, "steps"] for node in many]},
            }
        }
    }
    made = make_grid(read_wishes("steps=20,30"), interface)
    known = record(made, *(cell(each.number, inputs=each.inputs) for each in made.cells))
    found = adoption_of(2, known, interface)
    assert len(adopted(LOCK, found.request, prompt).inputs) == 25


def test_a_record_that_somebody_has_written_is_read_with_care() -> None:
    good = record(grid("steps=20,30"), cell(1)).model_dump_json().encode()
    assert read_record(good).variations.grid.size == 2
    for data, told in (
        (None, "there are no variations on this branch yet; /vary makes some"),
        (b"{", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b" " * 3_000_000, "3,000,000 bytes"),
        (good.replace(b'"format":1', b'"format":2'), "another version"),
        (good.replace(b'"made"', b'"great"'), "cannot be read"),
        (good.replace(b"2026-01-02T03:04:05Z", b"2026-01-02T03:04:05"), "made_at"),
        (good.replace(b'"run"', b'"evil\\n"'), "cannot be read"),
    ):
        with pytest.raises(BadVariation) as refused:
            read_record(data)
        assert told in str(refused.value)
        assert str(refused.value).isprintable()
