"""`report.json`, as it is committed next to an app, and its JSON Schema, `docs/schemas/report.schema.json`."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import ValidationError

from codegen.model import Finding, Question
from runner.errors import RunnerError
from runner.model import Attempt, Cost, Measure, Opinion, OutputQuality, Report, ReviewedPin, TestResult

if TYPE_CHECKING:
    from codegen.model import JsonObject

REPORT: Final = "report.json"
SCHEMA_ID: Final = "https://raw.githubusercontent.com/flowberth/flowberth/main/docs/schemas/report.schema.json"
_SAID: Final = {
    "passed": "Whether there are tests, and none failed.",
    "simulated": "Whether no ComfyUI had a part in it: a simulated success is no deployment that worked.",
}
"""What follows from the rest, written down for those who read the file with less than a program."""


class UnusableReport(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """A file is no report of ours. `str(error)` says what is wrong with it."""


def dumped(report: Report) -> bytes:
    """The bytes of `report.json`."""
    facts = {"passed": report.passed, "simulated": report.simulated, **report.model_dump(mode="json")}
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()


def loaded(data: bytes) -> Report:
    """The report in a file; one that was written before reports had all of today's fields has none in these.

    Raises:
        UnusableReport: it is none.
    """
    try:
        facts: Any = json.loads(data)
    except ValueError as error:
        raise UnusableReport(f"{REPORT} is no JSON: {error}") from None
    if not isinstance(facts, dict):
        raise UnusableReport(f"{REPORT} is no JSON object")
    own = {key: value for key, value in cast("JsonObject", facts).items() if key not in _SAID}
    try:
        return Report.model_validate_json(json.dumps(own))
    except ValidationError as error:
        first = error.errors()[0]
        raise UnusableReport(f"{REPORT}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def json_schema() -> JsonObject:
    """The JSON Schema of the file, with what the models say of each field."""
    schema = Report.model_json_schema(mode="serialization")
    for model in (Report, TestResult, Cost, OutputQuality, Measure, Opinion, ReviewedPin, Finding, Question, Attempt):
        described = schema if model is Report else schema["$defs"][model.__name__]
        for name, words in _field_docs(model).items():
            described["properties"][name]["description"] = words
    derived = {name: {"type": "boolean", "description": words} for name, words in _SAID.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **schema,
        "title": "report.json of an app that Flowberth has tested",
        "properties": {**derived, **schema["properties"]},
        "required": [*derived, *schema["required"]],
    }


def _field_docs(model: type[object]) -> dict[str, str]:
    """Field → the text below it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    statements = cast("ast.ClassDef", body).body
    found: dict[str, str] = {}
    for field, below in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[cast("ast.Name", field.target).id] = " ".join(str(below.value.value).split())
    return found
