"""Understand the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import Finding
from runner.model import Frozen

if TYPE_CHECKING:
    from runner.context import RunContext


class Analysis(Frozen):
    """What the result and the pull request say of the workflow."""

    title: str
    findings: tuple[Finding, ...]


def analyse(run: RunContext) -> Analysis:
    """Make the plan; pure, so later steps make it again instead of reading it back."""
    plan = run.plan
    run.tell(f"{plan.title}: {len(plan.prompt)} nodes on ComfyUI {plan.lock.comfyui.version}")
    return Analysis(title=plan.title, findings=plan.findings)
