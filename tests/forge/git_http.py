"""git clone, fetch and push, by `git http-backend`, for those who may."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tests.forge import moves, rules
from tests.forge.access import ANONYMOUS
from tests.forge.moves import Update
from tests.forge.routes import GitHubError
from tests.forge.world import ROLES

if TYPE_CHECKING:
    from starlette.requests import Request

    from tests.forge.access import Actor
    from tests.forge.forge import Forge
    from tests.forge.world import Repository

_PATH = re.compile(r"^/([^/]+/[^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$")
_FLUSH = b"0000"
_NO_PASSWORD = "Invalid username or token. Password authentication is not supported for Git operations.\n"


def parse(path: str) -> tuple[str, str]:
    """The repository and the service of a git request; empty for any other path."""
    match = _PATH.match(path)
    return (match[1], match[2]) if match else ("", "")


async def serve(forge: Forge, request: Request, full_name: str, service: str) -> tuple[Response, Actor]:
    """The answer, and who has asked."""
    try:
        actor = forge.tokens.actor(request.headers.get("authorization", ""))
    except GitHubError:
        return _sign_in(), ANONYMOUS
    return await _serve(forge, request, full_name, service, actor), actor


async def _serve(forge: Forge, request: Request, full_name: str, service: str, actor: Actor) -> Response:
    pushing = "git-receive-pack" in (service, request.query_params.get("service"))
    repository = forge.find_repository(full_name)
    refusal = _refusal(actor, repository, full_name, pushing=pushing)
    if refusal or repository is None:
        return refusal or _sign_in()
    fault = forge.faults.strikes_request(request.method, request.url.path, actor)
    if fault and fault.kind in ("slow", "hang"):
        await asyncio.sleep(fault.seconds)
    if fault and fault.kind == "error":
        return Response("", fault.status)
    body = await request.body()
    if service == "git-receive-pack":
        response = await _receive(forge, request, repository, actor, body)
    else:
        response = await _backend(request, repository, service, body, {})
    return Response("", fault.status) if fault and fault.kind == "error-after" else response


def _sign_in() -> Response:
    return Response(_NO_PASSWORD, 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, "text/plain")


def _refusal(actor: Actor, repository: Repository | None, full_name: str, *, pushing: bool) -> Response | None:
    """What GitHub answers to who may not; None for who may."""
    if actor.kind in ("anonymous", "app") and (repository is None or repository.private or pushing):
        return _sign_in()
    missing = Response("Repository not found.\n", 404, media_type="text/plain")
    if repository is None:
        return missing
    if actor.kind == "person":
        role = ROLES.index(repository.role(actor.user))
        may_read, may_write = role >= ROLES.index("read"), role >= ROLES.index("write")
        denied = f"Permission to {full_name}.git denied to {actor.user.login}.\n"
    else:
        covered = actor.kind == "installation" and actor.reaches(repository)
        may_read = not repository.private or (covered and actor.has("contents", "read"))
        may_write = covered and actor.has("contents", "write")
        denied = "Write access to repository not granted.\n"
    if not may_read:
        return missing
    if pushing and (not may_write or repository.archived):
        return Response(denied, 403, media_type="text/plain")
    return None


async def _receive(forge: Forge, request: Request, repository: Repository, actor: Actor, body: bytes) -> Response:
    """A push: with the rules for the hook before it, and everything that follows from it before it is answered."""
    with tempfile.TemporaryDirectory() as folder:
        reason_file = Path(folder) / "reason"
        with forge.lock:
            pushed: dict[str, Any] = {
                "rules": rules.for_push(forge, repository, actor),
                "reason_file": str(reason_file),
            }
        pushed["largest_file_bytes"] = forge.largest_file_bytes
        pushed["workflows"] = actor.kind == "person" or actor.has("workflows", "write")
        response = await _backend(request, repository, "git-receive-pack", body, {"FORGE_PUSH": json.dumps(pushed)})
        reason = reason_file.read_bytes() if reason_file.exists() else b""
    response.body, accepted = _report(bytes(response.body), reason)
    response.headers["content-length"] = str(len(response.body))
    updates = [update for update in _commands(body) if update.ref in accepted]
    if updates:
        await run_in_threadpool(_follow, forge, repository, actor, updates)
    return response


def _follow(forge: Forge, repository: Repository, actor: Actor, updates: list[Update]) -> None:
    with forge.lock:
        moves.moved(forge, repository, actor, updates)


async def _backend(
    request: Request, repository: Repository, service: str, body: bytes, environment: dict[str, str]
) -> Response:
    """Run the CGI program of git."""
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(repository.git.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PATH_INFO": f"/{service}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": "forge",
        "REMOTE_ADDR": "127.0.0.1",
        **environment,
    }
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables
    )
    out, _ = await process.communicate(body)
    head, _, content = out.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    return Response(content, int(headers.pop("Status", "200").split()[0]), headers)


def _packets(data: bytes) -> list[bytes]:
    """The payloads of pkt-lines, up to the first flush."""
    payloads: list[bytes] = []
    while data and data[:4] != _FLUSH:
        length = int(data[:4], 16)
        payloads.append(data[4:length])
        data = data[length:]
    return payloads


def _packet(payload: bytes) -> bytes:
    return f"{len(payload) + 4:04x}".encode() + payload


def _commands(body: bytes) -> list[Update]:
    """What a push asks for."""
    updates: list[Update] = []
    for payload in _packets(body):
        old, new, ref = payload.split(b"\0")[0].decode().strip().split(" ", 2)
        updates.append(Update(ref, old, new))
    return updates


def _report(body: bytes, reason: bytes) -> tuple[bytes, set[str]]:
    """The answer to a push with the hook's own reason in it, and the refs that were accepted."""
    report = b"".join(payload[1:] for payload in _packets(body) if payload[:1] == b"\x01")
    lines = _packets(report)
    accepted = {line.split()[1].decode() for line in lines if line.startswith(b"ok ")}
    if not reason:
        return body, accepted
    told = b"".join(_packet(payload) for payload in _packets(body) if payload[:1] == b"\x02")
    lines = [line.replace(b"pre-receive hook declined", reason) for line in lines]
    return told + _packet(b"\x01" + b"".join(map(_packet, lines)) + _FLUSH) + _FLUSH, accepted
