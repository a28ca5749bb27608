"""The kinds of what can go wrong with Modal, as processes that use its client tell them to those that do not."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Exit status of a process; 0 is well."""

    FAILED = 1
    AUTH = 10
    UNAVAILABLE = 11
    REFUSED = 12
    MISSING = 13


def status_of(error: BaseException) -> Status:
    """What kind it is, by the type that Modal's client gives each gRPC status."""
    from modal import exception  # noqa: PLC0415 - half a second, for those processes alone that have it anyway

    kinds: tuple[tuple[Status, tuple[type[BaseException], ...]], ...] = (
        (Status.AUTH, (exception.AuthError,)),
        (Status.MISSING, (exception.NotFoundError,)),
        (Status.REFUSED, (exception.PermissionDeniedError, exception.ResourceExhaustedError)),
        (
            Status.UNAVAILABLE,
            (
                exception.ServiceError,
                exception.InternalError,
                exception.ConnectionError,
                exception.MountUploadTimeoutError,
                exception.ClientClosed,
                exception.InternalFailure,
            ),
        ),
    )
    return next((status for status, types in kinds if isinstance(error, types)), Status.FAILED)
