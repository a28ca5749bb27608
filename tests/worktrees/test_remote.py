"""A repository on another machine, over real smart HTTP: who may, what fails how, and where the token goes."""

from __future__ import annotations

import base64
import os
import pickle
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from inline_snapshot import snapshot

from tests.worktrees.smart_http import serving
from worktrees.errors import AccessDenied, PushRejected, RemoteUnavailable, RepositoryGone, UnusableBase
from worktrees.git import redacted
from worktrees.mirror import Mirror
from worktrees.remote import Remote

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worktrees.conftest import Hub

BRANCH = "flowberth/poster"
FILES = {"apps/modal/poster/app.py": b"print()\n"}


def pushed(hub: Hub, run: str = "run_1", branch: str = BRANCH, files: dict[str, bytes] = FILES) -> str:
    worktree = hub.mirror.open_worktree(run, branch, "main")
    worktree.write(files)
    worktree.commit("Add poster", {"Flowberth-Run": run})
    head = worktree.push()
    worktree.remove()
    return head


def test_a_run_pushes_a_branch_of_its_own(hub: Hub) -> None:
    head = pushed(hub)
    assert hub.git("rev-parse", BRANCH) == head
    assert hub.git("rev-parse", f"{head}^") == hub.git("rev-parse", "main")
    second = pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})
    assert hub.git("rev-parse", f"{second}^") == head


def test_forty_runs_at_once(hub: Hub) -> None:
    start = threading.Barrier(40)

    def one(number: int) -> str:
        start.wait()
        return pushed(hub, f"run_{number}", f"flowberth/app-{number}", {f"apps/modal/app-{number}/app.py": b"x"})

    with ThreadPoolExecutor(40) as pool:
        heads = list(pool.map(one, range(40)))
    assert len(set(heads)) == 40
    assert sorted(hub.git("for-each-ref", "--format=%(objectname)", "refs/heads/flowberth").splitlines()) == sorted(
        heads
    )
    assert list((hub.data / "worktrees").glob("*/*")) == []


# The token


def test_the_token_is_seen_by_the_commands_that_talk_and_nobody_else(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, watching = tmp_path / "said", tmp_path / "bin"
    watching.mkdir()
    (watching / "git").write_text(
        f'#!{sys.executable}\nimport os, sys\nwith open({str(said)!r}, "a") as said:\n'
        f'    said.write(repr((sys.argv[1:], sorted(os.environ.items()))) + "\\n")\n'
        f"os.execv({shutil.which('git')!r}, ['git', *sys.argv[1:]])\n"
    )
    (watching / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(watching), prepend=os.pathsep)
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "abc")
    pushed(hub)
    secrets = ("ghs_right", base64.b64encode(b"x-access-token:ghs_right").decode())
    calls: list[tuple[list[str], dict[str, str]]] = [
        (arguments, dict(environment)) for arguments, environment in map(eval, said.read_text().splitlines())
    ]
    assert not any(secret in repr(arguments) for arguments, _ in calls for secret in secrets)
    assert not any("SECRET_OF_THE_SERVER" in environment for _, environment in calls)
    seeing = {arguments[0] for arguments, environment in calls if secrets[1] in repr(environment)}
    assert seeing == {"ls-remote", "fetch", "push"}
    kept = [path for path in hub.data.rglob("*") if path.is_file()]
    assert kept
    assert not any(secret.encode() in path.read_bytes() for path in kept for secret in secrets)


def test_a_token_that_runs_out_is_followed_by_a_fresh_one(hub: Hub) -> None:
    tokens = ["ghs_right"]
    mirror = Mirror(hub.data, hub.remote(lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0]))
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    hub.server.tokens = {"ghs_new"}
    tokens[:] = ["ghs_right", "ghs_new"]
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_token_that_is_not_taken_is_told_without_it(hub: Hub) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("ghs_wrong")
        return asked[-1]

    with pytest.raises(AccessDenied) as denied:
        Mirror(hub.data, hub.remote(token)).fetch("main")
    assert len(asked) == 2
    assert not denied.value.retryable
    assert str(denied.value) == snapshot(
        "owner/site does not accept the token; check that the App is installed there and its key is right"
    )


@pytest.mark.parametrize(
    "words",
    [
        "https://x-access-token:ghs_abc123@github.com/o/r",
        "token ghs_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghs_123456_eyJhbGciOi.eyJpc3M-_x.c2ln",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a and gho_abc and ghu_abc and ghr_abc",
        "github_pat_11ABCDEFG0_abcdefghijklmnop",
        "Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hzX3JpZ2h0",
        "http.extraHeader=AUTHORIZATION: bearer abcdef",
        "> authorization: basic eA==",
    ],
)
def test_no_words_hold_a_credential(words: str) -> None:
    cleaned = redacted(f"fatal: {words} said")
    for secret in ("abc", "16C7", "eyJ", "11ABC", "eC1hY2", "eA=="):
        assert secret not in cleaned
    assert "***" in cleaned


