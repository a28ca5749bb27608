"""Calls side by side: handed over as they end, fewer at once when money is short, and no app is asked for ever."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.budget.errors import DoesNotFit, UsedUp
from runner.errors import EndpointUnreachable
from runner.variations.making import Made, Making
from runner.variations.model import Axis, Cell, CellResult, Grid

if TYPE_CHECKING:
    from collections.abc import Callable

GRID = Grid(axes=(Axis(name="seed", values=(1, 2, 3, 4, 5, 6)),))
PATIENCE_SECONDS = 10


def made(cell: Cell) -> Made:
    return Made(result=CellResult(number=cell.number, inputs=cell.inputs, state="made"))


def too_dear() -> DoesNotFit:
    return DoesNotFit("run", Decimal(20), spent=Decimal(19), reserved=Decimal(0), asked=Decimal(2), what="vary")


def all_of(call: Callable[[Cell], Made], at_once: int, revive: Callable[[], None] = lambda: None) -> list[CellResult]:
    with Making(GRID.cells, call, at_once=at_once, revive=revive) as making:
        return [making.next().result for _ in GRID.cells]


def test_as_many_as_may_are_under_way_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def call(cell: Cell) -> Made:
        together.wait(PATIENCE_SECONDS)  # broken, unless three come
        return made(cell)

    assert sorted(result.number for result in all_of(call, 3)) == [1, 2, 3, 4, 5, 6]


def test_where_the_money_is_not_enough_for_two_at_once_it_goes_on_with_one() -> None:
    purse = threading.Semaphore(1)

    def call(cell: Cell) -> Made:
        if not purse.acquire(blocking=False):
            raise too_dear()
        paid.wait(PATIENCE_SECONDS)
        purse.release()
        return made(cell)

    paid = threading.Event()
    timer = threading.Timer(0.05, paid.set)
    timer.start()
    assert sorted(result.number for result in all_of(call, 3)) == [1, 2, 3, 4, 5, 6]
    timer.join()


def test_what_is_under_way_is_handed_over_before_it_ends_for_want_of_money() -> None:
    def call(cell: Cell) -> Made:
        if cell.number > 2:
            raise too_dear()
        return made(cell)

    with Making(GRID.cells, call, at_once=3, revive=lambda: None) as making:
        assert {making.next().result.number for _ in range(2)} == {1, 2}
        with pytest.raises(DoesNotFit):
            making.next()


def test_an_app_that_dies_is_brought_back_and_the_cell_that_kills_it_twice_has_failed() -> None:
    lives: list[int] = []

    def call(cell: Cell) -> Made:
        if cell.number == 3:
            raise EndpointUnreachable("POST /generate was not answered: connection reset")
        return made(cell)

    results = {result.number: result for result in all_of(call, 1, revive=lambda: lives.append(1))}
    assert [number for number, result in sorted(results.items()) if result.state == "failed"] == [3]
    assert results[3].reason == (
        "the app stopped answering, 2 times: POST /generate was not answered: connection reset"
    )
    assert lives == [1, 1]


def test_others_that_were_under_way_when_the_app_died_are_made_again() -> None:
    alive = threading.Event()
    both = threading.Barrier(2)

    def call(cell: Cell) -> Made:
        if not alive.is_set():
            both.wait(PATIENCE_SECONDS)
            raise EndpointUnreachable("gone")
        return made(cell)

    assert {result.state for result in all_of(call, 2, revive=alive.set)} == {"made"}


def test_what_ends_the_run_ends_the_calls() -> None:
    def call(_: Cell) -> Made:
        raise UsedUp("the limit is used up")

    with Making(GRID.cells, call, at_once=2, revive=lambda: None) as making, pytest.raises(UsedUp):
        making.next()
