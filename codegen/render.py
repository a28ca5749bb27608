"""From the lock to the files of an app. The same input gives the same bytes, on any machine."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from codegen.functions import fetch_models_function, limited, preflight_function
from codegen.image import BUILD, BUILDER, UV, image_of
from codegen.model import Finding
from codegen.overrides import with_inputs
from codegen.python_literal import check_source, command_source
from codegen.readme import readme
from codegen.templating import TEMPLATES

if TYPE_CHECKING:
    from codegen.lock import Gpu, Lock
    from codegen.model import JsonObject
    from codegen.plan import Plan

HEADER: Final = "inputs sha256: "
"""In the docstring of `app.py`, before the hash of lock, prompt and interface."""
SEAL: Final = "source sha256: "
"""In the next line, before the hash of all of `app.py` but this line: whoever rendered it, with whichever template, an
edit shows."""
_SEAL_LINE: Final = re.compile(rb"(?m)^source sha256: (?P<digest>[0-9a-f]{64})\r?\n")
MODAL_GPU_NAMES: Final[dict[Gpu, str]] = {"RTX-PRO-6000": "RTX-PRO-6000"}
"""Where Modal's name differs from the lock's."""


def render(lock: Lock, prompt: JsonObject, interface: JsonObject) -> dict[str, bytes]:
    """Path relative to the app's folder → content; prompt and interface with what the lock overrides in them.

    Raises:
        UnsafeLiteral: a value of the lock may not appear in Python source.
    """
    prompt, interface = with_inputs(prompt, interface, lock.inputs)
    files = {"app.lock.json": lock.dumps(), "prompt.json": dump(prompt), "interface.json": dump(interface)}
    source = TEMPLATES.get_template("app.py.j2").render(
        lock=lock,
        header=HEADER,
        digest=inputs_digest(files),
        seal=SEAL,
        unsealed="0" * 64,
        gpu=MODAL_GPU_NAMES.get(lock.hardware.gpu, lock.hardware.gpu) if lock.hardware.gpu else None,
        image=image_of(lock),
        command=command_source,
        limited=limited,
        builder=BUILDER,
        uv=UV,
        build=BUILD,
        preflight=preflight_function(lock),
        fetch_models=fetch_models_function(),
    )
    sealed = source.replace(f"{SEAL}{'0' * 64}", f"{SEAL}{_source_digest(source.encode())}", 1)
    check_source(sealed)
    return {"app.py": sealed.encode(), **files}


def kept_by_hand(committed: bytes | None, rendered: bytes) -> bool:
    """Whether the `app.py` that is there was edited by a person, so that it stays; `rendered` would take its place.

    It is no edit that another version rendered it, or from other inputs; nor that its lines end as on Windows. A file
    without a seal is a person's.
    """
    if committed is None or _unix(committed) == rendered:
        return False
    seal = _SEAL_LINE.search(committed)
    return seal is None or seal["digest"].decode() != _source_digest(committed)


def about_kept(committed: bytes, rendered: dict[str, bytes]) -> Finding:
    """What people are told of it; `rendered` is what `render` gives for the other files as they are now."""
    current = f"{HEADER}{inputs_digest(rendered)}".encode() in committed
    return Finding(
        code="edited-app",
        severity="info" if current else "warning",
        message="app.py was edited by hand and stays as it is"
        + ("" if current else "; app.lock.json, prompt.json or interface.json have changed since it was made"),
        hint="to have it made from app.lock.json again, delete it and deploy again",
    )


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


def _source_digest(source: bytes) -> str:
    return hashlib.sha256(_SEAL_LINE.sub(b"", _unix(source), count=1)).hexdigest()


def _unix(source: bytes) -> bytes:
    return source.replace(b"\r\n", b"\n")


def dump(value: JsonObject) -> bytes:
    """JSON as it is committed: in the order given, indented, readable in a diff."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
