"""`flowberth report`: what is committed next to an app, for CI systems and for people without an account."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from inline_snapshot import snapshot

POSTER = Path(__file__).parents[2] / "apps/modal/poster"


def git(repo: Path, *args: str) -> str:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    return subprocess.run(["git", "-C", repo, *who, *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with the app on the branch of its pull request."""
    repo = tmp_path / "site"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    git(repo, "switch", "--quiet", "--create", "flowberth/poster")
    shutil.copytree(POSTER, repo / "apps/modal/poster", ignore=shutil.ignore_patterns("__pycache__"))
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message", "Add poster")
    git(repo, "switch", "--quiet", "main")
    return repo


def test_the_report_of_the_pull_request_in_every_shape(flowberth: Callable, repo: Path, tmp_path: Path) -> None:
    page, xml = tmp_path / "report.html", tmp_path / "report.xml"
    said = flowberth("report", "poster", "--repo", repo, "--html", page, "--junit", xml)
    assert said.code == 0, said.err
    assert said.out.startswith("poster at flowberth/poster, tested on ")
    assert "data:image/png;base64,iVBOR" in page.read_text()
    assert "How to call it" in page.read_text()
    assert ET.parse(xml).getroot().get("name") == "poster"
    assert flowberth("report", "poster", "--repo", repo, "--json").json["passed"] is True


def test_after_the_merge_it_is_read_from_what_is_checked_out(flowberth: Callable, repo: Path) -> None:
    git(repo, "merge", "--quiet", "flowberth/poster")
    git(repo, "branch", "--quiet", "-D", "flowberth/poster")
    assert flowberth("report", "poster", "--repo", repo).out.startswith("poster at HEAD, tested on ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["poster", "--at", "main"], "poster: no report.json in apps/modal/poster at main"),
        (["lighthouse"], "lighthouse: no report.json in apps/modal/lighthouse at HEAD"),
        (["poster", "--at", "nowhere"], None),
        (["poster", "--at", "--output=x"], None),
        (["../poster"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_is_told(flowberth: Callable, repo: Path, args: list[str], message: str | None) -> None:
    said = flowberth("report", *args, "--repo", repo, "--json")
    assert said.code == 2
    assert message in {None, said.json["error"]["message"]}


def test_a_damaged_report_is_told(flowberth: Callable, repo: Path) -> None:
    git(repo, "switch", "--quiet", "flowberth/poster")
    (repo / "apps/modal/poster/report.json").write_text('{"name": "poster"}')
    git(repo, "commit", "--quiet", "--all", "--message", "Damage it")
    said = flowberth("report", "poster", "--repo", repo, "--json")
    assert said.code == 2
    assert said.json["error"] == snapshot(
        {"type": "UnusableReport", "message": "report.json: run_id: Field required", "hint": None}
    )
