"""Money on Modal, seen from outside: only Modal's servers, the forge and ComfyUI are stood in for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from runner.budget.ledger import Ledger
from runner.database import Database
from runner.model import RunId
from runner.tables import ledger_line as line
from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture
from tests.stories.test_modal import deployed, on_modal  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.modal.bed import ModalBed
    from tests.stories.people import People
    from tests.stories.served import Served

pytestmark = pytest.mark.long


@pytest.fixture
def books(own_database_url: str, tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "books", own_database_url) as opened:
        yield opened


def hours_pass(books: Database, hours: int) -> float:
    """For all that was spent so far; when it was, in seconds since 1970."""
    earlier = timedelta(hours=hours)
    moments = {column: column - earlier for column in (line.c.reserved_at, line.c.started_at, line.c.ended_at)}
    with books.begin() as connection:
        connection.execute(sa.update(line).values(moments))
        began = connection.execute(sa.select(sa.func.min(line.c.started_at))).scalar_one()
    return began.timestamp()


def test_the_bill_of_an_hour_is_shown_beside_the_estimate(
    on_modal: Served,  # noqa: F811
    people: People,
    modal_bed: ModalBed,  # noqa: F811
    books: Database,
) -> None:
    issue = people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]
    assert "| all |" in people.do("alice", "GET", f"/pulls/{number}")["body"]
    on_modal.end()
    at = hours_pass(books, 3)
    modal_bed.cost(f"tile-pr{number}", at=at, CPU="0.14", MEMORY="0.03")
    modal_bed.cost(f"tile-pr{number}", at=time.time(), CPU="9.00")  # people use it by now: no run's bill
    on_modal.start()
    body = people.until(lambda: "$0.17 |" in (body := people.do("alice", "GET", f"/pulls/{number}")["body"]) and body)
    assert "The bill comes by the hour" in body
    people.until(lambda: "$0.17 billed so far" in people.bodies(issue)[0])


def test_at_100_per_cent_the_app_is_stopped_and_the_run_ends(
    on_modal: Served,  # noqa: F811
    people: People,
    modal_bed: ModalBed,  # noqa: F811
    books: Database,
) -> None:
    modal_bed.delay("FunctionMap", 30, times=None)  # of the preflight: nothing of it comes back in time
    issue = people.opens_issue("bob")
    people.until(lambda: deployed(modal_bed))

    def spending() -> str | None:
        with books.begin() as connection:
            going_on = (line.c.what == "preflight") & line.c.started_at.is_not(None)
            return connection.execute(sa.select(line.c.run_id).where(going_on)).scalar()

    run_id = RunId(people.until(spending))
    Ledger(books, lambda: datetime.now(UTC)).bill(run_id, "build-1", Decimal("20.01"))
    people.until(lambda: deployed(modal_bed) == [])
    people.until(lambda: people.labels(issue) == ["flowberth:failed"])
    (pull,) = people.pulls()
    (check,) = people.checks(pull["head"]["sha"])
    assert check["conclusion"] == "failure"
    (told,) = people.bodies(issue)
    assert "### ✗ `tile` ran out of budget at: look without a GPU" in told
    assert "> 100 % of the limit of this run, $20.00, are used up." in told
    assert "the limit of this run, $20.00, is used up, so the preflight was stopped" in told
    assert "| building the image |" in people.do("alice", "GET", f"/pulls/{pull['number']}")["body"]
    with books.begin() as connection:
        states = connection.scalars(sa.select(line.c.state).where(line.c.run_id == run_id)).all()
    assert set(states) == {"billed", "spent"}
    assert not [app for app in modal_bed.workspace("acme").apps.values() if app.is_deployed]
