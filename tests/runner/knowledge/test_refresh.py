"""Pull requests that are open at the same time never conflict, and what they teach is summed up after they are merged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codegen.lock_changes import AddPackage
from codegen.lock_patch import LockPatch
from runner.knowledge import LEARNINGS, WORKFLOWS, entry_path
from runner.knowledge.entry import ActualCost, Cost
from runner.knowledge.entry_file import read, written
from runner.knowledge.fixes import fix_files
from runner.knowledge.learnings import learnings
from runner.knowledge.library import Library
from runner.knowledge.refresh import BRANCH, Refreshed, refresh
from runner.repair import LearnedFix
from tests.runner.knowledge.test_learnings import ANT, ELK, FOX, OWL
from tests.runner.light import FileForge
from tests.worktrees.bombs import blob, bomb, tree
from tests.worktrees.conftest import hub, make_place, pushed  # noqa: F401 - a fixture
from worktrees.errors import PushRejected, UnsafePath

if TYPE_CHECKING:
    from runner.knowledge.entry import Entry
    from tests.worktrees.conftest import Hub

FIX = LearnedFix(
    signature="missing-module",
    details="gguf",
    patch=LockPatch(changes=(AddPackage(requirement="gguf"),), because="gguf is not installed"),
)
BY_NAME = {entry.name: entry for entry in (FOX, OWL, ELK)}
INDEX = f"{WORKFLOWS}/README.md"


def proposed(hub: Hub, *entries: Entry) -> None:  # noqa: F811
    """Pull requests, all of them from the same base."""
    for entry in entries:
        files = {entry_path(entry.name): written(entry, f"# {entry.title}"), **fix_files([FIX])}
        pushed(hub, f"run_{entry.name}", f"flowberth/{entry.name}", files)


def merged_by_github(hub: Hub, name: str) -> str:  # noqa: F811
    """As its server does it: in a bare repository, whose merges know no attributes."""
    base, head = hub.git("rev-parse", "main"), f"flowberth/{name}"
    tree = hub.git("merge-tree", "--write-tree", base, head)
    commit = hub.git(
        "-c", "user.name=G", "-c", "user.email=g@h", "commit-tree", tree, "-p", base, "-p", head, "-m", "x"
    )
    hub.git("update-ref", "refs/heads/main", commit, base)
    return commit


def files_of(hub: Hub, branch: str = "main") -> dict[str, bytes]:  # noqa: F811
    paths = hub.git("ls-tree", "-r", "--name-only", branch, f"{WORKFLOWS}/").splitlines()
    return {path: hub.git("show", f"{branch}:{path}").encode() + b"\n" for path in paths}


def sums(*entries: Entry) -> dict[str, bytes]:
    return learnings(Library(entries), {})


@pytest.mark.parametrize(
    "order", [["fox", "owl"], pytest.param(["elk", "owl", "fox"], marks=pytest.mark.long)], ids=" ".join
)
def test_pull_requests_from_the_same_base_are_all_merged(hub: Hub, order: list[str]) -> None:  # noqa: F811
    proposed(hub, *(BY_NAME[name] for name in order))
    for name in order:
        merged_by_github(hub, name)
        assert refresh(hub.mirror, "main").commit == hub.git("rev-parse", "main")
    found = files_of(hub)
    assert {path: found[path] for path in sums()} == sums(*(BY_NAME[name] for name in order))
    assert len([path for path in found if path.startswith(f"{LEARNINGS}/fixes/")]) == 1
    assert refresh(hub.mirror, "main") == Refreshed()


def test_a_repository_without_entries_is_left_alone(hub: Hub) -> None:  # noqa: F811
    hub.commit("docs/knowledge-base/workflows/notes.md", "# Ours\n")
    assert refresh(hub.mirror, "main") == Refreshed()


def test_folders_in_folders_without_end_and_large_files_beside_do_not_hinder(hub: Hub) -> None:  # noqa: F811
    """Of what is no entry and none of the pages nothing is read, as many names as it may have."""
    entry = blob(hub.bare, written(FOX, "# Fox").decode())
    large = blob(hub.bare, "x" * 300_000)
    inmost = bomb(hub.bare, tree(hub.bare, [f"100644 blob {large}\ta.md\n"]))
    patterns = tree(hub.bare, [f"100644 blob {entry}\tfox.md\n", f"040000 tree {inmost}\ta\n"])
    notes = [f"100644 blob {large}\tnote-{number}.md\n" for number in range(20_000)]
    learned = tree(hub.bare, [f"040000 tree {inmost}\tfixes\n", *notes])
    folders = (("learnings", learned), ("nodes", inmost), ("patterns", patterns))
    top = tree(hub.bare, [f"040000 tree {made}\t{name}\n" for name, made in folders])
    for name in reversed(WORKFLOWS.split("/")):
        top = tree(hub.bare, [f"040000 tree {top}\t{name}\n"])
    identity = ("-c", "user.name=G", "-c", "user.email=g@h")
    hub.git("update-ref", "refs/heads/main", hub.git(*identity, "commit-tree", top, "-m", "x"))
    tracemalloc.start()
    try:
        assert refresh(hub.mirror, "main").commit == hub.git("rev-parse", "main")
        assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024  # all of them have 6 GB
    finally:
        tracemalloc.stop()
    assert {path: hub.git("show", f"main:{path}").encode() + b"\n" for path in sums()} == sums(FOX)
    assert refresh(hub.mirror, "main") == Refreshed()


@pytest.mark.long
def test_bills_that_come_later_are_noted_though_another_pull_request_changes_the_entry(hub: Hub) -> None:  # noqa: F811
    edited = written(ELK, "# Elk").decode().replace("# Elk", "# Our elk")
    hub.commit(entry_path("elk"), edited)
    hub.commit(entry_path("fox"), written(FOX, "# Fox", "Ours.\n").decode())
    again = FOX.model_copy(update={"run": "run_later", "classes": ("Another",), "cost": Cost(call=1, total=2)})
    pushed(hub, "run_again", "flowberth/fox", {entry_path("fox"): written(again, "# Fox", "Ours.\n")})
    bills = {FOX.run: ActualCost(run=FOX.run, build=0.1, tests=0.4, total=0.5)}

    def told(entry: Entry) -> ActualCost | None:
        assert entry.name == "fox", "nothing is asked of what has been billed, or nobody pays for"
        return bills.get(entry.run)

    done = refresh(hub.mirror, "main", bills=told)
    changed = hub.git("show", "--format=", "--unified=0", str(done.commit), "--", f"{WORKFLOWS}/patterns").splitlines()
    assert [line for line in changed if line[0] in "+-" and line[:3] not in {"+++", "---"}] == [
        f'+actual_cost: {{"run": "{FOX.run}", "build": 0.1, "tests": 0.4, "total": 0.5}}'
    ]
    costs = f"{LEARNINGS}/cost-estimates.md"
    assert "| $0.12 → $0.10 | $0.50 → $0.40 | $0.62 → $0.50 | 81% |" in files_of(hub)[costs].decode()
    assert refresh(hub.mirror, "main", bills=told) == Refreshed()

    merged_by_github(hub, "fox")
    entry = read(files_of(hub)[entry_path("fox")]).entry
    assert (entry.run, entry.billed, entry.actual_cost) == ("run_later", None, bills[FOX.run])
    refresh(hub.mirror, "main", bills=told)
    assert "→ $" not in files_of(hub)[costs].decode()
    bills["run_later"] = ActualCost(run="run_later", build=0, tests=1, total=1)
    refresh(hub.mirror, "main", bills=told)
    assert read(files_of(hub)[entry_path("fox")]).entry.billed == bills["run_later"]


@pytest.mark.long
def test_the_last_entry_that_goes_is_taken_out_of_the_index(hub: Hub) -> None:  # noqa: F811
    hub.commit(entry_path("fox"), written(FOX, "# Fox").decode())
    refresh(hub.mirror, "main")
    hub.person.git("pull", "--quiet", str(hub.bare), "main")
    hub.person.git("rm", "--quiet", entry_path("fox"))
    hub.commit("gone.txt", "x")
    refresh(hub.mirror, "main")
    assert b"fox" not in files_of(hub)[INDEX]


@pytest.mark.long
def test_merges_at_the_same_time_lose_nothing(hub: Hub) -> None:  # noqa: F811
    entries = (FOX, OWL, ELK, ANT)
    proposed(hub, *entries)
    for entry in entries:
        merged_by_github(hub, entry.name)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: refresh(hub.mirror, "main"), range(4)))
    assert len({one.commit for one in done if one.commit}) == 1  # two may have made the same one, in the same second
    found = files_of(hub)
    assert {path: found[path] for path in sums()} == sums(*entries)


@pytest.mark.long
def test_a_base_that_moves_meanwhile_is_not_overwritten(hub: Hub) -> None:  # noqa: F811
    hub.commit(entry_path("fox"), written(FOX, "# Fox").decode())
    behind = hub.mirror
    behind.fetch("main")
    moved = hub.commit("index.html", "moved on")
    behind.fetch = lambda *_branches, commit=None: None  # type: ignore[method-assign] - it is never told
    with pytest.raises(PushRejected):
        refresh(behind, "main")
    assert hub.git("rev-parse", "main") == moved
    refresh(hub.mirror, "main")
    assert files_of(hub)[INDEX] == sums(FOX)[INDEX]


@pytest.mark.long
def test_where_the_base_is_protected_one_pull_request_has_it(hub: Hub, tmp_path: Path) -> None:  # noqa: F811
    hub.hook(
        "pre-receive",
        "#!/bin/sh\nwhile read old new ref; do\n  if [ $ref = refs/heads/main ]; then\n"
        "    echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1\n  fi\ndone\n",
    )
    forge = FileForge(tmp_path / "pulls.json")
    proposed(hub, FOX, OWL)
    merged_by_github(hub, "fox")
    with pytest.raises(PushRejected):
        refresh(hub.mirror, "main")
    first = refresh(hub.mirror, "main", forge)
    again = refresh(hub.mirror, "main", forge)
    assert (again, first.pull) == (first, 1)
    merged_by_github(hub, "owl")
    second = refresh(hub.mirror, "main", forge)
    assert (second.pull, second.commit != first.commit) == (1, True)
    assert files_of(hub, BRANCH)[INDEX] == sums(FOX, OWL)[INDEX]
    assert "[skip ci]" not in hub.git("show", "--no-patch", "--format=%B", BRANCH)
    hub.git("update-ref", "refs/heads/main", BRANCH)  # somebody merges it
    assert refresh(hub.mirror, "main", forge) == Refreshed()
    assert len(json.loads((tmp_path / "pulls.json").read_text())) == 1


@pytest.mark.long
def test_commits_of_people_on_its_branch_are_not_overwritten(hub: Hub, tmp_path: Path) -> None:  # noqa: F811
    hub.hook(
        "pre-receive",
        "#!/bin/sh\nwhile read old new ref; do\n  [ $ref = refs/heads/main ] && echo 'GH006: no' >&2 && exit 1\ndone\nexit 0\n",
    )
    merged = hub.git("rev-parse", "main")
    proposed(hub, FOX)
    merged_by_github(hub, "fox")
    theirs = hub.commit("ours.txt", "ours", branch=BRANCH)
    assert refresh(hub.mirror, "main", FileForge(tmp_path / "pulls.json")) == Refreshed()
    assert hub.git("rev-parse", BRANCH) == theirs != merged


@pytest.mark.long
def test_a_link_in_the_place_of_a_folder_is_not_replaced(hub: Hub) -> None:  # noqa: F811
    hub.commit(entry_path("fox"), written(FOX, "# Fox").decode())
    (hub.person.repo / LEARNINGS).symlink_to("patterns")
    hub.commit("other.txt", "x")
    hub.person.git("add", LEARNINGS)
    hub.commit("another.txt", "x")
    with pytest.raises(UnsafePath, match="symbolic link"):
        refresh(hub.mirror, "main")


@pytest.mark.long
def test_a_checkout_on_this_machine_follows_and_what_is_not_committed_there_is_not_touched(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    place.commit(entry_path("fox"), written(FOX, "# Fox").decode())
    refresh(place.mirror, "main")
    assert (place.repo / INDEX).read_bytes() == sums(FOX)[INDEX]
    assert place.git("status", "--porcelain") == ""
    place.commit(entry_path("owl"), written(OWL, "# Owl").decode())
    (place.repo / "index.html").write_text("half done")
    before = place.git("rev-parse", "HEAD")
    with pytest.raises(PushRejected):
        refresh(place.mirror, "main")
    assert (place.git("rev-parse", "HEAD"), (place.repo / "index.html").read_text()) == (before, "half done")


@pytest.mark.long
@pytest.mark.parametrize("at", ["mktree", "commit-tree", "push", "after push"])
def test_killed_in_the_middle_the_next_one_does_it(hub: Hub, at: str) -> None:  # noqa: F811
    hub.commit(entry_path("fox"), written(FOX, "# Fox").decode())
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "import worktrees.git\n"
        "from runner.knowledge.refresh import refresh\n"
        "from worktrees.mirror import Mirror\n"
        "from worktrees.remote import Remote\n"
        "real = worktrees.git._run\n"
        f"at = {at!r}.removeprefix('after ')\n"
        "def dying(folder, arguments, *others):\n"
        f"    if arguments[0] == at and at == {at!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done = real(folder, arguments, *others)\n"
        "    if arguments[0] == at: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return done\n"
        f"remote = Remote({hub.remote().address!r}, 'github:7', 'owner/site', lambda _refused: 'ghs_right')\n"
        "worktrees.git._run = dying\n"
        f"refresh(Mirror(Path({str(hub.data)!r}), remote), 'main')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    again = refresh(hub.mirror, "main")
    assert (again.commit is None) == (at == "after push")
    assert files_of(hub)[INDEX] == sums(FOX)[INDEX]
    assert hub.git("rev-list", "--count", "main") == "3"
