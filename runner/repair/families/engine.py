"""ComfyUI that does not come up, or takes too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.lock_changes import SetArguments, SetTimeouts
from runner.repair.diagnosis import GiveUp, Transient
from runner.repair.found import Found, Outcome, Step, outcome

if TYPE_CHECKING:
    from codegen.lock import Argument

LONGEST_STARTUP_SECONDS: Final = 3600
"""A ComfyUI that is not up after an hour does not come up."""
LONGEST_EXECUTION_SECONDS: Final = 4 * 3600
"""A job of four hours costs as many dollars as a run may."""


def longer_startup(found: Found) -> Outcome | None:
    """Twice the time to come up."""
    now = found.lock.timeouts.startup_seconds
    steps: list[Step] = []
    if now < LONGEST_STARTUP_SECONDS:
        steps.append((SetTimeouts(startup=min(2 * now, LONGEST_STARTUP_SECONDS)),))
    end = GiveUp(why=f"ComfyUI does not answer within {now} s of its start")
    return outcome(*steps, end, subject=str(now), seconds=str(now))


def longer_execution(found: Found) -> Outcome | None:
    """Twice the time for a job."""
    now = found.lock.timeouts.execution_seconds
    steps: list[Step] = []
    if now < LONGEST_EXECUTION_SECONDS:
        steps.append((SetTimeouts(execution=min(2 * now, LONGEST_EXECUTION_SECONDS)),))
    end = GiveUp(why=f"a job does not end within {now} s")
    return outcome(*steps, end, subject=str(now), seconds=str(now))


def argument_refused(found: Found) -> Outcome | None:
    """An argument of the lock that this ComfyUI does not know."""
    refused = found.groups["arguments"]
    ours: tuple[Argument, ...] = tuple(one for one in found.lock.comfyui.arguments if one in refused.split())
    return outcome((SetArguments(remove=ours),), subject=" ".join(ours), arguments=" ".join(ours)) if ours else None


def port_in_use(found: Found) -> Outcome | None:
    """Somebody else had the port for a moment."""
    return outcome(Transient(seconds=5.0), subject=found.groups.get("port", ""))
