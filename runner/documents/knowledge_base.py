"""The knowledge-base entry of a workflow: what somebody with a similar one would want to know."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from runner.documents import words
from runner.documents.markdown import TEMPLATES, Markdown, line

if TYPE_CHECKING:
    from codegen.plan import Plan
    from runner.model import Report, Sample

MAX_CLASSES = 200
"""Of node classes named; a workflow with more repeats itself."""


def knowledge_base_entry(plan: Plan, report: Report, sample: Sample | None) -> str:
    """Markdown with YAML front matter (JSON values, which are YAML), fit to be searched by people and by programs."""
    classes = Counter(str(node.get("class_type")) for node in plan.prompt.values()).most_common(MAX_CLASSES)
    facts = {
        "name": plan.name,
        "comfyui": plan.lock.comfyui.version,
        "engine": report.engine,
        "simulated": report.simulated,
        "passed": report.passed,
        "gpu": plan.lock.hardware.gpu,
        "usd_per_call": report.cost.usd,
        "tested": report.tested_at.date().isoformat(),
        "classes": sorted(line(name) for name, _ in classes),
        "models": sorted(line(f"{model.folder}/{model.file}") for model in plan.lock.models),
    }
    front = "\n".join(f"{key}: {json.dumps(value)}" for key, value in facts.items())
    picture = sample.picture_file if sample else None
    return TEMPLATES.get_template("knowledge_base.md.j2").render(
        front=Markdown(front),
        plan=plan,
        report=report,
        words=words,
        classes=classes,
        app=Markdown(f"../../../../apps/modal/{plan.name}"),
        picture=Markdown(picture) if picture else None,
    )
