"""Regular expressions. Source: comfy_extras/nodes_string.py.

A hostile expression never ends, and Python cannot stop one that it has begun: each runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from runner.stand_in.errors import NodeError
from runner.stand_in.node import Call, Given

if TYPE_CHECKING:
    from runner.stand_in.node import Run

MAX_SECONDS = 2.0
"""For one expression; honest ones take microseconds."""
_PROGRAM = """
import json, re, sys
asked = json.load(sys.stdin)
try:
    found = re.compile(asked["pattern"], asked["flags"])
    if asked["replace"] is not None:
        json.dump({"text": found.sub(asked["replace"], asked["text"], count=asked["count"])}, sys.stdout)
    else:
        matches = [[match.group(), *match.groups()] for match in found.finditer(asked["text"])]
        json.dump({"matches": matches}, sys.stdout)
except (re.error, IndexError, OverflowError, RecursionError) as error:
    json.dump({"error": str(error)}, sys.stdout)
"""
_IGNORE_CASE, _MULTILINE, _DOTALL = 2, 8, 16
"""`re.IGNORECASE` and so on."""


def _match(call: Call) -> Given:
    return Given((bool(_asked(call).get("matches")),))


def _extract(call: Call) -> Given:
    """An expression that is none finds nothing, as the real node has it."""
    matches: list[list[Any]] = _asked(call).get("matches", [])
    index = int(call.inputs.get("group_index", 1))
    grouped = [match[index] or "" for match in matches if index < len(match)]
    match call.inputs.get("mode"):
        case "First Match":
            found = [match[0] for match in matches[:1]]
        case "All Matches":
            found = [(match[1] or "") if len(match) > 1 else match[0] for match in matches]
        case "First Group":
            found = grouped[:1] if matches and index < len(matches[0]) else []
        case _:
            found = grouped if matches and len(matches[0]) > 1 else []
    return Given(("\n".join(found),))


def _replace(call: Call) -> Given:
    answer = _asked(call, str(call.inputs.get("replace") or ""))
    if "error" in answer:
        raise NodeError(answer["error"])
    return Given((answer["text"],))


def _asked(call: Call, replace: str | None = None) -> dict[str, Any]:
    def flag(name: str, value: int, *, default: bool = False) -> int:
        return value if call.inputs.get(name, default) else 0

    flags = flag("case_insensitive", _IGNORE_CASE, default=True)
    flags |= flag("multiline", _MULTILINE) | flag("dotall", _DOTALL)
    question = {
        "pattern": str(call.inputs.get("regex_pattern") or ""),
        "text": str(call.inputs.get("string") or ""),
        "flags": flags,
        "replace": replace,
        "count": int(call.inputs.get("count") or 0),
    }
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    try:
        done = subprocess.run(
            command, input=json.dumps(question), capture_output=True, text=True, timeout=MAX_SECONDS, check=True
        )
    except subprocess.TimeoutExpired:
        raise NodeError(f"the expression was given up after {MAX_SECONDS:g} seconds") from None
    except subprocess.CalledProcessError as error:
        raise NodeError(f"the expression failed: {error.stderr[-200:]}") from None
    return json.loads(done.stdout)


NODES: dict[str, Run] = {
    "RegexMatch": _match,
    "RegexExtract": _extract,
    "RegexReplace": _replace,
}
