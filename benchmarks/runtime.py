"""Measures the runtime of a generated app: what it adds to ComfyUI, what it bears, and how it comes back.

    uv run python benchmarks/runtime.py                            in front of the stand-in engine
    uv run python benchmarks/runtime.py --comfyui ~/ComfyUI        in front of a checkout, run on the CPU
    uv run python benchmarks/runtime.py --comfyui http://127.0.0.1:8188
    uv run python benchmarks/runtime.py --only overhead --json

    overhead     POST /generate and its answer, against the least that gets the same picture from ComfyUI itself: a
                 prompt, its end over a socket that is open already, its history, its file. Both in turn; medians.
                 What is compared is the time around ComfyUI's own execution, whose noise would drown it
    burst        200 jobs submitted at once, four times: none lost, run in the order they were taken in, memory flat
    listeners    1,000 listeners to the events of one job
    start        from ComfyUI's first answer, seen from outside, to the app's first healthy one; the worst of a few
    kills        ComfyUI killed 20 times while jobs wait and run: every job ends in a told state, and the app comes back

The app is a process of its own, served as the local target serves it; its memory is the resident set without ComfyUI.
A ComfyUI named by URL is not ours to start or kill: `start` and `kills` are left out then. A busy machine makes times
longer: run it on one that is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

sys.path[0] = str(Path(__file__).parents[1])  # this folder's scripts are called like packages of ours

from benchmarks.served_app import (  # noqa: E402 - found through the path above
    PATIENCE_SECONDS,
    App,
    Measured,
    app,
    color,
    prepared,
    prompt,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

PAIRS = 60
"""Short jobs measured each way."""
LONG_PAIRS = 15
"""Jobs of about a second measured each way."""
LONG_SECONDS = 1.0
JOBS = 200
ROUNDS = 4
SAMPLE_SECONDS = 0.05
"""Between two looks at the memory."""
LISTENERS = 1000
STARTS = 3
KILLS = 20
WAITING = 5
"""Jobs that wait or run at every kill."""

MAX_OVERHEAD_MS = 15.0
MAX_OVERHEAD_SHARE = 0.05
MAX_MEMORY_MIB = 150.0
MAX_GROWTH_MIB = 10.0
"""Between the first burst and the last: buffers and caches settle, a leak of jobs does not."""
MAX_START_SECONDS = 0.5


@dataclass(frozen=True)
class Number:
    """One line of the report."""

    part: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    """At most this; a count of what must not be is held to 0."""

    @property
    def is_met(self) -> bool:
        """Whether the value is within the goal, if there is one."""
        return self.goal is None or self.value <= self.goal


class Took(NamedTuple):
    """Medians of one way to run a job, in seconds."""

    whole: float
    around: float
    """Without what ComfyUI itself says that the job ran, which varies far more than all the rest."""


async def overhead(measured: Measured) -> list[Number]:
    """What an answer of the app takes longer than one of ComfyUI."""
    async with app(measured) as running:
        engine = measured.engine_url or await running.engine_url()
        async with direct(engine) as ask, httpx.AsyncClient(base_url=engine, trust_env=False) as http:

            async def through(frames: int) -> None:
                answer = await running.http.post("/generate", json={"color": color(), "frames": frames})
                assert answer.raise_for_status().json()["outputs"][0]["data"]

            async def timed(way: Callable[[int], Awaitable[None]], frames: int) -> Took:
                began = time.perf_counter()
                await way(frames)
                whole = time.perf_counter() - began
                (entry,) = (await http.get("/history", params={"max_items": 1})).json().values()
                told = {kind: data["timestamp"] / 1000 for kind, data in entry["status"]["messages"]}
                return Took(whole, whole - (told["execution_success"] - told["execution_start"]))

            async def both(frames: int, pairs: int) -> tuple[Took, Took]:
                straight: list[Took] = []
                served: list[Took] = []
                for pair in range(pairs):
                    turns = [(ask, straight), (through, served)]
                    for way, times in turns if pair % 2 else reversed(turns):  # neither always goes first
                        times.append(await timed(way, frames))
                return _medians(straight), _medians(served)

            await both(1, 5)  # connections, caches
            straight, served = await both(1, PAIRS)
            frames = 16
            while (took := min([(await timed(ask, frames)).whole for _ in range(3)])) < LONG_SECONDS / 2:
                frames *= 2
            frames = max(1, round(frames * LONG_SECONDS / took))
            long_straight, long_served = await both(frames, LONG_PAIRS)
    part = "overhead"
    added = long_served.around - long_straight.around
    return [
        Number(part, "a short job, straight from ComfyUI", straight.whole * 1000, "ms"),
        Number(part, "added by the app", (served.around - straight.around) * 1000, "ms", MAX_OVERHEAD_MS),
        Number(part, "a long job, straight from ComfyUI", long_straight.whole * 1000, "ms"),
        Number(part, "added by the app", added * 1000, "ms", MAX_OVERHEAD_MS),
        Number(part, "share of it", added / long_straight.whole * 100, "%", MAX_OVERHEAD_SHARE * 100),
    ]


def _medians(times: list[Took]) -> Took:
    return Took(statistics.median(took.whole for took in times), statistics.median(took.around for took in times))


@asynccontextmanager
async def direct(engine: str) -> AsyncGenerator[Callable[[int], Awaitable[None]]]:
    """Ask ComfyUI itself for one picture; the parameter is for `prompt`."""
    id_ = secrets.token_hex(8)
    address = f"{engine.replace('http', 'ws', 1)}/ws?clientId={id_}"
    async with (
        httpx.AsyncClient(base_url=engine, trust_env=False, timeout=PATIENCE_SECONDS) as http,
        connect(address, proxy=None, compression=None, max_size=None) as events,
    ):

        async def ask(frames: int) -> None:
            body = {"prompt": prompt(color(), frames), "client_id": id_}
            prompt_id = (await http.post("/prompt", json=body)).raise_for_status().json()["prompt_id"]
            async for message in events:
                event: dict[str, Any] = json.loads(message)
                data = event["data"]
                if event["type"] == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
                    break
            entry = (await http.get(f"/history/{prompt_id}")).json()[prompt_id]
            (await http.get("/view", params=entry["outputs"]["5"]["images"][0])).raise_for_status()

        yield ask


async def burst(measured: Measured) -> list[Number]:
    """Many jobs at once, several times."""
    lost = disordered = 0
    peaks: list[float] = []
    submitted: list[float] = []
    async with app(measured) as running:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            ids = await asyncio.gather(*(running.submit(color=color()) for _ in range(JOBS)))
            submitted.append(time.perf_counter() - began)
            peak = running.memory()
            while (await running.job(ids[-1]))["state"] in {"queued", "running"}:
                peak = max(peak, running.memory())
                await asyncio.sleep(SAMPLE_SECONDS)
            jobs = [await running.end(id_) for id_ in ids]
            peaks.append(peak)
            lost += sum(job["state"] != "succeeded" for job in jobs)
            created = [datetime.fromisoformat(job["created_at"]).timestamp() for job in jobs]
            begun = [taken_in + job["seconds"]["queue"] for taken_in, job in zip(created, jobs, strict=True)]
            in_order = [began for _, began in sorted(zip(created, begun, strict=True))]
            disordered += sum(later < earlier for earlier, later in pairwise(in_order))
    part = "burst"
    return [
        Number(part, f"jobs lost of {ROUNDS} × {JOBS}", lost, "jobs", 0),
        Number(part, "jobs out of order", disordered, "jobs", 0),
        Number(part, "until all were taken in, median", statistics.median(submitted) * 1000, "ms"),
        Number(part, "memory at its highest", max(peaks), "MiB", MAX_MEMORY_MIB),
        Number(part, "growth from the first time to the last", peaks[-1] - peaks[0], "MiB", MAX_GROWTH_MIB),
    ]


async def listeners(measured: Measured) -> list[Number]:
    """Many listeners to one job."""
    async with app(measured) as running:
        first = await running.submit(color=color(), frames=256)
        id_ = await running.submit(color=color(), frames=64)
        opened: Counter[str] = Counter()

        async def listen() -> tuple[float, int]:
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(running.url).port)
            writer.write(f"GET /jobs/{id_}/events HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
            events = 0
            ended = 0.0
            async for line in reader:
                opened["streams"] += line.startswith(b"HTTP/1.1 200")
                events += line.startswith(b"event:")
                ended = time.perf_counter() if line.startswith(b"event: done") else ended
            writer.close()
            return ended, events

        tasks = [asyncio.create_task(listen()) for _ in range(LISTENERS)]
        heard = await asyncio.gather(*tasks)
        peak = running.memory()
        states = {(await running.job(id_))["state"], (await running.job(first))["state"]}
    part = "listeners"
    ends = [ended for ended, _ in heard if ended]
    return [
        Number(part, f"streams refused of {LISTENERS}", LISTENERS - opened["streams"], "streams", 0),
        Number(part, "listeners that missed the end", LISTENERS - len(ends), "streams", 0),
        Number(part, "jobs that failed", len(states - {"succeeded"}), "jobs", 0),
        Number(part, "events heard by each, median", statistics.median(events for _, events in heard), "events"),
        Number(part, "from the first to hear the end to the last", (max(ends) - min(ends)) * 1000, "ms"),
        Number(part, "memory with all of them", peak, "MiB", MAX_MEMORY_MIB),
    ]


async def start(measured: Measured) -> list[Number]:
    """From ComfyUI's first answer to the app's."""
    engines: list[float] = []
    added: list[float] = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with app(measured, ready=False) as running:

            async def answered(running: App = running) -> float:
                url = await running.engine_url()
                async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
                    await until(lambda: _answers(http))
                return time.perf_counter()

            async def healthy(running: App = running) -> float:
                await until(running.is_healthy)
                return time.perf_counter()

            engine, ready = await asyncio.gather(answered(), healthy())
            engines.append(engine - began)
            added.append(ready - engine)
    return [
        Number("start", "until ComfyUI answered, median", statistics.median(engines), "s"),
        Number("start", f"until the app did after that, worst of {STARTS}", max(added), "s", MAX_START_SECONDS),
    ]


async def kills(measured: Measured) -> list[Number]:
    """ComfyUI killed under load, again and again."""
    untold = 0
    ends: Counter[str] = Counter()
    back: list[float] = []
    async with app(measured) as running:
        for _ in range(measured.kills):
            ids = [await running.submit(color=color(), frames=64) for _ in range(WAITING)]
            await until(lambda id_=ids[0]: _is_past(running, id_, "queued"))
            engine = running.engine()
            assert engine is not None
            engine.kill()
            began = time.perf_counter()
            for id_ in ids:
                job = await running.end(id_)
                ends[job["state"]] += 1
                untold += not (job["state"] == "succeeded" or (job["state"] == "failed" and job["problem"]["detail"]))
            await until(running.is_healthy)
            back.append(time.perf_counter() - began)
        lost = WAITING * measured.kills - ends.total()
        again = await running.end(await running.submit(color=color()))
    part = "kills"
    return [
        Number(part, f"jobs without a told end, of {WAITING * measured.kills}", lost + untold, "jobs", 0),
        Number(part, "jobs that failed, with the reason", ends["failed"], "jobs", WAITING * measured.kills),
        Number(part, "jobs that succeeded all the same", ends["succeeded"], "jobs"),
        Number(
            part, f"kills that the app did not survive, of {measured.kills}", measured.kills - len(back), "kills", 0
        ),
        Number(part, "jobs that failed after the last", int(again["state"] != "succeeded"), "jobs", 0),
        Number(part, "until all had ended and it was back, median", statistics.median(back), "s"),
    ]


PARTS = {"overhead": overhead, "burst": burst, "listeners": listeners, "start": start, "kills": kills}
OF_OUR_OWN = frozenset({"start", "kills"})
"""Parts that need a ComfyUI that may be started and killed."""


async def measure(measured: Measured, parts: list[str]) -> list[Number]:
    """All parts, one after the other."""
    found: list[Number] = []
    for name in parts:
        if name not in OF_OUR_OWN or measured.engine_url is None:
            found += await PARTS[name](measured)
    return found


def table(numbers: list[Number], engine: str) -> Table:
    """The report for people."""
    shown = Table(title=f"The runtime in front of {engine}")
    for column in ("", "", "measured", "goal", ""):
        shown.add_column(column, justify="right" if column in {"measured", "goal"} else "left")
    for number in numbers:
        goal = "" if number.goal is None else f"≤ {number.goal:g}"
        verdict = "" if number.goal is None else "met" if number.is_met else "[bold red]missed"
        shown.add_row(number.part, number.what, f"{number.value:,.4g} {number.unit}", goal, verdict)
    return shown


def main() -> int:
    """Entry point; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description="Measure the runtime of a generated app.")
    parser.add_argument("--comfyui", metavar="DIR|URL", help="a real ComfyUI; else the stand-in engine")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given more than once")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how often ComfyUI is killed (default {KILLS})")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    engine = f"ComfyUI ({given.comfyui})" if given.comfyui else "the stand-in engine"
    with prepared(given.comfyui, given.kills) as measured:
        numbers = asyncio.run(measure(measured, given.only or list(PARTS)))
    if given.json:
        print(json.dumps([asdict(number) | {"met": number.is_met} for number in numbers], indent=2))
    else:
        Console().print(table(numbers, engine))
    return 0 if all(number.is_met for number in numbers) else 1


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/system_stats")).is_success
    except httpx.HTTPError:
        return False


async def _is_past(running: App, id_: str, state: str) -> bool:
    return (await running.job(id_))["state"] != state


if __name__ == "__main__":
    sys.exit(main())
