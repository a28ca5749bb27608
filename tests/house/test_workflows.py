"""What the jobs on GitHub may do, and what the one that refreshes the packaged data does."""

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
REFRESH = yaml.safe_load((FOLDER / "refresh-data.yml").read_text("utf-8"))
DATA = REFRESH["env"]["DATA"].split()
GH = """#!/bin/sh
echo "$@" >> "$RUNNER_TEMP/gh.log"
case "$1 $2" in "pr list") cat "$RUNNER_TEMP/open" ;; esac
"""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
class TestEveryWorkflow:
    def test_actions_are_pinned_by_commit_and_are_githubs_own(self, path):
        used = re.findall(r"uses:\s*(\S+)", path.read_text("utf-8"))
        assert used
        assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one)] == []

    def test_a_job_that_may_write_runs_nothing_of_others(self, path):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        for job in workflow["jobs"].values():
            permissions = {**workflow["permissions"], **job.get("permissions", {})}
            commands = " ".join(step.get("run", "") for step in job["steps"])
            if "write" in permissions.values():
                assert not re.search(r"\b(pip|uv|python|pytest|npm|curl|wget)\b", commands)
            for step in job["steps"]:
                if "checkout" in step.get("uses", ""):
                    assert step["with"]["persist-credentials"] is False

    def test_nothing_of_an_event_is_pasted_into_a_shell(self, path):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
        assert not [one for one in commands if re.search(r"\$\{\{(?!\s*matrix\.)", one)]


@pytest.fixture
def runner(tmp_path):
    """A checkout with a remote, and a `gh` that writes down what it was asked."""
    for name in ("temp/made", "bin", "home"):
        (tmp_path / name).mkdir(parents=True)
    gh = tmp_path / "bin" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (tmp_path / "temp" / "made" / "notes.txt").write_text("comfyui_manager-4.9: 4000 repositories\n")
    (tmp_path / "temp" / "open").write_text("0\n")
    runner = Runner(tmp_path)
    runner.git("init", "--quiet", "--bare", "../remote.git")
    runner.git("init", "--quiet", "--initial-branch=main")
    for file in DATA:
        runner.write(file, b"old")
    runner.git("add", ".")
    runner.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=Start")
    runner.git("remote", "add", "origin", "../remote.git")
    return runner


class Runner:
    """One that runs the steps of the workflow."""

    def __init__(self, folder):
        self.temp = folder / "temp"
        self.checkout = folder / "checkout"
        self.checkout.mkdir()
        self.env = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "DATA": REFRESH["env"]["DATA"],
            "BASE": "main",
        }

    def git(self, *arguments):
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.checkout, env=self.env, check=True, capture_output=True, text=True
        ).stdout

    def write(self, file, text, level=9):
        path = self.checkout / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text, compresslevel=level, mtime=0))

    def step(self, job, name):
        script = next(step["run"] for step in REFRESH["jobs"][job]["steps"] if step.get("name") == name)
        subprocess.run(["bash", "-e", "-c", script], cwd=self.checkout, env=self.env, check=True)

    def asked(self):
        return [line.split(" --")[0] for line in (self.temp / "gh.log").read_text().splitlines()]


class TestRefreshing:
    COMPARE = ("make", "Compare what is in them")
    PROPOSE = ("propose", "Open a pull request, or renew the one that is open")

    def test_the_same_facts_packed_otherwise_are_no_change(self, runner):
        runner.write(DATA[0], b"old", level=0)
        runner.step(*self.COMPARE)
        assert not (runner.temp / "output").exists()
        assert [path.name for path in (runner.temp / "made").iterdir()] == ["notes.txt"]

    def test_what_changed_becomes_a_pull_request_which_is_renewed_the_next_week(self, runner):
        for week, opened in ((1, "0"), (2, "1")):
            (runner.temp / "open").write_text(opened)
            runner.write(DATA[0], b"new of week %d" % week)
            runner.step(*self.COMPARE)
            assert "changed=true" in (runner.temp / "output").read_text()
            runner.git("checkout", "--quiet", "--force", "main")
            runner.git("branch", "--force", "--delete", "refresh-data") if week == 2 else None
            runner.step(*self.PROPOSE)
            assert runner.git("diff", "--name-only", "main", "origin/refresh-data").split() == [DATA[0]]
        assert runner.git("rev-list", "--count", "main..origin/refresh-data").strip() == "1"
        assert runner.asked() == [
            "auth setup-git", "pr list", "pr create", "auth setup-git", "pr list", "pr edit refresh-data",
        ]  # fmt: skip
        assert "comfyui_manager-4.9: 4000 repositories" in (runner.temp / "body.md").read_text()
