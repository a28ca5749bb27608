"""The model of the extra `embeddings`: loaded from its wheel, without a network, and of use."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from runner.knowledge.embeddings import WHEEL, MiniLm
from runner.knowledge.finder import KnowledgeFinder
from tests.runner.knowledge.test_finding import ERRORS, PORTRAIT, SONG, names, place  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from runner.database import Database
    from tests.runner.knowledge.test_finding import Place

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec(WHEEL) is None, reason="the extra `embeddings` is not installed"),
]
WITHOUT_A_NETWORK = """\
import json, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(refuse)
from runner.knowledge.embeddings import MiniLm
print(json.dumps(MiniLm().embed(["make a picture larger", "upscale an image", "the capital of France", ""])))
"""


def alike(one: list[float], other: list[float]) -> float:
    return sum(left * right for left, right in zip(one, other, strict=True))


def test_it_is_loaded_without_a_network_and_knows_what_means_the_same(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "HF_HOME": str(tmp_path)}  # nothing was downloaded before, either
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_NETWORK], env=home, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    larger, upscale, france, nothing = json.loads(said.stdout)
    assert {len(vector) for vector in (larger, upscale, france, nothing)} == {384}
    assert alike(larger, larger) == pytest.approx(1, abs=1e-4)
    assert alike(larger, upscale) > 0.6
    assert alike(larger, france) < 0.2


@pytest.fixture(scope="module")
def model() -> MiniLm:
    """Loaded once."""
    return MiniLm()


@pytest.mark.filterwarnings("ignore")  # of libraries of the extra, when they are imported
@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("magnify headshots", "patterns/portrait.md"),
        ("compose music with vocals", "patterns/song.md"),
        ("the graphics card is full", "learnings/common-errors.md#cuda-memory"),
    ],
)
def test_found_by_what_is_meant_where_no_word_is_the_same(
    place: Place,  # noqa: F811
    database: Database,
    model: MiniLm,
    typed: str,
    first: str,
) -> None:
    pages = {"patterns__portrait": PORTRAIT, "patterns__song": SONG, "learnings__common-errors": ERRORS}
    snapshot = place.write(**pages)
    words, both = KnowledgeFinder(database, None), KnowledgeFinder(database, model)
    done = both.index.refresh(f"meant {typed}", snapshot)
    assert (done.embedded, done.told) == (True, "")
    assert first not in names(words.search(f"meant {typed}", typed))[:1]
    found = both.search(f"meant {typed}", typed)
    assert (found.how, names(found)[0]) == ("words and meaning", first)
    assert found.hits[0].similarity is not None
