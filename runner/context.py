"""What every step of one run has at hand."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from codegen.adopt import adopt
from codegen.answers import read_answers
from codegen.catalog import packaged_versions
from codegen.committed import INTERFACE, LOCK, PROMPT
from codegen.facts import NOTHING_LOOKED_UP
from codegen.overrides import with_inputs
from runner.intake import intake
from runner.knowledge.fixes import with_foreseen
from runner.model import GithubRepository, repository_key
from runner.protocols import DeploymentSpec
from runner.targets.modal.names import app_name, lane_tags
from worktrees.errors import WorktreeError

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.facts import Facts
    from codegen.lock import Lock
    from codegen.model import AppName, Finding
    from codegen.plan import Plan
    from runner.cancellation import Cancellation
    from runner.knowledge.fixes import Foreseen
    from runner.model import RunId, RunRequest, StepName
    from runner.progress import Recorded
    from runner.services import Services
    from worktrees.mirror import Mirror
    from worktrees.worktree import Worktree

FIRST_ATTEMPT = 1
log = logging.getLogger(__name__)


class RunContext:
    """One execution of one run, in one process. What it holds is made again, never stored, when a run goes on."""

    def __init__(
        self,
        run_id: RunId,
        name: AppName,
        request: RunRequest,
        services: Services,
        *,
        cancellation: Cancellation,
        progress: Recorded,
    ) -> None:
        self.run_id = run_id
        self.name = name
        self.request = request
        self.services = services
        self.cancellation = cancellation
        self.progress = progress
        self.attempt = FIRST_ATTEMPT
        self.step: StepName = "analyse"
        self._facts = NOTHING_LOOKED_UP
        self._committed: str | None = None
        self._changed: Lock | None = None
        self._foreseen: tuple[Foreseen, ...] = ()
        self._definitions: Catalog | None = None
        self.learned: tuple[Finding, ...] = ()
        """What is not in the plan."""

    @property
    def owns_packs(self) -> bool:
        """Whether ComfyUI has the packs that the lock names, at their commits: on this machine they are somebody's."""
        return self.services.target.name != "local"

    @property
    def branch(self) -> str:
        """Head branch of the pull request."""
        return self.request.branch or f"flowberth/{self.name}"

    @property
    def app_dir(self) -> str:
        """The app's folder, relative to the repository's root."""
        return f"apps/modal/{self.name}"

    @cached_property
    def plan(self) -> Plan:
        """Made from the request and what was looked up, both of which are on record: the same after a crash.

        Once the run has a commit to go on from, what people have decided there counts: the committed lock, prompt and
        interface take the place of the planned ones.
        """
        plan = self._planned()
        if self._committed is not None:
            hardware = plan.lock.hardware
            answers = read_answers((each.about, each.name, each.value) for each in self.request.answers)
            plan = adopt(plan, self._files(self._committed), facts=self._facts, answers=answers)
            if self.request.gpu is not None:  # what was asked for just now counts more
                plan = plan.model_copy(update={"lock": plan.lock.model_copy(update={"hardware": hardware})})
        elif self._foreseen:
            plan = plan.model_copy(update={"lock": with_foreseen(plan.lock, self._foreseen)})
        if self._changed is not None:
            prompt, interface = with_inputs(plan.prompt, plan.interface, self._changed.inputs)
            plan = plan.model_copy(update={"lock": self._changed, "prompt": prompt, "interface": interface})
        return plan.model_copy(update={"findings": (*self.learned, *plan.findings)})

    def _planned(self) -> Plan:
        """With the ComfyUI that a repair has taken: its definitions may give another prompt."""
        plan = intake(self.request, self._facts, self._definitions)
        core = self._changed.comfyui.version if self._changed else plan.lock.comfyui.version
        if core == plan.lock.comfyui.version or core not in packaged_versions():
            return plan
        return intake(self.request.model_copy(update={"core": core}), self._facts, self._definitions)

    def _files(self, commit: str) -> dict[str, bytes]:
        found = {name: self.mirror.read(commit, f"{self.app_dir}/{name}") for name in (LOCK, PROMPT, INTERFACE)}
        return {name: data for name, data in found.items() if data is not None}

    def use(self, facts: Facts) -> None:
        """Plan with these facts from now on."""
        if facts != self._facts:
            self._facts = facts
            self.__dict__.pop("plan", None)

    def define(self, definitions: Catalog) -> bool:
        """Plan with these definitions of the packs' classes from now on; whether that gives another prompt.

        Those of other classes, as they were known before, stay.
        """
        before = self.plan
        self._definitions = self._definitions.overlay(definitions) if self._definitions else definitions
        self.__dict__.pop("plan", None)
        return (self.plan.prompt, self.plan.interface) != (before.prompt, before.interface)

    def learn(self, *findings: Finding) -> None:
        """Tell of something that is not in the plan."""
        self.learned = (*self.learned, *findings)
        self.__dict__.pop("plan", None)

    def change(self, lock: Lock) -> None:
        """Go on with this lock: a repair has made it of the one before."""
        self._changed = lock
        self.__dict__.pop("plan", None)

    def foresee(self, fixes: tuple[Foreseen, ...]) -> None:
        """Plan with fixes that the packs are known to need, and tell of them; what is committed counts more."""
        self._foreseen = fixes
        self.learn(*(one.finding for one in fixes))

    def next_attempt(self, steps: tuple[StepName, ...]) -> None:
        """Begin another attempt; what is on record of these steps is of the one before."""
        self.attempt += 1
        self.progress.again(self.run_id, self.attempt, steps)

    def go_on_from(self, commit: str) -> None:
        """Take over from now on what is committed there."""
        self._committed = commit
        self.__dict__.pop("plan", None)

    @cached_property
    def mirror(self) -> Mirror:
        """Of the request's repository."""
        return self.services.mirror(self.request.repo)

    @cached_property
    def worktree(self) -> Worktree:
        """The run's own; found again after a crash, or made. Of a production run it has no branch."""
        if self.request.kind == "production":
            assert self.request.commit is not None
            return self.mirror.open_detached(self.run_id, self.request.commit)
        return self.mirror.open_worktree(self.run_id, self.branch, self.request.base)

    def remove_worktree(self) -> None:
        """Leave no worktree behind. That it cannot be found, because the repository is gone, is no reason to fail."""
        try:
            self.worktree.remove()
        except WorktreeError as error:
            log.warning("%s: worktree not removed: %s", self.run_id, error)

    @property
    def spec(self) -> DeploymentSpec:
        """What to deploy, and the key under which it is found again."""
        repo, environment = self.request.repo, self.request.environment
        pull = self._pull if environment == "preview" else None
        return DeploymentSpec(
            run_id=self.run_id,
            attempt=self.attempt,
            name=self.name,
            folder=self.worktree.path / self.app_dir,
            engine=self.request.engine,
            app=app_name(self.name, environment=environment, pull=pull),
            environment=environment,
            owner=repo.full_name.partition("/")[0] if isinstance(repo, GithubRepository) else "",
            tags=lane_tags(
                repository_key(repo), self.name, environment=environment, pull=pull, commit=self.request.commit
            ),
        )

    @property
    def _pull(self) -> int | None:
        """Number of the pull request that the run is about, once there is one."""
        shown, origin = self.progress.now.pull, self.request.origin
        return shown.number if shown else origin.pull if origin else None

    @property
    def trailers(self) -> dict[str, str]:
        """Of every commit the run makes."""
        return {"Flowberth-Run": self.run_id, "Flowberth-Attempt": str(self.attempt)}

    def tell(self, message: str) -> None:
        """Say what happens inside the step, and stop here if the run has been cancelled.

        Raises:
            RunCancelled: it has been.
        """
        self.progress.detail(self.run_id, self.step, message)
        self.cancellation.check()

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - fields of `runner.model.RunProgress`
        """Put facts on record that people are to see before the run has ended."""
        self.progress.note(self.run_id, **facts)
