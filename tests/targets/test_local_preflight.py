"""The preflight on this machine: confined, and gone when it has ended, however it did."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files
from codegen.vendored import runtime_files
from runner.errors import DeployFailed, EngineUnavailable, RunCancelled
from runner.model import EngineChoice, RunId
from runner.protocols import DeploymentSpec
from runner.targets.local import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = Path(__file__).parents[1] / "runtime" / "small_comfyui"
PROMPT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
CANARY = "canary-7f3a"


@pytest.fixture
def apps(tmp_path: Path) -> Path:
    plan = make_plan(parse_workflow(json.dumps(PROMPT).encode(), filename="tile.json"), filename="tile.json")
    files = {f"tile/{path}": data for path, data in app_files(plan).items()} | runtime_files()
    for path, data in files.items():
        (tmp_path / "apps" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "apps" / path).write_bytes(data)
    return tmp_path / "apps"


@pytest.fixture
def target(tmp_path: Path) -> LocalTarget:
    return LocalTarget(tmp_path / "data")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A ComfyUI of the machine's own, with a broken pack."""
    folder = tmp_path / "ComfyUI"
    shutil.copytree(SMALL, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "comfy").mkdir()
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    main = (folder / "main.py").read_text().replace("parser.parse_args()", "parser.parse_known_args()[0]")
    (folder / "main.py").write_text(main)
    (folder / "custom_nodes/Broken").mkdir(parents=True)
    (folder / "custom_nodes/Broken/__init__.py").write_text("import os, no_such_module\n")
    return folder


def spec(apps: Path, **engine: Any) -> DeploymentSpec:
    return DeploymentSpec(
        run_id=RunId("run_1"), attempt=1, name="tile", folder=apps / "tile", engine=EngineChoice(**engine)
    )


def left(tmp_path: Path) -> list[psutil.Process]:
    """Processes that have anything to do with this test."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(str(tmp_path) in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.long
def test_with_the_stand_in_it_says_whether_the_prompt_would_be_taken(
    apps: Path, target: LocalTarget, tmp_path: Path
) -> None:
    found = target.preflight(spec(apps))
    assert (found.passed, found.prompt, found.missing_classes) == (True, None, ())
    assert set(found.definitions) == {"EmptyImage", "SaveImage"}
    prompt = {**PROMPT, "3": {"class_type": "Sharpen+", "inputs": {}}}
    (apps / "tile/prompt.json").write_text(json.dumps(prompt))
    found = target.preflight(spec(apps))
    assert (found.passed, found.missing_classes) == (False, ("Sharpen+",))
    assert left(tmp_path) == []
    assert list((tmp_path / "data").rglob("*.*")) == [], "nothing stays"


def test_the_stand_in_of_the_deployment_is_asked_and_no_other_is_started(
    apps: Path, target: LocalTarget, tmp_path: Path
) -> None:
    target.ensure(spec(apps))
    try:
        there = {process.pid for process in left(tmp_path)}
        assert target.preflight(spec(apps).model_copy(update={"attempt": 2})).log_tail, "one of its own says so"
        found = target.preflight(spec(apps))
        assert found.log_tail == ""
        assert (found.passed, found.prompt, found.missing_classes) == (True, None, ())
        assert set(found.definitions) == {"EmptyImage", "SaveImage"}
        assert {process.pid for process in left(tmp_path)} == there, "the app serves as before"
        engine = json.loads((tmp_path / "data/deployments/run_1/state.json").read_text())["engine_url"]
        queue = httpx.get(f"{engine}/queue", trust_env=False).json()
        assert queue == {"queue_running": [], "queue_pending": []}, "what was asked does not go on"
    finally:
        target.stop(RunId("run_1"))


def test_with_a_checkout_packs_are_imported_and_see_nothing_of_ours(
    apps: Path, target: LocalTarget, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "MODAL_TOKEN_SECRET", "ANTHROPIC_API_KEY", "FLOWBERTH_DATABASE_URL", "HF_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    (checkout / "custom_nodes/Broken/__init__.py").write_text("import os\nraise ImportError(str(dict(os.environ)))\n")
    found = target.preflight(spec(apps, path=checkout))
    assert found.missing_classes == ("EmptyImage", "SaveImage")
    (broken,) = found.imports
    assert broken.pack == "Broken"
    assert "PATH" in broken.error
    assert CANARY not in found.model_dump_json()
    assert "FLOWBERTH_" not in broken.error
    assert found.versions["python"]
    assert not (checkout / "executed").exists()


def test_one_that_does_not_start_fails_the_boot_with_its_log(
    apps: Path, target: LocalTarget, checkout: Path, tmp_path: Path
) -> None:
    (checkout / "main.py").write_text("import no_such_module\n")
    with pytest.raises(DeployFailed, match="exit code 1") as caught:
        target.preflight(spec(apps, path=checkout))
    assert caught.value.stage == "boot"
    assert "No module named 'no_such_module'" in caught.value.log
    with pytest.raises(EngineUnavailable):
        target.preflight(spec(apps, path=tmp_path / "nothing"))


def test_a_runtime_that_gives_no_answer_is_told_with_what_it_said(apps: Path, target: LocalTarget) -> None:
    (apps / "shared/preflight.py").write_text("raise SystemExit('I am broken')\n")
    with pytest.raises(DeployFailed, match="without an answer") as caught:
        target.preflight(spec(apps))
    assert (caught.value.stage, caught.value.log) == ("preflight", "I am broken\n")


def test_a_cancelled_run_ends_it(apps: Path, target: LocalTarget, checkout: Path, tmp_path: Path) -> None:
    (checkout / "main.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(600)\n")
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if line == "loading":
            raise RunCancelled("somebody has ended it")

    began = time.monotonic()
    with pytest.raises(RunCancelled):
        target.preflight(spec(apps, path=checkout), tell=tell)
    assert time.monotonic() - began < 30
    until(lambda: left(tmp_path) == [])


def test_it_does_not_outlive_the_process_that_asked(apps: Path, checkout: Path, tmp_path: Path) -> None:
    (checkout / "main.py").write_text("import time\ntime.sleep(600)\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.targets.test_local_preflight import spec\n"
        "from runner.targets.local import LocalTarget\n"
        "apps, checkout, data = map(Path, sys.argv[1:])\n"
        "LocalTarget(data).preflight(spec(apps, path=checkout))\n"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(apps), str(checkout), str(tmp_path / "data")], cwd=root
    )
    until(lambda: any("held.py" in word for one in left(tmp_path) for word in cmdline(one)))
    process.kill()
    process.wait()
    until(lambda: left(tmp_path) == [])


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
