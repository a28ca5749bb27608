"""ComfyUI in a container: it loads custom nodes as ComfyUI does, in its words, and is the stand-in engine with what they define.

`main.py` runs this file by its path. Custom nodes are loaded while Python has only what the image has; the engine needs more.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import time
import traceback
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any


def main(version: str, repository: str, script: str, too_small: tuple[str, ...] = ()) -> None:
    """Serve as `script`, the main.py of a ComfyUI of that version; on GPUs that are `too_small` all prompts fail."""
    definitions = custom_nodes(Path(script).parent / "custom_nodes")
    sys.meta_path.append(PathFinder)  # again with all that is here
    sys.path.insert(0, repository)
    from codegen.catalog import Catalog  # noqa: PLC0415
    from runner.stand_in import __main__ as engine  # noqa: PLC0415

    core = engine.nearest_catalog(version)
    engine.nearest_catalog = lambda _: core.overlay(Catalog(version, definitions))
    if os.environ.get("STAND_IN_GPU") in too_small:
        _run_out_of_memory()
    arguments = dict(zip(sys.argv[1:], sys.argv[2:], strict=False))
    sys.argv = [script, "--port", arguments["--port"], "--core", version]
    engine.main()


def _run_out_of_memory() -> None:
    from runner.stand_in.errors import NodeError  # noqa: PLC0415 - see above
    from runner.stand_in.execution import Executor  # noqa: PLC0415

    class OutOfMemoryError(NodeError):
        exception_type = "torch.OutOfMemoryError"

    def run(*_: Any) -> Any:
        sys.stdout.write(
            "!!! Exception during processing !!! Allocation on device\nGot an OOM, unloading all loaded models.\n"
        )
        sys.stdout.flush()
        raise OutOfMemoryError("Allocation on device")

    Executor._run = run  # type: ignore[method-assign]


def custom_nodes(folder: Path) -> dict[str, Any]:
    """What the packs in a folder define, as `/object_info` tells it."""
    definitions: dict[str, Any] = {}
    times: list[str] = []
    for pack in sorted(folder.iterdir()) if folder.is_dir() else []:
        began, failed = time.monotonic(), ""
        try:
            definitions |= _load(pack)
        except Exception as error:  # noqa: BLE001 - whatever a pack raises, ComfyUI goes on without it
            sys.stdout.write(f"{traceback.format_exc()}\nCannot import {pack} module for custom nodes: {error}\n")
            failed = " (IMPORT FAILED)"
        times.append(f"{time.monotonic() - began:6.1f} seconds{failed}: {pack}\n")
    if times:
        sys.stdout.write("\nImport times for custom nodes:\n" + "".join(times) + "\n")
        sys.stdout.flush()
    return definitions


def _load(pack: Path) -> dict[str, Any]:
    name = str(pack).replace(".", "_x_")  # as ComfyUI names it
    spec = importlib.util.spec_from_file_location(name, pack / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    found: dict[str, Any] = {}
    for class_type, node in getattr(module, "NODE_CLASS_MAPPINGS", {}).items():
        with contextlib.suppress(Exception):  # /object_info leaves out what cannot say its inputs
            found[class_type] = _definition(class_type, node, pack)
    return found


def _definition(class_type: str, node: Any, pack: Path) -> dict[str, Any]:
    inputs = node.INPUT_TYPES()
    outputs = list(node.RETURN_TYPES)
    told = {
        "input": inputs,
        "input_order": {section: list(names) for section, names in inputs.items()},
        "output": outputs,
        "output_is_list": list(getattr(node, "OUTPUT_IS_LIST", [False] * len(outputs))),
        "output_name": list(getattr(node, "RETURN_NAMES", outputs)),
        "name": class_type,
        "display_name": class_type,
        "description": getattr(node, "DESCRIPTION", ""),
        "python_module": f"custom_nodes.{pack.name}",
        "category": getattr(node, "CATEGORY", "sd"),
        "output_node": getattr(node, "OUTPUT_NODE", False),
    }
    return json.loads(json.dumps(told))
