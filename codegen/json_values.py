"""JSON of others, looked at without trust in its shape: what is not there, or is something else, is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from codegen.model import JsonObject


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Whether the value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether the value is a list."""
    return isinstance(value, list)


def as_object(value: object) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; what else is in there is skipped."""
    return [entry for entry in as_list(value) if is_object(entry)]
