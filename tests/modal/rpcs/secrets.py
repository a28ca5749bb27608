"""Secrets: variables in the environment of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import Secret, id_of, new_id, not_found

if TYPE_CHECKING:
    from tests.modal.dispatch import Call

CREATES = (
    api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING,
    api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS,
    api_pb2.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS,
)


@answers("SecretGetOrCreate")
def get_or_create(call: Call, request: api_pb2.SecretGetOrCreateRequest) -> api_pb2.SecretGetOrCreateResponse:
    environment = call.workspace.environment(request.environment_name)
    known = call.workspace.secrets
    name, kind, values = request.deployment_name, request.object_creation_type, dict(request.env_dict)
    if not name:  # what an app's source says beside its functions
        secret = Secret(id_of("st", request.app_id, sorted(values.items())), "", environment, values)
        known[secret.id] = secret
        return _told(secret)
    secret = next((one for one in known.values() if (one.name, one.environment) == (name, environment)), None)
    if secret is None:
        if kind not in CREATES:
            raise not_found(f"Secret {name!r} in environment {environment!r}")
        secret = Secret(new_id("st"), name, environment, values)
        known[secret.id] = secret
    elif kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
        raise GRPCError(Status.ALREADY_EXISTS, f"Secret {name!r} already exists")
    elif kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS:
        secret.values = values
    missing = sorted(set(request.required_keys) - secret.values.keys())
    if missing:
        raise GRPCError(Status.FAILED_PRECONDITION, f"Secret is missing key(s): {', '.join(missing)}")
    return _told(secret)


def _told(secret: Secret) -> api_pb2.SecretGetOrCreateResponse:
    metadata = api_pb2.SecretMetadata(name=secret.name, keys=sorted(secret.values), environment_name=secret.environment)
    return api_pb2.SecretGetOrCreateResponse(secret_id=secret.id, metadata=metadata)
