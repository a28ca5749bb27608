"""From a failure to a change of the lock, a question for people, or the end. Pure but for the data that ships.

evidence       what went wrong, as it came, and as patterns see it
rejections     what the server has against a prompt, in one form
signatures     what failures look like: data in `signatures/*.toml`, one file for each family
families/      what must be computed for a remedy, by family
found          what a family gets and gives back
tables         modules, libraries and releases, as dated data in `tables/*.toml`
diagnosis      a cause with its remedy, as values
diagnose       from evidence to a diagnosis
moves          what to do next, from what was tried
errors         what is raised on purpose

Logs are text of anybody: a signature's remedy comes from the data here, and what it takes from a log is checked against
the workflow, the lock and the tables that ship before it gets into a patch.
"""

from runner.repair.diagnose import UNMATCHED, diagnose, fingerprint
from runner.repair.diagnosis import Diagnosis, GiveUp, LearnedFix, PackAt, Question, Remedy, Transient
from runner.repair.evidence import STAGES, Evidence, Stage, normalise
from runner.repair.moves import Apply, Ask, AskModel, Move, Stop, Turn, Wait, lock_hash, next_move

__all__ = [
    "STAGES",
    "UNMATCHED",
    "Apply",
    "Ask",
    "AskModel",
    "Diagnosis",
    "Evidence",
    "GiveUp",
    "LearnedFix",
    "Move",
    "PackAt",
    "Question",
    "Remedy",
    "Stage",
    "Stop",
    "Transient",
    "Turn",
    "Wait",
    "diagnose",
    "fingerprint",
    "lock_hash",
    "next_move",
    "normalise",
]
