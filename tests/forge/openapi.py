"""Holds the App's requests against GitHub's own OpenAPI description: about 8 ms a request, and a second for the first.

The forge's own answers can be held against it too, which its tests do.
"""

from __future__ import annotations

import json
import re
import threading
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.forge.npm import package

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# OpenAPI has no parameters of several segments; a branch, a path and a pair of commits have slashes in them.
_SLASHES = re.compile(
    r"(?P<before>^/repos/[^/]+/[^/]+/(?:git/(?:ref|refs|matching-refs|trees)|contents|branches|compare|commits|rules/branches)/)"
    r"(?P<name>.+?)(?P<after>/protection.*|/check-runs|/check-suites|/status|/statuses|/pulls)?$"
)
_LONGEST_REASON = 400


class OpenApi:
    def __init__(self, description: OpenAPI) -> None:
        self._description = description
        self._lock = threading.Lock()  # its caches are not made for threads
        self._known: dict[tuple[object, ...], list[str]] = {}

    def violations(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> list[str]:
        """What is wrong with a request; empty where nothing is, and for GraphQL."""
        if path == "/graphql" or path.startswith("/_forge/"):
            return []
        asked = (method, path, tuple(sorted(query.items())), body)
        if asked not in self._known:  # the same is asked again and again
            check = partial(self._description.validate_request, _request(method, path, query, body))
            self._known[asked] = self._broken(f"{method} {path}", check)
        return self._known[asked]

    def answer_violations(self, method: str, path: str, status: int, body: bytes) -> list[str]:
        """What is wrong with an answer of the forge."""
        request, answer = _request(method, path, {}, b""), MockResponse(body, status)
        check = partial(self._description.validate_response, request, answer)
        return self._broken(f"{method} {path} {status}", check, null_is_fine=True)

    def _broken(self, what: str, check: Callable[[], None], *, null_is_fine: bool = False) -> list[str]:
        """`null_is_fine`: where the description says "nullable" beside an enum or anyOf, the validator does not see it."""
        try:
            with self._lock:
                check()
        except OpenAPIError as error:
            errors = getattr(error.__cause__, "schema_errors", [])
            if errors and null_is_fine and all(one.instance is None for one in errors):
                return []
            reasons = [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in errors]
            return [f"{what}: {error} {'; '.join(reasons)[:_LONGEST_REASON]}"]
        return []


def _request(method: str, path: str, query: Mapping[str, str], body: bytes) -> MockRequest:
    path = _SLASHES.sub(
        lambda match: match["before"] + match["name"].replace("/", "%2F") + (match["after"] or ""), path
    )
    return MockRequest(
        "https://api.github.com", method.lower(), path, args=dict(query), data=body, content_type="application/json"
    )


@lru_cache
def github() -> OpenApi:
    description = json.loads((package("openapi") / "generated" / "api.github.com.json").read_bytes())
    return OpenApi(OpenAPI.from_dict(description, config=Config(spec_validator_cls=None)))
