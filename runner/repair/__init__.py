"""From a failure to a change of the lock, a question for people, or the end. Pure but for the data that ships.

evidence       what went wrong, as it came, and as patterns see it
diagnosis      a cause with its remedy, as values
moves          what to do next, from what was tried
errors         what is raised on purpose

Logs are text of anybody: a signature's remedy comes from the data here, and what it takes from a log is checked against
the workflow, the lock and the tables that ship before it gets into a patch.
"""

from runner.repair.diagnosis import Diagnosis, GiveUp, LearnedFix, Question, Remedy, Transient
from runner.repair.evidence import STAGES, Evidence, Stage, normalise
from runner.repair.moves import Apply, Ask, AskModel, Move, Stop, Turn, Wait, lock_hash, next_move

__all__ = [
    "STAGES",
    "Apply",
    "Ask",
    "AskModel",
    "Diagnosis",
    "Evidence",
    "GiveUp",
    "LearnedFix",
    "Move",
    "Question",
    "Remedy",
    "Stage",
    "Stop",
    "Transient",
    "Turn",
    "Wait",
    "lock_hash",
    "next_move",
    "normalise",
]
