"""`flowberth kb`, as it is typed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from inline_snapshot import snapshot
from typer.testing import CliRunner

from github_app.cli.kb import KINDS, MOST_HITS
from github_app.cli.program import app
from github_app.telling.pages import found as page
from runner.knowledge import search

if TYPE_CHECKING:
    from pathlib import Path

KNOWLEDGE = "docs/knowledge-base/workflows/patterns"


@pytest.fixture
def site(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, in whose folder commands are typed."""
    root = tmp_path / "site"
    (root / KNOWLEDGE).mkdir(parents=True)
    (root / KNOWLEDGE / "portrait.md").write_text(
        "---\nname: portrait\ntitle: Upscale a portrait\nclasses: [FaceDetailer]\n---\n"
    )
    (root / KNOWLEDGE / "evil.md").write_text('---\ntitle: "\\e[2J\\e]0;owned\\a [red]portrait[/red] \\u202e"\n---\n')
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Begin")):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FLOWBERTH_DATABASE_URL", database_url)
    monkeypatch.setenv("FLOWBERTH_EMBEDDINGS", "0")
    return root


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["kb", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_search(site: Path) -> None:
    assert said("search", "upscaling", "portraits") == snapshot("""\
 1. Upscale a portrait  workflow
    docs/knowledge-base/workflows/patterns/portrait.md
    title; name portrait
 2. [2J ]0;owned [red]portrait[/red] \\u202e  workflow
    docs/knowledge-base/workflows/patterns/evil.md
    title
Searched by words alone: no embeddings are installed.
""")
    assert said("search", "nothing", "here") == snapshot("""\
Nothing of 2 entries has that. Fewer or other words may.
Searched by words alone: no embeddings are installed.
""")
    assert "\x1b" not in said("search", "owned")
    found = json.loads(said("search", "facedetailer", "--json"))
    assert [(hit["kind"], hit["path"]) for hit in found["hits"]] == [("pattern", f"{KNOWLEDGE}/portrait.md")]
    assert found["how"] == "words"


def test_a_rebuilt_index(site: Path) -> None:
    assert json.loads(said("rebuild", "--json"))["entries"] == 2
    assert said("rebuild").startswith("2 entries from 2 files of commit ")


def test_an_empty_knowledge_base(site: Path) -> None:
    subprocess.run(["git", "rm", "-rq", "docs"], check=True)
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "Forget"], check=True)
    assert said("search", "portrait") == snapshot(
        "The knowledge base is empty. Each deployment adds to it, from the moment it is merged.\n"
    )


def test_what_is_spelled_out_twice_is_the_same() -> None:
    assert MOST_HITS == search.MOST_HITS
    assert KINDS.keys() == page.__globals__["KINDS"].keys()
