"""One cell: the call, what came of it, and a small picture of that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from codegen.json_values import as_list, as_object
from runner.documents.markdown import line
from runner.endpoint_tests.errors import CheckFailed, MayGoOn
from runner.endpoint_tests.quality import Found, Wanted, assess
from runner.endpoint_tests.requests import MAX_SEED, right_inputs
from runner.endpoint_tests.validity import check_output
from runner.variations.making import Made, failed
from runner.variations.model import CellResult
from runner.variations.pictures import picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.model import JsonObject
    from runner.endpoint_tests.endpoint import Answer, Endpoint
    from runner.variations.model import Cell, Value

LONGEST_REASON: Final = 300
"""Characters of why a cell failed."""
MOST_PER_SECOND: Final = 1.0
"""US dollars. No hardware costs so much: what says more is a number of nobody's."""
log = logging.getLogger(__name__)


class Called(NamedTuple):
    """The app that is called, and what its outputs are held to."""

    endpoint: Endpoint
    interface: JsonObject
    wanted: Wanted
    within: float
    """Seconds that a call may take, with the start of a container."""


def call_cell(app: Called, cell: Cell, *, key: str) -> Made:
    """Make a cell. What the grid does not give is as in the tests: the same in every cell, so that they compare.

    Args:
        app: which.
        cell: which values.
        key: an app that has made it already answers with that.

    Raises:
        EndpointUnreachable: the app does not answer any more.
        MayGoOn: it takes too long, and is not known to have ended.
    """
    try:
        answer = app.endpoint.generate({**right_inputs(app.interface, 0), **cell.inputs}, key=key, within=app.within)
        outputs = [(output, app.endpoint.download(output)) for output in answer.outputs]
        _check(outputs)
    except MayGoOn:
        raise
    except CheckFailed as error:
        return failed_call(cell, error)
    return _looked_at(app, cell, outputs, _result(app, cell, answer))


def failed_call(cell: Cell, error: CheckFailed) -> Made:
    """A cell that nothing came of, with why."""
    return Made(result=failed(cell, line(str(error), LONGEST_REASON)))


def _looked_at(app: Called, cell: Cell, outputs: list[tuple[JsonObject, bytes]], result: CellResult) -> Made:
    """With a score and a picture, as far as both can be had: what was made is paid for, whatever is wrong with them."""
    try:
        score, flaw = _judged(app, cell, outputs)
        result = result.model_copy(update={"score": score, "flaw": flaw})
        return Made(result=result, picture=picture_of(outputs))
    except Exception:  # of decoders, on files that a stranger's nodes have made
        log.exception("variation %d cannot be looked at", cell.number)
        return Made(result=result)


def _check(outputs: list[tuple[JsonObject, bytes]]) -> None:
    """What is worth nothing is no variation to choose."""
    if not outputs:
        raise CheckFailed("no output at all")
    for output, content in outputs:
        try:
            check_output(output, content)
        except CheckFailed as error:
            raise CheckFailed(f"{output.get('name')} {error}") from None


def _judged(app: Called, cell: Cell, outputs: list[tuple[JsonObject, bytes]]) -> tuple[float | None, str | None]:
    """The score of the worst output, and the first measure that is below its limit."""
    prompt = with_values(app.wanted.prompt, app.interface, cell.inputs)
    found = [
        Found(
            name=str(output["name"]),
            kind=str(output["kind"]),
            node=str(output.get("node", "")),
            filename=str(output["filename"]),
            media_type=str(output["media_type"]),
            content=content,
        )
        for output, content in outputs
    ]
    judged = assess(found, app.wanted.model_copy(update={"prompt": prompt}))
    flaws = [
        line(f"{one.output}: {each.name} has {each.score:.1f} of 10: {each.detail}", LONGEST_REASON)
        for one in judged
        for each in one.measures
        if not each.passed
    ]
    return min((one.score for one in judged), default=None), next(iter(flaws), None)


def with_values(prompt: JsonObject, interface: JsonObject, inputs: Mapping[str, Value]) -> JsonObject:
    """The prompt with what callers give, at the places that the interface names."""
    properties = as_object(interface.get("properties"))
    changed = dict(prompt)
    for name, value in inputs.items():
        for target in as_list(as_object(as_object(properties.get(name)).get("x-flowberth")).get("targets")):
            node, key = map(str, as_list(target)[:2])
            if node in changed:
                before = as_object(changed[node])
                changed[node] = {**before, "inputs": {**as_object(before.get("inputs")), key: value}}
    return changed


def _result(app: Called, cell: Cell, answer: Answer) -> CellResult:
    """As the app says, as far as that can be."""
    said, seed = float(as_object(answer.body.get("seconds")).get("execution", 0.0)), answer.body.get("seed")
    seconds = min(max(said, 0.0), app.within)
    rate = min(max(float(as_object(answer.body.get("cost")).get("usd_per_second", 0.0)), 0.0), MOST_PER_SECOND)
    return CellResult(
        number=cell.number,
        inputs=cell.inputs,
        state="made",
        seconds=round(seconds, 3),
        usd=round(seconds * rate, 8),
        seed=seed if isinstance(seed, int) and 0 <= seed <= MAX_SEED else None,
    )
