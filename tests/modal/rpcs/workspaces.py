"""The account: who one is, its environments, and the tokens for web functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import Workspace, id_of, new_id

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty

    from tests.modal.dispatch import Call


def environment_id(name: str) -> str:
    return id_of("en", name)


@answers("ClientHello")
def hello(call: Call, _: Empty) -> api_pb2.ClientHelloResponse:
    return api_pb2.ClientHelloResponse(image_builder_version=call.workspace.builder_version)


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


@answers("WebhookTokenCreate")
def create_proxy_token(call: Call, _: api_pb2.WebhookTokenCreateRequest) -> api_pb2.TokenCreateResponse:
    key, secret = new_proxy_token(call.workspace)
    return api_pb2.TokenCreateResponse(token_id=key, token_secret=secret)


def new_proxy_token(workspace: Workspace) -> tuple[str, str]:
    """(Modal-Key, Modal-Secret) for the workspace's web functions."""
    key, secret = new_id("wk"), new_id("ws")
    workspace.proxy_tokens[key] = secret
    return key, secret
