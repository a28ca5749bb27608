"""Calls one function of a deployed app: `python -I -m runner.targets.modal.calling ORDER`, confined.

ORDER is JSON: `app`, `environment`, `function`, `result`, the file that the answer goes to as JSON. An app answers
with a pickle, which runs what it likes where it is opened: here, and nowhere else.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any, cast

import modal
import modal.exception

from runner.targets.modal.statuses import status_of


def call(order: dict[str, Any]) -> None:
    """Call it, wait for its answer, and write that down."""
    functions = cast("Any", modal.Function)  # its types are not all known
    function = functions.from_name(order["app"], order["function"], environment_name=order["environment"])
    answer = function.remote()
    Path(order["result"]).write_text(json.dumps(answer))


def main() -> int:
    """Entry point."""
    try:
        call(json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - whatever it is, its trace is the log's end
        if isinstance(error, modal.exception.Error):
            sys.stdout.write(f"{type(error).__name__}: {error}\n")
        else:
            traceback.print_exc(file=sys.stdout)
        return status_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
