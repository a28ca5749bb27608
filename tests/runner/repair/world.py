"""An app that fails: a plan with packs and models in its lock, and remedies in a few words."""

from __future__ import annotations

import json
from typing import Any

from codegen.lock import Lock, ModelPin, PackPin
from codegen.lock_patch import LockPatch
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from runner.repair import Diagnosis, Evidence, GiveUp, Question, Remedy, Stage, Transient, diagnose
from tests.codegen.canvas import text_to_image

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WAN = PackPin(
    name="ComfyUI-WanVideoWrapper",
    repository="https://github.com/kijai/ComfyUI-WanVideoWrapper",
    commit=COMMIT,
    classes=("WanVideoModelLoader", "WanVideoSampler"),
    source="manager-map",
)
SPARE = PackPin(
    name="ComfyUI-Spare",
    repository="https://github.com/someone/ComfyUI-Spare",
    commit=COMMIT,
    classes=("SpareNode",),
    source="manager-map",
)
CHECKPOINT = ModelPin(
    folder="checkpoints",
    file="sd15.safetensors",
    url="https://huggingface.co/someone/sd15/resolve/main/sd15.safetensors",
    sha256="a" * 64,
    bytes=4_000_000_000,
    source="index",
)
GATED = ModelPin(
    folder="vae",
    file="ae.safetensors",
    url="https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors",
    source="index",
)


def node(class_type: str, title: str | None = None, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


def drawn(prompt: str = "a fox") -> Plan:
    workflow = text_to_image(prompt).workflow()
    return make_plan(parse_workflow(json.dumps(workflow.document).encode(), filename="fox.json"), filename="fox.json")


PLAN = drawn()
WAN_NODES = {
    "50": node("WanVideoModelLoader", attention_mode="sageattn", model="wan.safetensors"),
    "51": node("WanVideoSampler", model=["50", 0]),
}


def plan(nodes: dict[str, Any] | None = None, dependencies: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """The plan of a text-to-image workflow with two packs and two models; `changes` are of its lock."""
    lock: Lock = PLAN.lock
    update: dict[str, Any] = {"packs": (WAN, SPARE), "models": (CHECKPOINT, GATED), **changes}
    if dependencies:
        update["dependencies"] = lock.dependencies.model_copy(update=dependencies)
    if "gpu" in update:
        update["hardware"] = lock.hardware.model_copy(update={"gpu": update.pop("gpu")})
    if "core" in update:
        update["comfyui"] = lock.comfyui.model_copy(update={"version": update.pop("core")})
    return PLAN.model_copy(
        update={"lock": lock.model_copy(update=update), "prompt": {**PLAN.prompt, **WAN_NODES, **(nodes or {})}}
    )


FAILED = plan(gpu="L4")


def found(text: str, stage: Stage = "boot", of: Plan = FAILED, **details: Any) -> Diagnosis | None:
    return diagnose((Evidence(stage=stage, text=text, details=details),), plan=of)


def told(remedy: Remedy | None) -> str:
    """A remedy in a few words."""
    match remedy:
        case LockPatch():
            return "; ".join(_told(change.model_dump(mode="json", exclude_none=False)) for change in remedy.changes)
        case Question():
            return f"ask: {remedy.line.example_answer}" if remedy.line else f"ask: {remedy.text}"
        case Transient():
            return " ".join(("again", *remedy.discard))
        case GiveUp():
            return f"stop: {remedy.why}"
        case None:
            return "nothing"


def _told(change: dict[str, Any]) -> str:
    kind = change.pop("kind")
    return f"{kind} {' '.join(str(value) for value in change.values())}"
