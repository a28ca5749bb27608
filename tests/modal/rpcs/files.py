"""What is uploaded: files for containers (mounts), and payloads too large for a call (blobs)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tests.modal.dispatch import answers
from tests.modal.world import id_of, new_id

if TYPE_CHECKING:
    from tests.modal.dispatch import Call


@answers("MountBatchedCheckExistence")
def missing(
    call: Call, request: api_pb2.MountBatchedCheckExistenceRequest
) -> api_pb2.MountBatchedCheckExistenceResponse:
    unknown = [digest for digest in request.sha256_hex_hashes if digest not in call.workspace.files]
    return api_pb2.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=unknown)


@answers("MountPutFile")
def put_file(call: Call, request: api_pb2.MountPutFileRequest) -> api_pb2.MountPutFileResponse:
    files = call.workspace.files
    if request.WhichOneof("data_oneof") is None:
        return api_pb2.MountPutFileResponse(exists=request.sha256_hex in files)
    content = call.bed.blobs.read(request.data_blob_id) if request.data_blob_id else request.data
    if hashlib.sha256(content).hexdigest() != request.sha256_hex:
        raise GRPCError(Status.INVALID_ARGUMENT, "the content is not what its SHA-256 says")
    files[request.sha256_hex] = content
    return api_pb2.MountPutFileResponse(exists=True)


@answers("MountGetOrCreate")
def get_or_create(call: Call, request: api_pb2.MountGetOrCreateRequest) -> api_pb2.MountGetOrCreateResponse:
    """One of files that were uploaded; one that is asked for by name is Modal's own, and empty here."""
    for file in request.files:
        if file.sha256_hex not in call.workspace.files:
            raise GRPCError(Status.FAILED_PRECONDITION, f"{file.filename} was never uploaded")
    files = sorted(request.files, key=lambda file: file.filename)
    content = [(file.filename, file.sha256_hex, file.mode) for file in files]
    mount_id = id_of("mo", request.deployment_name, content)
    call.workspace.mounts[mount_id] = files
    digest = hashlib.sha256(repr(content).encode()).hexdigest()
    return api_pb2.MountGetOrCreateResponse(
        mount_id=mount_id, handle_metadata=api_pb2.MountHandleMetadata(content_checksum_sha256_hex=digest)
    )


@answers("BlobCreate")
def create_blob(call: Call, request: api_pb2.BlobCreateRequest) -> api_pb2.BlobCreateResponse:
    blob = new_id("bl")
    call.bed.blobs.expect(blob, md5=base64.b64decode(request.content_md5))
    urls = api_pb2.UploadUrlList(items=[call.bed.blobs.url(blob)])
    return api_pb2.BlobCreateResponse(blob_ids=[blob], upload_urls=urls)


@answers("BlobGet")
def get_blob(call: Call, request: api_pb2.BlobGetRequest) -> api_pb2.BlobGetResponse:
    return api_pb2.BlobGetResponse(download_url=call.bed.blobs.url(request.blob_id))
