"""The entry of a deployment: from its plan, its report, and what happened on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from pydantic import Field

from codegen.lock_packages import project, runtime_projects
from runner.budget.model import Basis
from runner.documents.markdown import line
from runner.knowledge.entry import (
    LONGEST_LINE,
    LONGEST_NAME,
    MOST,
    ActualCost,
    Cost,
    Entry,
    Issue,
    ModelUsed,
    PackUsed,
    Performance,
    Scaling,
)
from runner.knowledge.fixes import fix_file
from runner.model import Frozen
from runner.repair import UNMATCHED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.lock import PackPin
    from codegen.model import JsonObject
    from codegen.plan import Plan
    from runner.budget.model import RunMoney
    from runner.model import Report, Sample
    from runner.repair import LearnedFix, Turn

BUILDS: Final = frozenset({"build"})
TESTS: Final = frozenset({"models", "preflight", "test"})


class Costs(Frozen):
    """Of a run, in US dollars; `None` where nothing is paid."""

    build: float | None = None
    tests: float | None = None
    total: float | None = None
    basis: Basis = "estimate"


class Story(Frozen):
    """What an entry has that plan and report do not say."""

    issues: tuple[Issue, ...] = ()
    costs: Costs = Costs()
    links: dict[str, str] = Field(default_factory=dict)
    actual: ActualCost | None = None
    """That the entry had before: an earlier deployment's, whose line stays so that no two branches change it."""


UNEVENTFUL: Final = Story()


def costs_of(money: RunMoney | None) -> Costs:
    """What a run has cost so far."""
    if money is None:
        return Costs()
    return Costs(
        build=_sum(money, BUILDS),
        tests=_sum(money, TESTS),
        total=float(money.best),
        basis="actual" if money.fully_billed else "estimate",
    )


def actual_cost_of(money: RunMoney) -> ActualCost | None:
    """What the bills of a run have come to; `None` until all have come."""
    if not money.fully_billed:
        return None
    by_kind = {part.what: float(part.actual or 0) for part in money.parts}
    return ActualCost(
        run=money.run_id,
        build=round(sum(by_kind.get(what, 0.0) for what in BUILDS), 6),
        tests=round(sum(by_kind.get(what, 0.0) for what in TESTS), 6),
        total=float(money.actual or 0),
    )


def entry_of(plan: Plan, report: Report, sample: Sample | None, story: Story = UNEVENTFUL) -> Entry:
    """What is to be known of the deployment; the same values give the same entry."""
    lock, brought = plan.lock, runtime_projects()
    needs, hardware, scaling = lock.dependencies, lock.hardware, lock.scaling
    properties = cast("JsonObject", plan.interface["properties"])
    outputs = cast("JsonObject", plan.interface["$defs"]["outputs"]["properties"])
    return Entry(
        name=plan.name,
        title=line(plan.title, LONGEST_LINE),
        tested=report.tested_at.date(),
        run=report.run_id,
        engine=report.engine,
        simulated=report.simulated,
        passed=report.passed,
        attempts=report.attempt,
        comfyui=lock.comfyui.version,
        arguments=lock.comfyui.arguments,
        python=needs.python,
        packages_until=needs.exclude_newer,
        runtime=lock.runtime,
        packages=tuple(one for one in needs.packages if project(one) not in brought)[:MOST],
        overrides=needs.overrides[:MOST],
        constraints=needs.constraints[:MOST],
        excluded=needs.excluded[:MOST],
        system=needs.system[:MOST],
        gpu=hardware.gpu,
        cpu=hardware.cpu,
        memory_mib=hardware.memory_mib,
        scaling=Scaling(
            min_containers=scaling.min_containers,
            max_containers=scaling.max_containers,
            scaledown_window_seconds=scaling.scaledown_window_seconds,
        ),
        packs=tuple(_pack(pin, plan) for pin in lock.packs[:MOST]),
        models=tuple(
            ModelUsed(
                folder=pin.folder,
                file=pin.file,
                url=pin.url,
                sha256=pin.sha256,
                bytes=pin.bytes,
                source=line(pin.source, 100),
            )
            for pin in lock.models[:MOST]
        ),
        cost=Cost(
            call=report.cost.usd,
            **story.costs.model_dump(),
        ),
        performance=Performance(cold_start=report.cold_start_seconds, generation=report.warm_seconds),
        inputs=_kinds(properties),
        outputs=_kinds(outputs),
        sample=sample.file if sample else None,
        issues=story.issues[:MOST],
        links=story.links,
        classes=_names(str(node.get("class_type")) for node in plan.prompt.values()),
        actual_cost=story.actual,
    )


def issue_of(turn: Turn, fix: LearnedFix | None) -> Issue:
    """A failed attempt. `fix`: what worked, and is kept for other workflows."""
    found = turn.diagnosis
    cause = found.cause if found else "a failure that no signature knows"
    return Issue(
        signature=found.signature if found else UNMATCHED,
        subject=line(found.subject, LONGEST_LINE) if found else "",
        cause=line(cause, LONGEST_LINE),
        quote=line(found.quote, LONGEST_LINE) if found else "",
        fix=line(turn.patch.because, LONGEST_LINE) if turn.patch else None,
        file=fix_file(fix)[0] if fix else None,
    )


def _pack(pin: PackPin, plan: Plan) -> PackUsed:
    use = next((use for use in plan.packs if use.repository.lower() == pin.repository.lower()), None)
    return PackUsed(
        name=pin.name,
        repository=pin.repository,
        commit=pin.commit,
        version=line(use.version, 100) if use and use.version and use.commit == pin.commit else None,
        licence=line(use.licence, 100) if use and use.licence else None,
        source=line(pin.source, 100),
    )


def _kinds(properties: JsonObject) -> dict[str, str]:
    named = {line(name, LONGEST_NAME): line(str(schema["x-flowberth"]["kind"])) for name, schema in properties.items()}
    return dict(list(named.items())[:MOST])


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({line(name, LONGEST_NAME) for name in names} - {""}))[:MOST]


def _sum(money: RunMoney, kinds: frozenset[str]) -> float:
    return float(sum(part.actual or part.estimated for part in money.parts if part.what in kinds))
