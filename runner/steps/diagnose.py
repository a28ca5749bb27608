"""Find out why an attempt failed, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.lock_changes import SetInput, SetTimeouts
from runner.budget.spending import Spending
from runner.knowledge.fixes import fix_of, held_fixes, learned_fixes
from runner.model import Frozen
from runner.repair import Apply, Ask, AskModel, Diagnosis, LearnedFix, Move, Stop, Turn, Wait, lock_hash, next_move
from runner.repair.diagnose import diagnose as cause_of

if TYPE_CHECKING:
    from codegen.lock_patch import LockPatch
    from runner.context import RunContext
    from runner.failure import Failure
    from runner.repair import Question

HERE = (SetInput, SetTimeouts)
"""Changes that make a difference on this machine, whose ComfyUI, packs and models are not ours."""


class Diagnosed(Frozen):
    """What was made of a failure."""

    turn: Turn
    move: Apply | Wait | Ask | Stop
    fix: LearnedFix | None = None
    """What is remembered if the move works."""


def diagnose(run: RunContext, failure: Failure, history: tuple[Turn, ...], attempts_left: int) -> Diagnosed:
    """Signatures first; where they do not know, or are not sure, the language model, if there is one."""
    lock, gpus, adviser = run.plan.lock, run.request.gpus, run.services.adviser
    learned = held_fixes(learned_fixes(run.worktree).values(), run.plan, run.services.clock().date())
    found = failure.known or cause_of(failure.evidence, plan=run.plan, gpus=gpus, learned=learned)
    run.tell(found.cause if found else "nothing that is known")
    move: Move = next_move(
        history,
        found,
        lock=lock,
        attempts_left=attempts_left,
        language_model=adviser.available,
        gpus=gpus,
        prompt=run.plan.prompt,
    )
    if isinstance(move, AskModel):
        move = _advised(run, failure, history, found)
    if isinstance(move, Apply) and not _makes_a_difference(run, move.patch):
        move = Stop(why=f"on Modal it would be tried with another lock: {move.patch.because}")
    if isinstance(move, Ask) and _is_answered(run, move.question):
        move = Stop(why="the ComfyUI of this machine does not have it; install it there, or deploy to Modal")
    turn = Turn(
        attempt=run.attempt,
        lock=lock_hash(lock),
        diagnosis=found,
        patch=move.patch if isinstance(move, Apply) else None,
    )
    fix = fix_of(found, failure, move.patch, lock.packs) if isinstance(move, Apply) else None
    return Diagnosed(turn=turn, move=move, fix=fix)


def _advised(
    run: RunContext, failure: Failure, history: tuple[Turn, ...], found: Diagnosis | None
) -> Apply | Wait | Ask | Stop:
    """What the language model proposes, if that is allowed; else what rules say without it."""
    services = run.services
    run.tell("asking the language model")
    advice = services.adviser.propose(
        failure.evidence,
        plan=run.plan,
        history=history,
        diagnosis=found,
        gpus=run.request.gpus,
        spending=Spending(services.ledger, run.run_id) if services.ledger else None,
    )
    if advice.patch is not None and advice.lock is not None:
        if lock_hash(advice.lock) not in {turn.lock for turn in history}:
            return Apply(patch=advice.patch, lock=advice.lock)
        return Stop(why="what the language model proposes leads back to a lock that has failed already")
    move = next_move(history, found, lock=run.plan.lock, attempts_left=1, gpus=run.request.gpus, prompt=run.plan.prompt)
    return Stop(why=advice.why) if isinstance(move, AskModel | Stop) else move


def _is_answered(run: RunContext, question: Question) -> bool:
    """Whether people have said what is asked for, and only this machine does not have it."""
    line = question.line
    if line is None or run.services.target.name != "local":
        return False
    return any((answer.about, answer.name) == (line.about, line.name) for answer in run.request.answers)


def _makes_a_difference(run: RunContext, patch: LockPatch) -> bool:
    return run.services.target.name != "local" or any(isinstance(change, HERE) for change in patch.changes)
