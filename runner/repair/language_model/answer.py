"""What the model answered, read strictly: one call of the one tool with a patch of the schema, or a reason for people.

Nothing of the SDK's own models is used, for they take what comes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import ValidationError

from codegen import strict_json
from codegen.errors import MalformedJson
from codegen.json_values import as_object, is_object, objects
from codegen.lock_patch import LockPatch
from codegen.model import JsonObject
from runner.budget.tokens import TokenUsage
from runner.model import Frozen
from runner.repair.language_model.excerpt import line
from runner.repair.language_model.request import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_ANSWER: Final = 1_000_000
"""Bytes. `MOST_OUTPUT_TOKENS` are below 100,000."""
LONGEST_PATCH: Final = 60_000
"""Bytes of JSON. One of ten changes with the longest values that are allowed has less."""
SHOWN_PROBLEMS: Final = 5
WORDS: Final = ("text", "thinking", "redacted_thinking")
"""Kinds of blocks that ask for nothing."""
STOPPED: Final = {
    "max_tokens": "its answer was cut off",
    "model_context_window_exceeded": "what it was asked was too long for it",
    "refusal": "it refused to answer",
}


class Proposed(Frozen):
    """A patch of the schema; whether it may be made is another question."""

    patch: LockPatch
    raw: JsonObject


class Misshapen(Frozen):
    """A patch that is not of the schema. It may be asked for once more."""

    raw: JsonObject
    why: str


class NoPatch(Frozen):
    """Something else than a patch."""

    why: str


Answer: TypeAlias = Proposed | Misshapen | NoPatch


def parse(body: bytes) -> JsonObject:
    """The answer as JSON; empty if it is none, or is beyond limits."""
    if len(body) > LONGEST_ANSWER:
        return {}
    try:
        return as_object(strict_json.loads(body))
    except MalformedJson:
        return {}


def usage_of(message: JsonObject) -> TokenUsage | None:
    """The tokens that were used; `None` if the answer does not say it in a way that can be believed."""
    usage = as_object(message.get("usage"))
    created = as_object(usage.get("cache_creation"))
    written = usage.get("cache_creation_input_tokens") or 0
    hour = created.get("ephemeral_1h_input_tokens") or 0
    five = created.get("ephemeral_5m_input_tokens") if created else written
    try:
        return TokenUsage.model_validate(
            {
                "input": usage.get("input_tokens"),
                "output": usage.get("output_tokens"),
                "cache_write": five or 0,
                "cache_write_hour": hour,
                "cache_read": usage.get("cache_read_input_tokens") or 0,
            },
            strict=True,
        )
    except ValidationError:
        return None


def read(message: JsonObject) -> Answer:
    """The patch, or why there is none."""
    if not message:
        return NoPatch(why="its answer cannot be read")
    stopped = message.get("stop_reason")
    content = objects(message.get("content"))
    if stopped == "refusal":
        said = as_object(message.get("stop_details")).get("explanation")
        return NoPatch(why=STOPPED["refusal"] + (f": {line(said)}" if isinstance(said, str) else ""))
    if isinstance(stopped, str) and stopped in STOPPED:
        return NoPatch(why=STOPPED[stopped])
    calls = [
        block for block in content if "text" not in block and block.get("type") not in {"thinking", "redacted_thinking"}
    ]
    if not calls:
        said = " ".join(
            block["text"] for block in content if block["type"] == "text" and isinstance(block.get("text"), str)
        )
        return NoPatch(why=f"it proposes nothing: {line(said)}" if said.strip() else "it answered nothing")
    (call, *more) = calls
    if more or call.get("type") != "tool_use" or call.get("name") != TOOL or not is_object(call.get("input")):
        return NoPatch(why="it answered with something else than one patch")
    return _patch(as_object(call["input"]))


def _patch(raw: JsonObject) -> Proposed | Misshapen:
    text = json.dumps(raw)
    if len(text) > LONGEST_PATCH:
        return Misshapen(raw={}, why=f"the patch has more than {LONGEST_PATCH:,} bytes")
    try:
        return Proposed(patch=LockPatch.model_validate_json(text, strict=True), raw=raw)
    except ValidationError as error:
        return Misshapen(raw=raw, why=_problems(error))


def _problems(error: ValidationError) -> str:
    """Where and what, without the values."""
    problems: Iterable[str] = (
        f"{'.'.join(str(part)[:40] for part in problem['loc'])}: {problem['msg'][:200]}"
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    )
    return line("; ".join(list(problems)[:SHOWN_PROBLEMS]))
