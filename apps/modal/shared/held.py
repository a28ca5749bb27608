"""Runs ComfyUI with a queue that nothing leaves: `python held.py FACTS SCRIPT ARGUMENT…`.

`POST /prompt` then does all that it ever does, the handlers of custom nodes included, and nothing is executed: it is
the server itself that says whether it would take a prompt. FACTS is a file that appears once the queue is held; it
holds what is installed. This file runs in ComfyUI's Python and imports nothing of the runtime.

Fact from ComfyUI's main.py and execution.py (0.3.64 to 0.33.0): one thread takes prompts with
`PromptQueue.get(timeout)` and does nothing when that gives `None`. A version that has no such queue does not start
here, rather than execute.
"""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

MODULE = "execution"
MAX_DISTRIBUTIONS = 2000
"""More than any image has; names and versions are short."""
MAX_NAME = 100


class HoldsQueue(MetaPathFinder, Loader):
    """Finds ComfyUI's module of the queue once, and changes it as soon as it is loaded."""

    def __init__(self, facts: Path) -> None:
        self._facts = facts
        self._loader: Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as if we were not there."""
        del path, target
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As its own loader does."""
        assert self._loader is not None
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load it, and hold its queue."""
        assert self._loader is not None
        module.__spec__.loader = module.__loader__ = self._loader  # pyright: ignore[reportOptionalMemberAccess]
        self._loader.exec_module(module)
        queue = getattr(module, "PromptQueue", None)
        if not callable(getattr(queue, "get", None)):
            sys.exit("this ComfyUI has no queue that can be held, so no prompt can be validated without running it")
        queue.get = nothing  # pyright: ignore[reportOptionalMemberAccess]
        partial = self._facts.with_suffix(".partial")
        partial.write_text(json.dumps(installed()))
        partial.replace(self._facts)


def nothing(_queue: Any, timeout: float | None = None) -> None:  # noqa: ANN401 - ComfyUI's own class
    """Instead of `PromptQueue.get`: there is never anything to do."""
    threading.Event().wait(timeout)


def installed() -> dict[str, Any]:
    """Versions of Python and of every distribution."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = str(distribution.metadata["Name"] or "")[:MAX_NAME].lower()
        if name and name not in found and len(found) < MAX_DISTRIBUTIONS:  # the first on the path is the one in use
            found[name] = str(distribution.version)[:MAX_NAME]
    return {"python": ".".join(map(str, sys.version_info[:3])), "distributions": dict(sorted(found.items()))}


def main(facts: Path, script: list[str]) -> None:
    """Hold the queue, then be the script."""
    sys.argv = script
    sys.path[0] = str(Path(script[0]).resolve().parent)
    sys.meta_path.insert(0, HoldsQueue(facts))
    runpy.run_path(script[0], run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