def test_an_address_with_credentials_is_refused_without_showing_them() -> None:
    with pytest.raises(ValueError, match="owner/site holds credentials") as refused:
        Remote("https://x:ghs_right@github.com/owner/site.git", "github:7", "owner/site")
    assert "ghs_right" not in str(refused.value)


# What fails how


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (404, "Repository not found.", RepositoryGone, "owner/site does not exist, or the App is not installed there"),
        (
            403,
            "The 'owner' organization has an IP allow list enabled.",
            AccessDenied,
            "owner/site cannot be accessed: The 'owner' organization has an IP allow list enabled",
        ),
        (502, "Bad gateway", RemoteUnavailable, "owner/site does not answer as it should"),
        (429, "Slow down", RemoteUnavailable, "owner/site does not answer as it should"),
    ],
)
def test_what_the_remote_answers_is_told(
    hub: Hub, status: int, body: str, error: type[Exception], message: str
) -> None:
    hub.server.instead = lambda _path: (status, {"Content-Type": "text/plain"}, body)
    with pytest.raises(error, match=message) as told:
        hub.mirror.open_worktree("run_1", BRANCH, "main")
    assert getattr(told.value, "retryable", False) is (error is RemoteUnavailable)
    hub.server.instead = lambda _path: None
    assert pushed(hub)


def test_nobody_there_may_be_there_later(hub: Hub) -> None:
    nobody = Remote("http://127.0.0.1:1/owner/site.git", "github:7", "owner/site", lambda: "ghs_right")
    with pytest.raises(RemoteUnavailable):
        Mirror(hub.data, nobody).fetch("main")
    hub.mirror.fetch("main")  # the same mirror, at an address that answers
    assert hub.mirror.tip("main") == hub.git("rev-parse", "main")


def test_a_push_whose_answer_is_lost_is_found_done(hub: Hub) -> None:
    worktree = hub.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    hub.server.instead = lambda path: lose() if path.endswith("git-receive-pack") and "?" not in path else None

    def lose() -> None:
        hub.server.answers_lost = True

    with pytest.raises(RemoteUnavailable):
        worktree.push()
    assert hub.git("rev-parse", BRANCH) == worktree.head()
    hub.server.answers_lost, hub.server.instead = False, lambda _path: None
    before = len(hub.server.requests)
    assert worktree.push() == worktree.head()
    assert not any("receive-pack" in path for _, path, _ in hub.server.requests[before:])


def test_a_renamed_repository_is_followed_on_its_host(hub: Hub) -> None:
    pushed(hub)
    (hub.bare.parent / "site.git").rename(hub.bare.parent / "renamed.git")
    hub.server.instead = lambda path: (
        (301, {"Location": hub.server.url(path.lstrip("/").replace("site.git", "renamed.git"))}, "")
        if "site.git" in path
        else None
    )
    mirrors = list((hub.data / "mirrors").glob("*.git"))
    hub.bare = hub.bare.parent / "renamed.git"
    head = pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})
    assert hub.git("rev-parse", BRANCH) == head
    assert list((hub.data / "mirrors").glob("*.git")) == mirrors


def test_the_token_is_taken_to_no_other_host(hub: Hub, tmp_path: Path) -> None:
    with serving(tmp_path / "served") as elsewhere:
        hub.server.instead = lambda path: (302, {"Location": elsewhere.url(path.lstrip("/"))}, "")
        with pytest.raises(RepositoryGone, match="has moved to where it is not followed"):
            hub.mirror.fetch("main")
        assert elsewhere.requests == []


# Refusals


def refused(hub: Hub) -> PushRejected:
    worktree = hub.mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    with pytest.raises(PushRejected) as rejected:
        worktree.push()
    assert not rejected.value.retryable
    return rejected.value


