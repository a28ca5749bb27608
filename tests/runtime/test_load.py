"""Many at once, and a ComfyUI that dies among them. How fast it all is, is measured by benchmarks/runtime.py."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from shared.jobs import KEEP_JOBS
from tests.runtime.conftest import field, node

if TYPE_CHECKING:
    from tests.runtime.conftest import Served

JOBS = 200
LISTENERS = 200
KILLS = 3
WAITING = 4
PROMPT = {"1": node("Say", text=""), "2": node("Steps", steps=1, seconds=0.0001)}
PROPERTIES = {
    "name": field("text", ("1", "text"), default=""),
    "steps": field("integer", ("2", "steps"), default=1, minimum=1),
}


def at_once(served: Served, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    async def submit() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=served.url, limits=limits, timeout=60, trust_env=False) as http:
            return await asyncio.gather(*(http.post("/generate", params={"wait": 0}, json=body) for body in bodies))

    return asyncio.run(submit())


def ended(served: Served, job: str) -> dict[str, Any]:
    with served.http.stream("GET", f"/jobs/{job}/events") as stream:
        last = [line for line in stream.iter_lines() if line.startswith("data:")][-1]
    return json.loads(last.removeprefix("data:"))


@pytest.mark.long
def test_two_hundred_jobs_at_once_are_all_done_in_the_order_they_came(app):
    served = app(PROMPT, PROPERTIES)
    answers = at_once(served, [{"name": f"job {number}"} for number in range(JOBS)])
    assert Counter(answer.status_code for answer in answers) == {202: JOBS}
    ids = [answer.json()["job"] for answer in answers]
    assert len(set(ids)) == JOBS
    jobs = [ended(served, id_) for id_ in ids]
    assert Counter(job["state"] for job in jobs) == {"succeeded": JOBS}
    ran = [body["prompt"]["1"]["inputs"]["text"] for body in served.engine("/submitted")]
    came = [job["inputs"]["name"] for job in sorted(jobs, key=lambda job: job["created_at"])]
    assert ran == came
    for id_, number in zip(ids[::20], range(0, JOBS, 20), strict=True):
        assert served.http.get(f"/jobs/{id_}/outputs/0").text == f"job {number}", "nobody gets another's output"


@pytest.mark.long
def test_what_is_kept_of_many_jobs_is_bounded(app, tmp_path):
    served = app(PROMPT, PROPERTIES)
    first = served.generate({"name": "the first"}).json()["job"]
    for _ in range(2):
        answers = at_once(served, [{}] * (KEEP_JOBS // 2 + 1))
        for answer in answers:  # one that still runs is kept beside those that have ended
            ended(served, answer.json()["job"])
    assert served.generate().status_code == 200
    assert served.http.get(f"/jobs/{first}").status_code == 404
    (folder,) = Path(tmp_path).glob("flowberth-*")
    assert len(list(folder.iterdir())) <= KEEP_JOBS + 1


def test_two_hundred_listeners_on_one_job_all_hear_how_it_went(app):
    served = app(PROMPT, PROPERTIES)
    job = served.generate({"steps": 40}, params={"wait": 0}).json()["job"]
    port = httpx.URL(served.url).port

    async def listen() -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /jobs/{job}/events HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        lines = [line.decode().strip() async for line in reader]
        writer.close()
        return [line for line in lines if line.startswith(("event:", "data:"))]

    async def listen_all() -> list[list[str]]:
        return await asyncio.gather(*(listen() for _ in range(LISTENERS)))

    heard = asyncio.run(listen_all())
    assert {lines[-2] for lines in heard} == {"event: done"}
    assert len({lines[-1] for lines in heard}) == 1
    assert json.loads(heard[0][-1].removeprefix("data:"))["state"] == "succeeded"


def test_whenever_comfyui_is_killed_every_job_has_a_told_end_and_the_app_comes_back(app):
    served = app(PROMPT, PROPERTIES)
    lost = 0
    for generation in range(1, KILLS + 1):
        slow = served.generate({"steps": 100_000}, params={"wait": 0})
        waiting = [answer.json()["job"] for answer in at_once(served, [{"name": "x"}] * WAITING)]
        served.until(lambda slow=slow: served.job(slow)["progress"]["step"] is not None)
        os.kill(engine_pid(served), signal.SIGKILL)
        killed = ended(served, slow.json()["job"])
        assert killed["state"] == "failed"
        assert killed["problem"]["type"].endswith("/engine-died")
        assert "SIGKILL" in killed["problem"]["detail"]
        assert [ended(served, id_)["state"] for id_ in waiting] == ["succeeded"] * WAITING, "they only waited"
        assert served.http.get("/health").status_code == 200
        assert served.service.engine.status().generation == generation + 1
        lost += 1
    assert f'flowberth_jobs_total{{outcome="failed"}} {lost}' in served.http.get("/metrics").text


def engine_pid(served: Served) -> int:
    """Of the ComfyUI that listens where the app's engine is; the guard is its parent."""
    port = str(httpx.URL(served.service.engine.status().url).port)
    found = [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if port in (arguments := child.cmdline()) and not any(part.endswith("guard.py") for part in arguments)
    ]
    (pid,) = found
    return pid


@pytest.mark.long
def test_the_benchmark_runs_and_tells_numbers():
    script = Path(__file__).parents[2] / "benchmarks/runtime.py"
    done = subprocess.run(
        [sys.executable, str(script), "--only", "kills", "--kills", "1", "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    numbers = json.loads(done.stdout)
    assert {number["part"] for number in numbers} == {"kills"}
    assert done.returncode == (0 if all(number["met"] for number in numbers) else 1)
    assert all(number["met"] for number in numbers if number["unit"] in {"jobs", "kills"}), numbers
