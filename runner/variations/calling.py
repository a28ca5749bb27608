"""One cell: the call, what came of it, and a small picture of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.json_values import as_object
from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.requests import right_inputs
from runner.endpoint_tests.validity import check_output
from runner.variations.making import Made, failed
from runner.variations.model import CellResult
from runner.variations.pictures import picture_of

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from runner.endpoint_tests.endpoint import Answer, Endpoint
    from runner.variations.model import Cell

LONGEST_REASON: Final = 300
"""Characters of why a cell failed."""


def call_cell(endpoint: Endpoint, interface: JsonObject, cell: Cell, *, key: str) -> Made:
    """Make a cell. What the grid does not give is as in the tests: the same in every cell, so that they compare.

    Args:
        endpoint: the app.
        interface: of the app.
        cell: which values.
        key: an app that has made it already answers with that.

    Raises:
        EndpointUnreachable: the app does not answer any more.
    """
    try:
        answer = endpoint.generate({**right_inputs(interface, 0), **cell.inputs}, key=key)
        outputs = [(output, endpoint.download(output)) for output in answer.outputs]
        _check(outputs)
    except CheckFailed as error:
        return Made(result=failed(cell, " ".join(str(error).split())[:LONGEST_REASON]))
    return Made(result=_result(cell, answer), picture=picture_of(outputs))


def _check(outputs: list[tuple[JsonObject, bytes]]) -> None:
    """What is worth nothing is no variation to choose."""
    if not outputs:
        raise CheckFailed("no output at all")
    for output, content in outputs:
        try:
            check_output(output, content)
        except CheckFailed as error:
            raise CheckFailed(f"{output.get('name')} {error}") from None


def _result(cell: Cell, answer: Answer) -> CellResult:
    seconds = float(as_object(answer.body.get("seconds")).get("execution", 0.0))
    rate = float(as_object(answer.body.get("cost")).get("usd_per_second", 0.0))
    return CellResult(
        number=cell.number,
        inputs=cell.inputs,
        state="made",
        seconds=round(seconds, 3),
        usd=round(seconds * rate, 8),
        seed=answer.body.get("seed"),
    )
