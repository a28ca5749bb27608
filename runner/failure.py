"""What keeps an attempt from getting through, as values that survive a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.json_values import as_object
from runner.model import QUALITY, Frozen
from runner.redaction import redacted
from runner.repair import Diagnosis, Evidence
from runner.repair.diagnosis import GiveUp

if TYPE_CHECKING:
    from pydantic import JsonValue

    from runner.errors import DeployFailed
    from runner.model import Report
    from runner.protocols import Preflight

KEPT_LOG = 200_000
"""Characters of a log that are kept with a run, of its beginning and its end together: a failed build of many packages
has less, and a row of the database takes it."""
WORDS_LOG = 2000
"""Of a log in what people are told: enough for a traceback."""
TO_PEOPLE = (
    "the app works, so nothing is repaired. Look at the result: change the workflow, or lower `quality` in "
    ".github/flowberth.yml if it is as it should be"
)
SHOWN = 5
"""Of each kind of finding in a sentence."""


class Failure(Frozen):
    """Why an attempt ended."""

    words: str
    """For people, perhaps with the end of a log below."""
    evidence: tuple[Evidence, ...]
    known: Diagnosis | None = None
    """What is wrong, where nobody has to look for it in the evidence."""


def of_deployment(error: DeployFailed, attempt: int) -> Failure:
    """The app did not come up."""
    said, log = redacted(str(error)), redacted(error.log)
    words = f"{said}\n{log[-WORDS_LOG:]}" if log else said
    text = f"{said}\n{_bounded(log)}"
    return Failure(words=words, evidence=(Evidence(stage=error.stage, text=text, attempt=attempt),))


def of_preflight(found: Preflight, attempt: int) -> Failure:
    """ComfyUI came up, and says itself that this cannot work."""
    said = [f"{one.pack} cannot be imported: {one.error}" for one in found.imports[:SHOWN]]
    if found.missing_classes:
        said.append(f"nothing provides {', '.join(map(ascii, found.missing_classes[:SHOWN]))}")
    if found.prompt is not None:
        said.append("ComfyUI refuses the prompt")
    details = {
        "imports": [one.model_dump(mode="json") for one in found.imports],
        "missing_classes": list(found.missing_classes),
        **(found.prompt if isinstance(found.prompt, dict) else {}),
        "definitions": _definitions(found),
    }
    evidence = Evidence(stage="preflight", text=_bounded(redacted(found.log_tail)), attempt=attempt, details=details)
    return Failure(words="; ".join(said) or "the preflight did not pass", evidence=(evidence,))


def of_tests(report: Report, log: str) -> Failure:
    """It runs, and does not do what it is for. The log is evidence, too: an answer has only the last line of it."""
    failed = [test for test in report.tests if not test.passed]
    names = ", ".join(test.name for test in failed) or "there were none"
    words = f"{len(failed)} of {len(report.tests)} tests failed ({names})"
    if [test.name for test in failed] == [QUALITY]:
        return Failure(words=words, evidence=(), known=_not_good_enough(failed[0].detail))
    said = redacted("\n".join(test.detail for test in failed if test.name != QUALITY))
    evidence = (
        Evidence(stage="test", text=said, attempt=report.attempt),
        *([Evidence(stage="test", text=_bounded(redacted(log)), attempt=report.attempt)] if log else []),
    )
    return Failure(words=words, evidence=evidence)


def _not_good_enough(detail: str) -> Diagnosis:
    """It works, and what comes out is poor: that is for people. A repair that guessed would change what they made."""
    return Diagnosis(
        signature=QUALITY,
        cause=f"what comes out is below the limits of quality: {detail}",
        remedy=GiveUp(why=TO_PEOPLE),
        stage="test",
    )


def _definitions(found: Preflight) -> dict[str, JsonValue]:
    """Of the nodes that ComfyUI has something against: what it says of them here counts."""
    faults = as_object(as_object(found.prompt).get("node_errors")).values()
    refused = {str(as_object(fault).get("class_type")) for fault in faults}
    return {name: said for name, said in found.definitions.items() if name in refused}


def _bounded(log: str) -> str:
    """Of a log whose credentials are gone already: a half of one is not known as such."""
    return log if len(log) <= KEPT_LOG else f"{log[: KEPT_LOG // 2]}\n…\n{log[-KEPT_LOG // 2 :]}"
