"""What to do next, from what was tried. Pure: the same history gives the same move."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeAlias

from codegen.errors import PatchRefused
from codegen.lock import Lock
from codegen.lock_patch import LockPatch, apply
from runner.model import Frozen
from runner.repair.diagnosis import Diagnosis, GiveUp, Question, Transient

if TYPE_CHECKING:
    from collections.abc import Collection

    from codegen.lock import Gpu
    from codegen.model import JsonObject

MOST_REPETITIONS: Final = 3
"""Of the same attempt, for a failure that passes by itself: what is there a fourth time stays."""
MOST_PATCHES: Final = 3
"""For one failure that stays: its signature knows no more, or goes astray."""
LONGEST_WAIT_SECONDS: Final = 600.0
"""Outages that are longer are told to people."""


class Turn(Frozen):
    """One attempt that has failed: the lock it ran with, and what was made of its failure."""

    attempt: int
    lock: str
    """`lock_hash` of the lock."""
    diagnosis: Diagnosis | None
    """`None`: no signature matched."""
    patch: LockPatch | None = None
    """What was applied after it, by a rule, a language model or nobody."""


class Apply(Frozen):
    """Change the lock and try again."""

    patch: LockPatch
    lock: Lock
    """With the patch."""


class Wait(Frozen):
    """Try the same again, later."""

    seconds: float
    discard: tuple[str, ...] = ()
    """See `Transient`."""


class Ask(Frozen):
    """End with a question for people."""

    question: Question


class AskModel(Frozen):
    """No rule knows, or is sure: let the language model propose a patch."""


class Stop(Frozen):
    """End; nothing is left to try."""

    why: str


Move: TypeAlias = Apply | Wait | Ask | AskModel | Stop


def lock_hash(lock: Lock) -> str:
    """What tells two locks apart, but for prices and reasons: those change nothing of how an app runs."""
    same = lock.model_copy(
        update={
            "hardware": lock.hardware.model_copy(update={"usd_per_second": 0.0, "reason": ""}),
            "comfyui": lock.comfyui.model_copy(update={"reason": ""}),
            "inputs": tuple(one.model_copy(update={"because": ""}) for one in lock.inputs),
        }
    )
    return hashlib.sha256(same.dumps()).hexdigest()


def next_move(  # noqa: C901, PLR0911 - one case for each remedy
    history: tuple[Turn, ...],
    diagnosis: Diagnosis | None,
    *,
    lock: Lock,
    attempts_left: int,
    language_model: bool = False,
    gpus: Collection[Gpu] | None = None,
    prompt: JsonObject | None = None,
) -> Move:
    """What follows an attempt that ran with `lock` and failed with `diagnosis`.

    `history` has the turns before it, the oldest first. `attempts_left` counts those that may still be made.
    `language_model` says whether there is one to ask. `gpus` and `prompt` are those of `apply`.
    """
    if diagnosis is None:
        if attempts_left <= 0:
            return Stop(why="all attempts are used up, and the last failure is not known")
        return AskModel() if language_model else Stop(why="the failure is not known; see the log")
    if diagnosis.unsure and language_model and attempts_left > 0 and not _asked(history, diagnosis):
        return AskModel()
    before = [turn for turn in history if turn.diagnosis is not None and turn.diagnosis.key == diagnosis.key]
    patches = [turn.patch.changes for turn in before if turn.patch is not None]
    repeated = len(before) - len(patches)
    stopped = "the same failure is there again after what was to repair it"
    for remedy in (diagnosis.remedy, *diagnosis.otherwise):
        move: Move | str
        match remedy:
            case Question():
                return Ask(question=remedy)
            case GiveUp(why=why):
                return Stop(why=why)
            case Transient() if repeated < MOST_REPETITIONS:
                seconds = min(remedy.seconds * 2**repeated, LONGEST_WAIT_SECONDS)
                move = Wait(seconds=seconds, discard=remedy.discard)
            case Transient():
                move = "it was tried again several times, and nothing has changed"
            case LockPatch() if remedy.changes in patches or len(patches) >= MOST_PATCHES:
                continue
            case LockPatch():
                move = _patched(lock, remedy, {turn.lock for turn in history}, gpus, prompt)
        if not isinstance(move, str):
            return move if attempts_left > 0 else Stop(why="all attempts are used up")
        stopped = move
    return Stop(why=stopped)


def _patched(
    lock: Lock, patch: LockPatch, seen: set[str], gpus: Collection[Gpu] | None, prompt: JsonObject | None
) -> Apply | str:
    """The patch with its lock, or why it is not made."""
    try:
        changed = apply(lock, patch, gpus=gpus, prompt=prompt)
    except PatchRefused as refusal:
        return f"what would repair it is not possible: {refusal}"
    if lock_hash(changed) in seen | {lock_hash(lock)}:
        return "what would repair it leads back to a lock that has failed already"
    return Apply(patch=patch, lock=changed)


def _asked(history: tuple[Turn, ...], diagnosis: Diagnosis) -> bool:
    """Whether the language model has had its say about the same failure: what it proposed did not help."""
    return any(turn.diagnosis is not None and turn.diagnosis.key == diagnosis.key for turn in history)
