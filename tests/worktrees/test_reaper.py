"""Clearing away: what nobody needs goes, what somebody needs stays, and being killed at any point does no harm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.worktrees.conftest import Place, make_place
from worktrees.folders import disk_bytes
from worktrees.mirror import USED
from worktrees.reaper import RECENT_SECONDS, Reaped, reap

if TYPE_CHECKING:
    from worktrees.worktree import Worktree

PLENTY = 10**12
DAY = 86_400


def worked(place: Place, run: str, name: str = "poster") -> Worktree:
    """A run's worktree, left as it was when its process died."""
    worktree = place.mirror.open_worktree(run, f"flowberth/{name}", "main")
    worktree.write({f"apps/modal/{name}/app.py": run.encode()})
    worktree.commit("Add", {"Flowberth-Run": run})
    worktree.write({f"apps/modal/{name}/half.txt": b"not committed"})
    return worktree


def reaped(place: Place, *active: str, quota: int = PLENTY, later: float = 0.0) -> Reaped:
    return reap(place.data, active_run_ids=lambda: set(active), quota_bytes=quota, clock=lambda: time.time() + later)


def test_worktrees_of_ended_runs_go_and_those_of_active_ones_stay(place: Place) -> None:
    alive, dead = worked(place, "run_alive", "a"), worked(place, "run_dead", "b")
    done = reaped(place, "run_alive", "run_elsewhere")
    assert (done.worktrees, done.mirrors, done.busy, done.failed) == (("run_dead",), (), (), ())
    assert not dead.path.exists()
    assert alive.is_sound()
    assert alive.read("apps/modal/a/half.txt") == b"not committed"
    assert reaped(place, "run_alive").worktrees == ()
    assert alive.commit("Go on", {}) == alive.push()


def test_who_is_active_is_asked_when_nobody_can_open_a_worktree(place: Place) -> None:
    worked(place, "run_1")
    asked: list[bool] = []

    def ask() -> set[str]:
        with place.mirror._lock.if_free() as free:
            asked.append(free)
        return {"run_1"}

    reap(place.data, active_run_ids=ask, quota_bytes=PLENTY)
    assert asked == [False]


def test_a_mirror_somebody_works_on_is_left_alone(place: Place) -> None:
    dead = worked(place, "run_dead")
    with place.mirror.locked():
        done = reaped(place, quota=0, later=DAY)
        assert (done.worktrees, done.mirrors) == ((), ())
        assert done.busy == (place.mirror.path.stem,)
    assert dead.is_sound()
    assert reaped(place).worktrees == ("run_dead",)


