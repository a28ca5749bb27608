"""Apps as processes of this machine: found again, confined, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files
from codegen.vendored import runtime_files
from runner.engine import engine_settings
from runner.errors import DeployFailed, EngineUnavailable
from runner.model import EngineChoice, RunId
from runner.protocols import DeploymentSpec
from runner.targets.local import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
RUN = RunId("run_1")
PROMPT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
CANARY = "canary-7f3a"
PATIENCE_SECONDS = 30
PROCESSES = 3
"""The app, its engine, and the guard that ends the engine when the app is killed."""


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`apps/modal` with one generated app and the runtime."""
    folder = tmp_path_factory.mktemp("apps")
    plan = make_plan(parse_workflow(json.dumps(PROMPT).encode(), filename="tile.json"), filename="tile.json")
    files = {f"tile/{path}": data for path, data in app_files(plan).items()} | runtime_files()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def target(data: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(data)
    yield target
    target.stop(RUN)


def spec(apps: Path, **more: Any) -> DeploymentSpec:
    facts = {"run_id": RUN, "attempt": 1, "name": "tile", "folder": apps / "tile", "engine": EngineChoice()}
    return DeploymentSpec(**{**facts, **more})


def processes(data: Path) -> list[psutil.Process]:
    """The app and its engine."""
    found = []
    for process in psutil.process_iter():
        try:
            places = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(data) in place for place in places):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_a_deployment_is_found_again_and_sees_nothing_of_ours(
    apps: Path, data: Path, target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "GITHUB_TOKEN",
        "MODAL_TOKEN_SECRET",
        "ANTHROPIC_API_KEY",
        "DATABASE_URL",
        "FLOWBERTH_DATABASE_URL",
        "HF_TOKEN",
        "HTTPS_PROXY",
    ):
        monkeypatch.setenv(name, CANARY)
    before = sorted(path for path in apps.rglob("*"))
    made = target.ensure(spec(apps))
    assert made.engine == "stand-in"
    assert target.ensure(spec(apps)).url == made.url
    other = LocalTarget(data)  # as another process would have
    assert other.ensure(spec(apps)).url == made.url
    running = processes(data)
    assert len(running) == PROCESSES
    for process in running:
        assert CANARY not in "".join(process.environ().values())
    assert sorted(path for path in apps.rglob("*")) == before, "an app's folder is a checkout: nothing may appear there"
    other.stop(RUN)
    assert processes(data) == []
    assert not answers(made.url)
    other.stop(RUN)


@pytest.mark.long
def test_an_app_that_died_is_made_again(apps: Path, data: Path, target: LocalTarget) -> None:
    first = target.ensure(spec(apps))
    for process in processes(data):
        process.kill()
    until(lambda: not answers(first.url))
    again = target.ensure(spec(apps))
    assert answers(again.url)
    assert len(processes(data)) == PROCESSES