HOOKS = {
    "protected branch": (
        "error: GH006: Protected branch update failed for refs/heads/flowberth/poster.",
        "error: Changes must be made through a pull request.",
        'error: Required status check "ci" is expected.',
    ),
    "ruleset": (
        "error: GH013: Repository rule violations found for refs/heads/flowberth/poster.",
        "Review all repository rules at https://github.com/owner/site/rules?ref=refs%2Fheads%2Fflowberth%2Fposter",
        "",
        "- Cannot create ref due to creations being restricted.",
        "",
    ),
    "signatures": (
        "error: GH013: Repository rule violations found for refs/heads/flowberth/poster.",
        "- Commits must have verified signatures.",
    ),
    "large files": (
        "error: Trace: 8b3f0d1c",
        "error: See https://gh.io/lfs for more information.",
        "error: File apps/modal/poster/sample.mp4 is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
        "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    ),
    "own hook": ("no pushes on Fridays \x1b[31mred\x1b[0m",),
}
TOLD = snapshot(
    {
        "protected branch": (
            "protected",
            'flowberth/poster is protected and was not accepted: Changes must be made through a pull request; Required status check "ci" is expected. Exempt the App from the rule, or leave branches `flowberth/*` out of it',
        ),
        "ruleset": (
            "protected",
            "flowberth/poster was not accepted by the repository's rules: Cannot create ref due to creations being restricted. Exempt the App from the rule, or leave branches `flowberth/*` out of it",
        ),
        "signatures": (
            "protected",
            "flowberth/poster was not accepted by the repository's rules: Commits must have verified signatures. Set `verified_commits: true` in .github/flowberth.yml: commits are then made by GitHub, which signs them",
        ),
        "large files": (
            "too-large",
            "flowberth/poster was not accepted, since a file is too large: File apps/modal/poster/sample.mp4 is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
        ),
        "own hook": ("other", "flowberth/poster was not accepted: no pushes on Fridays  [31mred [0m"),
    }
)


@pytest.mark.parametrize("case", HOOKS)
def test_a_refusal_is_told_in_words_for_people(hub: Hub, case: str) -> None:
    said = "".join(f"cat >&2 <<'END'\n{line}\nEND\n" for line in HOOKS[case])
    hub.hook("pre-receive", f"#!/bin/sh\n{said}exit 1\n")
    error = refused(hub)
    assert (error.kind, str(error)) == TOLD[case]


REASONS = {
    "protected branch hook declined": "protected",
    "push declined due to repository rule violations": "protected",
    "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission": "workflow-scope",
    "permission denied": "denied",
    "something else": "other",
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_refusal_without_more_words_is_told_by_its_reason(hub: Hub, reason: str) -> None:
    hub.git("config", "receive.procReceiveRefs", "refs/heads/flowberth")
    hub.hook(
        "proc-receive",
        f"#!{sys.executable}\nimport sys\n"
        "def read():\n"
        "    while (size := int(sys.stdin.buffer.read(4), 16)):\n"
        "        sys.stdin.buffer.read(size - 4)\n"
        "def say(*lines):\n"
        "    for line in lines:\n"
        "        sys.stdout.write(f'{len(line.encode()) + 5:04x}{line}\\n')\n"
        "    sys.stdout.write('0000')\n"
        "    sys.stdout.flush()\n"
        f"read(); say('version=1'); read(); say('ng refs/heads/{BRANCH} ' + {reason!r})\n",
    )
    error = pickle.loads(pickle.dumps(refused(hub)))  # as what is kept of a run is
    assert error.kind == REASONS[reason]
    assert reason in str(error)


def test_a_token_that_may_only_read_is_told(hub: Hub) -> None:
    words = "Permission to owner/site.git denied to flowberth[bot]."
    hub.server.instead = lambda path: (403, {"Content-Type": "text/plain"}, words) if "receive-pack" in path else None
    error = refused(hub)
    assert (error.kind, str(error)) == snapshot(
        (
            "denied",
            "flowberth/poster may not be written: Permission to owner/site.git denied to flowberth[bot]. The App needs `contents: write` there",
        )
    )


def test_what_a_person_pushed_in_the_last_moment_is_not_overwritten(hub: Hub) -> None:
    pushed(hub)
    theirs: list[str] = []

    def first_a_person(path: str) -> None:
        if path.endswith("/git-receive-pack") and not theirs:
            theirs.append(hub.commit("apps/modal/poster/app.py", "by hand", branch=BRANCH))

    hub.server.instead = first_a_person
    worktree = hub.mirror.open_worktree("run_2", BRANCH, "main")
    worktree.write({"apps/modal/poster/app.py": b"2"})
    worktree.commit("Again", {})
    with pytest.raises(PushRejected, match="has moved in the meantime") as rejected:
        worktree.push()
    assert rejected.value.kind == "moved"
    assert theirs == [hub.git("rev-parse", BRANCH)]
    with pytest.raises(PushRejected, match="not from this run"):
        worktree.push()


# What is mirrored


def test_only_the_branches_asked_for_are_mirrored(hub: Hub) -> None:
    hub.commit("x.txt", "x", branch="other")
    mirror = hub.mirror
    mirror.fetch("main", "not-there")
    assert mirror.tip("main") == hub.git("rev-parse", "main")
    assert (mirror.tip("other"), mirror.tip("not-there")) == (None, None)
    new = hub.commit("x.txt", "y")
    mirror.fetch()
    assert mirror.tip("main") == new


def test_a_branch_that_is_deleted_is_forgotten(hub: Hub) -> None:
    pushed(hub)
    hub.git("branch", "-D", BRANCH)
    hub.mirror.fetch()
    assert hub.mirror.tip(BRANCH) is None
    assert pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})


