"""A run's worktree, on real repositories: made once, found again after any crash, and never in a person's way."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.worktrees.conftest import Place, git, make_place
from worktrees.errors import NotARepository, PushRejected, UnsafePath, UnusableBase
from worktrees.repository import create_demo_repository, current_base, find_repository

BRANCH = "flowberth/poster"
TRAILERS = {"Flowberth-Run": "run_1", "Flowberth-Attempt": "1"}
FILES = {"apps/modal/poster/app.py": b"print()\n", "docs/knowledge-base/x.md": b"# x\n"}


def committed(place: Place, run: str = "run_1", files: dict[str, bytes] = FILES) -> str:
    """What a run does: open, write, commit, push, remove."""
    place.mirror.fetch()
    worktree = place.mirror.open_worktree(run, BRANCH, "main")
    worktree.write(files)
    worktree.commit("Add poster", {**TRAILERS, "Flowberth-Run": run})
    head = worktree.push()
    worktree.remove()
    return head


def test_a_run_commits_on_a_branch_of_its_own(place: Place) -> None:
    before = place.state()
    head = committed(place)
    assert place.git("rev-parse", BRANCH) == head
    assert place.git("log", "-1", "--format=%an <%ae>%n%B", BRANCH).splitlines() == [
        "Flowberth <flowberth@users.noreply.github.com>",
        "Add poster",
        "",
        "Flowberth-Run: run_1",
        "Flowberth-Attempt: 1",
    ]
    assert place.git("ls-tree", "-r", "--name-only", BRANCH).splitlines() == sorted([*FILES, "index.html"])
    assert place.state() == before
    assert place.leftovers() == []


def test_the_same_again_changes_nothing(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    assert worktree.commit("Add poster", TRAILERS)
    heads = [worktree.head()]
    again = place.mirror.open_worktree("run_1", BRANCH, "main")
    again.write(FILES)
    assert again.commit("Add poster", TRAILERS) is None
    heads += [again.push(), again.push(), worktree.head()]
    assert len(set(heads)) == 1
    again.remove()
    again.remove()


@pytest.mark.parametrize("state", ["dirty", "staged", "detached", "on another branch", "in the middle of a merge"])
def test_whatever_a_person_is_doing_is_not_disturbed(place: Place, state: str) -> None:
    match state:
        case "dirty":
            (place.repo / "index.html").write_text("half done")
            (place.repo / "apps").mkdir()
            (place.repo / "apps/notes.txt").write_text("untracked")
        case "staged":
            (place.repo / "index.html").write_text("half done")
            place.git("add", ".")
        case "detached":
            place.git("checkout", "--quiet", "--detach")
        case "on another branch":
            place.git("switch", "--quiet", "-c", "other")
        case _:
            place.git("switch", "--quiet", "-c", "other")
            place.commit("index.html", "other")
            place.git("switch", "--quiet", "main")
            place.commit("index.html", "ours")
            subprocess.run(["git", "merge", "--quiet", "other"], cwd=place.repo, capture_output=True, check=False)
    before = place.state()
    committed(place)
    assert place.state() == before


def test_an_open_branch_is_gone_on_with_and_a_merged_one_begun_anew(place: Place) -> None:
    first = committed(place)
    second = committed(place, "run_2", {"apps/modal/poster/app.py": b"2\n"})
    assert place.git("rev-parse", f"{second}^") == first
    place.git("merge", "--quiet", "--ff-only", BRANCH)
    base = place.commit("index.html", "later")
    third = committed(place, "run_3", {"apps/modal/poster/app.py": b"3\n"})
    assert place.git("rev-parse", f"{third}^") == base


def test_only_what_runs_touch_is_checked_out(place: Place) -> None:
    place.commit("huge/data.bin", "x" * 1000)
    place.commit("apps/modal/other/app.py", "other")
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    assert not (worktree.path / "huge").exists()
    assert worktree.read("apps/modal/other/app.py") == b"other"
    assert worktree.read("apps/modal/none.py") is None
    worktree.write(FILES)
    worktree.commit("Add", {})
    assert "huge/data.bin" in place.git(
        "--git-dir", str(place.mirror.path), "ls-tree", "-r", "--name-only", worktree.head()
    )
    worktree.remove()


# Crashes


def killed(place: Place, at: str) -> None:
    """A process that opens the worktree and is killed in the middle of it, when git is asked for `at`."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "import worktrees.git, worktrees.mirror as m\n"
        "real = worktrees.git._run\n"
        "def dying(folder, arguments, *others):\n"
        f"    if {at!r} in arguments: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(folder, arguments, *others)\n"
        "worktrees.git._run = dying\n"
        f"m.Mirror(Path({str(place.data)!r}), Path({str(place.repo)!r})).open_worktree('run_1', {BRANCH!r}, 'main')\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("at", ["init", "fetch", "worktree", "sparse-checkout", "reset"])