DRIVER = """
import os, signal, sys
from pathlib import Path
from runner.model import EngineChoice
from runner.protocols import DeploymentSpec
from runner.targets.local import LocalTarget
apps, data, then = sys.argv[1:]
target = LocalTarget(Path(data))
spec = DeploymentSpec(run_id="run_1", attempt=1, name="tile", folder=Path(apps, "tile"), engine=EngineChoice())
print(target.ensure(spec).url, flush=True)
if then == "keep":
    target.keep(spec)
if then == "die":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def driven(apps: Path, data: Path, then: str) -> str:
    command = [sys.executable, "-c", DRIVER, str(apps), str(data), then]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (-signal.SIGKILL if then == "die" else 0), done.stderr
    return done.stdout.strip()


def test_whoever_started_it_being_killed_takes_app_and_engine_along(apps: Path, data: Path) -> None:
    url = driven(apps, data, "die")
    until(lambda: processes(data) == [])
    assert not answers(url)


@pytest.mark.long
def test_what_is_kept_outlives_its_process_and_is_stopped_by_another(
    apps: Path, data: Path, target: LocalTarget
) -> None:
    url = driven(apps, data, "keep")
    assert answers(url)
    assert target.ensure(spec(apps)).url == url
    target.stop(RUN)
    assert processes(data) == []


@pytest.mark.long
def test_asked_for_at_once_it_is_made_once_whatever_proxy_there_is(
    apps: Path, data: Path, target: LocalTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    targets = [target, LocalTarget(data), LocalTarget(data)]
    with ThreadPoolExecutor(len(targets)) as pool:
        urls = set(pool.map(lambda each: each.ensure(spec(apps)).url, targets))
    assert len(urls) == 1
    assert len(processes(data)) == PROCESSES
    for each in targets:  # whichever made it is its parent, and has to see its end
        each.stop(RUN)


def test_another_attempt_replaces_the_one_before(apps: Path, data: Path, target: LocalTarget) -> None:
    target.ensure(spec(apps))
    second = target.ensure(spec(apps, attempt=2))
    assert answers(second.url)
    assert len(processes(data)) == PROCESSES


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(apps: Path, data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as somebody:
        folder = data / "deployments" / RUN
        folder.mkdir(parents=True)
        record = {"pid": somebody.pid, "started": psutil.Process(somebody.pid).create_time() - 60, "attempt": 1}
        (folder / "record.json").write_text(json.dumps(record))
        LocalTarget(data).stop(RUN)
        assert somebody.poll() is None
        assert somebody.stdin
        somebody.stdin.close()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no such thing')", "no such thing"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import nonsense_module", "nonsense_module"),
        ("print('x' * 50_000_000); raise ValueError('the end')", "the end"),
        ("x = 1", "ComfyUI"),
    ],
)
def test_an_app_that_does_not_come_up_says_why(
    apps: Path, data: Path, target: LocalTarget, source: str, words: str
) -> None:
    broken = data.parent / "apps" / "tile"
    broken.mkdir(parents=True)
    for path in (apps / "tile").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "app.py").write_text(source)
    with pytest.raises(DeployFailed) as failure:
        target.ensure(spec(apps, folder=broken))
    assert words in str(failure.value) + failure.value.log
    assert len(failure.value.log) <= 20_000
    assert processes(data) == []


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (EngineChoice(url="http://127.0.0.1:9"), "no ComfyUI answers at http://127.0.0.1:9/system_stats"),
        (EngineChoice(url="http://user:secret@127.0.0.1:9"), "no ComfyUI answers"),
        (EngineChoice(path=Path("/nonexistent")), "is no checkout of ComfyUI"),
    ],
)
def test_a_comfyui_that_is_none_is_told_with_the_way_out(choice: EngineChoice, words: str, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"correct --comfyui") as failure:
        engine_settings(choice, core="0.33.0", work_dir=tmp_path)
    assert words in str(failure.value)
    assert "secret" not in str(failure.value)


def test_a_server_that_is_something_else_is_told_without_the_password(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:  # answers 501 to everything
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        choice = EngineChoice(url=f"http://user:secret@127.0.0.1:{server.server_port}")
        with pytest.raises(EngineUnavailable) as failure:
            engine_settings(choice, core="0.33.0", work_dir=tmp_path)
        server.shutdown()
    assert "501" in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"null", b"[]", b'{"system": []}', b"x" * (2 << 20), b"\xff"])
def test_a_server_that_answers_something_else_is_no_comfyui(tmp_path: Path, body: bytes) -> None:
    class Odd(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has heard enough
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(EngineUnavailable):
            engine_settings(
                EngineChoice(url=f"http://127.0.0.1:{server.server_port}"), core="0.33.0", work_dir=tmp_path
            )
        server.shutdown()


def test_a_server_whose_answer_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.engine.PROBE_SECONDS", 0.3)
    over = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not over.wait(0.02):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(EngineUnavailable, match="does not end"):
            engine_settings(
                EngineChoice(url=f"http://127.0.0.1:{server.server_port}"), core="0.33.0", work_dir=tmp_path
            )
        over.set()
        server.shutdown()
