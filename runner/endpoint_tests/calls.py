"""Tests that run the workflow. Later ones look at what the earlier ones got."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.quality import Found, Wanted, assess, verdict
from runner.endpoint_tests.requests import declared_outputs, right_inputs, seeds, varied
from runner.endpoint_tests.sample import make_sample
from runner.endpoint_tests.validity import check_output
from runner.model import Cost, OutputQuality, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject
    from runner.endpoint_tests.endpoint import Answer, Endpoint

ROUNDING = 2e-6
"""Costs are rounded to eight places in one place and to milliseconds in another."""
CACHED_PART = 0.2
"""Of the time that a call takes, below which the same call again was answered from a cache."""
TELLING_SECONDS = 1.0
"""A call that takes less says nothing by taking still less."""
CLOCK_SECONDS = 0.5
"""The app's clock and ours may differ by this over a request."""


class Calls:
    """Each call is another variant than the one before: ComfyUI answers an identical one from its cache."""

    def __init__(self, endpoint: Endpoint, interface: JsonObject) -> None:
        self._endpoint = endpoint
        self._interface = interface
        self._first: Answer | None = None
        self._warm: Answer | None = None
        self._repeat: Answer | None = None
        self._outputs: list[tuple[JsonObject, bytes]] = []
        self._valid: list[int] = []
        """Indices of outputs that have something in them."""
        self.quality: tuple[OutputQuality, ...] = ()

    def first(self) -> str:
        """The workflow runs and gives every output that the interface declares."""
        answer = self._generate(0)
        missing = [name for name in declared_outputs(self._interface) if not _named(answer, name)]
        if missing or not answer.outputs:
            raise CheckFailed(f"no output {', '.join(missing) or 'at all'}")
        self._first = answer
        count = len(answer.outputs)
        cold = f", and {self.cold_start_seconds:.2f} s to start before" if self.cold_start_seconds else ""
        return f"{count} output{'' if count == 1 else 's'} in {answer.seconds:.2f} s{cold}"

    def validity(self) -> str:
        """Every output is of its kind and has something in it."""
        answer = self._of(self._first)
        self._outputs = [(output, self._endpoint.download(output)) for output in answer.outputs]
        words: list[str] = []
        faults: list[str] = []
        self._valid = []
        for index, (output, content) in enumerate(self._outputs):
            try:
                words.append(f"{output['name']}: {check_output(output, content)}")
                self._valid.append(index)
            except CheckFailed as error:
                faults.append(f"{output['name']} {error}")
        declared = declared_outputs(self._interface)
        for name, facts in declared.items():
            kinds = sorted({str(output["kind"]) for output in _named(answer, name)})
            if facts["kind"] not in {"file", *kinds}:
                faults.append(f"{name} is {' and '.join(kinds)}, not {facts['kind']}")
        if faults:
            raise CheckFailed("; ".join(faults))
        return "; ".join(words)

    def again(self) -> str:
        """A second, different call, now that everything is loaded."""
        first = self._of(self._first)
        warm = self._warm = self._generate(1)
        changed = varied(self._interface)
        words = f"with another {changed or 'seed'}"
        if changed is None and not seeds(self._interface):
            return f"{warm.seconds:.2f} s warm, perhaps from ComfyUI's cache: nothing can be set"
        same = self._contents(first) == self._contents(warm)
        return f"{warm.seconds:.2f} s warm {words}{', which made no difference' if same else ''}"

    def cost_headers(self) -> str:
        """The headers of a result agree with each other, with the body and with the clock."""
        answer = self._of(self._warm or self._first)
        headers = answer.headers
        usd = _number(headers, "x-flowberth-cost-usd")
        execution = _number(headers, "x-flowberth-execution-seconds")
        cold = _number(headers, "x-flowberth-cold-start-seconds")
        if headers.get("x-flowberth-cost-basis") not in {"estimate", "actual"}:
            raise CheckFailed(f"X-Flowberth-Cost-Basis is {headers.get('x-flowberth-cost-basis')!r}")
        cost = cast("JsonObject", answer.body["cost"])
        if headers.get("x-flowberth-gpu") != (cost["gpu"] or "none"):
            raise CheckFailed(f"X-Flowberth-Gpu is {headers.get('x-flowberth-gpu')!r}, the body says {cost['gpu']!r}")
        price = float(cost["usd_per_second"])
        if abs(usd - (execution + cold) * price) > ROUNDING:
            raise CheckFailed(f"X-Flowberth-Cost-Usd is {usd}, but {execution + cold:.3f} s × {price} is not")
        if execution > answer.seconds + CLOCK_SECONDS:
            raise CheckFailed(
                f"X-Flowberth-Execution-Seconds is {execution}, but the whole call took {answer.seconds:.3f} s"
            )
        if seeds(self._interface) and headers.get("x-flowberth-seed") != str(answer.body["seed"]):
            raise CheckFailed(f"X-Flowberth-Seed is {headers.get('x-flowberth-seed')!r}, not {answer.body['seed']}")
        return f"${usd:.6f} for {execution:.2f} s on {headers['x-flowberth-gpu']}"

    def two_at_once(self) -> str:
        """Two callers at the same time each get their own answer. One asks what the first call asked."""
        self._of(self._warm)
        wanted = [0, 2]
        with ThreadPoolExecutor(len(wanted)) as pool:
            answers = list(pool.map(self._generate, wanted))
        if len({answer.body["job"] for answer in answers}) != len(wanted):
            raise CheckFailed("both callers got the same job")
        self._repeat = answers[0]
        return f"{max(answer.seconds for answer in answers):.2f} s for both"

    def good(self, wanted: Wanted) -> str:
        """Every output is as good as the repository's people ask."""
        self._of(self._first)
        self.quality = assess(self._found(), wanted)
        return verdict(self.quality)

    def _found(self) -> Iterator[Found]:
        """The outputs of the first call, with what the same call gave later."""
        repeat, declared = self._repeat, declared_outputs(self._interface)
        varies = bool(varied(self._interface) or seeds(self._interface))
        usual = min(_seconds(self._first, "execution"), _seconds(self._warm, "execution"))
        soon = not varies or (usual >= TELLING_SECONDS and _seconds(repeat, "execution") < usual * CACHED_PART)
        for index in self._valid:
            output, content = self._outputs[index]
            again = repeat.outputs[index] if repeat and len(repeat.outputs) == len(self._outputs) else None
            name = str(output["name"])
            yield Found(
                name=name,
                kind=str(output["kind"]),
                node=str(declared.get(name, {}).get("node", "")),
                filename=str(output["filename"]),
                media_type=str(output["media_type"]),
                content=content,
                again=self._endpoint.download(again) if again else None,
                cached=soon,
            )

    @property
    def seed(self) -> int | None:
        """The (first) seed of the sample, as the app reported it."""
        return cast("int | None", self._first.body["seed"]) if self._first else None

    @property
    def warm_seconds(self) -> float | None:
        """Of the second call."""
        return round(self._warm.seconds, 3) if self._warm else None

    @property
    def cold_start_seconds(self) -> float:
        """As the first job carried it."""
        return _seconds(self._first, "cold_start")

    @cached_property
    def sample(self) -> Sample | None:
        """Of the first call."""
        return make_sample(self._outputs)

    @property
    def cost(self) -> Cost:
        """Of the second call: what callers pay while the app is warm."""
        answer = self._warm or self._first
        if answer is None:
            return Cost(usd=0.0, basis="estimate")
        cost = cast("JsonObject", answer.body["cost"])
        price, execution = float(cost["usd_per_second"]), _seconds(answer, "execution")
        basis: Literal["estimate", "actual"] = "actual" if cost["basis"] == "actual" else "estimate"
        return Cost(
            usd=round(execution * price, 8),
            basis=basis,
            execution_seconds=execution,
            cold_start_seconds=self.cold_start_seconds,
            usd_per_second=price,
        )

    def _generate(self, variant: int) -> Answer:
        inputs = right_inputs(self._interface, variant)
        answer = self._endpoint.generate(inputs)
        given = [inputs[name] for name in seeds(self._interface)]
        if given and answer.body.get("seed") != given[0]:
            raise CheckFailed(f"the seed {given[0]} was sent, and {answer.body.get('seed')} was used")
        return answer

    def _contents(self, answer: Answer) -> list[bytes]:
        return [self._endpoint.download(output) for output in answer.outputs]

    @staticmethod
    def _of(answer: Answer | None) -> Answer:
        if answer is None:
            raise CheckFailed("not tested, because the call before failed")
        return answer


def _named(answer: Answer, name: str) -> list[JsonObject]:
    return [output for output in answer.outputs if output.get("name") == name]


def _seconds(answer: Answer | None, what: str) -> float:
    return float(answer.body["seconds"][what]) if answer else 0.0


def _number(headers: dict[str, str], name: str) -> float:
    try:
        number = float(headers[name])
    except (KeyError, ValueError):
        number = math.nan
    if not math.isfinite(number):  # whatever is compared with NaN seems to be in order
        raise CheckFailed(f"{name.title()} is {headers.get(name)!r}, not a number")
    return number
