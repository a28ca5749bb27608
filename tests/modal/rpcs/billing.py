"""What it has cost, as the test says (`ModalBed.cost`), and what a second costs."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.rpcs.workspaces import environment_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.modal.dispatch import Call
    from tests.modal.world import App

INTERVAL_SECONDS = {"h": 3600, "d": 86400}


@answers("WorkspaceBillingReport")
async def report(
    call: Call, request: api_pb2.WorkspaceBillingReportRequest
) -> AsyncIterator[api_pb2.WorkspaceBillingReportItem]:
    """A row for every app and interval; the last interval only when it lies in the period as a whole."""
    start, end = request.start_timestamp.ToNanoseconds() / 1e9, request.end_timestamp.ToNanoseconds() / 1e9
    seconds = INTERVAL_SECONDS[request.resolution or "d"]
    for app in _of_environments(call, request.environment_ids):
        intervals: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for cost in app.costs:
            began = int(cost.at // seconds * seconds)
            if start // seconds * seconds <= began and began + seconds <= end:
                for resource, usd in cost.resources.items():
                    intervals[began][resource] += usd
        for began, resources in sorted(intervals.items()):
            row = api_pb2.WorkspaceBillingReportItem(
                object_id=app.id,
                description=app.name,
                environment_name=app.environment,
                cost=str(sum(resources.values())),
                cost_by_resource={name: str(usd) for name, usd in resources.items()},
                tags={k: v for k, v in app.tags.items() if k in request.tag_names or "*" in request.tag_names},
            )
            row.interval.FromSeconds(began)
            yield row


@answers("WorkspaceBillingRates")
def rates(call: Call, _: api_pb2.WorkspaceBillingRatesRequest) -> api_pb2.WorkspaceBillingRatesResponse:
    told = {name: str(usd) for name, usd in call.workspace.rates.items()}
    return api_pb2.WorkspaceBillingRatesResponse(rates=told, formatted=str(told))


def _of_environments(call: Call, ids: Iterable[str]) -> list[App]:
    wanted = set(ids)
    return [app for app in call.workspace.apps.values() if not wanted or environment_id(app.environment) in wanted]
