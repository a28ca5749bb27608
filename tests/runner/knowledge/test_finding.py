"""A knowledge base in a real repository, indexed in a real Postgres, and found again."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from runner.database import Database
from runner.knowledge import meanings
from runner.knowledge.document import LARGEST_FILE, ROOT
from runner.knowledge.embeddings import NoVectors
from runner.knowledge.finder import KnowledgeFinder
from worktrees.errors import UnusableBase
from worktrees.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.knowledge.search import Found

PORTRAIT = """\
---
name: portrait
title: Upscale a portrait
classes: [UltralyticsDetectorProvider, FaceDetailer, KSampler]
models:
  - {folder: upscale_models, file: 4x-UltraSharp.pth, sha256: abc}
---

# Upscale a portrait

Makes the picture of a person four times as large.
"""
SONG = """\
---
name: song
title: Text to song
classes: [TextEncodeAceStepAudio, KSampler]
models:
  - {folder: checkpoints, file: ace_step_v1_3.5b.safetensors}
---

# Text to song
"""
ERRORS = """\
# Common errors

## `insightface` is missing

ModuleNotFoundError: No module named 'insightface'

## CUDA memory

torch.cuda.OutOfMemoryError: Tried to allocate 2.50 GiB
"""


@dataclass
class Place:
    """A repository with a knowledge base."""

    root: Path

    def write(self, **pages: str | None) -> Snapshot:
        """Commit pages by path, with `__` for a slash and no ending; `None` deletes one."""
        for name, text in pages.items():
            path = self.root / ROOT / f"{name.replace('__', '/')}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        return self.commit()

    def commit(self) -> Snapshot:
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Write")
        return Snapshot.at(self.root, "HEAD")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "site")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    return made


@pytest.fixture
def finder(database: Database) -> KnowledgeFinder:
    return KnowledgeFinder(database, None)


def names(found: Found) -> list[str]:
    return [hit.path.removeprefix(f"{ROOT}/") + (f"#{hit.part}" if hit.part else "") for hit in found.hits]


def full(place: Place, finder: KnowledgeFinder, repo: str = "site") -> str:
    snapshot = place.write(patterns__portrait=PORTRAIT, patterns__song=SONG, **{"learnings__common-errors": ERRORS})
    finder.index.refresh(repo, snapshot)
    return repo


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("upscaling portraits", "patterns/portrait.md"),
        ("ultralytics", "patterns/portrait.md"),
        ("UltralyticsDetectorProvider", "patterns/portrait.md"),
        ("detailer for faces", "patterns/portrait.md"),
        ("4x ultrasharp", "patterns/portrait.md"),
        ("4x-UltraSharp.pth", "patterns/portrait.md"),
        ("ace step 3.5b", "patterns/song.md"),
        ("acestep", "patterns/song.md"),
        (
            "  !!! ModuleNotFoundError: No module named 'insightface'",
            "learnings/common-errors.md#insightface-is-missing",
        ),
        ("OutOfMemoryError allocate 17.00 GiB", "learnings/common-errors.md#cuda-memory"),
        ("larger person", "patterns/portrait.md"),
        ("a snapshot, but bigger", "patterns/portrait.md"),
        ("jingle", "patterns/song.md"),
        (
            'Traceback:\n  File "/opt/nodes.py", line 7, in load\nModuleNotFoundError: No module named "insightface"',
            "learnings/common-errors.md#insightface-is-missing",
        ),
    ],
)
def test_found_by_what_it_does_by_node_by_model_and_by_error(place, finder, typed, first):
    assert names(finder.search(full(place, finder), typed))[0] == first


def test_each_hit_says_why_it_is_one(place, finder):
    repo = full(place, finder)
    [hit] = finder.search(repo, "ultralytics upscaler").hits
    assert [(reason.where, reason.text) for reason in hit.reasons] == [
        ("node", "UltralyticsDetectorProvider"),
        ("model", "upscale_models/4x-UltraSharp.pth"),
        ("title", "Upscale a portrait"),
    ]
    [[reason]] = [hit.reasons for hit in finder.search(repo, "four times").hits]
    assert reason.where == "text"
    assert "a person four times as large" in reason.text


def test_quotes_and_minus_are_conditions(place, finder):
    repo = full(place, finder)
    assert names(finder.search(repo, "ksampler")) == ["patterns/song.md", "patterns/portrait.md"]
    assert names(finder.search(repo, "ksampler -portrait")) == ["patterns/song.md"]
    assert names(finder.search(repo, '"text to song" ksampler')) == ["patterns/song.md"]
    assert names(finder.search(repo, '"song to text"')) == []
    assert names(finder.search(repo, '-"song"')) == []


def test_what_did_not_change_is_not_read_again(place, finder):
    full(place, finder)
    changed = place.write(
        patterns__song=SONG.replace("song", "opera"), patterns__third="# Third", patterns__portrait=None
    )
    done = finder.index.refresh("site", changed)
    assert (done.changed, done.removed, done.files, done.entries) == (2, 1, 3, 4)
    assert names(finder.search("site", "opera")) == ["patterns/song.md"]
    assert names(finder.search("site", "portrait")) == []
    assert (again := finder.index.refresh("site", changed)).changed == 0
    assert again.entries == 4


def test_nothing_that_was_indexed_waits_where_each_search_would_go_through_it(place, finder, database):
    full(place, finder)
    waiting = sa.text("SELECT gin_clean_pending_list('flowberth.ix_knowledge_entry_words')")
    with database.begin() as connection:
        assert connection.scalar(waiting) == 0


def test_the_index_can_be_made_anew_at_any_time(place, finder, database):
    repo = full(place, finder)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE flowberth.knowledge_entry SET titled = '', words = '' WHERE repo = 'site'"))
    assert names(finder.search(repo, "portrait")) == []
    assert finder.index.rebuild(repo, Snapshot.at(place.root, "HEAD")).changed == 3
    assert names(finder.search(repo, "portrait")) == ["patterns/portrait.md"]
    finder.index.forget(repo)
    assert finder.search(repo, "portrait").entries == 0


def test_several_who_follow_at_once_make_one_index(place, finder):
    snapshot = place.write(patterns__portrait=PORTRAIT, patterns__song=SONG)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: finder.index.refresh("busy", snapshot), range(4)))
    assert sorted(each.changed for each in done) == [0, 0, 0, 2]
    assert {each.entries for each in done} == {2}


def test_repositories_do_not_see_each_other(place, finder):
    full(place, finder, "one")
    assert names(finder.search("another", "portrait")) == []
    finder.index.refresh("another", place.write(patterns__portrait=None))
    assert names(finder.search("another", "portrait")) == []
    assert names(finder.search("one", "portrait")) == ["patterns/portrait.md"]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " \n",
        "'; DROP TABLE flowberth.knowledge_entry; --",
        "a & | ! <-> :* \\ ( '",
        '"unclosed -',
        "\x00\x1b[2J\ud800",
        "%s %(repo)s :repo {0}",
        "ß " * 3000,
        "x" * 100_000,
        "人物放大 портрет صورة",
    ],
)
def test_whatever_is_typed_is_a_search(place, finder, typed):
    repo = full(place, finder)
    finder.search(repo, typed)
    assert finder.search(repo, "portrait").entries == 4


def test_files_of_strangers_do_no_harm(place, finder):
    folder = place.root / ROOT / "patterns"
    folder.mkdir(parents=True)
    (folder / "binary.md").write_bytes(bytes(range(256)) * 100)
    (folder / "huge.md").write_bytes(b"word " * LARGEST_FILE)
    (folder / "many.md").write_text(" ".join(f"word{number}" for number in range(150_000))[:LARGEST_FILE])
    (folder / "bomb.md").write_text("---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n# Bomb\n")
    (folder / "deep.md").write_text(f"---\na: {'[' * 5000}{']' * 5000}\n---\n# Deep\n")
    (folder / "tag.md").write_text("---\ntitle: !!python/object/apply:os.system ['exit 1']\n---\n# Tag\n")
    (folder / "bool.md").write_text("---\na: !!bool x\n---\n# Boolean\n")
    (folder / "time.md").write_text("---\na: !!timestamp x\n---\n# Instant\n")
    (folder / "int.md").write_text("---\na: !!int ''\n---\n# Integer\n")
    (folder / "null.md").write_text('---\ntitle: "a\\0b\\ud800"\nclasses: ["\\0"]\n---\n')
    (folder / "link.md").symlink_to("/etc/passwd")
    (folder / "new\nline; '\"$().md").write_text("# Strange name\n")
    (place.root / ROOT / "learnings").mkdir()
    (place.root / ROOT / "learnings" / "broken.json").write_text('{"a": ')
    done = finder.index.refresh("hostile", place.commit())
    assert done.files == 11  # neither the link, nor what is too large
    assert names(finder.search("hostile", "strange name")) == ["patterns/new\nline; '\"$().md"]
    assert names(finder.search("hostile", "bomb")) == ["patterns/bomb.md"]
    assert names(finder.search("hostile", "boolean")) == ["patterns/bool.md"]
    assert names(finder.search("hostile", "instant")) == ["patterns/time.md"]
    assert names(finder.search("hostile", "integer")) == ["patterns/int.md"]
    assert names(finder.search("hostile", "deep")) == ["patterns/deep.md"]
    assert names(finder.search("hostile", "root passwd")) == []


def test_a_repository_without_commits_is_told(place):
    with pytest.raises(UnusableBase, match="no commit at HEAD"):
        Snapshot.at(place.root, "HEAD")


CONCEPTS = (("portrait", "person", "face"), ("song", "music", "serenade"), ("error", "missing"))


class Concepts:
    """Understands three things."""

    name = "concepts"

    def __init__(self, *, fails_after: int = 1_000_000) -> None:
        self._left = fails_after

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self._left -= 1
        if self._left < 0:
            raise MemoryError
        counts = [[float(any(word in text.lower() for word in words)) for words in CONCEPTS] for text in texts]
        return [[each / (sum(row) ** 0.5 or 1) for each in row] + [0.0 if any(row) else 1.0] for row in counts]


def test_found_by_what_it_means_where_no_word_is_the_same(place, database):
    finder = KnowledgeFinder(database, Concepts())
    repo = full(place, finder, "meant")
    found = finder.search(repo, "a serenade for my wedding")
    assert names(found)[0] == "patterns/song.md"
    assert (found.how, found.told, found.hits[0].reasons) == ("words and meaning", "", ())
    assert found.hits[0].similarity == 1
    assert names(finder.search(repo, "serenade -song")) == []
    assert names(finder.search(repo, "serenade")) == ["patterns/song.md"]
    assert names(finder.search(repo, "insightface")) == ["learnings/common-errors.md#insightface-is-missing"]


def test_words_and_meaning_together_put_first_what_both_know(place, database):
    finder = KnowledgeFinder(database, Concepts())
    pages = {f"patterns__p{number}": f"# Portrait {number}\n" for number in range(5)}
    finder.index.refresh("fused", place.write(**pages, patterns__best="# Portrait of a person\n"))
    assert names(finder.search("fused", "face of a person"))[0] == "patterns/best.md"


def test_embedding_goes_on_where_it_was_interrupted(place, database, monkeypatch):
    monkeypatch.setattr(meanings, "EMBEDDED_AT_ONCE", 2)
    snapshot = place.write(patterns__portrait=PORTRAIT, patterns__song=SONG, **{"learnings__common-errors": ERRORS})
    with pytest.raises(MemoryError):
        KnowledgeFinder(database, Concepts(fails_after=1)).index.refresh("torn", snapshot)
    finder = KnowledgeFinder(database, Concepts())
    assert finder.index.refresh("torn", snapshot, most_embedded=1).told == "1 entries wait for being embedded"
    assert finder.index.refresh("torn", snapshot).embedded
    with database.begin() as connection:
        count = sa.text("SELECT count(*) FROM flowberth.knowledge_meaning WHERE repo = 'torn'")
        assert connection.scalar(count) == 4


def test_where_the_model_does_not_work_words_are_enough(place, database):
    class Broken(Concepts):
        def embed(self, texts: Sequence[str]) -> list[list[float]]:
            raise NoVectors("the embeddings that are installed do not work here: no space left")

    finder = KnowledgeFinder(database, Broken())
    found = finder.search(full(place, finder, "broken"), "a portrait")
    assert names(found) == ["patterns/portrait.md"]
    assert found.told.endswith("no space left")


def test_where_postgres_keeps_no_vectors_words_are_enough(place, database_url, database, tmp_path):
    """As somebody who may use our tables, and make no extension."""
    with database.begin() as connection:
        connection.execute(sa.text("DROP EXTENSION IF EXISTS vector CASCADE"))
        connection.execute(sa.text("DROP TABLE IF EXISTS flowberth.knowledge_meaning"))
        connection.execute(sa.text("DROP ROLE IF EXISTS tenant"))
        connection.execute(sa.text("CREATE ROLE tenant LOGIN"))
        connection.execute(sa.text("GRANT USAGE ON SCHEMA flowberth TO tenant"))
        connection.execute(sa.text("GRANT ALL ON ALL TABLES IN SCHEMA flowberth TO tenant"))
    url = sa.make_url(database_url).set(username="tenant").render_as_string(hide_password=False)
    with Database(tmp_path, url) as theirs:
        finder = KnowledgeFinder(theirs, Concepts())
        repo = full(place, finder, "tenant")
        found = finder.search(repo, "a portrait")
        assert names(found) == ["patterns/portrait.md"]
        assert found.how == "words"
        assert found.told.startswith("this Postgres has no pgvector for us: permission denied")
    with database.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY tenant"))
        connection.execute(sa.text("DROP ROLE tenant"))