def test_a_lock_of_another_process_is_respected(place: Place) -> None:
    dead = worked(place, "run_dead")
    script = (
        "import sys\nfrom pathlib import Path\nfrom worktrees.mirror import Mirror\n"
        f"with Mirror(Path({str(place.data)!r}), Path({str(place.repo)!r})).locked():\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert reaped(place, quota=0, later=DAY).busy == (place.mirror.path.stem,)
        assert dead.is_sound()
        holder.kill()
    assert reaped(place).worktrees == ("run_dead",)  # a lock dies with its holder


def test_what_crashes_leave_is_cleared(place: Place) -> None:
    place.mirror.fetch()
    mirrors = place.data / "mirrors"
    stem = place.mirror.path.stem
    (mirrors / f"half-{stem}-abc/objects").mkdir(parents=True)
    (mirrors / "half-gone-0123-xyz").mkdir()
    (place.data / "worktrees/gone-0123/run_dead/apps").mkdir(parents=True)
    for name in ("shallow.lock", "packed-refs.lock", "config.lock"):
        (place.mirror.path / name).touch()
    done = reaped(place)
    assert (done.worktrees, done.failed) == (("run_dead",), ())
    assert sorted(path.name for path in mirrors.iterdir() if path.suffix != ".lock") == [f"{stem}.git"]
    assert list((place.data / "worktrees").iterdir()) == []
    assert list(place.mirror.path.glob("*.lock")) == []


def test_locks_that_killed_commands_left_stop_nobody(place: Place) -> None:
    worktree = worked(place, "run_1")
    mirror = place.mirror.path
    place.commit("index.html", "2")
    for name in (
        *("shallow.lock", "packed-refs.lock", "config.lock"),
        *("refs/remotes/origin/main.lock", "refs/heads/flowberth/poster.lock"),
        *("worktrees/run_1/index.lock", "worktrees/run_1/HEAD.lock"),
    ):
        (mirror / name).touch()
    again = place.mirror.open_worktree("run_1", "flowberth/poster", "main")
    assert again.path == worktree.path
    assert again.commit("Go on", {}) == again.push()
    assert place.mirror.tip("main") == place.git("rev-parse", "main")


def test_branches_that_the_origin_has_are_forgotten_and_work_nobody_else_has_is_kept(place: Place) -> None:
    worked(place, "run_1", "pushed").push()
    kept = worked(place, "run_2", "kept")
    head = kept.head()
    reaped(place)
    assert place.mirror.commit_of("refs/heads/flowberth/pushed") is None
    assert place.mirror.commit_of("refs/heads/flowberth/kept") == head


def test_above_the_quota_the_least_recently_used_mirrors_go(tmp_path: Path) -> None:
    places = [make_place(tmp_path, name) for name in ("oldest", "older", "new", "working")]
    for number, place in enumerate(places):
        (place.repo / "big.bin").write_bytes(os.urandom(200_000))
        place.git("add", ".")
        place.git("commit", "--quiet", "-m", "Big")
        place.mirror.fetch()
        used = time.time() - DAY + number
        os.utime(place.mirror.path / USED, (used, used))
    worked(places[3], "run_1")
    used = time.time() - 2 * DAY
    os.utime(places[3].mirror.path / USED, (used, used))
    quota = disk_bytes(tmp_path / "data") - disk_bytes(places[0].mirror.path) - 1
    done = reaped(places[0], "run_1", quota=quota)
    assert done.mirrors == tuple(place.mirror.path.stem for place in places[:2])
    assert done.bytes_kept <= quota
    assert reaped(places[0], "run_1", quota=quota).mirrors == ()
    for place in places:
        place.mirror.fetch()
        assert place.mirror.tip("main") == place.git("rev-parse", "main")


def test_a_mirror_that_was_just_used_stays_whatever_the_quota(place: Place) -> None:
    place.mirror.fetch()
    assert reaped(place, quota=0, later=RECENT_SECONDS / 2).mirrors == ()
    done = reaped(place, quota=0, later=RECENT_SECONDS * 2)
    assert (done.mirrors, done.bytes_kept) == ((place.mirror.path.stem,), 0)


def test_a_clock_that_was_put_back_protects_nothing_for_ever(place: Place) -> None:
    place.mirror.fetch()
    assert reaped(place, quota=0, later=-DAY).mirrors == (place.mirror.path.stem,)


def test_odd_permissions_and_links_are_no_obstacle_and_no_way_out(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    dead = worked(place, "run_dead")
    (dead.path / "apps/link").symlink_to(outside)
    (dead.path / "apps/hard.txt").hardlink_to(outside / "kept.txt")
    for path in [*dead.path.rglob("*"), dead.path]:
        if not path.is_symlink() and path.name != "hard.txt":
            path.chmod(0o500 if path.is_dir() else 0o400)
    done = reaped(place)
    assert (done.worktrees, done.failed) == (("run_dead",), ())
    assert (outside / "kept.txt").read_text() == "kept"


def test_hard_links_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(os.urandom(100_000))
    once = disk_bytes(tmp_path)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert disk_bytes(tmp_path) == once >= 100_000


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert reap(tmp_path / "none", active_run_ids=set, quota_bytes=0) == Reaped((), (), (), (), 0)


DYING = """
import os, signal, sys
from pathlib import Path
from worktrees.reaper import reap

data, at = Path(sys.argv[1]), int(sys.argv[2])
seen = 0

def count(event, _arguments):
    global seen
    if event in {"os.remove", "os.rmdir", "os.rename", "subprocess.Popen", "shutil.rmtree"}:
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
reap(data, active_run_ids=lambda: {"run_alive"}, quota_bytes=0, clock=lambda: 4e9)
"""


@pytest.mark.long
def test_killed_before_any_of_its_operations_the_next_one_ends_it(tmp_path: Path) -> None:
    place, other = make_place(tmp_path), make_place(tmp_path, "other")
    alive = worked(place, "run_alive", "a")
    dead = worked(place, "run_dead", "b")
    dead.push()
    other.mirror.fetch()
    (place.data / f"mirrors/half-{place.mirror.path.stem}-abc").mkdir()
    shutil.copytree(place.data, tmp_path / "before", symlinks=True)
    died = 0
    at = 1  # each of the first operations, which are of every kind; then some of those that only remove files
    while True:
        shutil.rmtree(place.data)
        shutil.copytree(tmp_path / "before", place.data, symlinks=True)
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(place.data), str(at)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        assert alive.read("apps/modal/a/half.txt") == b"not committed"
        assert alive.is_sound()
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        died += 1
        reaped(place, "run_alive", quota=0, later=DAY)
        assert [path.name for path in (place.data / "worktrees").glob("*/*")] == ["run_alive"]
        assert [path.name for path in (place.data / "mirrors").glob("*") if path.suffix != ".lock"] == [
            place.mirror.path.name
        ]
        at += 1 if at < 20 else 7
    assert died > 20
    assert alive.commit("Go on", {}) == alive.push()
