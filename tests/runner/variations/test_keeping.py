"""What may be kept of an earlier grid: only what was made, of the very same app, and is on record."""

from __future__ import annotations

from typing import Any

from runner.variations.keeping import MadeOf, kept_of, made_of
from runner.variations.making import Made
from runner.variations.model import Axis, Cell, CellResult, Estimate, Grid, Variations
from runner.variations.words import expected_words

RUN = "run_abcdefghijklmnopqrst"
GRID = Grid(axes=(Axis(name="steps", values=(20, 30, 40)),))
FILES = {"app.lock.json": b"{}", "prompt.json": b"{}", "interface.json": b"{}", "report.json": b"{}"}


def app(*changed: str, target: str = "modal", engine: str = "{}") -> MadeOf:
    files = {**FILES, **dict.fromkeys(changed, b"{ }")}
    return made_of(files.get, target=target, engine=engine)


def ended(cell: Cell, **facts: Any) -> dict[str, Any]:
    result = CellResult.model_validate({"number": cell.number, "inputs": cell.inputs, "state": "made", **facts})
    return Made(result=result, picture=b"\xff\xd8").model_dump(mode="json")


def began(**facts: Any) -> dict[str, Any]:
    return {"grid": GRID.model_dump(mode="json"), "made_of": app().model_dump(mode="json"), "at_once": 1, **facts}


def test_what_was_made_is_kept_with_its_picture_and_what_failed_is_not() -> None:
    results = [began(), ended(GRID.cells[2]), ended(GRID.cells[0], state="failed", reason="out of memory")]
    kept = kept_of(RUN, results, GRID, app())
    assert [(made.result.number, made.picture) for made in kept.cells] == [(3, b"\xff\xd8")]
    assert kept.anew is None


def test_what_the_earlier_run_had_kept_itself_is_kept_on() -> None:
    kept = kept_of(RUN, [began(kept=[ended(GRID.cells[1])]), ended(GRID.cells[0])], GRID, app())
    assert [made.result.number for made in kept.cells] == [1, 2]


def test_of_another_app_nothing_is_kept_and_people_are_told_what_is_another_one() -> None:
    results = [began(), ended(GRID.cells[0])]
    for now, what in (
        (app("app.lock.json"), "app.lock.json"),
        (app("prompt.json", "interface.json"), "interface.json and prompt.json"),
        (app(target="local"), "where it runs"),
        (app(engine='{"url":"http://127.0.0.1:8188"}'), "where it runs"),
    ):
        kept = kept_of(RUN, results, GRID, now)
        assert (kept.cells, kept.anew) == ((), f"{what} is another one than when {RUN} made its variations")
    assert kept_of(RUN, results, GRID, app("report.json")).anew is None
    other = Grid(axes=(Axis(name="steps", values=(20, 30)),))
    assert kept_of(RUN, results, other, app()).cells == ()


def test_what_is_not_on_record_or_cannot_be_read_is_made_anew() -> None:
    unreadable: tuple[list[dict[str, Any]], ...] = (
        [],
        [{}],
        [{"grid": 3}],
        [began(), {"result": "?"}],
        [began(kept=[{"picture": "%"}])],
    )
    for results in unreadable:
        kept = kept_of(RUN, results, GRID, app())
        assert (kept.cells, kept.anew) == ((), f"nothing that can be kept is on record of {RUN}")
    older = began()
    del older["made_of"]
    assert kept_of(RUN, [older, ended(GRID.cells[0])], GRID, app()).cells == ()


def test_people_are_told_what_is_left_to_make() -> None:
    left = Estimate(cells=1, call_seconds=2, start_seconds=1, seconds=3, usd_per_second=0.001, usd=0.003)
    known = Variations(grid=GRID, estimate=left, kept=2)
    assert expected_words(known, costs=True) == (
        "3 variations (3 steps), of which 2 are kept from the run before; the others take "
        "about 3 s and $0.0030 (2.00 s a call as last tested, $0.001000 a second)"
    )
    assert expected_words(known.model_copy(update={"kept": 3}), costs=True) == (
        "3 variations (3 steps), of which 3 are kept from the run before: nothing is left to make"
    )
    anew = Variations(
        grid=GRID, estimate=left, anew=f"app.lock.json is another one than when {RUN} made its variations"
    )
    assert expected_words(anew, costs=False).startswith(
        f"3 variations (3 steps), all made anew, as app.lock.json is another one than when {RUN} made its variations; about"
    )