def test_when_nothing_has_moved_nothing_is_fetched(hub: Hub) -> None:
    hub.mirror.fetch("main")
    before = len(hub.server.requests)
    hub.mirror.fetch("main")
    assert len(hub.server.requests) - before == 2  # what the server can do, and its branches


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_remote_on_this_machine_is_as_good(hub: Hub, scheme: str) -> None:
    hub.grow(60)
    mirror = Mirror(hub.data, Remote(f"{scheme}{hub.bare}", "local:1", "owner/site"))
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_base_that_is_not_there_is_told(hub: Hub) -> None:
    with pytest.raises(UnusableBase, match="owner/site has no branch 'none'"):
        hub.mirror.open_worktree("run_1", BRANCH, "none")


def test_years_of_history_stay_where_they_are_until_needed(hub: Hub) -> None:
    hub.commit("apps/modal/poster/app.py", "old", branch=BRANCH)
    fork = hub.person.git("rev-parse", "main")
    hub.person.git("switch", "--quiet", "main")
    hub.grow(1500)
    mirror = hub.mirror
    mirror.fetch("main")
    assert int(hub.git("--git-dir", str(mirror.path), "rev-list", "--count", "refs/remotes/origin/main")) == 50
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    assert worktree.read("apps/modal/poster/app.py") == b"old"
    base = mirror.tip("main")
    assert base
    assert mirror.common(worktree.head(), base, deepen=(base,)) == fork
    worktree.write({"apps/modal/poster/app.py": b"new"})
    worktree.commit("Go on", {})
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_branch_merged_long_ago_is_begun_anew(hub: Hub) -> None:
    pushed(hub)
    hub.person.git("fetch", "--quiet", str(hub.bare), BRANCH)
    hub.person.git("merge", "--quiet", "--no-ff", "-m", "Merge", "FETCH_HEAD")
    hub.person.git("push", "--quiet", str(hub.bare), "main")
    hub.grow(200)
    shutil.rmtree(hub.mirror.path)
    head = pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})
    assert hub.git("rev-parse", f"{head}^") == hub.git("rev-parse", "main")


# At a commit


def test_production_is_checked_out_at_a_commit(hub: Hub) -> None:
    old = hub.commit("apps/modal/poster/app.py", "1")
    hub.commit("apps/modal/poster/app.py", "2")
    worktree = hub.mirror.open_detached("run_1", old)
    assert worktree.read("apps/modal/poster/app.py") == b"1"
    assert worktree.head() == old
    again = hub.mirror.open_detached("run_1", old)
    assert again.path == worktree.path
    with pytest.raises(Exception, match="on no branch"):
        worktree.push()
    worktree.remove()
    assert list((hub.data / "worktrees").glob("*/*")) == []


def test_a_commit_on_no_branch_is_found(hub: Hub) -> None:
    commit = hub.commit("apps/modal/poster/app.py", "1", branch="side")
    hub.git("update-ref", "refs/pull/1/head", commit)
    hub.git("branch", "-D", "side")
    hub.mirror.fetch(commit=commit)
    assert hub.mirror.read(commit, "apps/modal/poster/app.py") == b"1"
    with pytest.raises(UnusableBase, match="has no commit 000000000000"):
        hub.mirror.open_detached("run_2", "0" * 40)
    with pytest.raises(UnusableBase, match="is no commit"):
        hub.mirror.fetch(commit="--upload-pack=touch /tmp/x")


def test_who_changed_what_between_two_commits(hub: Hub) -> None:
    base = hub.git("rev-parse", "main")
    ours = pushed(hub)
    hub.person.git("fetch", "--quiet", str(hub.bare), f"{BRANCH}:{BRANCH}")
    theirs = hub.commit("apps/modal/poster/app.py", "by hand", branch=BRANCH, message="Mine\n\nFlowberth-Run: run_1")
    (hub.data / "elsewhere").mkdir()
    mirror = Mirror(hub.data / "elsewhere", hub.remote())
    assert mirror.changed(base, theirs) == ("apps/modal/poster/app.py",)
    assert [(author.commit, author.name, author.run, author.is_ours) for author in mirror.authors(base, theirs)] == [
        (theirs, "A person", "run_1", False),
        (ours, "Flowberth", "run_1", True),
    ]