def test_killed_while_the_worktree_is_made_the_next_one_makes_it(place: Place, at: str) -> None:
    killed(place, at)
    committed(place)
    assert place.leftovers() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda worktree: shutil.rmtree(worktree.path),
        lambda worktree: (worktree.path / ".git").unlink(),
        lambda worktree: Path(git(worktree.path, "rev-parse", "--absolute-git-dir"), "index.lock").touch(),
        lambda worktree: Path(git(worktree.path, "rev-parse", "--absolute-git-dir"), "HEAD").write_text("nonsense"),
        lambda worktree: git(worktree.path, "checkout", "--quiet", "--detach"),
        lambda worktree: (worktree.path / "apps").write_text("a file in the way"),
    ],
    ids=["folder gone", "link gone", "locked", "broken", "detached", "half written"],
)
def test_a_damaged_worktree_is_made_again(place: Place, damage: object) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    damage(worktree)  # type: ignore[operator]
    if (worktree.path / "apps").is_file():
        (worktree.path / "apps").unlink()
    assert committed(place)
    assert place.leftovers() == []


def test_the_worktree_of_a_dead_run_gives_way(place: Place) -> None:
    dead = place.mirror.open_worktree("run_dead", BRANCH, "main")
    dead.write(FILES)
    assert committed(place, "run_2")
    assert not dead.path.exists()


def test_what_a_run_has_committed_outlives_its_folder(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    head = worktree.commit("Add", TRAILERS)
    shutil.rmtree(worktree.path)
    again = place.mirror.open_worktree("run_1", BRANCH, "main")
    assert again.head() == head
    again.remove()
    other = place.mirror.open_worktree("run_2", BRANCH, "main")
    assert other.head() == place.git("rev-parse", "main")
    other.remove()


def test_a_mirror_that_was_deleted_by_hand_is_made_again(place: Place) -> None:
    committed(place)
    shutil.rmtree(place.mirror.path)
    assert committed(place, "run_2", {"apps/modal/poster/app.py": b"2"})


@pytest.mark.long
def test_forty_at_once_on_one_mirror(place: Place) -> None:
    start = threading.Barrier(40)

    def one(number: int) -> str:
        start.wait()
        worktree = place.mirror.open_worktree(f"run_{number}", f"flowberth/app-{number}", "main")
        worktree.write({f"apps/modal/app-{number}/app.py": b"x"})
        worktree.commit("Add", {})
        head = worktree.push()
        worktree.remove()
        return head

    with ThreadPoolExecutor(40) as pool:
        heads = list(pool.map(one, range(40)))
    assert len(set(heads)) == 40
    assert len(place.git("for-each-ref", "refs/heads/flowberth").splitlines()) == 40
    assert place.leftovers() == []


# Hostile


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/x",
        "a/../../x",
        ".git/config",
        "apps/.GIT/config",
        "",
        ".",
        "a\\b",
        "a\0b",
        "apps/modal/../../.git/x",
    ],
)
def test_no_path_leaves_the_worktree(place: Place, path: str) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    with pytest.raises(UnsafePath):
        worktree.write({"apps/modal/fine.py": b"", path: b"x"})
    assert not (worktree.path / "apps/modal/fine.py").exists()
    worktree.remove()


