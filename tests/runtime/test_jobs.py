from __future__ import annotations

import base64
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.runtime.conftest import USD_PER_SECOND, field, node

SLOW = {"1": node("Steps", steps=2000, seconds=0.02), "2": node("Say", text="done")}
STEPS = {"steps": field("integer", ("1", "steps"), default=2000, minimum=1)}


def test_a_job_that_takes_longer_is_answered_202_and_followed(app):
    served = app(SLOW, STEPS)
    accepted = served.generate({"steps": 10}, params={"wait": 0})
    assert accepted.status_code == 202
    assert accepted.headers["Location"] == f"/jobs/{accepted.json()['job']}"
    assert int(accepted.headers["Retry-After"]) > 0
    served.until(lambda: served.job(accepted)["state"] == "succeeded")
    job = served.job(accepted)
    assert job["outputs"][0]["filename"] == "2.txt"
    assert job["outputs"][0]["data"] is None, "a poll does not repeat the bytes"
    assert job["progress"]["fraction"] == 1
    assert served.http.get("/jobs/job_unknown").status_code == 404


def test_events_tell_position_node_steps_and_end(app):
    served = app(SLOW, STEPS)
    first = served.generate({"steps": 30}, params={"wait": 0})
    second = served.generate({"steps": 5}, params={"wait": 0})
    seen = list(events(served, second))
    kinds = [kind for kind, _ in seen]
    assert kinds[0] == "queued"
    assert seen[0][1]["position"] == 1
    assert kinds[-1] == "done"
    assert "running" in kinds
    steps = [job["progress"] for kind, job in seen if kind == "running" and job["progress"]["step"]]
    assert steps, "steps of a node are told"
    assert steps[-1]["title"] == "My Steps"
    assert steps[-1]["total"] == 5
    fractions = [job["progress"]["fraction"] for _, job in seen]
    assert fractions == sorted(fractions)
    assert seen[-1][1]["state"] == "succeeded"
    assert len(seen[-1][1]["outputs"]) == 1
    assert served.job(first)["state"] == "succeeded"
    assert [kind for kind, _ in events(served, first)] == ["done"], "who comes late gets the end at once"


