"""Functions and classes as they are defined, and the addresses of their web methods."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import App, Function, Workspace, id_of, new_id, not_found

if TYPE_CHECKING:
    from tests.modal.dispatch import Call

LONGEST_LABEL = 63
KEPT_OF_LONG_LABEL = 56
"""Of a label that is too long; a dash and six digits of its hash follow."""
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


@answers("FunctionPrecreate")
def precreate(call: Call, request: api_pb2.FunctionPrecreateRequest) -> api_pb2.FunctionPrecreateResponse:
    function = _of_app(call.workspace, request.app_id, request.function_name, request.existing_function_id)
    function.draft.function_name = request.function_name
    function.draft.function_type = request.function_type
    function.draft.function_schema.CopyFrom(request.function_schema)
    for name, method in request.method_definitions.items():
        function.draft.method_definitions[name].CopyFrom(method)
    return api_pb2.FunctionPrecreateResponse(function_id=function.id, handle_metadata=_handle(function, function.draft))


@answers("FunctionCreate")
async def create(call: Call, request: api_pb2.FunctionCreateRequest) -> api_pb2.FunctionCreateResponse:
    """The definition is a draft until the app is published; the address of a web method is known at once."""
    data = request.function_data if request.HasField("function_data") else _as_data(request.function)
    app = call.workspace.app(request.app_id)
    for choice in data.ranked_functions:
        _check(call.workspace, choice.function)
    function = _of_app(call.workspace, app.id, data.function_name, request.existing_function_id)
    function.draft, stolen = data, False
    for method, (label, webhook) in _labels(app, function).items():
        if webhook.requested_suffix and not LABEL.fullmatch(webhook.requested_suffix):
            raise GRPCError(Status.INVALID_ARGUMENT, f"Invalid label {webhook.requested_suffix!r}")
        host = _host(call.workspace, app, label)
        door = call.workspace.doors.get(host) or await call.bed.open_door(call.workspace, host)
        stolen = stolen or door.function not in (None, function)
        door.function, door.method = function, method
        function.doors[method] = door
    return api_pb2.FunctionCreateResponse(
        function_id=function.id,
        handle_metadata=_handle(function, data),
        function=_with_urls(data.ranked_functions[0].function, function, label_stolen=stolen),
        function_data=_with_urls(data, function, label_stolen=stolen),
    )


@answers("FunctionGet")
def get(call: Call, request: api_pb2.FunctionGetRequest) -> api_pb2.FunctionGetResponse:
    function = call.workspace.deployed_function(request.app_name, request.object_tag, request.environment_name)
    return api_pb2.FunctionGetResponse(
        function_id=function.id, handle_metadata=handle(function), function=_with_urls(function.data, function)
    )


@answers("ClassCreate")
def create_class(call: Call, request: api_pb2.ClassCreateRequest) -> api_pb2.ClassCreateResponse:
    call.workspace.app(request.app_id)
    return api_pb2.ClassCreateResponse(
        class_id=request.existing_class_id or new_id("cs"), handle_metadata=api_pb2.ClassHandleMetadata()
    )


@answers("ClassGet")
def get_class(call: Call, request: api_pb2.ClassGetRequest) -> api_pb2.ClassGetResponse:
    app = call.workspace.deployed(request.app_name, request.environment_name)
    if app is None or request.object_tag not in app.classes:
        raise not_found(f"Class {request.object_tag!r} in app {request.app_name!r}")
    return api_pb2.ClassGetResponse(
        class_id=app.classes[request.object_tag], handle_metadata=api_pb2.ClassHandleMetadata()
    )


def handle(function: Function) -> api_pb2.FunctionHandleMetadata:
    """What a client needs to use the function."""
    return _handle(function, function.data)


def _handle(function: Function, data: api_pb2.FunctionData) -> api_pb2.FunctionHandleMetadata:
    told = api_pb2.FunctionHandleMetadata(
        function_name=function.name,
        function_type=data.function_type,
        web_url=_url(function, ""),
        definition_id=_definition_id(data),
        class_parameter_info=data.class_parameter_info,
        function_schema=data.function_schema,
        supported_input_formats=data.supported_input_formats,
        supported_output_formats=data.supported_output_formats,
        app_id=function.app_id,
    )
    for name, method in data.method_definitions.items():
        told.method_handle_metadata[name].CopyFrom(
            api_pb2.FunctionHandleMetadata(
                function_name=method.function_name,
                function_type=method.function_type,
                web_url=_url(function, name),
                is_method=True,
                use_method_name=name,
                function_schema=method.function_schema,
                supported_input_formats=method.supported_input_formats,
                supported_output_formats=method.supported_output_formats,
                app_id=function.app_id,
            )
        )
    return told


def _of_app(workspace: Workspace, app_id: str, name: str, existing: str) -> Function:
    app = workspace.app(app_id)
    mine = (one for one in workspace.functions.values() if (one.app_id, one.name) == (app.id, name))
    function = workspace.functions.get(existing) or next(mine, None) or Function(new_id("fu"), app.id, name)
    workspace.functions[function.id] = function
    return function


def _check(workspace: Workspace, function: api_pb2.Function) -> None:
    """Of what it refers to, all must be there, and the image built."""
    image = workspace.images.get(function.image_id)
    if image is None or not image.is_built:
        raise GRPCError(Status.FAILED_PRECONDITION, f"Image {function.image_id!r} is not built")
    for kind, ids, known in (
        ("Mount", function.mount_ids, workspace.mounts),
        ("Secret", function.secret_ids, workspace.secrets),
        ("Volume", [mount.volume_id for mount in function.volume_mounts], workspace.volumes),
    ):
        for id_ in ids:
            if id_ not in known:
                raise not_found(f"{kind} {id_!r}")


def _as_data(function: api_pb2.Function) -> api_pb2.FunctionData:
    """A definition in the form that lists choices of hardware, with the one choice that it is."""
    data = api_pb2.FunctionData()
    names = data.DESCRIPTOR.fields_by_name
    for field, value in function.ListFields():
        if field.name not in names:
            continue
        if field.is_repeated or field.message_type is not None:
            getattr(data, field.name).MergeFrom(value)
        else:
            setattr(data, field.name, value)
    data.ranked_functions.add(rank=0).function.CopyFrom(function)
    return data


def _definition_id(data: api_pb2.FunctionData) -> str:
    """The same for what is the same: the client lists mounts in the order of a set."""
    plain = api_pb2.FunctionData()
    plain.CopyFrom(data)
    for choice in plain.ranked_functions:
        ids = sorted(choice.function.mount_ids)
        del choice.function.mount_ids[:]
        choice.function.mount_ids.extend(ids)
    return id_of("de", plain.SerializeToString(deterministic=True))


def _labels(app: App, function: Function) -> dict[str, tuple[str, api_pb2.WebhookConfig]]:
    """Web method → its label."""
    found = {}
    data = function.draft
    stem = function.name.removesuffix(".*")
    if data.webhook_config.type:
        found[""] = (data.webhook_config.requested_suffix or f"{app.name}-{stem}", data.webhook_config)
    for name, method in data.method_definitions.items():
        if method.webhook_config.type:
            label = method.webhook_config.requested_suffix or f"{app.name}-{stem}-{name}"
            found[name] = (label, method.webhook_config)
    return found


def _host(workspace: Workspace, app: App, label: str) -> str:
    """What Modal would call it: `<workspace>[-<environment>]--<label>`, cut when it is too long."""
    suffix = workspace.environments[app.environment]
    full = re.sub("[^a-z0-9-]", "-", f"{workspace.name}{'-' if suffix else ''}{suffix}--{label}".lower())
    if len(full) <= LONGEST_LABEL:
        return full
    return f"{full[:KEPT_OF_LONG_LABEL]}-{hashlib.sha256(full.encode()).hexdigest()[:6]}"


def _url(function: Function, method: str) -> str:
    door = function.doors.get(method)
    return "" if door is None else door.url


def _with_urls(
    message: api_pb2.Function | api_pb2.FunctionData, function: Function, *, label_stolen: bool = False
) -> Any:
    """A copy that has the addresses."""
    told = type(message)()
    told.CopyFrom(message)
    told.web_url = _url(function, "")
    for name, method in told.method_definitions.items():
        method.web_url = _url(function, name)
        method.web_url_info.label_stolen = label_stolen
    return told
