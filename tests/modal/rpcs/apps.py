"""Apps: made, published, looked up, listed, stopped; their tags and their history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.rpcs.functions import handle
from tests.modal.world import App, Function, Version, Workspace, new_id, not_found

if TYPE_CHECKING:
    from tests.modal.dispatch import Call

DEPLOYER = "stand-in"


def lifecycle(app: App) -> api_pb2.AppLifecycle:
    return api_pb2.AppLifecycle(
        app_state=app.state,
        created_at=app.created_at,
        created_by=DEPLOYER,
        deployed_at=app.deployed_at,
        deployed_by=DEPLOYER if app.deployed_at else "",
        version=len(app.versions),
        stopped_at=app.stopped_at,
        stopped_by=DEPLOYER if app.stopped_at else "",
    )


def metadata(app: App) -> api_pb2.AppHandleMetadata:
    return api_pb2.AppHandleMetadata(
        description=app.name,
        app_id=app.id,
        environment_name=app.environment,
        lifecycle=lifecycle(app),
        functions=app.functions,
    )


def layout(workspace: Workspace, app: App) -> api_pb2.AppLayout:
    """What the app consists of."""
    told = api_pb2.AppLayout(function_ids=app.functions, class_ids=app.classes)
    for function_id in app.functions.values():
        told.objects.add(object_id=function_id, function_handle_metadata=handle(workspace.functions[function_id]))
    for class_id in app.classes.values():
        told.objects.add(object_id=class_id, class_handle_metadata=api_pb2.ClassHandleMetadata())
    return told


def page(workspace: Workspace, app: App) -> str:
    return f"https://modal.com/apps/{workspace.name}/{app.environment}/{app.id}"


def _new(workspace: Workspace, name: str, environment: str, state: int, tags: dict[str, str]) -> App:
    app = App(new_id("ap"), name, environment, state, tags)
    workspace.apps[app.id] = app
    return app


@answers("AppCreate")
def create(call: Call, request: api_pb2.AppCreateRequest) -> api_pb2.AppCreateResponse:
    environment = call.workspace.environment(request.environment_name)
    app = _new(call.workspace, request.description, environment, request.app_state, dict(request.tags))
    address = page(call.workspace, app)
    return api_pb2.AppCreateResponse(app_id=app.id, app_page_url=address, app_logs_url=f"{address}/logs")


@answers("AppGetOrCreate")
def look_up(call: Call, request: api_pb2.AppGetOrCreateRequest) -> api_pb2.AppGetOrCreateResponse:
    workspace = call.workspace
    # by id also those that are stopped
    app = workspace.apps.get(request.app_name) or workspace.deployed(request.app_name, request.environment_name)
    if app is None:
        if request.object_creation_type != api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
            raise not_found(f"App {request.app_name!r}")
        environment = workspace.environment(request.environment_name)
        app = _new(workspace, request.app_name, environment, api_pb2.APP_STATE_DEPLOYED, {})
    return api_pb2.AppGetOrCreateResponse(app_id=app.id, handle_metadata=metadata(app))


@answers("AppGetByDeploymentName")
def get_by_name(call: Call, request: api_pb2.AppGetByDeploymentNameRequest) -> api_pb2.AppGetByDeploymentNameResponse:
    told = api_pb2.AppGetByDeploymentNameResponse(environment_name=call.workspace.environment(request.environment_name))
    known = [app for app in call.workspace.named(request.name, request.environment_name) if app.versions]
    live = next((app for app in known if app.is_deployed), None)
    if live is not None:
        told.app_id = live.id
    elif known:
        told.previous_app_id = known[0].id
    if known:
        told.lifecycle.CopyFrom(lifecycle(live or known[0]))
    return told


@answers("AppGetLayout")
def get_layout(call: Call, request: api_pb2.AppGetLayoutRequest) -> api_pb2.AppGetLayoutResponse:
    return api_pb2.AppGetLayoutResponse(app_layout=layout(call.workspace, call.workspace.app(request.app_id)))


@answers("AppHeartbeat")
def heartbeat(call: Call, request: api_pb2.AppHeartbeatRequest) -> None:
    call.workspace.app(request.app_id)


@answers("AppPublish")
def publish(call: Call, request: api_pb2.AppPublishRequest) -> api_pb2.AppPublishResponse:
    workspace, app = call.workspace, call.workspace.app(request.app_id)
    other = workspace.deployed(request.name, app.environment)
    if other is not None and other is not app:
        raise GRPCError(Status.ALREADY_EXISTS, f"App {request.name!r} is already deployed")
    address = f"https://modal.com/apps/{workspace.name}/{app.environment}/deployed/{request.name}"
    if _changes_nothing(app, request):
        return api_pb2.AppPublishResponse(url=address, deployed_at=0)
    app.state, app.name, app.tags = request.app_state, request.name, dict(request.tags)
    app.functions, app.classes = dict(request.function_ids), dict(request.class_ids)
    app.versions.append(Version(len(app.versions) + 1, time.time(), request))
    app.deployed_at = app.versions[-1].deployed_at
    for function_id in app.functions.values():
        _replace(workspace.functions[function_id])
    return api_pb2.AppPublishResponse(url=address, deployed_at=app.deployed_at)


def _changes_nothing(app: App, request: api_pb2.AppPublishRequest) -> bool:
    if not app.versions or not app.is_deployed or request.deployment_tag:
        return False
    last = app.versions[-1].published
    return last.definition_ids == request.definition_ids and app.tags == dict(request.tags)


def _replace(function: Function) -> None:
    """What was a draft is published; a container of another version finishes what it has."""
    if function.published != function.draft and function.container is not None:
        function.container.retire()
    function.published = api_pb2.FunctionData()
    function.published.CopyFrom(function.draft)


@answers("AppClientDisconnect")
def disconnect(call: Call, request: api_pb2.AppClientDisconnectRequest) -> None:
    app = call.workspace.app(request.app_id)
    app.disconnects.append(api_pb2.AppDisconnectReason.Name(request.reason))
    if app.state in (api_pb2.APP_STATE_INITIALIZING, api_pb2.APP_STATE_EPHEMERAL):
        app.state, app.stopped_at = api_pb2.APP_STATE_STOPPED, time.time()


@answers("AppStop")
def stop(call: Call, request: api_pb2.AppStopRequest) -> None:
    app = call.workspace.app(request.app_id)
    if app.state == api_pb2.APP_STATE_STOPPED:
        return
    app.state, app.stopped_at = api_pb2.APP_STATE_STOPPED, time.time()
    for function in call.workspace.functions.values():
        if function.app_id == app.id and function.container is not None:
            function.container.interrupt("the app was stopped")
    for door in call.workspace.doors.values():
        if door.function is not None and door.function.app_id == app.id:
            door.function = None


@answers("AppSetTags")
def set_tags(call: Call, request: api_pb2.AppSetTagsRequest) -> None:
    call.workspace.app(request.app_id).tags = dict(request.tags)


@answers("AppGetTags")
def get_tags(call: Call, request: api_pb2.AppGetTagsRequest) -> api_pb2.AppGetTagsResponse:
    return api_pb2.AppGetTagsResponse(tags=call.workspace.app(request.app_id).tags)


@answers("AppGetInfo")
def get_info(call: Call, request: api_pb2.AppGetInfoRequest) -> api_pb2.AppGetInfoResponse:
    return api_pb2.AppGetInfoResponse(info=metadata(call.workspace.app(request.app_id)))


@answers("AppList")
def list_(call: Call, request: api_pb2.AppListRequest) -> api_pb2.AppListResponse:
    environment = call.workspace.environment(request.environment_name)
    listed = api_pb2.AppListResponse()
    for app in call.workspace.apps.values():
        if app.environment == environment:
            listed.apps.add(
                app_id=app.id,
                name=app.name,
                description=app.name,
                state=app.state,
                created_at=app.created_at,
                stopped_at=app.stopped_at,
                n_running_tasks=sum(container.app is app for container in call.bed.containers.values()),
                metadata=metadata(app),
            )
    return listed


@answers("AppDeploymentHistory")
def history(call: Call, request: api_pb2.AppDeploymentHistoryRequest) -> api_pb2.AppDeploymentHistoryResponse:
    app = call.workspace.app(request.app_id)
    told = api_pb2.AppDeploymentHistoryResponse(production_app_version=len(app.versions))
    for version in reversed(app.versions):
        told.app_deployment_histories.add(
            app_id=app.id,
            version=version.number,
            client_version=version.published.client_version or call.client_version,
            deployed_at=version.deployed_at,
            deployed_by=DEPLOYER,
            tag=version.published.deployment_tag,
            commit_info=version.published.commit_info if version.published.HasField("commit_info") else None,
        )
    return told


@answers("AppGetTimeRangeStats")
def stats(call: Call, request: api_pb2.AppGetTimeRangeStatsRequest) -> api_pb2.AppGetTimeRangeStatsResponse:
    """Of the app's whole life, whatever the time asked for."""
    app = call.workspace.app(request.app_id)
    told = api_pb2.AppGetTimeRangeStatsResponse(
        since=request.since, until=request.until, lifecycle=lifecycle(app), deployment_count=len(app.versions)
    )
    for invocation in call.bed.invocations.values():
        if invocation.function.app_id == app.id:
            told.functions.total.calls.total += 1
            told.functions.total.calls.succeeded += invocation.has_succeeded is True
            told.functions.total.calls.failed += invocation.has_succeeded is False
    for container in (*call.bed.containers.values(), *call.bed.buried):
        if container.app is app:
            told.functions.total.containers.container_active_count += 1
            told.functions.total.containers.container_errors += container.exit_code not in (None, 0)
    return told
