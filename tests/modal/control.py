"""What a test asks of a stand-in that is a process of its own: methods of `ModalBed` by HTTP, below `/_modal/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from google.protobuf.json_format import MessageToDict
from modal_proto import api_pb2

if TYPE_CHECKING:
    from tests.modal.bed import ModalBed
    from tests.modal.world import App, Workspace

METHODS = ("fail", "throttle", "delay", "build", "fail_build", "secret", "log", "cost", "preempt")
"""`POST /_modal/fail {"method": "AppPublish", "times": 2}`."""
SETTINGS = ("request_seconds", "scaledown_seconds", "comfyui", "repositories")
LONGEST_SHOWN = 300
"""Characters of a value in a message: files are uploaded in them."""


def routes(bed: ModalBed) -> list[web.RouteDef]:
    async def act(request: web.Request) -> web.Response:
        action = request.match_info["action"]
        if action not in METHODS:
            return web.json_response({"error": f"one of {', '.join(METHODS)}"}, status=404)
        getattr(bed, action)(**await request.json())
        return web.json_response({})

    async def settings(request: web.Request) -> web.Response:
        for name, value in (await request.json()).items():
            if name not in SETTINGS:
                return web.json_response({"error": f"one of {', '.join(SETTINGS)}"}, status=400)
            setattr(bed, name, value)
        return web.json_response({})

    async def workspace(request: web.Request) -> web.Response:
        bed.workspace((await request.json())["name"])
        return web.json_response(bed.settings())

    async def clear(_: web.Request) -> web.Response:
        bed.faults.clear()
        return web.json_response({})

    async def calls(request: web.Request) -> web.Response:
        wanted = request.query.get("method")
        told = [
            {"method": one.method, "workspace": one.workspace, "status": one.status, "message": _shown(one.message)}
            for one in bed.calls
            if wanted in (None, one.method)
        ]
        return web.json_response(told)

    async def state(_: web.Request) -> web.Response:
        return web.json_response({name: _state(bed, one) for name, one in bed.workspaces.items()})

    return [
        web.post("/_modal/settings", settings),
        web.post("/_modal/workspaces", workspace),
        web.post("/_modal/clear", clear),
        web.post("/_modal/{action}", act),
        web.get("/_modal/calls", calls),
        web.get("/_modal/state", state),
    ]


def _state(bed: ModalBed, workspace: Workspace) -> dict[str, Any]:
    running = [one for one in bed.containers.values() if one.workspace is workspace]
    return {
        "apps": [_app(workspace, app) for app in workspace.apps.values()],
        "volumes": [volume.name for volume in workspace.volumes.values()],
        "containers": [{"task_id": one.task_id, "app": one.app.name, "function": one.function.name} for one in running],
    }


def _app(workspace: Workspace, app: App) -> dict[str, Any]:
    functions = {name: workspace.functions[id_] for name, id_ in app.functions.items()}
    return {
        "id": app.id,
        "name": app.name,
        "environment": app.environment,
        "state": api_pb2.AppState.Name(app.state).removeprefix("APP_STATE_").lower(),
        "tags": app.tags,
        "versions": len(app.versions),
        "urls": {
            f"{name.removesuffix('.*')}.{method}".rstrip("."): door.url
            for name, function in functions.items()
            for method, door in function.doors.items()
        },
        "log": "".join(line.text for line in app.logs),
    }


def _shown(message: Any) -> Any:
    return _short(MessageToDict(message, preserving_proto_field_name=True)) if message is not None else None


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return value[:LONGEST_SHOWN] + "…"
    return value
