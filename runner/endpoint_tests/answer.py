"""What a test reads of a job's JSON. The endpoint may be of another version, or changed by hand: nothing is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from runner.endpoint_tests.errors import CheckFailed

if TYPE_CHECKING:
    from codegen.model import JsonObject


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)  # unknown fields are a newer runtime's business


class _Output(_Part):
    name: str
    kind: str
    url: str
    filename: str
    media_type: str
    bytes: int


class _Cost(_Part):
    usd: FiniteFloat
    usd_per_second: FiniteFloat
    basis: str
    gpu: str | None


class _Seconds(_Part):
    execution: FiniteFloat
    cold_start: FiniteFloat


class _Job(_Part):
    """The parts of `shared.views.JobView` that tests look at."""

    job: str
    state: str
    seed: int | None
    outputs: list[_Output]
    cost: _Cost
    seconds: _Seconds


def check_shape(body: JsonObject) -> None:
    """Make sure that a job's JSON has what the tests read.

    Raises:
        CheckFailed: it has not; names the fields.
    """
    try:
        _Job.model_validate(body)
    except ValidationError as error:
        faults: list[Any] = [*error.errors(include_url=False)]
        named = [f"{'.'.join(map(str, fault['loc']))[:80]}: {str(fault['msg'])[:80]}" for fault in faults[:3]]
        raise CheckFailed(f"the job's JSON is not as the contract has it: {'; '.join(named)}") from None
