"""JSON of others, looked at without trust in its shape: what is not there, or is something else, is empty."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, TypeGuard, cast

JsonObject: TypeAlias = dict[str, Any]


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Whether the value is an object."""
    return isinstance(value, dict)


def as_object(value: object) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """A value as `json.loads` gives it, with a question mark for each half of a surrogate pair: those are no text.

    Python itself sends them, for file names that are not UTF-8.
    """
    value = json.loads(text)
    return _whole(value) if has_surrogates(text) else value


def has_surrogates(text: str) -> bool:
    """Whether JSON text may spell halves of surrogate pairs."""
    return "\\ud" in text or "\\uD" in text


def _whole(value: Any) -> Any:  # noqa: ANN401
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_whole(key): _whole(inner) for key, inner in cast("JsonObject", value).items()}
        case list():
            return [_whole(inner) for inner in cast("list[Any]", value)]
        case _:
            return value
