"""Everything that a run has written is committed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worktrees.worktree import PARTIAL

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.worktrees.conftest import Place

FILES = {
    "apps/modal/poster/app.py": b"1",
    "apps/modal/poster/app.lock.json": b"{}",
    "apps/modal/poster/sample.png": b"2",
}


def test_ignore_rules_leave_nothing_out(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.commit("apps/modal/.gitignore", "poster\n")
    place.commit(".gitignore", "*.png\nmodal/\n")
    home = tmp_path / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.lock.json\n")
    monkeypatch.setenv("HOME", str(home))
    worktree = place.mirror.open_worktree("run_1", "flowberth/poster", "main")
    worktree.write(FILES)
    head = worktree.commit("Add poster", {})
    assert head
    worktree.push()
    for path, content in FILES.items():
        assert place.mirror.read(head, path) == content
    assert worktree.commit("Again", {}) is None
    worktree.remove()


def test_what_a_crash_left_half_written_is_not_committed(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", "flowberth/poster", "main")
    worktree.write(FILES)
    (worktree.path / f"apps/modal/poster/.app.py{PARTIAL}").write_bytes(b"ha")
    head = worktree.commit("Add poster", {})
    assert head
    assert place.mirror.read(head, f"apps/modal/poster/.app.py{PARTIAL}") is None
    worktree.remove()
