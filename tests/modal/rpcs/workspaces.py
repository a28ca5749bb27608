"""The account: who one is, its environments, and the tokens for web functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import Workspace, id_of, new_id

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty

    from tests.modal.dispatch import Call

# A JSON web token that says nothing but that it ends in 2100; the client reads only that.
AUTH_TOKEN = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"


def environment_id(name: str) -> str:
    return id_of("en", name)


@answers("ClientHello")
def hello(call: Call, _: Empty) -> api_pb2.ClientHelloResponse:
    return api_pb2.ClientHelloResponse(image_builder_version=call.workspace.builder_version)


@answers("AuthTokenGet")
def auth_token(_: Call, __: api_pb2.AuthTokenGetRequest) -> api_pb2.AuthTokenGetResponse:
    return api_pb2.AuthTokenGetResponse(token=AUTH_TOKEN)


@answers("TokenInfoGet")
def token_info(call: Call, _: api_pb2.TokenInfoGetRequest) -> api_pb2.TokenInfoGetResponse:
    workspace = call.workspace
    return api_pb2.TokenInfoGetResponse(
        token_id=workspace.token_id, workspace_id=id_of("ac", workspace.name), workspace_name=workspace.name
    )


@answers("WorkspaceNameLookup")
def name(call: Call, _: Empty) -> api_pb2.WorkspaceNameLookupResponse:
    return api_pb2.WorkspaceNameLookupResponse(workspace_name=call.workspace.name, username=call.workspace.name)


@answers("EnvironmentGetOrCreate")
def get_environment(
    call: Call, request: api_pb2.EnvironmentGetOrCreateRequest
) -> api_pb2.EnvironmentGetOrCreateResponse:
    known = call.workspace.environments
    if request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
        known.setdefault(request.deployment_name, request.deployment_name)
    chosen = call.workspace.environment(request.deployment_name)
    settings = api_pb2.EnvironmentSettings(
        image_builder_version=call.workspace.builder_version, webhook_suffix=known[chosen]
    )
    return api_pb2.EnvironmentGetOrCreateResponse(
        environment_id=environment_id(chosen), metadata=api_pb2.EnvironmentMetadata(name=chosen, settings=settings)
    )


@answers("EnvironmentList")
def list_environments(call: Call, _: Empty) -> api_pb2.EnvironmentListResponse:
    listed = api_pb2.EnvironmentListResponse()
    for position, (known, suffix) in enumerate(call.workspace.environments.items()):
        listed.items.add(name=known, webhook_suffix=suffix, environment_id=environment_id(known), default=position == 0)
    return listed


@answers("EnvironmentCreate")
def create_environment(call: Call, request: api_pb2.EnvironmentCreateRequest) -> None:
    if request.name in call.workspace.environments:
        raise GRPCError(Status.ALREADY_EXISTS, f"Environment {request.name!r} already exists")
    call.workspace.environments[request.name] = request.name


@answers("EnvironmentDelete")
def delete_environment(call: Call, request: api_pb2.EnvironmentDeleteRequest) -> None:
    del call.workspace.environments[call.workspace.environment(request.name)]


@answers("WebhookTokenCreate")
def create_proxy_token(call: Call, _: api_pb2.WebhookTokenCreateRequest) -> api_pb2.TokenCreateResponse:
    key, secret = new_proxy_token(call.workspace)
    return api_pb2.TokenCreateResponse(token_id=key, token_secret=secret)


def new_proxy_token(workspace: Workspace) -> tuple[str, str]:
    """(Modal-Key, Modal-Secret) for the workspace's web functions."""
    key, secret = new_id("wk"), new_id("ws")
    workspace.proxy_tokens[key] = secret
    return key, secret
