"""From what ComfyUI said to a problem people can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.comfy import ComfyError, EngineUnreachable, Interrupted, NodeFailed, NodeFault, PromptRejected
from shared.problems import (
    Cancelled,
    EngineDown,
    FieldError,
    InvalidInput,
    MissingModel,
    NodeError,
    OutOfMemory,
    Problem,
)

if TYPE_CHECKING:
    from shared.definition import Definition

MAX_MESSAGE_CHARS = 600
"""ComfyUI quotes whole lists of models in a message; the beginning says it."""
MODEL_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx", ".sft")
_MEMORY = re.compile(
    r"out of memory|OutOfMemoryError|Allocation on device|MPS backend out of memory|CUDNN_STATUS_ALLOC_FAILED"
    r"|DefaultCPUAllocator: (?:can't|not enough)|MemoryError",
    re.IGNORECASE,
)
_MISSING_FILE = re.compile(r"(?:No such file or directory|FileNotFoundError|Model .* not found)", re.IGNORECASE)


def explain(error: ComfyError, definition: Definition) -> Problem:
    """The problem that `error` is for the caller."""
    if isinstance(error, PromptRejected):
        return _rejected(error, definition)
    if isinstance(error, NodeFailed):
        return _node_failed(error, definition)
    if isinstance(error, Interrupted):
        return Cancelled("The job was interrupted in ComfyUI.")
    if isinstance(error, EngineUnreachable):
        return EngineDown("ComfyUI does not answer.")
    return EngineDown("ComfyUI gave an answer that is not understood.")


def shorten(text: str) -> str:
    """One paragraph of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE_CHARS else text[:MAX_MESSAGE_CHARS] + " …"


def _rejected(error: PromptRejected, definition: Definition) -> Problem:
    if not error.faults:
        missing = error.type == "missing_node_type" or "does not exist" in str(error)  # the second up to 0.3.64
        hint = "The app lacks a node that the workflow needs, or could not load it: see /health." if missing else None
        return NodeError(f"ComfyUI refused the workflow: {shorten(str(error))}", hint=hint)
    by_target = {target: field.name for field in definition.inputs for target in field.targets}
    errors: list[FieldError] = []
    foreign = False
    for fault in error.faults:
        name = by_target.get((fault.node, fault.input_name or ""))
        foreign = foreign or name is None
        errors.append(FieldError(field=name or "", message=_fault_words(fault, definition)))
    if any(_names_missing_model(fault) for fault in error.faults):
        return MissingModel("ComfyUI does not have a file the workflow names.", errors=errors)
    if not foreign:
        return InvalidInput("ComfyUI refused some inputs.", errors=errors)
    return NodeError("ComfyUI refused the workflow, or a part of it.", errors=errors)


def _fault_words(fault: NodeFault, definition: Definition) -> str:
    where = f"node {fault.node} ({definition.node_title(fault.node)})"
    return shorten(f"{where}: {fault.message}" + (f": {fault.details}" if fault.details else ""))


def _names_missing_model(fault: NodeFault) -> bool:
    # details: "ckpt_name: 'a.safetensors' not in ['b.safetensors', …]"; the value stands before the list
    wanted = fault.details.partition(" not in ")[0].rstrip("'\"").lower()
    return fault.type == "value_not_in_list" and wanted.endswith(MODEL_SUFFIXES)


def _node_failed(error: NodeFailed, definition: Definition) -> Problem:
    words = shorten(str(error))
    detail = f"Node {error.node} ({definition.node_title(error.node)}) failed: {error.exception}: {words}"
    if _MEMORY.search(error.exception) or _MEMORY.search(words):
        return OutOfMemory(detail)
    if _MISSING_FILE.search(f"{error.exception} {words}") and any(suffix in words for suffix in MODEL_SUFFIXES):
        return MissingModel(detail)
    return NodeError(detail)
