"""The OpenAPI document: FastAPI's, with the inputs of this very workflow and an example that works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from shared.problems import MEDIA_TYPE, NotAllowed, NotFound, Problem, every_problem
from shared.views import RESULT_HEADERS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shared.definition import Definition, InputField
    from shared.json_values import JsonObject

EXAMPLE_MEDIA_URL = "https://example.com/input"
"""Media have no default that a stranger could fetch; `example.com` is reserved for this (RFC 2606)."""


def openapi(app: FastAPI, definition: Definition) -> JsonObject:
    """The document for `/openapi.json`."""
    document = get_openapi(
        title=definition.name,
        version=app.version,
        routes=app.routes,
        description=f"A ComfyUI workflow as an endpoint. Every request runs `{definition.name}` once.",
    )
    schemas: JsonObject = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):  # this app answers with problems instead
        schemas.pop(unused, None)
    schemas["Problem"] = _problem_schema()
    schemas["Inputs"] = {key: value for key, value in definition.interface.items() if not key.startswith("$")}
    schemas["InputsAsForm"] = _form_schema(schemas["Inputs"], definition)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _problem_answer("A problem (RFC 9457)")
    generate: JsonObject = document["paths"]["/generate"]["post"]
    generate["requestBody"] = {
        "required": bool(definition.interface.get("required")),
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Inputs"},
                "example": example(definition),
            },
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/InputsAsForm"}},
        },
    }
    generate["responses"] |= _generate_answers(generate["responses"]["200"])
    return document


def example(definition: Definition) -> JsonObject:
    """A request body from the workflow's own values."""
    pairs = ((field.name, _example_value(field)) for field in definition.inputs)
    return {name: value for name, value in pairs if value is not None}


def _example_value(field: InputField) -> Any:  # noqa: ANN401 - any JSON value
    if "default" in field.spec:
        return field.spec["default"]
    if field.kind == "seed":
        return max(42, int(field.spec.get("minimum", 0)))
    if not field.required:
        return None
    if field.is_media:
        return EXAMPLE_MEDIA_URL
    return (field.spec.get("enum") or [field.spec.get("minimum", "")])[0]


def _form_schema(inputs: JsonObject, definition: Definition) -> JsonObject:
    properties: JsonObject = {}
    for field in definition.inputs:
        spec = field.spec
        properties[field.name] = {**spec, "format": "binary"} if field.is_media else spec
    return {**inputs, "properties": properties}


def _generate_answers(success: JsonObject) -> JsonObject:
    picture = {"schema": {"type": "string", "format": "binary"}}
    return {
        "200": {
            "description": "The job has ended well",
            "headers": {
                name: {"description": words, "schema": {"type": "string"}} for name, words in RESULT_HEADERS.items()
            },
            "content": {**success["content"], "image/*": picture},
        },
        "202": {
            "description": "The job goes on; Location is where to look",
            "content": success["content"],
        },
        **{str(status): _problem_answer("; ".join(titles)) for status, titles in sorted(_titles().items())},
    }


def _titles() -> dict[int, list[str]]:
    """What each status of POST /generate may mean."""
    titles: dict[int, list[str]] = {}
    for problem in every_problem():
        if problem not in {NotFound, NotAllowed}:
            titles.setdefault(problem.status, []).append(problem.title)
    return titles


def _problem_answer(description: str) -> JsonObject:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _problem_schema() -> JsonObject:
    text = {"type": "string"}
    fault = {"type": "object", "properties": {"field": text, "message": text}}
    kinds = [problem("").document()["type"] for problem in every_problem()]
    return {
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": {"type": "string", "enum": sorted(set(kinds))},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "hint": {**text, "description": "What to do about it"},
            "errors": {"type": "array", "items": fault},
            "log": {"type": "array", "items": text, "description": "The last lines of ComfyUI's log"},
            "job": text,
        },
        "required": ["type", "title", "status", "detail"],
        "example": Problem("ComfyUI is starting.").document(),
    }
