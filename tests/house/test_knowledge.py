"""This repository's own knowledge base is what Flowberth makes of its entries after a merge, to the byte.

`uv run pytest -n0 tests/house/test_knowledge.py --inline-snapshot=fix` writes what is not up to date.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import external_file

from runner.knowledge import PATTERNS, WORKFLOWS
from runner.knowledge.learnings import learnings
from runner.knowledge.library import library_of

ROOT = Path(__file__).parents[2]
FILES = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / WORKFLOWS).rglob("*.md")}
LIBRARY = library_of(FILES)
WANTED = learnings(LIBRARY, FILES)


def test_all_entries_can_be_read_and_there_is_nothing_else() -> None:
    assert LIBRARY.problems == ()
    assert FILES.keys() == WANTED.keys() | {f"{PATTERNS}/{entry.name}.md" for entry in LIBRARY.entries}


@pytest.mark.parametrize("path", WANTED)
def test_index_and_sums_are_up_to_date(path: str) -> None:
    assert WANTED[path].decode() == external_file(ROOT / path, format=".txt")
