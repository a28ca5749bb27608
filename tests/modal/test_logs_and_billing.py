"""What is read of an app that runs."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import modal
import pytest

from tests.modal.cli import modal as command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long

APP = """\
import modal

app = modal.App("plain", tags={"run": "17"})


@app.function(image=modal.Image.debian_slim())
def nothing():
    pass
"""


def test_logs_are_fetched_from_the_end_by_time_and_as_they_come(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    app, now = deploy(APP), time.time()
    for second in range(5):
        modal_bed.log("plain", f"line {second}\n", at=now - 60 + second, source=1 + second % 2)
    assert [line.message for line in app.logs.tail(2)] == ["line 3\n", "line 4\n"]
    since = datetime.fromtimestamp(now - 90, UTC)
    assert [line.message for line in app.logs.fetch(since=since, source="stderr")] == ["line 1\n", "line 3\n"]
    assert [line.message for line in app.logs.fetch(since=since, search_text="2")] == ["line 2\n"]
    modal_bed.fail("AppGetLogs", "UNAVAILABLE")  # the stream goes on
    told = []
    for line in app.logs.stream(timeout=5):
        told.append(line.message)
        if len(told) == 5:
            threading.Thread(target=modal_bed.log, args=("plain", "late\n")).start()
        if line.message == "late\n":
            break
    assert told == [*(f"line {second}\n" for second in range(5)), "late\n"]


def test_the_bill_comes_by_the_hour(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    app = deploy(APP)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    modal_bed.cost("plain", at=hour.timestamp() + 60, L40S="0.51", CPU="0.02")
    modal_bed.cost("plain", at=hour.timestamp() + 900, L40S="0.09")
    modal_bed.cost("plain", L40S="7.00")  # of the hour that is not over
    billing = modal.Workspace.from_context(client=client).billing
    (row,) = billing.report(start=hour, resolution="h", tag_names=["run"])
    assert (row.object_id, row.cost, row.tags) == (app.app_id, Decimal("0.62"), {"run": "17"})
    assert row.cost_by_resource == {"L40S": Decimal("0.60"), "CPU": Decimal("0.02")}
    assert billing.rates()["L40S"] == Decimal("0.000542")


def test_versions_and_tags_are_told(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[..., modal.App]
) -> None:
    deploy(APP, tag="one")
    app = deploy(APP, tag="two")
    told = command(modal_bed.environment(), "app", "history", "plain", "--json").stdout
    assert told.index('"two"') < told.index('"one"')
    app.set_tags({"run": "18"})
    assert modal.App.lookup("plain", client=client).get_tags() == {"run": "18"}
    app.stop()
    assert app.info(refresh=True).lifecycle.state.value == "stopped"
