"""The pre-receive hook of every repository: refuses what GitHub refuses, in its words.

Runs as a program of its own inside a push, where the new objects can be seen but are not yet kept. `FORGE_PUSH` holds, as JSON,
what holds for this pusher: `rules` (list of ref pattern, on, lines, reason), `workflows` (whether workflow files may be changed),
`largest_file_bytes`, and `reason_file`, where it leaves the reason that git shall report for the ref.
"""

import fnmatch
import json
import os
import subprocess
import sys
from pathlib import Path

ZERO = "0" * 40


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def is_forced(old: str, new: str) -> bool:
    return (
        ZERO not in (old, new)
        and subprocess.run(["git", "merge-base", "--is-ancestor", old, new], check=False).returncode != 0
    )


def kinds(old: str, new: str) -> set[str]:
    if old == ZERO:
        return {"create"}
    if new == ZERO:
        return {"delete"}
    return {"update", "force"} if is_forced(old, new) else {"update"}


def broken_rule(push: dict, ref: str, old: str, new: str) -> tuple[list[str], str] | None:
    for rule in push["rules"]:
        if fnmatch.fnmatchcase(ref, rule["ref"]) and kinds(old, new) & set(rule["on"]):
            return [line.replace("{ref}", ref) for line in rule["lines"]], rule["reason"]
    return None


def too_large(new: str, largest: int) -> tuple[list[str], str] | None:
    objects = git("rev-list", "--objects", new, "--not", "--all").splitlines()
    paths = dict(line.partition(" ")[::2] for line in objects)
    checked = subprocess.run(
        ["git", "cat-file", "--batch-check"], input="\n".join(paths), capture_output=True, text=True, check=True
    ).stdout
    for line in checked.splitlines():
        name, kind, size = line.split()
        if kind == "blob" and int(size) > largest:
            megabytes = int(size) / 1024 / 1024
            return [
                "error: See https://gh.io/lfs for more information.",
                f"error: File {paths[name]} is {megabytes:.2f} MB; this exceeds GitHub's file size limit of 100.00 MB",
                "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
            ], "pre-receive hook declined"
    return None


def workflow_touched(new: str) -> tuple[list[str], str] | None:
    for commit in git("rev-list", new, "--not", "--all").split():
        for path in git(
            "diff-tree", "--no-commit-id", "--name-only", "-r", "--root", commit, "--", ".github/workflows"
        ).splitlines():
            return (
                [],
                f"refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission",
            )
    return None


def main() -> int:
    push = json.loads(os.environ["FORGE_PUSH"])
    for line in sys.stdin:
        old, new, ref = line.split()
        refused = broken_rule(push, ref, old, new)
        if new != ZERO:
            refused = (
                refused
                or too_large(new, push["largest_file_bytes"])
                or (None if push["workflows"] else workflow_touched(new))
            )
        if refused:
            lines, reason = refused
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            Path(push["reason_file"]).write_text(reason)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