@pytest.mark.parametrize("link", ["apps", "apps/modal", "apps/modal/poster", "apps/modal/poster/app.py"])
def test_nothing_is_written_through_a_link_in_the_repository(place: Place, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (place.repo / link).parent.mkdir(parents=True, exist_ok=True)
    (place.repo / link).symlink_to(outside)
    place.git("add", ".")
    place.git("commit", "--quiet", "-m", "A link")
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    with pytest.raises(UnsafePath, match="symbolic link"):
        worktree.write(FILES)
    assert list(outside.iterdir()) == []
    worktree.remove()


def test_nothing_that_a_repository_or_machine_has_configured_is_run(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho \"$0 $@\" >> '{canary}'\ncat\n")
    trap.chmod(0o755)
    home = tmp_path / "home"
    hooks, templates = home / "hooks", home / "templates/hooks"
    names = [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "pre-push",
        "reference-transaction",
        "post-index-change",
    ]
    for folder in (hooks, templates, place.repo / ".git/hooks"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(trap, folder / name)
    (home / ".gitconfig").write_text(
        f"[core]\nhooksPath = {hooks}\nfsmonitor = {trap}\nsshCommand = {trap}\npager = {trap}\neditor = {trap}\n"
        f"[init]\ntemplateDir = {home / 'templates'}\n[commit]\ngpgSign = true\n[gpg]\nprogram = {trap}\n"
        f'[filter "evil"]\nclean = {trap}\nsmudge = {trap}\nrequired = true\n[diff]\nexternal = {trap}\n'
        f"[credential]\nhelper = {trap}\n[alias]\nfetch = !{trap}\n"
    )
    place.commit("apps/modal/.gitattributes", "* filter=evil\n")
    canary.unlink(missing_ok=True)
    for name, value in {
        "HOME": str(home),
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_SSH_COMMAND": str(trap),
        "GIT_EXTERNAL_DIFF": str(trap),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(hooks),
    }.items():
        monkeypatch.setenv(name, value)
    head = committed(place)
    committed(place, "run_2", {"apps/modal/poster/app.py": b"2"})
    # The origin's own hooks are its owner's business, and run when it is pushed to; ours must not.
    said = [line for line in (canary.read_text().splitlines() if canary.exists() else []) if str(home) in line]
    assert said == []
    assert head


@pytest.mark.parametrize("name", ["-x", "a b", "a..b", "a\nb", "refs/heads/x/", "x.lock", "@{-1}", ""])
def test_a_name_that_is_no_branch_is_refused(place: Place, name: str) -> None:
    with pytest.raises(UnusableBase):
        place.mirror.open_worktree("run_1", BRANCH, name)
    with pytest.raises(UnusableBase):
        place.mirror.open_worktree("run_1", name, "main")


@pytest.mark.parametrize("run", ["../x", "", "a/b", "x" * 81, "a\0"])
def test_a_name_that_is_no_run_is_refused(place: Place, run: str) -> None:
    with pytest.raises(UnsafePath):
        place.mirror.open_worktree(run, BRANCH, "main")


def test_what_somebody_else_pushed_is_not_overwritten(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    place.git("switch", "--quiet", "-c", BRANCH)
    theirs = place.commit("apps/modal/poster/app.py", "by hand")
    place.git("switch", "--quiet", "main")
    with pytest.raises(PushRejected, match="not from this run"):
        worktree.push()
    assert place.git("rev-parse", BRANCH) == theirs
    worktree.remove()


# All sorts of repositories


@pytest.mark.parametrize("name", ["with space", "ünïcode 🌅", "quo'te\"s", "-dash", "new\nline", "semi;colon", "$(id)"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    place = make_place(tmp_path, name)
    assert committed(place)
    assert find_repository(place.repo) == place.repo.resolve()


def test_a_shallow_clone_a_bare_repository_and_a_linked_worktree_will_do(place: Place, tmp_path: Path) -> None:
    place.commit("index.html", "2")
    git(tmp_path, "clone", "--quiet", "--depth=1", place.repo.as_uri(), "shallow")
    git(tmp_path, "clone", "--quiet", "--bare", str(place.repo), "bare.git")
    place.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    for name in ("shallow", "bare.git", "linked"):
        other = Place(find_repository(tmp_path / name), place.data)
        assert committed(other, f"run_{name[:4]}")
        assert git(other.repo, "rev-parse", BRANCH)
    assert current_base(tmp_path / "linked") == "side"


def test_a_repository_of_sha256_will_do(tmp_path: Path) -> None:
    repo = tmp_path / "modern"
    repo.mkdir()
    git(repo, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    git(repo, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "Begin")
    place = Place(repo, tmp_path / "data")
    assert len(committed(place)) == 64


def test_a_repository_that_is_gone_is_told(place: Place) -> None:
    shutil.rmtree(place.repo)
    with pytest.raises(NotARepository, match="does not exist any more"):
        place.mirror.fetch()


def test_the_base_is_the_branch_that_is_checked_out(place: Place, tmp_path: Path) -> None:
    assert current_base(place.repo) == "main"
    place.git("switch", "--quiet", "-c", "feature/x")
    assert current_base(place.repo) == "feature/x"
    place.git("checkout", "--quiet", "--detach")
    assert current_base(place.repo) == "main"
    with pytest.raises(UnusableBase, match="no branch 'none'"):
        place.mirror.open_worktree("run_1", BRANCH, "none")
    unborn = tmp_path / "unborn"
    unborn.mkdir()
    git(unborn, "init", "--quiet", "--initial-branch=main")
    with pytest.raises(UnusableBase, match="make a first one"):
        current_base(unborn)


def test_outside_a_repository_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="git init"):
        find_repository(tmp_path)


def test_the_demo_repository_is_made_once_and_completed_after_a_crash(tmp_path: Path) -> None:
    demo = create_demo_repository(tmp_path / "demo")
    head = git(demo, "rev-parse", "HEAD")
    assert create_demo_repository(tmp_path / "demo") == demo
    assert git(demo, "rev-parse", "HEAD") == head
    half = tmp_path / "half"
    half.mkdir()
    git(half, "init", "--quiet", "--initial-branch=main")
    assert git(create_demo_repository(half), "log", "--format=%s") == "Begin the demo repository"


def test_old_samples_are_deleted_and_nothing_else(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    app = "apps/modal/poster"
    worktree.write({f"{app}/{name}": b"x" for name in ("sample.png", "sample.mp4", "app.py", "old/sample.png")})
    worktree.delete(app, "sample.*")
    assert sorted(path.name for path in (worktree.path / app).iterdir()) == ["app.py", "old"]
    assert worktree.exists(f"{app}/old/sample.png")
    with pytest.raises(UnsafePath):
        worktree.delete("../..", "*")
    worktree.remove()


def test_read_only_files_do_not_keep_a_worktree_alive(place: Place) -> None:
    worktree = place.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    for path in worktree.path.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    worktree.remove()
    assert place.leftovers() == []


def test_a_mirror_that_has_seen_many_runs_is_packed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worktrees.worktree.LOOSE_OBJECTS", "256")
    head = committed(place, files={f"apps/modal/poster/{number}.txt": str(number).encode() for number in range(900)})
    counted = dict(line.split(": ") for line in git(place.mirror.path, "count-objects", "-v").splitlines())
    assert int(counted["count"]) < 100
    assert place.mirror.read(head, "apps/modal/poster/7.txt") == b"7"
