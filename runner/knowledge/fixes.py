"""What repaired an app once is written down in the repository, and tried first when the same failure comes again.

One file for each fix, named by what it says: two pull requests that learn the same add the same file, and two that
learn different things never conflict. A fix that has to do with packs alone is also applied before anything fails,
where a workflow has the same packs at the same commits, and the entry of a deployment that worked names it.

Files can be edited, so each patch is held to what a language model's is held to: packages that are known, hosts and
commits that are known, nothing that a person has decided.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from codegen import lock_changes as to
from codegen.errors import PatchRefused
from codegen.lock_patch import apply
from codegen.model import Finding
from runner.documents.markdown import line
from runner.knowledge import FIXES
from runner.knowledge.entry import LONGEST_LINE, Issue
from runner.model import Frozen
from runner.repair import LearnedFix, PackAt
from runner.repair.diagnose import UNMATCHED, fingerprint
from runner.repair.language_model.rules import held
from worktrees.errors import UnsafePath

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from codegen.lock import Lock, PackPin
    from codegen.lock_patch import LockPatch
    from codegen.plan import Plan
    from runner.failure import Failure
    from runner.knowledge.library import Library
    from runner.repair import Diagnosis
    from worktrees.worktree import Worktree

MOST_FIXES: Final = 500
"""That are read; a repository that has learned more has forgotten what it needs."""
LARGEST_FIX: Final = 20_000
"""Bytes."""
OF_ONE_WORKFLOW: Final = (to.SetInput, to.PinModel, to.RenameModel, to.SetGpu, to.SetMemory, to.SetTimeouts)
"""Changes that say nothing about other workflows."""
OF_PACKS: Final = (
    to.AddPackage,
    to.RemovePackage,
    to.OverridePackage,
    to.ConstrainPackage,
    to.AddSystemPackage,
    to.SetPackLayout,
)
"""Changes that a pack needs in whatever workflow it is."""


class Foreseen(Frozen):
    """A fix that is applied before anything fails."""

    fix: LearnedFix
    file: str
    """Its name in the folder of fixes."""
    entry: str
    """Name of the workflow whose entry says that it worked."""

    @property
    def finding(self) -> Finding:
        """For people."""
        return Finding(
            code="known-fix",
            severity="info",
            message=f"done before anything failed, as patterns/{self.entry}.md says that it is needed: "
            f"{self.fix.patch.because}",
        )

    @property
    def issue(self) -> Issue:
        """For the entry of the workflow that was spared it."""
        because = line(self.fix.patch.because, LONGEST_LINE)
        return Issue(
            signature=self.fix.signature,
            subject=line(self.fix.details, LONGEST_LINE),
            cause=f"known from patterns/{self.entry}.md, and not met again",
            fix=because,
            foreseen=True,
            file=self.file,
        )


def fix_of(
    diagnosis: Diagnosis | None, failure: Failure, patch: LockPatch, packs: Iterable[PackPin]
) -> LearnedFix | None:
    """What is to be remembered if the patch works; `None` if it is of use to this workflow alone.

    `packs` are those of the lock that failed.
    """
    if any(isinstance(change, OF_ONE_WORKFLOW) for change in patch.changes):
        return None
    about = _packs_named(failure, tuple(packs))
    if diagnosis is not None:
        return LearnedFix(signature=diagnosis.signature, details=diagnosis.subject, patch=patch, packs=about)
    details = fingerprint(failure.evidence)
    return LearnedFix(signature=UNMATCHED, details=details, patch=patch, packs=about) if details else None


def _packs_named(failure: Failure, packs: tuple[PackPin, ...]) -> tuple[PackAt, ...]:
    """Those that the evidence names; if it names none, it may be any of them, or two together."""
    text = "\n".join(one.text for one in failure.evidence)
    about = [pin for pin in packs if re.search(rf"custom_nodes[/.\\]{re.escape(pin.name)}(?![\w-])", text)] or packs
    return tuple(
        PackAt(repository=pin.repository, commit=pin.commit) for pin in sorted(about, key=lambda pin: pin.repository)
    )


def fix_file(fix: LearnedFix) -> tuple[str, bytes]:
    """Its name in the folder, and its content."""
    text = json.dumps(fix.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json", text.encode()


def fix_files(fixes: Iterable[LearnedFix]) -> dict[str, bytes]:
    """Path in the repository → content."""
    return {f"{FIXES}/{name}": data for name, data in map(fix_file, fixes)}


def learned_fixes(worktree: Worktree) -> dict[str, LearnedFix]:
    """Those of the repository, by name. What cannot be read is none: people may edit them."""
    folder = worktree.path / FIXES
    names = sorted(path.name for path in folder.glob("*.json"))[:MOST_FIXES] if folder.is_dir() else []
    found: dict[str, LearnedFix] = {}
    for name in names:
        try:
            data = worktree.read(f"{FIXES}/{name}") or b""
            if len(data) <= LARGEST_FIX:
                found[name] = LearnedFix.model_validate_json(data)
        except (ValidationError, UnsafePath):
            continue
    return found


def held_fixes(fixes: Iterable[LearnedFix], plan: Plan, today: date) -> tuple[LearnedFix, ...]:
    """Those that may be applied to the plan's lock, as they may be."""
    found: list[LearnedFix] = []
    for fix in fixes:
        try:
            patch = held(fix.patch, plan, today)
            if any(isinstance(change, to.PinPack) for change in patch.changes):
                apply(plan.lock, patch, author="model", commits=[pin.commit for pin in plan.lock.packs])
        except PatchRefused:
            continue
        found.append(fix.model_copy(update={"patch": patch}))
    return tuple(found)


def foreseen(fixes: Mapping[str, LearnedFix], library: Library, plan: Plan, today: date) -> tuple[Foreseen, ...]:
    """The fixes that the plan's packs are known to need, and that its lock has not."""
    lock = plan.lock
    done: list[Foreseen] = []
    there = {(pin.repository.lower(), pin.commit) for pin in lock.packs}
    for entry in library.believed:
        for name in sorted({issue.file for issue in entry.issues if issue.file and issue.fix}):
            fix = fixes.get(name)
            if fix is None or not fix.packs or not there.issuperset(_keys(fix.packs)):
                continue
            if not all(isinstance(change, OF_PACKS) for change in fix.patch.changes):
                continue
            if not {(pack.repository.lower(), pack.commit) for pack in entry.packs}.issuperset(_keys(fix.packs)):
                continue
            try:
                patch = held(fix.patch, plan.model_copy(update={"lock": lock}), today)
                lock = apply(lock, patch, author="model")
            except PatchRefused:
                continue
            done.append(Foreseen(fix=fix.model_copy(update={"patch": patch}), file=name, entry=entry.name))
    return tuple(done)


def with_foreseen(lock: Lock, fixes: Iterable[Foreseen]) -> Lock:
    """The lock with all of them that can be applied to it."""
    for one in fixes:
        with suppress(PatchRefused):
            lock = apply(lock, one.fix.patch, author="model")
    return lock


def _keys(packs: Iterable[PackAt]) -> list[tuple[str, str]]:
    return [(pack.repository.lower(), pack.commit) for pack in packs]