def test_previews_are_made_for_those_who_ask_and_sent_to_those_who_ask(app):
    served = app(SLOW, STEPS)
    asked = served.generate({"steps": 40}, params={"wait": 0, "preview": 1})
    with ThreadPoolExecutor(2) as pool:
        with_previews = pool.submit(lambda: list(events(served, asked, preview=1)))
        without = pool.submit(lambda: list(events(served, asked)))
    seen = [event for kind, event in with_previews.result() if kind == "preview"]
    assert 2 <= len(seen) <= 2 + served.job(asked)["seconds"]["execution"] * 4, "four a second at most"
    head, _, data = seen[-1]["image"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (16, 16)
    assert seen[-1]["job"] == asked.json()["job"]
    assert with_previews.result()[-1][0] == "done"
    kinds = [kind for kind, _ in without.result()]
    assert "preview" not in kinds
    assert len([kind for kind, _ in with_previews.result() if kind == "running"]) <= kinds.count("running") + 2

    plain = served.generate({"steps": 10}, params={"wait": 0})
    waiting = served.generate({"steps": 10}, params={"wait": 0})
    kinds = [kind for kind, _ in events(served, waiting, preview=1)]
    assert "preview" in kinds, "asked for while it waited"
    assert served.job(plain)["state"] == "succeeded"
    assert [body.get("extra_data") for body in served.engine("/submitted")] == [
        {"preview_method": "auto"},
        None,
        {"preview_method": "auto"},
    ], "ComfyUI makes none for nobody"


def test_many_listeners_on_one_job_all_hear_the_end(app):
    served = app(SLOW, STEPS)
    job = served.generate({"steps": 20}, params={"wait": 0})
    with ThreadPoolExecutor(10) as pool:
        ends = list(pool.map(lambda _: list(events(served, job))[-1], range(10)))
    assert {kind for kind, _ in ends} == {"done"}


def test_a_waiting_job_is_cancelled_at_once(app):
    served = app(SLOW, STEPS)
    running = served.generate(params={"wait": 0})
    waiting = served.generate(params={"wait": 0})
    cancelled = served.http.delete(f"/jobs/{waiting.json()['job']}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["problem"]["type"].endswith("/cancelled")
    assert cancelled.json()["cost"]["usd"] == 0
    assert served.job(running)["state"] == "running"
    assert len(served.engine("/submitted")) == 1, "it never reached ComfyUI"


def test_a_running_job_is_interrupted_and_the_next_one_runs(app):
    served = app(SLOW, STEPS)
    running = served.generate(params={"wait": 0})
    served.until(lambda: served.job(running)["progress"]["step"] is not None)
    cancelled = served.http.delete(f"/jobs/{running.json()['job']}")
    assert cancelled.status_code == 202
    served.until(lambda: served.job(running)["state"] == "cancelled")
    assert served.http.delete(f"/jobs/{running.json()['job']}").json()["state"] == "cancelled", "again changes nothing"
    generation = served.service.engine.status().generation
    assert served.generate({"steps": 1}).json()["state"] == "succeeded"
    assert served.service.engine.status().generation == generation == 1, "ComfyUI was interrupted, not replaced"


def test_comfyui_is_asked_again_when_an_interrupt_went_unheard(app):
    served = app({"1": node("Steps", steps=100_000, seconds=0.02, unheard=2)}, STEPS)
    running = served.generate({"steps": 100_000}, params={"wait": 0})
    served.until(lambda: served.job(running)["progress"]["step"] is not None)
    served.http.delete(f"/jobs/{running.json()['job']}")
    served.until(lambda: served.job(running)["state"] == "cancelled")
    assert served.service.engine.status().generation == 1, "it was not replaced"


def test_whoever_waits_for_a_cancelled_job_is_told(app):
    served = app(SLOW, STEPS)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(served.generate, {}, params={"wait": 60}, headers={"Idempotency-Key": "k"})
        served.until(lambda: len(served.engine("/submitted")) == 1)
        job = served.generate({}, params={"wait": 0}, headers={"Idempotency-Key": "k"}).json()["job"]
        served.http.delete(f"/jobs/{job}")
        response = waiting.result(30)
    assert response.status_code == 409
    assert response.json()["type"].endswith("/cancelled")
    assert response.json()["job"] == job == response.headers["X-Flowberth-Job"]


def test_a_full_queue_answers_429_and_loses_nothing(app):
    served = app(SLOW, STEPS, settings={"queue_limit": 3})
    running = served.generate({"steps": 60}, params={"wait": 0})
    served.until(lambda: served.job(running)["state"] == "running")
    accepted = [served.generate({"steps": 1}, params={"wait": 0}) for _ in range(3)]
    refused = served.generate({"steps": 1}, params={"wait": 0})
    assert refused.status_code == 429
    assert refused.json()["type"].endswith("/queue-full")
    assert int(refused.headers["Retry-After"]) >= 1
    assert [served.job(job)["position"] for job in accepted] == [1, 2, 3]
    for job in accepted:
        served.until(lambda job=job: served.job(job)["state"] == "succeeded")


def test_a_key_makes_a_repeated_request_one_job(app):
    served = app(SLOW, STEPS)
    key = {"Idempotency-Key": "order-17"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: served.generate({"steps": 5}, headers=key), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["job"] for answer in answers}) == 1
    assert len(served.engine("/submitted")) == 1
    other = served.generate({"steps": 6}, headers=key)
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "idempotency-key-reused")
    assert served.generate({"steps": 0}, headers={"Idempotency-Key": "b"}).status_code == 422
    assert served.generate({"steps": 1}, headers={"Idempotency-Key": "b"}).status_code == 200, "a refusal frees its key"


def test_a_rush_of_jobs_is_carried_out_in_order_and_none_is_lost(app):
    served = app({"1": node("Say", text="x")}, {"n": field("text", ("1", "text"))})
    accepted = [served.generate({"n": str(n)}, params={"wait": 0}) for n in range(100)]
    assert {answer.status_code for answer in accepted} == {202}
    served.until(lambda: served.job(accepted[-1])["state"] == "succeeded")
    assert {served.job(answer)["state"] for answer in accepted} == {"succeeded"}
    sent = [body["prompt"]["1"]["inputs"]["text"] for body in served.engine("/submitted")]
    assert sent == [str(n) for n in range(100)]


