"""What is done before a memory snapshot, and what after it."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from typing import TYPE_CHECKING

import psutil
import pytest

from shared import process
from shared.engine import EngineFailed
from shared.service import Service
from shared.settings import Settings
from tests.runtime.conftest import SCRIPTED, node, serve, write_app

if TYPE_CHECKING:
    from pathlib import Path

SAY = {"1": node("Say", text="x")}


@pytest.fixture(autouse=True)
def few_libraries(monkeypatch):
    """Those that the scripted engine needs itself."""
    monkeypatch.setattr(process, "LIBRARIES", ("PIL.Image", "no_such_library"))
    monkeypatch.setattr(process, "TORCH_LIBRARIES", ("starlette.applications",))


def service(tmp_path: Path, command: list[str] = SCRIPTED, **settings) -> Service:
    folder = write_app(tmp_path / "app", SAY)
    return Service.from_folder(
        folder, Settings(engine_command=tuple(command), work_dir=tmp_path, snapshot=True, **settings)
    )


def script(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "main.py"
    path.write_text(textwrap.dedent(source))
    return [sys.executable, str(path), "{port}"]


def waiting() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if str(process.WARM) in child.cmdline()[1:2]]


def test_the_process_that_waited_becomes_comfyui(tmp_path):
    app = service(tmp_path)
    app.prepare()
    (python,) = waiting()
    assert python.environ().keys() & {"FLOWBERTH_API_KEY", "MODAL_TOKEN_SECRET"} == set()
    with serve(app) as served:
        assert served.engine("/system_stats")["system"]["pid"] == python.pid
        assert served.generate().status_code == 200
        assert served.service.engine.status().generation == 1
        os.kill(python.pid, 9)
        served.until(lambda: served.http.get("/health").status_code == 200 and not python.is_running())
        assert served.generate().status_code == 200, "the second start is a plain one"
    assert not python.is_running()


def test_it_sees_no_gpu_before_and_the_environment_of_its_time_after(tmp_path, monkeypatch):
    watching = script(
        tmp_path,
        """
        import json, os, sys
        print(json.dumps([os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "WHEN", "FLOWBERTH_X")]))
        print(__name__, sys.argv, sys.path[0])
        sys.exit(3)
        """,
    )
    monkeypatch.setenv("WHEN", "before")
    monkeypatch.setenv("FLOWBERTH_X", "secret")
    app = service(tmp_path, watching, snapshot_torch=True)
    app.prepare()
    monkeypatch.setenv("WHEN", "after")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(EngineFailed, match="exit code 3"):
        app.start()
    first, how, again, _ = app.engine.log.tail()
    assert first == again == '["0", "after", null]'
    assert how.startswith("__main__ ['")
    assert "--disable-cuda-malloc" in how
    assert how.endswith(str(tmp_path))


def test_one_that_cannot_be_woken_or_will_not_start_is_started_the_plain_way(tmp_path):
    app = service(tmp_path)
    app.prepare()
    waiting()[0].kill()
    with serve(app) as served:
        assert served.generate().status_code == 200

    choosy = script(
        tmp_path,
        f"""
        import runpy, sys
        if "PIL.Image" in sys.modules:
            sys.exit("torch was loaded too early")
        sys.argv = ["engine", "--port", sys.argv[1]]
        runpy.run_path({SCRIPTED[1]!r}, run_name="__main__")
        """,
    )
    app = service(tmp_path, choosy)
    app.prepare()
    with serve(app) as served:
        assert served.generate().status_code == 200
        assert served.service.engine.status().generation == 2
        assert "torch was loaded too early" in served.service.engine.log.tail()


def test_a_service_that_is_never_started_leaves_nothing_behind(tmp_path):
    app = service(tmp_path)
    app.prepare()
    assert len(waiting()) == 1
    app.stop()
    assert waiting() == []


def test_without_a_snapshot_there_is_nothing_to_prepare(tmp_path):
    folder = write_app(tmp_path / "app", SAY)
    Service.from_folder(folder, Settings(engine_command=tuple(SCRIPTED))).prepare()
    module = Settings(engine_command=(sys.executable, "-m", "http.server"), snapshot=True)
    Service.from_folder(folder, module).prepare()
    assert waiting() == []


def test_a_secret_that_is_newer_than_the_snapshot_counts(tmp_path, monkeypatch):
    folder = write_app(tmp_path / "app", SAY)
    for name, value in (("SNAPSHOT", "1"), ("ENGINE_COMMAND", json.dumps(SCRIPTED)), ("API_KEY", "k" * 20)):
        monkeypatch.setenv(f"FLOWBERTH_{name}", value)
    app = Service.from_folder(folder)
    app.prepare()
    monkeypatch.setenv("FLOWBERTH_API_KEY", "n" * 20)
    with serve(app) as served:
        assert served.generate(headers={"Authorization": "Bearer " + "k" * 20}).status_code == 401
        assert served.generate(headers={"Authorization": "Bearer " + "n" * 20}).status_code == 200
