"""Holds the App's requests against GitHub's own OpenAPI description: about 8 ms a request, and a second for the first."""

from __future__ import annotations

import json
import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

from tests.forge.npm import package

if TYPE_CHECKING:
    from collections.abc import Mapping

# OpenAPI has no parameters of several segments; a branch, a path and a pair of commits have slashes in them.
_SLASHES = re.compile(
    r"(?P<before>^/repos/[^/]+/[^/]+/(?:git/(?:ref|refs|matching-refs|trees)|contents|branches|compare|commits|rules/branches)/)"
    r"(?P<name>.+?)(?P<after>/protection.*|/check-runs|/check-suites|/status|/statuses|/pulls)?$"
)
_LONGEST_REASON = 300


class OpenApi:
    def __init__(self, description: OpenAPI) -> None:
        self._description = description
        self._lock = threading.Lock()  # its caches are not made for threads

    def violations(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> list[str]:
        """What is wrong with a request; empty where nothing is, and for GraphQL."""
        if path == "/graphql" or path.startswith("/_forge/"):
            return []
        path = _SLASHES.sub(
            lambda match: match["before"] + match["name"].replace("/", "%2F") + (match["after"] or ""), path
        )
        request = MockRequest(
            "https://api.github.com", method.lower(), path, args=dict(query), data=body, content_type="application/json"
        )
        try:
            with self._lock:
                self._description.validate_request(request)
        except OpenAPIError as error:
            reasons = [reason.message for reason in getattr(error.__cause__, "schema_errors", [])]
            return [f"{method} {path}: {error} {'; '.join(reasons)[:_LONGEST_REASON]}"]
        return []


@lru_cache
def github() -> OpenApi:
    description = json.loads((package("openapi") / "generated" / "api.github.com.json").read_bytes())
    return OpenApi(OpenAPI.from_dict(description, config=Config(spec_validator_cls=None)))