def test_the_oldest_results_are_forgotten_with_their_files(app, tmp_path, monkeypatch):
    monkeypatch.setattr("shared.jobs.KEEP_JOBS", 2)
    served = app({"1": node("Say", text="x")})
    key = {"Idempotency-Key": "first"}
    jobs = [served.generate(headers=key if n == 0 else {}).json() for n in range(5)]
    kept = [served.http.get(job["links"]["self"]).status_code for job in jobs]
    assert kept == [404, 404, 200, 200, 200]
    assert len(list(tmp_path.glob("flowberth-*/job-*"))) == 3
    assert served.http.get(jobs[0]["outputs"][0]["url"]).status_code == 404
    assert served.generate(headers=key).json()["job"] != jobs[0]["job"], "its key is free again"


def test_a_hang_up_does_not_cancel_the_job(app):
    served = app(SLOW, STEPS)
    key = {"Idempotency-Key": "k"}
    with pytest.raises(Exception, match="timed out"):
        served.generate({"steps": 40}, headers=key, timeout=0.2)
    assert served.generate({"steps": 40}, headers=key).json()["state"] == "succeeded"
    assert len(served.engine("/submitted")) == 1


def test_metrics_count_jobs_by_outcome_and_seconds_by_phase(app):
    served = app(
        {"1": node("Say", text="x"), "2": node("Fail", message="no", quiet=True)},
        {"quiet": field("boolean", ("2", "quiet"))},
    )
    for quiet in (True, True, False):
        served.generate({"quiet": quiet})
    response = served.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    numbers = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert numbers['flowberth_jobs_total{outcome="succeeded"}'] == "2"
    assert numbers['flowberth_jobs_total{outcome="failed"}'] == "1"
    assert float(numbers['flowberth_job_seconds_total{phase="execution"}']) > 0
    assert float(numbers['flowberth_job_seconds_total{phase="cold_start"}']) > 0
    assert (numbers["flowberth_jobs_waiting"], numbers["flowberth_engine_ready"]) == ("0", "1")
    assert numbers["flowberth_engine_starts_total"] == "1"


def test_the_time_of_the_app_is_told_as_execution_cold_start_and_idle(app):
    served = app(SLOW, STEPS)
    jobs = [served.generate({"steps": 5}).json() for _ in range(3)]
    queued = [served.generate({"steps": 5}, params={"wait": 0}) for _ in range(3)]
    served.until(lambda: served.job(queued[-1])["state"] == "succeeded")
    ran = time.monotonic() - served.service.ready_at + served.service.cold_start_seconds
    jobs += [served.job(job) for job in queued]
    told = sum(sum(job["seconds"][phase] for phase in ("execution", "cold_start", "idle")) for job in jobs)
    assert told == pytest.approx(ran, abs=1), "nothing is counted twice, nothing is left out"
    assert [job["seconds"]["idle"] for job in jobs[-2:]] == pytest.approx([0, 0], abs=0.2), "they came out of a queue"
    for job in jobs:
        assert job["cost"]["idle_usd"] == pytest.approx(job["seconds"]["idle"] * USD_PER_SECOND, abs=2e-6)
    page = served.http.get("/metrics").text
    assert 'flowberth_job_seconds_total{phase="idle"}' in page


def events(served, response, **params):
    """(event, job) pairs of a job's stream, to its end."""
    kind = ""
    with served.http.stream("GET", f"/jobs/{response.json()['job']}/events", params=params) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))


def test_the_key_for_partners_goes_to_comfyui_with_each_prompt_and_nowhere_else(app):
    served = app(SLOW, STEPS, settings={"partner_key": "comfyui-canary"})
    answer = served.generate({"steps": 1})
    assert answer.status_code == 200
    assert "canary" not in answer.text + json.dumps(served.http.get("/").json())
    (body,) = served.engine("/submitted")
    assert body["extra_data"] == {"api_key_comfy_org": "comfyui-canary"}
