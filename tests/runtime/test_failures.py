"""ComfyUI dies, hangs, refuses and lies; every job ends in a told state and the app goes on."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from shared.engine import EngineFailed
from shared.engine_log import EngineLog
from shared.service import Service
from shared.settings import Settings, SettingsError
from tests.runtime.conftest import SCRIPTED, field, node, serve, write_app


def kind(response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition("/")[2]


def test_killed_in_the_middle_the_job_fails_with_the_log_and_the_next_one_works(app):
    served = app({"1": node("Steps", steps=2000, seconds=0.02)}, {"steps": field("integer", ("1", "steps"))})
    job = served.generate(params={"wait": 0})
    served.until(lambda: served.job(job)["progress"]["step"] is not None)
    os.kill(served.engine("/system_stats")["system"]["pid"], signal.SIGKILL)
    served.until(lambda: served.job(job)["state"] == "failed")
    problem = served.job(job)["problem"]
    assert problem["type"].endswith("/engine-died")
    assert problem["detail"] == snapshot(
        "The job was lost: ComfyUI stopped: killed by SIGKILL, most likely for lack of memory"
    )
    after = served.generate({"steps": 1})
    assert after.status_code == 200, after.text
    assert served.service.engine.status().generation == 2


def test_a_workflow_that_kills_comfyui_says_its_last_words_without_a_trace(app):
    served = app({"1": node("Die")})
    response = served.generate()
    assert kind(response) == (500, "engine-died")
    assert "Boom: last words" in response.json()["log"]
    assert "Traceback" not in response.text
    assert "x.py" not in response.text
    assert response.headers["X-Flowberth-Cost-Basis"] == "estimate"
    served.until(lambda: served.http.get("/health").status_code == 200)


def test_health_says_why_while_comfyui_is_down(app):
    served = app({"1": node("Say", text="x")})
    os.kill(served.engine("/system_stats")["system"]["pid"], signal.SIGKILL)
    served.until(lambda: served.http.get("/health").status_code == 503)
    response = served.http.get("/health")
    assert kind(response) == (503, "engine-down")
    assert int(response.headers["Retry-After"]) > 0
    served.until(lambda: served.http.get("/health").status_code == 200)


def test_a_200_with_node_errors_is_a_failure(app):
    prompt = {"1": node("Say", text="fine"), "2": node("Split", file="b.safetensors")}
    served = app(prompt, {"file": field("text", ("2", "file"))})
    response = served.generate()
    assert kind(response) == (500, "missing-model")
    assert response.json()["errors"] == snapshot(
        [
            {
                "field": "file",
                "message": "node 2 (My Split): Value not in list: file: 'b.safetensors' not in ['a.safetensors']",
            }
        ]
    )
    assert "secret" not in response.text
    queue = served.engine("/queue")
    assert queue == {"queue_running": [], "queue_pending": []}, "the part that was accepted does not run for nobody"
    assert kind(served.generate({"file": "nonsense"})) == (422, "invalid-input")


def test_a_class_that_is_not_installed_is_told_before_and_after(app):
    served = app({"1": node("NoSuchNode"), "2": node("Say", text="x")})
    health = served.http.get("/health")
    assert (health.status_code, health.json()["missing_classes"]) == (200, ["NoSuchNode"])
    response = served.generate()
    assert kind(response) == (500, "node-error")
    assert response.json()["detail"] == snapshot(
        "ComfyUI refused the workflow: Node 'NoSuchNode' not found: Node ID '#1'"
    )


@pytest.mark.parametrize(
    ("type_", "message", "expected"),
    [
        ("torch.OutOfMemoryError", "Allocation on device", "out-of-memory"),
        ("RuntimeError", "CUDA error: out of memory", "out-of-memory"),
        ("FileNotFoundError", "No such file or directory: '/models/vae/a.safetensors'", "missing-model"),
        ("ValueError", "<script>alert(1)</script>", "node-error"),
    ],
)
def test_what_a_node_raised_is_told_by_kind(app, type_, message, expected):
    served = app({"1": node("Fail", type=type_, message=message)})
    response = served.generate()
    assert kind(response) == (500, expected)
    body = response.json()
    assert body["detail"].startswith("Node 1 (My Fail) failed: ")
    assert message in body["detail"]
    assert body["hint"]
    assert "execution.py" not in response.text, "no stack trace"


def test_a_job_beyond_its_time_is_interrupted(app):
    served = app(
        {"1": node("Steps", steps=5000, seconds=0.01)},
        {"steps": field("integer", ("1", "steps"))},
        execution_seconds=0.5,
    )
    assert kind(served.generate()) == (504, "timeout")
    assert served.generate({"steps": 1}).status_code == 200
    assert served.service.engine.status().generation == 1


def test_a_comfyui_that_will_not_let_go_is_replaced(app, monkeypatch):
    monkeypatch.setattr("shared.execution.LET_GO_SECONDS", 0.3)
    served = app(
        {"1": node("Hang"), "2": node("Say", text="x")},
        {"text": field("text", ("2", "text"))},
        execution_seconds=0.3,
    )
    assert kind(served.generate()) == (504, "timeout")
    served.until(lambda: served.service.engine.status().generation == 2)
    served.until(lambda: served.http.get("/health").status_code == 200)


def test_an_engine_that_does_not_come_up_says_why(tmp_path):
    folder = write_app(tmp_path / "app", {"1": node("Say", text="x")})
    code = "raise SystemExit('no module named torch')"
    service = Service.from_folder(folder, Settings(engine_command=(sys.executable, "-c", code)))
    with pytest.raises(EngineFailed) as failure:
        service.start()
    assert str(failure.value) == snapshot("""\
