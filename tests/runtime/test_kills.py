"""ComfyUI is killed twenty times while people use the app."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

import httpx
import pytest

from tests.runtime.conftest import field, node

KILLS = 20


@pytest.mark.long
def test_twenty_kills_under_load_and_every_job_ends_in_a_told_state(app, monkeypatch):
    monkeypatch.setattr("shared.engine.BACKOFF_SECONDS", (0.01,))
    served = app(
        {"1": node("Steps", steps=20, seconds=0.01)},
        {"steps": field("integer", ("1", "steps"), default=20)},
        settings={"queue_limit": 1000},
    )
    answers: list[httpx.Response] = []
    enough = threading.Event()

    def use() -> None:
        with httpx.Client(base_url=served.url, timeout=60, trust_env=False) as http:
            while not enough.is_set():
                answers.append(http.post("/generate", json={}))

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    try:
        with httpx.Client(trust_env=False) as engine:
            for kill in range(KILLS):
                served.until(lambda kill=kill: running(served, engine, generation=kill + 1))
                pid = engine.get(f"{served.service.engine.status().url}/system_stats").json()["system"]["pid"]
                os.kill(pid, signal.SIGKILL)
    finally:
        enough.set()
        for user in users:
            user.join()

    assert served.generate({"steps": 1}).status_code == 200, "back without help"
    assert served.service.engine.status().generation == KILLS + 1
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes.keys() <= {200, 500, 503}, "everybody was answered"
    assert KILLS // 2 <= outcomes.total() - outcomes[200] <= KILLS, "no kill cost more than one job"
    for answer in answers:
        if answer.status_code != 200:
            problem = answer.json()
            assert problem["type"].rpartition("/")[2] in {"engine-died", "engine-down"}
            assert "killed by SIGKILL" in problem["detail"]
            assert served.http.get(f"/jobs/{problem['job']}").json()["state"] == "failed"


def running(served, engine: httpx.Client, generation: int) -> bool:
    """Whether start number `generation` carries out a job."""
    status = served.service.engine.status()
    if (status.generation, status.state) != (generation, "ready"):
        return False
    return bool(engine.get(f"{status.url}/queue").json()["queue_running"])
