"""The way of a request through the forge, from its first byte to the entry in the log."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.forge import git_http, routes
from tests.forge.access import ANONYMOUS, Actor, admit
from tests.forge.git import GitError
from tests.forge.routes import Accepted, Call, Created, GitHubError, Page, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from tests.forge.forge import Forge
    from tests.forge.routes import Endpoint

API = "/api/v3"
LARGEST_PAGE = 100
UNLOGGED = "/_forge/"


@dataclass(frozen=True)
class Logged:
    """A request that was answered."""

    method: str
    path: str
    actor: str
    status: int
    body: Any = None


class Dispatch:
    """The ASGI application."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        repository, service = git_http.parse(request.url.path)
        if service:
            response, actor = await git_http.serve(self.forge, request, repository, service)
            self.forge.log.append(Logged(request.method, request.url.path, _name(actor), response.status_code))
        else:
            response = await self._answer(request)
        if request.method != "GET":
            self.forge.notify()  # reading changes nothing: who waits by reading must not wake itself
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raw = await request.body()
        path, web = _address(request.url.path)
        actor, refusal = self._actor(request)
        fault = None if web else self.forge.faults.strikes_request(request.method, path, actor)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        refusal = refusal or (None if web else self.forge.limits.refusal(actor, request.method, path))
        if fault and fault.kind in ("error", "secondary-limit", "primary-limit"):
            refusal = fault.refusal()
        if refusal:
            response = _refused(refusal)
        else:
            response = await run_in_threadpool(self._carry_out, request, path, actor, raw, web=web)
        if fault and fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind in ("error-after", "hang"):
            response = _refused(GitHubError(fault.status, "Server Error"))
        for name, value in self.forge.limits.headers(actor, path, response.status_code).items():
            response.headers.setdefault(name, value)
        response.headers["x-github-request-id"] = secrets.token_hex(8)
        response.headers["x-github-media-type"] = "github.v3; format=json"
        if not path.startswith(UNLOGGED):
            self.forge.log.append(Logged(request.method, path, _name(actor), response.status_code, _json(raw)))
        return response

    def _actor(self, request: Request) -> tuple[Actor, GitHubError | None]:
        try:
            return self.forge.tokens.actor(request.headers.get("authorization", "")), None
        except GitHubError as refusal:
            return ANONYMOUS, refusal

    def _carry_out(self, request: Request, path: str, actor: Actor, raw: bytes, *, web: bool) -> Response:
        forge, method, query = self.forge, request.method, dict(request.query_params)
        if forge.openapi and actor.kind in ("app", "installation"):
            forge.violations += (
                [f"a token was sent to {path}"] if web else forge.openapi.violations(method, path, query, raw)
            )
        try:
            endpoint, params = self._endpoint(method, path, web=web)
            with forge.lock:
                repository = None
                if "repo" in params:
                    repository = forge.find_repository(f"{params['owner']}/{params['repo']}")
                    if repository is None:
                        raise not_found()
                admit(actor, endpoint, repository)
                call = Call(forge, actor, method, path, params, query, request.headers, _json(raw), raw, repository)
                return _conditional(request, _render(call, endpoint.answer(call)))
        except GitHubError as refusal:
            return _refused(refusal)
        except GitError as error:
            return _refused(GitHubError(422, f"git: {error}"))

    @staticmethod
    def _endpoint(method: str, path: str, *, web: bool) -> tuple[Endpoint, dict[str, Any]]:
        found = routes.find(method, path, web=web)
        if found is None and web:
            raise not_found()
        if found is None:
            raise GitHubError(501, f"The stand-in has no endpoint for {method} {path}: add it to tests/forge/endpoints")
        return found


def _address(path: str) -> tuple[str, bool]:
    """The path inside the API, or that of a page beside it (True)."""
    if path == "/api/graphql":
        return "/graphql", False
    if path.startswith(f"{API}/"):
        return path.removeprefix(API), False
    return path, True


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _refused(refusal: GitHubError) -> Response:
    return JSONResponse(refusal.body, refusal.status, headers=refusal.headers)


def _name(actor: Actor) -> str:
    return actor.account.login if actor.account else actor.kind


def _render(call: Call, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status_code=204)
    if isinstance(result, Created | Accepted):
        return JSONResponse(result.body, result.status)
    if isinstance(result, list):
        return _paged(call, result, lambda items: items)
    if isinstance(result, Page):
        return _paged(
            call,
            result.items,
            lambda items: {"total_count": len(result.items), **(result.more or {}), result.key: items},
        )
    return JSONResponse(result)


def _paged(call: Call, items: list[Any], wrap: Any) -> Response:
    """One page, with the Link header as GitHub writes it."""
    size = min(int(call.query.get("per_page", 30)), LARGEST_PAGE)
    page = int(call.query.get("page", 1))
    last = max(1, -(-len(items) // size))
    response = JSONResponse(wrap(items[(page - 1) * size : page * size]))
    numbers = {
        "prev": page - 1 if page > 1 else 0,
        "next": page + 1 if page < last else 0,
        "last": last if page < last else 0,
        "first": 1 if page > 1 else 0,
    }
    links = [f'<{_url(call, {"page": number})}>; rel="{name}"' for name, number in numbers.items() if number]
    if links:
        response.headers["link"] = ", ".join(links)
    return response


def _url(call: Call, changed: Mapping[str, Any]) -> str:
    return f"{call.forge.api_url}{call.path}?{urlencode({**call.query, **changed})}"


def _conditional(request: Request, response: Response) -> Response:
    """With an ETag; without a body where the client has it already."""
    if request.method != "GET" or response.status_code != 200:
        return response
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        response = Response(status_code=304)
    response.headers["etag"] = tag
    response.headers["cache-control"] = "private, max-age=60, s-maxage=60"
    response.headers["vary"] = "Accept, Authorization, Cookie"
    return response
