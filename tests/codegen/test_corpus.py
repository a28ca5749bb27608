"""The workflows that ComfyUI ships as templates: planned, rendered the same anywhere, formatted, and fit to import.

Every fourth of them, and with `-m long` each.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from codegen.python_literal import check_source
from tests.codegen.test_render import all_but_modal

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEAST = 640
"""Templates that there are at least, so that a package that lost them is noticed."""


class Corpus(NamedTuple):
    """What two processes made of the templates."""

    least: int
    folder: Path
    refused: tuple[str, ...]
    digests: tuple[dict[str, str], ...]


def digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


pytestmark = pytest.mark.xdist_group("corpus")  # so that it is rendered once, and not by each process


@pytest.fixture(
    scope="module", params=[pytest.param(4, id="every fourth"), pytest.param(1, id="all", marks=pytest.mark.long)]
)
def corpus(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Corpus:
    """Rendered in a Turkish and in a plain process, with different hashes of strings."""
    folders = [tmp_path_factory.mktemp("corpus") for _ in range(2)]
    surroundings = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"},
    )
    processes = [
        subprocess.Popen(
            [sys.executable, str(HERE / "render_corpus.py"), str(folder), str(request.param)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder, env in zip(folders, surroundings, strict=True)
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    return Corpus(LEAST // request.param, folders[0], tuple(said[0].splitlines()), tuple(map(digests, folders)))


def test_each_is_planned_or_refused_in_words(corpus: Corpus) -> None:
    assert len(list(corpus.folder.iterdir())) >= corpus.least
    assert all(words.startswith("fuse_options.json: found a JSON") for words in corpus.refused), corpus.refused


def test_the_bytes_are_the_same_in_any_process(corpus: Corpus) -> None:
    one, other = corpus.digests
    assert one == other


def test_each_app_is_formatted(corpus: Corpus) -> None:
    check = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length=120"]
    done = subprocess.run(
        [*check, *map(str, corpus.folder.glob("*/app.py"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_each_app_is_of_allowed_syntax_and_imports_with_nothing_but_modal(corpus: Corpus) -> None:
    folders = sorted(corpus.folder.iterdir())
    for folder in folders:
        check_source((folder / "app.py").read_text())
    done = subprocess.run(
        [sys.executable, "-I", str(HERE / "only_modal.py"), *map(str, folders), "--", *all_but_modal()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == len(folders)
