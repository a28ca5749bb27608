"""From the lock to the files of an app. The same input gives the same bytes, on any machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from codegen.python_literal import check_source
from codegen.readme import readme
from codegen.templating import TEMPLATES

if TYPE_CHECKING:
    from codegen.lock import Gpu, Lock
    from codegen.model import JsonObject
    from codegen.plan import Plan

HEADER: Final = "inputs sha256: "
"""In the docstring of `app.py`, before the hash of lock, prompt and interface."""
COMFYUI_REPOSITORY: Final = "https://github.com/comfyanonymous/ComfyUI"
UV: Final = "uv==0.9.9"
"""Installs the packages inside the image; pinned so that an old lock resolves as it did."""
MODAL_GPU_NAMES: Final[dict[Gpu, str]] = {"RTX-PRO-6000": "RTX-PRO-6000"}
"""Where Modal's name differs from the lock's."""


def render(lock: Lock, prompt: JsonObject, interface: JsonObject) -> dict[str, bytes]:
    """Path relative to the app's folder → content.

    Raises:
        UnsafeLiteral: a value of the lock may not appear in Python source.
    """
    files = {"app.lock.json": lock.dumps(), "prompt.json": dump(prompt), "interface.json": dump(interface)}
    source = TEMPLATES.get_template("app.py.j2").render(
        lock=lock,
        header=HEADER,
        digest=inputs_digest(files),
        gpu=MODAL_GPU_NAMES.get(lock.hardware.gpu, lock.hardware.gpu) if lock.hardware.gpu else None,
        comfyui_repository=COMFYUI_REPOSITORY,
        uv=UV,
    )
    check_source(source)
    return {"app.py": source.encode(), **files}


def app_files(plan: Plan) -> dict[str, bytes]:
    """Everything of a new app's folder: what is rendered, the submission itself, and a first README."""
    return {
        **render(plan.lock, plan.prompt, plan.interface),
        "workflow.json": plan.workflow.source,
        "README.md": readme(plan.lock, plan.interface),
    }


def inputs_digest(files: dict[str, bytes]) -> str:
    """Hash of what `app.py` is made from; a header that differs means that somebody changed one of them."""
    digest = hashlib.sha256()
    for name in ("app.lock.json", "prompt.json", "interface.json"):
        content = files[name]
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def dump(value: JsonObject) -> bytes:
    """JSON as it is committed: in the order given, indented, readable in a diff."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
