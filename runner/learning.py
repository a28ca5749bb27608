"""What repaired an app once is written down in the repository, and tried first when the same failure comes again.

One file for each fix, named by what it says: two pull requests that learn the same add the same file, and two that
learn different things never conflict.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from codegen import lock_changes as to
from runner.repair import LearnedFix
from runner.repair.diagnose import UNMATCHED, fingerprint
from worktrees.errors import UnsafePath

if TYPE_CHECKING:
    from codegen.lock_patch import LockPatch
    from runner.failure import Failure
    from runner.repair import Diagnosis
    from worktrees.worktree import Worktree

FIXES: Final = "docs/knowledge-base/workflows/learnings/fixes"
MOST_FIXES: Final = 500
"""That are read; a repository that has learned more has forgotten what it needs."""
LARGEST_FIX: Final = 20_000
"""Bytes."""
OF_ONE_WORKFLOW: Final = (to.SetInput, to.PinModel, to.RenameModel, to.SetGpu, to.SetMemory, to.SetTimeouts)
"""Changes that say nothing about other workflows."""


def fix_of(diagnosis: Diagnosis | None, failure: Failure, patch: LockPatch) -> LearnedFix | None:
    """What is to be remembered if the patch works; `None` if it is of use to this workflow alone."""
    if any(isinstance(change, OF_ONE_WORKFLOW) for change in patch.changes):
        return None
    if diagnosis is not None:
        return LearnedFix(signature=diagnosis.signature, details=diagnosis.subject, patch=patch)
    details = fingerprint(failure.evidence)
    return LearnedFix(signature=UNMATCHED, details=details, patch=patch) if details else None


def fix_files(fixes: tuple[LearnedFix, ...]) -> dict[str, bytes]:
    """Path in the repository → content."""
    files: dict[str, bytes] = {}
    for fix in fixes:
        text = json.dumps(fix.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
        files[f"{FIXES}/{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"] = text.encode()
    return files


def learned_fixes(worktree: Worktree) -> tuple[LearnedFix, ...]:
    """Those of the repository, in the order of their names. What cannot be read is none: people may edit them."""
    folder = worktree.path / FIXES
    names = sorted(path.name for path in folder.glob("*.json"))[:MOST_FIXES] if folder.is_dir() else []
    found: list[LearnedFix] = []
    for name in names:
        try:
            data = worktree.read(f"{FIXES}/{name}") or b""
            if len(data) <= LARGEST_FIX:
                found.append(LearnedFix.model_validate_json(data))
        except (ValidationError, UnsafePath):
            continue
    return tuple(found)
