"""The attempts of a run: deploy, look, test; if that fails, find out why, change the lock, and do it again.

Each part is a step on record, so a run that was killed meets the same failures, makes of them what it made before, and
goes on with the attempt it was in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from codegen.model import Finding
from runner.failure import Failure, of_tests
from runner.knowledge.story import issue_of
from runner.model import REPAIR_STEPS, TRIED_AGAIN, Attempt, Frozen
from runner.preflight import known_definitions
from runner.repair import Apply, Ask, Stop, Wait
from runner.steps.deploy import Deployed, deploy
from runner.steps.diagnose import Diagnosed, diagnose
from runner.steps.preflight import Looked, preflight
from runner.steps.render import Rendered
from runner.steps.repair import commit, repair
from runner.steps.test import Tested, test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import JsonValue

    from codegen.model import Question
    from runner.context import RunContext
    from runner.knowledge.entry import Issue
    from runner.knowledge.fixes import Foreseen
    from runner.model import StepName
    from runner.protocols import Deployment
    from runner.repair import LearnedFix, Turn
    from runner.steps.branch import Branch

MOST_ATTEMPTS = 10
"""Of one run. What ten changes of the lock have not repaired, an eleventh does not."""
REDEFINED = "with the packs' own definitions of their nodes, the workflow gives another prompt"
KNOWN = "as the knowledge base says that it worked before"
UNREPAIRED = "not-repaired"
"""Code of the finding that says why repair has ended."""

ResultT = TypeVar("ResultT", bound=Frozen)


class Do(Protocol):
    """Does a step once, and gives what is on record afterwards."""

    def __call__(self, name: StepName, body: Callable[[], ResultT], kind: type[ResultT]) -> ResultT:
        """Raises what ends the run."""
        ...


class Attempts:
    """What has come of them so far."""

    def __init__(self, run: RunContext, do: Do) -> None:
        self._run = run
        self._do = do
        self._turns: tuple[Turn, ...] = ()
        self._foreseen: tuple[Foreseen, ...] = ()
        self.deployment: Deployment | None = None
        self.tested: Tested | None = None
        self.failure: Failure | None = None
        """Of the last attempt, if it did not get through."""
        self.redefined = False
        """Whether the preflight has brought definitions with which the prompt is another one than was deployed."""
        self.told: tuple[Attempt, ...] = ()
        """For reviewers."""
        self._fixes: dict[int, LearnedFix] = {}
        """By attempt."""
        self.definitions: dict[str, JsonValue] = {}
        """Of classes of packs, as the preflights have brought them."""

    @property
    def learned(self) -> tuple[LearnedFix, ...]:
        """What was shown to work, on a ComfyUI itself."""
        worked = self.tested is not None and self.tested.report.passed and not self.tested.report.simulated
        return tuple(dict.fromkeys(self._fixes.values())) if worked else ()

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was met on the way, for the knowledge base."""
        worked = self.learned
        return (
            *(one.issue for one in self._foreseen),
            *(
                issue_of(turn, fix if (fix := self._fixes.get(turn.attempt)) in worked else None)
                for turn in self._turns
            ),
        )

    def once(self) -> None:
        """One attempt: what is there is deployed as it is."""
        run = self._run
        self.deployment, self.tested, self.failure, self.redefined = None, None, None, False
        deployed = self._do("deploy", lambda: deploy(run), Deployed)
        self.deployment, self.failure = deployed.deployment, deployed.failure
        if self.failure is None:
            looked = self._do("preflight", lambda: preflight(run), Looked)
            self.definitions |= looked.definitions
            definitions = known_definitions(looked.definitions, looked.engine_version)
            self.failure = looked.failure
            if definitions is not None and run.define(definitions):
                self.redefined, self.failure = True, Failure(words=REDEFINED, evidence=())
        if self.failure is None:
            self.tested = self._do("test", lambda: test(run), Tested)
            if not self.tested.report.passed:
                self.failure = of_tests(self.tested.report, self.tested.log)

    def until_tested(self, start: Branch, rendered: Rendered) -> None:
        """Attempts until one gets through, or nothing is left to try; then a finding says why."""
        run = self._run
        self._foreseen = start.foreseen
        while True:
            self.once()
            failure = self.failure
            if failure is None:
                self._tell("all tests passed", rendered)
                return
            if self.redefined and run.attempt < MOST_ATTEMPTS:
                self._tell(failure.words, rendered)
                rendered = self._rendered_anew(start)
                continue
            found = self._diagnosed(failure)
            self._tell(_outcome(found, failure), rendered, found)
            self._turns = (*self._turns, found.turn)
            self._fixes |= {run.attempt: found.fix} if found.fix else {}
            if not isinstance(found.move, Apply | Wait):
                run.learn(_finding(found, asked=[line for one in run.plan.findings for line in one.questions]))
                run.note(findings=run.plan.findings)
                return
            rendered = self._repaired(start, found.move, rendered)

    def _rendered_anew(self, start: Branch) -> Rendered:
        """With the definitions that the preflight has brought."""
        run = self._run
        run.next_attempt((*TRIED_AGAIN, *REPAIR_STEPS))
        return self._do("repair", lambda: commit(run, start, REDEFINED), Rendered)

    def _diagnosed(self, failure: Failure) -> Diagnosed:
        left = MOST_ATTEMPTS - self._run.attempt
        return self._do("diagnose", lambda: diagnose(self._run, failure, self._turns, left), Diagnosed)

    def _repaired(self, start: Branch, move: Apply | Wait, before: Rendered) -> Rendered:
        """Of the next attempt."""
        run = self._run
        run.next_attempt((*TRIED_AGAIN, *REPAIR_STEPS))
        if isinstance(move, Apply):
            run.change(move.lock)
        return self._do("repair", lambda: repair(run, start, move, before), Rendered)

    def _tell(self, outcome: str, rendered: Rendered, found: Diagnosed | None = None) -> None:
        change = found.move.patch.because if found and isinstance(found.move, Apply) else None
        if change and found and found.turn.diagnosis and found.turn.diagnosis.learned:
            change = f"{change} ({KNOWN})"
        attempt = Attempt(number=self._run.attempt, commit=rendered.commit, outcome=outcome, change=change)
        self.told = (*self.told, attempt)
        self._run.note(attempts=self.told)


def _outcome(found: Diagnosed, failure: Failure) -> str:
    diagnosis = found.turn.diagnosis
    return diagnosis.cause if diagnosis else failure.words.splitlines()[0]


def _finding(found: Diagnosed, asked: Iterable[Question]) -> Finding:
    """Why nothing more is tried. What the plan asks for already is not asked for twice."""
    diagnosis, move = found.turn.diagnosis, found.move
    cause = diagnosis.cause if diagnosis else "why it fails is not known"
    if isinstance(move, Ask):
        question = move.question
        return Finding(
            code=UNREPAIRED if diagnosis is None else diagnosis.signature,
            severity="error",
            message=question.text,
            hint=question.answer,
            questions=(question.line,) if question.line and not any(_same(question.line, one) for one in asked) else (),
        )
    why = move.why if isinstance(move, Stop) else ""
    return Finding(code=UNREPAIRED, severity="error", message=f"{cause}: {why}")


def _same(one: Question, other: Question) -> bool:
    return (one.about, one.name) == (other.about, other.name)