ComfyUI ended while starting: exit code 1
no module named torch\
""")
    missing = Service.from_folder(folder, Settings(engine_command=("/nowhere/python", "{port}")))
    with pytest.raises(EngineFailed, match="No such file"):
        missing.start()


def test_stopping_leaves_no_process_behind(tmp_path):
    folder = write_app(tmp_path / "app", {"1": node("Spawn")})
    service = Service.from_folder(folder, Settings(engine_command=tuple(SCRIPTED), work_dir=tmp_path))
    with serve(service) as served:
        child = int(served.generate().json()["outputs"][0]["text"])
        engine = served.engine("/system_stats")["system"]["pid"]
        assert psutil.pid_exists(child)
    assert not [pid for pid in (child, engine) if alive(pid)]
    assert not list(tmp_path.glob("flowberth-*")), "no files either"


def test_a_killed_app_leaves_no_comfyui_behind(tmp_path):
    folder = write_app(tmp_path / "app", {"1": node("Say", text="x")})
    code = "import sys, pathlib; from shared.service import Service; s = Service.from_folder(pathlib.Path(sys.argv[1])); s.start(); print(s.engine.status().url, flush=True); input()"
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path("apps/modal").resolve()),
        "FLOWBERTH_ENGINE_COMMAND": json.dumps(SCRIPTED),
        "FLOWBERTH_API_KEY": "a key that is a secret",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("http"):
            assert line
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2, "the guard and the engine"
        assert not any("FLOWBERTH_API_KEY" in child.environ() for child in children), (
            "no secret for other people's code"
        )
        process.kill()
    psutil.wait_procs(children, timeout=20)
    assert not [child for child in children if alive(child.pid)]


def test_a_remote_comfyui_is_used_and_left_alone(app, tmp_path):
    owner = app({"1": node("Say", text="mine")})
    folder = write_app(tmp_path / "other", {"1": node("Say", text="theirs")})
    url = owner.service.engine.status().url
    with serve(Service.from_folder(folder, Settings(engine_url=url))) as served:
        assert served.generate().json()["outputs"][0]["text"] == "theirs"
    assert owner.generate().status_code == 200, "it still runs"


def test_settings_are_named_when_they_are_wrong():
    with pytest.raises(SettingsError, match="FLOWBERTH_ENGINE_COMMAND must be a JSON array"):
        Settings.from_environment({"FLOWBERTH_ENGINE_COMMAND": "python main.py"})
    with pytest.raises(SettingsError, match="FLOWBERTH_QUEUE_LIMIT"):
        Settings.from_environment({"FLOWBERTH_QUEUE_LIMIT": "0"})
    with pytest.raises(SettingsError, match="FLOWBERTH_ENGINE_URL"):
        Settings.from_environment({"FLOWBERTH_ENGINE_URL": "ftp://x"})


def test_traces_are_cut_out_of_a_log():
    log = [
        "before",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "    x()",
        "ValueError: no",
        "after",
    ]
    assert read(log).tail() == ("before", "ValueError: no", "after")


def test_a_log_is_kept_clean_and_bounded():
    log = read(["\x1b[31mred\x1b[0m", "  3%|#  |\r 50%|## |\r100%|###|", "x" * 100_000, "bell\x07"])
    tail = log.tail()
    assert tail[:2] == ("red", "100%|###|")
    assert tail[-1] == "bell"
    assert max(len(line) for line in tail) <= 2000


def test_custom_nodes_that_did_not_load_are_found_in_the_log():
    log = read(
        [
            "Cannot import /root/comfy/ComfyUI/custom_nodes/ComfyUI-A module for custom nodes: No module named 'x'",
            "Import times for custom nodes:",
            "   0.0 seconds (IMPORT FAILED): /root/comfy/ComfyUI/custom_nodes/ComfyUI-A",
            "   0.1 seconds (IMPORT FAILED): /root/comfy/ComfyUI/custom_nodes/ComfyUI-B",
            "   0.2 seconds: /root/comfy/ComfyUI/custom_nodes/ComfyUI-C",
        ]
    )
    assert log.import_failures() == ("ComfyUI-A: No module named 'x'", "ComfyUI-B: import failed")


def test_classes_that_were_asked_for_in_vain_are_found_in_the_log():
    log = read(
        [
            "invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because node Old (Pack) does not exist.'}",
            "invalid prompt: {'type': 'missing_node_type', 'message': \"Node 'New (Pack)' not found.\"}",
        ]
    )
    assert log.missing_classes() == ("Old (Pack)", "New (Pack)")


def test_the_exception_a_log_ends_with_is_known():
    trace = ["Traceback (most recent call last):", '  File "a.py", line 1', "    x()", "ModuleNotFoundError: torch"]
    assert read(["starting", *trace]).last_exception() == "ModuleNotFoundError: torch"
    assert (
        read([*trace, "", "During handling of it:", "", *trace[:3], "KeyError: 1", ""]).last_exception()
        == "KeyError: 1"
    )
    assert read([*trace, "got prompt"]).last_exception() == "", "it went on afterwards"
    assert read(["KeyError: 1"]).last_exception() == "", "no traceback, no exception"


def test_a_python_that_ends_with_a_traceback_says_so_in_one_line(tmp_path):
    folder = write_app(tmp_path / "app", {"1": node("Say", text="x")})
    service = Service.from_folder(folder, Settings(engine_command=(sys.executable, "-c", "import torch_is_not_here")))
    with pytest.raises(EngineFailed) as failure:
        service.start()
    assert str(failure.value).splitlines()[0] == snapshot(
        "ComfyUI ended while starting: exit code 1, after ModuleNotFoundError: No module named 'torch_is_not_here'"
    )


@given(st.lists(st.sampled_from(["Traceback (most recent call last):", "  x", "E: y", "", "\r"]) | st.text()))
def test_no_line_upsets_the_reader_of_the_log(lines):
    log = EngineLog()
    log.read(io.BytesIO("\n".join(lines).encode("utf-8", "surrogatepass")))
    assert not any("Traceback (most" in line for line in log.tail())
    assert log.last_exception() in {"", *log.tail()}


def read(lines: list[str]) -> EngineLog:
    log = EngineLog()
    log.read(io.BytesIO("".join(f"{line}\n" for line in lines).encode()))
    return log


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
