"""Tests that run nothing: what the endpoint says of itself, and what it refuses.

Each returns a few words on what it saw.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from codegen.json_values import as_list, as_object, objects
from runner.endpoint_tests.endpoint import failure, json_object
from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.requests import properties, wrong_bodies

if TYPE_CHECKING:
    import httpx

    from codegen.model import JsonObject
    from runner.model import EngineKind
from runner.endpoint_tests.endpoint import Endpoint

ENGINES: tuple[EngineKind, ...] = ("comfyui", "stand-in")
LINKED_PAGES = ("health", "schema", "openapi", "docs", "playground")
PROBLEM_TYPE = "application/problem+json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def health(endpoint: Endpoint, facts: list[str]) -> str:
    """`/health` says that an engine answers, and which; its version and its kind are added to `facts`."""
    body = endpoint.get_json("/health")
    engine, version = body.get("engine"), str(body.get("engine_version"))
    facts += [version, str(engine)]
    if body.get("status") != "ok" or engine not in ENGINES:
        raise CheckFailed(f"/health says status {body.get('status')!r} and engine {engine!r}")
    name = "ComfyUI" if engine == "comfyui" else "stand-in engine"
    # No failure: a ComfyUI may have nodes that this workflow does not need. If it does need them, it will not run.
    failures = [str(item).partition(":")[0] for item in as_list(body.get("import_failures"))]
    return f"{name} {version}" + (f", which could not load {', '.join(failures)}" if failures else "")


def root(endpoint: Endpoint, interface: JsonObject) -> str:
    """`/` says which app this is, and every page it links is there."""
    body = endpoint.get_json("/")
    if body.get("name") != interface["title"]:
        raise CheckFailed(f"/ says it is {body.get('name')!r}, not {interface['title']!r}")
    for key in ("workflow_sha256", "lock_sha256"):
        if not _SHA256.fullmatch(str(body.get(key))):
            raise CheckFailed(f"/ has no {key}")
    links = as_object(body.get("links"))
    for page in LINKED_PAGES:
        response = endpoint.get(str(links.get(page)))
        if response.status_code != HTTPStatus.OK:
            raise CheckFailed(f"the link to {page} answers {failure(response)}")
    return f"{interface['title']}, {len(LINKED_PAGES)} links"


def schema(endpoint: Endpoint, interface: JsonObject) -> str:
    """`/schema` is the interface of the lock, and good JSON Schema."""
    body = endpoint.get_json("/schema")
    if body != interface:
        raise CheckFailed("/schema is not the app's interface.json")
    try:
        Draft202012Validator.check_schema(body)
    except SchemaError as error:
        raise CheckFailed(f"/schema is no valid JSON Schema: {error.message[:200]}") from None
    count = len(properties(interface))
    return f"{count} input{'' if count == 1 else 's'}"


def bad_input(endpoint: Endpoint, interface: JsonObject) -> str:
    """Wrong requests are refused with a problem document that names the input."""
    count = 0
    for what, body, name in wrong_bodies(interface):
        count += 1
        response = endpoint.post(body)
        _refused(what, response, name)
    return f"{count} wrong requests refused"


def _refused(what: str, response: httpx.Response, name: str | None) -> None:
    wanted = {HTTPStatus.UNPROCESSABLE_ENTITY} if name else {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST}
    if response.status_code not in wanted:
        raise CheckFailed(f"{what} was answered {failure(response)}")
    if response.headers.get("content-type", "").partition(";")[0] != PROBLEM_TYPE:
        raise CheckFailed(f"{what} was refused with {response.headers.get('content-type')!r}, not {PROBLEM_TYPE}")
    if "Traceback" in response.text:
        raise CheckFailed(f"{what} was refused with a stack trace")
    named = [error.get("field") for error in objects(json_object(response).get("errors"))]
    if name is not None and name not in named:
        raise CheckFailed(f"{what} was refused without naming {name}")
