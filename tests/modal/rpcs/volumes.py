"""Volumes: a folder each, which containers see at their mount path."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import Volume, new_id, not_found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.modal.dispatch import Call


def metadata(volume: Volume) -> api_pb2.VolumeMetadata:
    return api_pb2.VolumeMetadata(
        version=volume.version,
        name=volume.name,
        creation_info=api_pb2.CreationInfo(created_at=volume.created_at, created_by="stand-in"),
    )


@answers("VolumeGetOrCreate")
def get_or_create(call: Call, request: api_pb2.VolumeGetOrCreateRequest) -> api_pb2.VolumeGetOrCreateResponse:
    environment = call.workspace.environment(request.environment_name)
    name, kind = request.deployment_name, request.object_creation_type
    known = call.workspace.volumes.values()
    volume = next((one for one in known if (one.name, one.environment) == (name, environment)), None)
    if volume is None:
        if kind == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
            raise not_found(f"Volume {name!r}")
        version = request.version or api_pb2.VOLUME_FS_VERSION_V1
        volume = Volume(new_id("vo"), name, environment, version)
        call.workspace.volumes[volume.id] = volume
        call.bed.volume_folder(volume).mkdir(parents=True)
    elif kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
        raise GRPCError(Status.ALREADY_EXISTS, f"Volume {name!r} already exists")
    return api_pb2.VolumeGetOrCreateResponse(volume_id=volume.id, version=volume.version, metadata=metadata(volume))


@answers("VolumeList")
def list_(call: Call, request: api_pb2.VolumeListRequest) -> api_pb2.VolumeListResponse:
    environment = call.workspace.environment(request.environment_name)
    listed = api_pb2.VolumeListResponse(environment_name=environment)
    before = request.pagination.created_before or float("inf")
    matching = [v for v in call.workspace.volumes.values() if v.environment == environment and v.created_at < before]
    for volume in sorted(matching, key=lambda v: -v.created_at)[: request.pagination.max_objects or None]:
        listed.items.add(
            label=volume.name, volume_id=volume.id, created_at=volume.created_at, metadata=metadata(volume)
        )
    return listed


@answers("VolumeDelete")
def delete(call: Call, request: api_pb2.VolumeDeleteRequest) -> None:
    volume = call.workspace.volume(request.volume_id)
    del call.workspace.volumes[volume.id]
    shutil.rmtree(call.bed.volume_folder(volume))


@answers("VolumeListFiles")
async def list_files(
    call: Call, request: api_pb2.VolumeListFilesRequest
) -> AsyncIterator[api_pb2.VolumeListFilesResponse]:
    folder = call.bed.volume_folder(call.workspace.volume(request.volume_id))
    start = folder / request.path.strip("/")
    if not start.exists():
        raise not_found(f"{request.path!r} in this volume")
    entries = [start] if start.is_file() else sorted(start.rglob("*") if request.recursive else start.iterdir())
    told = api_pb2.VolumeListFilesResponse()
    for entry in entries:
        kind = api_pb2.FileEntry.DIRECTORY if entry.is_dir() else api_pb2.FileEntry.FILE
        facts = entry.stat()
        told.entries.add(path=str(entry.relative_to(folder)), type=kind, mtime=int(facts.st_mtime), size=facts.st_size)
    yield told


@answers("VolumeRemoveFile")
@answers("VolumeRemoveFile2")
def remove_file(call: Call, request: api_pb2.VolumeRemoveFileRequest | api_pb2.VolumeRemoveFile2Request) -> None:
    file = call.bed.volume_folder(call.workspace.volume(request.volume_id)) / request.path.lstrip("/")
    if not file.is_file():
        raise not_found(f"File {request.path!r}")
    file.unlink()


@answers("VolumeCommit")
def commit(call: Call, request: api_pb2.VolumeCommitRequest) -> api_pb2.VolumeCommitResponse:
    call.workspace.volume(request.volume_id).commits += 1
    return api_pb2.VolumeCommitResponse(skip_reload=False)


@answers("VolumeReload")
def reload(call: Call, request: api_pb2.VolumeReloadRequest) -> None:
    call.workspace.volume(request.volume_id)  # containers see each other's files at once here
