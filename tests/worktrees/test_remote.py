"""A repository on another machine, over real smart HTTP: who may, what fails how, and where the token goes."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from inline_snapshot import snapshot

from tests.worktrees.conftest import pushed
from tests.worktrees.smart_http import serving
from worktrees.errors import AccessDenied, RemoteUnavailable, RepositoryGone
from worktrees.git import redacted
from worktrees.mirror import Mirror
from worktrees.remote import Remote

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worktrees.conftest import Hub

BRANCH = "flowberth/poster"
FILES = {"apps/modal/poster/app.py": b"print()\n"}


def test_a_run_pushes_a_branch_of_its_own(hub: Hub) -> None:
    head = pushed(hub)
    assert hub.git("rev-parse", BRANCH) == head
    assert hub.git("rev-parse", f"{head}^") == hub.git("rev-parse", "main")
    second = pushed(hub, "run_2", files={"apps/modal/poster/app.py": b"2"})
    assert hub.git("rev-parse", f"{second}^") == head


@pytest.mark.long
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
    mirror = Mirror(hub.data, hub.remote(lambda refused: tokens[-1] if refused else tokens[0]))
    worktree = mirror.open_worktree("run_1", BRANCH, "main")
    worktree.write(FILES)
    worktree.commit("Add", {})
    hub.server.tokens = {"ghs_new"}
    tokens[:] = ["ghs_right", "ghs_new"]
    assert worktree.push() == hub.git("rev-parse", BRANCH)


def test_a_token_that_is_not_taken_is_told_without_it(hub: Hub) -> None:
    asked: list[str | None] = []

    def token(refused: str | None) -> str:
        asked.append(refused)
        return "ghs_wrong"

    with pytest.raises(AccessDenied) as denied:
        Mirror(hub.data, hub.remote(token)).fetch("main")
    assert asked == [None, "ghs_wrong"]
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
    nobody = Remote("http://127.0.0.1:1/owner/site.git", "github:7", "owner/site", lambda _refused: "ghs_right")
    with pytest.raises(RemoteUnavailable):
        Mirror(hub.data, nobody).fetch("main")
    hub.mirror.fetch("main")  # the same mirror, at an address that answers
    assert hub.mirror.tip("main") == hub.git("rev-parse", "main")


def test_a_remote_that_takes_for_ever_is_given_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worktrees.origin.ASK_SECONDS", 0.3)
    given_up = threading.Event()
    hub.server.instead = lambda _path: given_up.wait(60) and None
    with pytest.raises(RemoteUnavailable, match="having taken too long"):
        hub.mirror.fetch("main")
    given_up.set()


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
