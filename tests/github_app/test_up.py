"""The main job through the real script: a workflow goes in, a pull request comes out."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.model import RunResult
from tests.github_app.conftest import STORY_SECONDS
from tests.github_app.workflows import GRAPH, saved

SCRIPT = Path(sys.executable).with_name("flowberth")


def git(repo: Path, *args: str) -> str:
    done = subprocess.run(["git", "-C", repo, *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made_repo(tmp_path)


def made_repo(folder: Path) -> Path:
    repo = folder / "site"
    subprocess.run(["git", "init", "-q", "-b", "main", repo], check=True)
    git(repo, "config", "user.name", "A person")
    git(repo, "config", "user.email", "person@example.org")
    (repo / "index.html").write_text("<h1>Our site</h1>\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Begin")
    return repo


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    (tmp_path / "tile.json").write_bytes(saved(GRAPH))
    return tmp_path / "tile.json"


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_from_a_workflow_to_a_merged_pull_request(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path, data_dir: Path
) -> None:
    def flowberth(*args: str | Path) -> Any:
        return flowberth_process(*args, cwd=repo, FLOWBERTH_DATABASE_URL=database_url)

    (repo / "draft.txt").write_text("uncommitted, and none of our business")
    before = git(repo, "status", "--porcelain", "--branch")

    said = flowberth("up", tile, "--json")
    assert said.code == 0, said.err
    result = RunResult.model_validate(said.json)
    assert result.state == "succeeded"
    assert result.engine == "stand-in"
    assert (result.name, result.branch, result.app_dir) == ("tile", "flowberth/tile", "apps/modal/tile")
    assert result.tests
    assert all(test.passed for test in result.tests)
    assert result.pr
    assert result.endpoint is None
    assert {"analyse …", "deploy …", "finish …"} <= set(said.err.splitlines())
    assert git(repo, "status", "--porcelain", "--branch") == before

    listed = flowberth("pr", "list")
    assert f"#{result.pr.number}" in listed.out
    body = flowberth("pr", "show", str(result.pr.number)).out
    assert "simulated" in body.lower()
    assert [run["id"] for run in flowberth("runs", "list", "--json").json["runs"]] == [result.run_id]
    shown = flowberth("runs", "show", result.run_id).out
    assert str(data_dir / "logs") in shown
    assert "succeeded" in shown

    merged = flowberth("pr", "merge", str(result.pr.number), "--json")
    assert merged.code == 0, merged.err
    assert merged.json["state"] == "merged"
    assert "apps/modal/tile/app.py" in git(repo, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert (repo / "draft.txt").exists()


@pytest.mark.long
def test_a_newcomer_outside_any_repository_is_told_where_things_are(
    flowberth_process: Callable, tile: Path, data_dir: Path
) -> None:
    said = flowberth_process("up", tile)
    assert said.code == 0, said.err
    assert str(data_dir / "demo") in said.err
    assert said.out.startswith("tile succeeded\n")
    assert "SIMULATED" in said.out
    assert "flowberth pr show 1" in said.out
    assert flowberth_process("pr", "show", "1", "--json").json["state"] == "open"


@pytest.mark.long
def test_kept_apps_serve_until_they_are_cancelled(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path
) -> None:
    settings = {"FLOWBERTH_DATABASE_URL": database_url}
    result = flowberth_process("up", tile, "--repo", repo, "--keep", "--json", **settings).json
    try:
        assert answers(f"{result['endpoint']}/health")
        assert answers(f"{result['endpoint']}/playground")
    finally:
        cancelled = flowberth_process("runs", "cancel", result["run_id"], **settings)
    assert cancelled.code == 0, cancelled.err
    assert not answers(f"{result['endpoint']}/health")


@contextlib.contextmanager
def started(command: list[str | Path], **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_cancels_the_run_and_leaves_nothing_running(
    flowberth_process: Callable, environment: dict[str, str], database_url: str, repo: Path, tile: Path
) -> None:
    with started(
        [SCRIPT, "up", tile, "--repo", repo, "--json"],
        env={**environment, "FLOWBERTH_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line == "deploy …\n":
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=STORY_SECONDS)
    assert process.returncode == 130, err
    result = json.loads(out)
    assert result["state"] == "cancelled"
    shown = flowberth_process("runs", "show", result["run_id"], "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert shown.json["state"] == "cancelled"
    assert not list(Path(environment["FLOWBERTH_DATA_DIR"], "worktrees").glob("*/*"))


def ours(data_dir: Path) -> list[psutil.Process]:
    """Processes that work for this data folder: apps and engines."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(data_dir) in place for place in (*process.cmdline(), process.cwd())):
                found.append(process)
    return found


@pytest.mark.long
@pytest.mark.parametrize("line", ["deploy: starting on the local target\n", "test: generate\n"])
def test_killed_with_a_live_app_the_same_command_goes_on_and_nothing_is_left(
    flowberth_process: Callable, environment: dict[str, str], database_url: str, tile: Path, line: str
) -> None:
    repo, data_dir = made_repo(tile.parent), Path(environment["FLOWBERTH_DATA_DIR"])
    environment["FLOWBERTH_DATABASE_URL"] = database_url
    with started(
        [SCRIPT, "up", tile, "--repo", repo, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr
        assert line in process.stderr
        process.kill()
    said = flowberth_process("up", tile, "--repo", repo, "--json")
    assert said.code == 0, said.err
    runs = flowberth_process("runs", "list", "--json").json["runs"]
    mine = [(run["id"], run["state"]) for run in runs if run["repo"] == str(repo)]
    assert mine == [(said.json["run_id"], "succeeded")]
    assert [
        pull["state"] for pull in flowberth_process("pr", "list", "--repo", repo, "--json").json["pull_requests"]
    ] == ["open"]
    assert git(repo, "branch", "--format=%(refname:short)").split() == ["flowberth/tile", "main"]
    assert list((data_dir / "worktrees").glob("*/*")) == []
    assert ours(data_dir) == []


@pytest.mark.long
def test_on_a_terminal_the_steps_are_a_live_list(
    environment: dict[str, str], database_url: str, repo: Path, tile: Path
) -> None:
    ours, theirs = pty.openpty()
    with started(
        [SCRIPT, "up", tile, "--repo", repo],
        env={**environment, "FLOWBERTH_DATABASE_URL": database_url, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        screen = b""
        with contextlib.suppress(OSError):  # the other end is closed when the process ends
            while piece := os.read(ours, 65536):
                screen += piece
        os.close(ours)
        assert process.wait(timeout=STORY_SECONDS) == 0, screen.decode()
    text = screen.decode()
    assert "\x1b[" in text
    assert text.count("✓") >= 8
    assert "succeeded" in text


def test_a_repository_that_is_none_is_refused(flowberth: Callable, tile: Path, tmp_path: Path) -> None:
    said = flowberth("up", tile, "--repo", tmp_path / "none", "--json")
    assert said.code == 2
    assert "--repo" in said.json["error"]["message"]
    said = flowberth("up", tile, "--repo", tmp_path, "--json")
    assert said.code == 2
    assert said.json["error"]["type"] == "NotARepository"


def test_a_comfyui_that_is_none_is_refused(flowberth: Callable, tile: Path, repo: Path, tmp_path: Path) -> None:
    said = flowberth("up", tile, "--repo", repo, "--comfyui", tmp_path, "--json")
    assert said.code == 2
    assert "main.py" in said.json["error"]["message"]
