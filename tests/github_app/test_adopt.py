"""`flowberth adopt` through the real script: a number of the sheet goes in, a tested commit with new defaults comes out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.model import RunResult
from tests.github_app.test_up import git, made_repo

if TYPE_CHECKING:
    from collections.abc import Callable

POSTER = Path(__file__).parents[2] / "examples" / "poster.json"
APP = "apps/modal/poster"


def refusal(said: Any, code: int = 2) -> tuple[str, str]:
    assert said.code == code, said.err
    assert set(said.json) == {"error"}
    return said.json["error"]["message"], said.json["error"]["hint"]


def committed(repo: Path, file: str) -> Any:
    shown = subprocess.run(
        ["git", "-C", repo, "show", f"flowberth/poster:{APP}/{file}"], capture_output=True, check=True
    )
    return json.loads(shown.stdout)


def subjects(repo: Path) -> list[str]:
    log = ["git", "-C", repo, "log", "--format=%s", "main..flowberth/poster"]
    return subprocess.run(log, capture_output=True, check=True, text=True).stdout.splitlines()


def killed_at(line: str, environment: dict[str, str], folder: Path, *args: str) -> None:
    """The command, until it says so; then nothing of it goes on."""
    script = Path(sys.executable).with_name("flowberth")
    with subprocess.Popen([script, *args], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said: list[str] = []
        for each in process.stderr:
            said.append(each)
            if each.startswith(line):
                break
        process.kill()
        assert process.wait() == -signal.SIGKILL, "".join(said)


def test_what_is_no_number_and_what_is_no_app_is_refused_at_once(flowberth: Callable[..., Any], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", tmp_path / "site"], check=True)
    here = ("--repo", tmp_path / "site", "--base", "main", "--json")
    for word in ("0", "-1", "3.5", "three", "99999", "\x1b[31m"):
        message, _ = refusal(flowberth("adopt", *here, "--", "poster", word))
        assert message == f"NUMBER: {word!a} is no number of a variation; give the one below its picture, such as 3"
    message, hint = refusal(flowberth("adopt", "poster", "3", *here))
    assert (message, hint.partition(".")[0]) == (
        "there is no app poster on a branch flowberth/poster",
        "Make it with: flowberth up WORKFLOW",
    )


def test_the_settings_of_the_repository_count_for_what_is_made_of_it_here(
    flowberth: Callable[..., Any], tmp_path: Path
) -> None:
    repo = made_repo(tmp_path)
    assert flowberth("render", POSTER, "-o", repo / "apps/modal").code == 0
    git(repo, "checkout", "-q", "-b", "flowberth/poster")
    git(repo, "add", "apps")
    git(repo, "commit", "-q", "-m", "Add poster")
    git(repo, "checkout", "-q", "main")
    (repo / ".github").mkdir()
    (repo / ".github/flowberth.yml").write_text("quality: {image: eleven}\n")
    git(repo, "add", ".github")
    git(repo, "commit", "-q", "-m", "Settle it")
    message, _ = refusal(flowberth("vary", "poster", "sun_height=100,300", "--repo", repo, "--json"))
    assert message.startswith("the settings on main cannot be used:")
    message, _ = refusal(flowberth("adopt", "poster", "1", "--repo", repo, "--json"))
    assert message == "no grid was made of poster"


@pytest.mark.long
def test_a_variation_becomes_the_default_and_is_tested(flowberth_process: Callable[..., Any], data_dir: Path) -> None:
    demo = data_dir / "demo"
    assert flowberth_process("up", POSTER, "--offline").code == 0
    assert refusal(flowberth_process("adopt", "poster", "1", "--json")) == (
        "no grid was made of poster",
        "New ones are made with: flowberth vary poster INPUT=VALUES",
    )
    before = committed(demo, "interface.json")["properties"]["sun_height"]["default"]
    assert flowberth_process("vary", "poster", "sun_height=100,300").code == 0
    message, _ = refusal(flowberth_process("adopt", "poster", "9", "--json"))
    assert message == "NUMBER: there is no variation 9; there are 1 to 2"

    said = flowberth_process("adopt", "poster", "2", "--offline", "--json")
    assert said.code == 0, said.err
    assert said.err.splitlines()[0] == f"poster: variation 2 becomes the default: sun_height {before} → 300"
    result = RunResult.model_validate(said.json)
    assert result.state == "succeeded"
    assert result.tests
    assert result.pr is not None
    assert result.pr.number == 1
    assert committed(demo, "interface.json")["properties"]["sun_height"]["default"] == 300
    assert {(one["value"], one["because"]) for one in committed(demo, "app.lock.json")["inputs"]} == {
        (300, "variation 2 was adopted")
    }
    message, _ = refusal(flowberth_process("adopt", "poster", "2", "--json"))
    assert message == "NUMBER: the app's defaults are those of variation 2 already"


@pytest.mark.long
def test_the_same_command_goes_on_where_it_was_killed_and_only_the_newest_grid_counts(
    flowberth_process: Callable[..., Any], data_dir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    demo = data_dir / "demo"
    assert flowberth_process("up", POSTER, "--offline").code == 0
    assert flowberth_process("vary", "poster", "sun_height=100,300").code == 0
    killed_at("finish …", environment, tmp_path, "adopt", "poster", "2", "--offline")  # all of it is committed by then
    going = flowberth_process("runs", "list", "--json").json["runs"][0]
    assert (going["kind"], going["state"]) == ("redeploy", "running")
    other, _ = refusal(flowberth_process("adopt", "poster", "1", "--json"), code=1)
    assert other.startswith(f"{going['id']} of poster has not ended")
    said = flowberth_process("adopt", "poster", "2", "--offline", "--json")
    assert said.code == 0, said.err
    assert said.json["run_id"] == going["id"]
    assert subjects(demo).count("Update poster: generated app") == 1

    killed_at("vary …", environment, tmp_path, "vary", "poster", "sun_height=150,250")
    newest = flowberth_process("runs", "list", "--json").json["runs"][0]["id"]
    message, _ = refusal(flowberth_process("adopt", "poster", "1", "--json"), code=1)
    assert message == f"variations of poster are being made (run {newest})"
    assert flowberth_process("runs", "cancel", newest).code == 0
    message, hint = refusal(flowberth_process("adopt", "poster", "1", "--json"))
    assert message == f"the newest variations of poster (run {newest}) were not committed, so none can be adopted"
    assert f"flowberth runs show {newest}" in hint
