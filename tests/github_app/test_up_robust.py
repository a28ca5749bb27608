"""Odd surroundings and rude ends: what the machine, the terminal or another program does to a command."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.github_app.conftest import STORY_SECONDS
from tests.github_app.test_up import SCRIPT, answers, git, made_repo, ours, started
from tests.github_app.workflows import GRAPH, saved


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made_repo(tmp_path)


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    (tmp_path / "tile.json").write_bytes(saved(GRAPH))
    return tmp_path / "tile.json"


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=[pytest.mark.long])])
def test_told_to_end_it_leaves_nothing_running_and_the_run_to_be_resumed(
    flowberth_process: Callable, environment: dict[str, str], tile: Path, repo: Path, number: signal.Signals
) -> None:
    with started(
        [SCRIPT, "up", tile, "--repo", repo, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr
        assert "deploy: starting on the local target\n" in process.stderr
        process.send_signal(number)
        out, err = process.communicate(timeout=STORY_SECONDS)
    assert process.returncode == 143, err
    assert json.loads(out)["error"]["type"] == "Terminated"
    ends = time.monotonic() + STORY_SECONDS
    while ours(Path(environment["FLOWBERTH_DATA_DIR"])):  # the app follows within a moment, and Postgres with it
        assert time.monotonic() < ends, "an app, an engine or Postgres stays"
    resumed = flowberth_process("runs", "resume", "--json")
    assert [run["state"] for run in resumed.json["runs"]] == ["succeeded"], resumed.err


@pytest.mark.long
def test_what_is_kept_serves_all_its_pages_though_the_worktree_is_gone(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path, data_dir: Path
) -> None:
    settings = {"FLOWBERTH_DATABASE_URL": database_url}
    result = flowberth_process("up", tile, "--repo", repo, "--keep", "--json", **settings).json
    try:
        assert not list((data_dir / "worktrees").glob("*/*"))
        assert answers(f"{result['endpoint']}/")
        assert answers(f"{result['endpoint']}/docs")
    finally:
        flowberth_process("runs", "cancel", result["run_id"], **settings)


@pytest.mark.long
def test_killed_while_testing_what_is_to_be_kept_is_kept_where_the_result_says(
    flowberth_process: Callable, environment: dict[str, str], database_url: str, repo: Path, tile: Path
) -> None:
    environment["FLOWBERTH_DATABASE_URL"] = database_url
    command = ["up", tile, "--repo", repo, "--keep", "--json"]
    with started([SCRIPT, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert "test: generate\n" in process.stderr
        process.kill()
    result = flowberth_process(*command).json
    try:
        assert answers(f"{result['endpoint']}/health")
    finally:
        flowberth_process("runs", "cancel", result["run_id"])


@pytest.mark.long
def test_a_character_that_no_database_holds_is_no_obstacle(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path
) -> None:
    document = json.loads(tile.read_bytes())
    document["nodes"].append(
        {"id": 77, "type": "Odd\0Node", "title": "a\0b", "mode": 0, "inputs": [], "outputs": [], "pos": [0, 0]}
    )
    tile.write_text(json.dumps(document))
    said = flowberth_process("up", tile, "--repo", repo, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert said.json["state"] in {"succeeded", "failed"}
    listed = flowberth_process("runs", "list", "--json", FLOWBERTH_DATABASE_URL=database_url).json["runs"]
    assert [run["state"] for run in listed if run["id"] == said.json["run_id"]] == [said.json["state"]]


@pytest.mark.long
def test_attributes_of_the_repository_change_no_byte(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path
) -> None:
    (repo / ".gitattributes").write_text("* text\n*.png text\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Convert everything")
    tile.write_bytes(tile.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    said = flowberth_process("up", tile, "--repo", repo, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert said.json["state"] == "succeeded", said.err
    for path, begins in (("workflow.json", tile.read_bytes()[:1]), ("sample.png", b"\x89PNG\r\n\x1a\n")):
        blob = subprocess.check_output(
            ["git", "-C", repo, "cat-file", "blob", f"flowberth/tile:apps/modal/tile/{path}"]
        )
        assert blob.startswith(begins)
        assert path != "workflow.json" or blob == tile.read_bytes()


def test_a_branch_of_its_own_is_no_base(flowberth: Callable, repo: Path, tile: Path) -> None:
    git(repo, "switch", "-q", "-c", "flowberth/tile")
    said = flowberth("up", tile, "--repo", repo)
    assert said.code == 2
    assert said.err == (
        "Error: flowberth/tile is checked out, which is a branch of Flowberth's own\n"
        "Say what the pull request is for, such as --base main.\n"
    )


@pytest.mark.parametrize("encoding", [pytest.param("ascii", marks=[pytest.mark.long]), "cp1252"])
def test_a_terminal_that_lacks_letters_gets_others(flowberth_process: Callable, encoding: str) -> None:
    said = flowberth_process("doctor", PYTHONIOENCODING=encoding)
    assert "Traceback" not in said.err
    assert "Ready: flowberth up WORKFLOW" in said.out


def test_a_full_disk_behind_stdout_is_an_exit_code(environment: dict[str, str], tile: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [SCRIPT, "analyze", tile], env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_a_file_name_that_is_no_text_is_read(flowberth_process: Callable, tile: Path) -> None:
    odd = os.fsencode(tile.parent) + b"/t\xefle.json"
    with contextlib.suppress(OSError):  # a file system that takes only UTF-8 has no such names
        Path(os.fsdecode(odd)).write_bytes(tile.read_bytes())
        said = flowberth_process("analyze", os.fsdecode(odd), "--json")
        assert said.code == 0, said.err


@pytest.mark.parametrize("run_id", ["x", "run_" + "a" * 500, "run_ü", "../..", "run_\x1b"])
def test_an_id_that_is_none_is_told(flowberth: Callable, database_url: str, run_id: str) -> None:
    said = flowberth("runs", "show", run_id, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert (said.code, said.json["error"]["type"]) == (2, "RunNotFound")


def test_a_number_beyond_all_counting_is_refused(flowberth: Callable, repo: Path) -> None:
    said = flowberth("pr", "show", "99999999999", "--repo", repo, "--json")
    assert (said.code, said.json["error"]["type"]) == (2, "Usage")


@pytest.mark.long
def test_an_older_runtime_is_brought_up_in_a_commit_of_its_own(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path
) -> None:
    shared = repo / "apps/modal/shared"
    shared.mkdir(parents=True)
    (shared / "VERSION").write_text("1.0.0\n")
    (shared / "gone.py").write_text("raise RuntimeError\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "An older runtime")
    said = flowberth_process("up", tile, "--repo", repo, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert said.json["state"] == "succeeded", said.err
    subjects = git(repo, "log", "--format=%s", "main..flowberth/tile").splitlines()
    assert subjects[-1].startswith("Update the Flowberth runtime from 1.0.0 to ")
    message = git(repo, "log", "--format=%B", "main..flowberth/tile", "--grep=Update the Flowberth runtime")
    assert "All apps of this repository share it." in message
    assert "Flowberth-Run: run_" in message
    files = git(repo, "ls-tree", "-r", "--name-only", "flowberth/tile", "apps/modal/shared").splitlines()
    assert "apps/modal/shared/service.py" in files
    assert "apps/modal/shared/gone.py" not in files


def test_a_newer_runtime_is_left_alone(flowberth_process: Callable, database_url: str, repo: Path, tile: Path) -> None:
    (repo / "apps/modal/shared").mkdir(parents=True)
    (repo / "apps/modal/shared/VERSION").write_text("999.0.0\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "A newer runtime")
    said = flowberth_process("up", tile, "--repo", repo, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert (said.code, said.json["state"]) == (1, "failed")
    assert "is of version 999.0.0" in said.json["reason"]
    assert said.json["reason"].endswith("upgrade Flowberth")


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_reason_to_fail(environment: dict[str, str], tile: Path, closed: str) -> None:
    redirection = {"stdout": ">&-", "stderr": "2>&-"}[closed]
    command = ["sh", "-c", f'"$0" analyze "$1" --json {redirection}', str(SCRIPT), str(tile)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_a_repository_that_is_broken_is_told_and_not_passed_over(flowberth: Callable, repo: Path, tile: Path) -> None:
    (repo / ".git/config").write_text("[core\n")
    said = flowberth("up", tile, "--repo", repo, "--json")
    assert said.code != 0
    assert "config" in said.json["error"]["message"]


@pytest.mark.long
def test_what_is_kept_anew_replaces_what_was_kept_before(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path
) -> None:
    settings = {"FLOWBERTH_DATABASE_URL": database_url}
    first, second = (
        flowberth_process("up", tile, "--repo", repo, "--keep", "--json", **settings).json for _ in range(2)
    )
    try:
        assert answers(f"{second['endpoint']}/health")
        assert not answers(f"{first['endpoint']}/health")
        shown = flowberth_process("runs", "show", first["run_id"], "--json", **settings).json
        assert shown["result"]["endpoint"] is None
    finally:
        flowberth_process("runs", "cancel", second["run_id"], **settings)
