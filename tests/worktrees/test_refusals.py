"""A push that is refused: by GitHub's rules, by a hook, by a missing permission, by somebody who was faster."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING

import pytest
from inline_snapshot import snapshot

from tests.worktrees.conftest import pushed
from worktrees.errors import PushRejected

if TYPE_CHECKING:
    from tests.worktrees.conftest import Hub

BRANCH = "flowberth/poster"
FILES = {"apps/modal/poster/app.py": b"print()\n"}


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
