"""Loads libraries, waits, and then becomes a script: `python warm.py SOCKET LIBRARY…`.

A memory snapshot is taken while it waits. The word to go on comes over the Unix socket: a JSON object with `argv`, the
script and its arguments, and `environment`, as it is after the snapshot was restored. If the socket closes without a
word, nobody needs it any more. This file runs in ComfyUI's Python and imports nothing of the runtime.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import socket
import sys
from pathlib import Path


def main(address: str, libraries: list[str]) -> None:
    """Load, wait, become."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # there is no GPU while a snapshot is taken; nothing shall look for one
    for name in libraries:
        with contextlib.suppress(Exception):  # what is missing or broken is for the script to find
            importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        with connection.makefile("rb") as words:
            said = words.read()
    if not said:
        return
    orders = json.loads(said)
    os.environ.clear()
    os.environ.update(orders["environment"])
    sys.argv = orders["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
