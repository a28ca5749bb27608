"""A request's inputs against `interface.json`: every fault at once, field by field; then defaults and seeds."""

from __future__ import annotations

import difflib
import json
import math
import re
import secrets
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from shared.json_values import JsonObject, as_list, as_object, has_surrogates, is_object
from shared.problems import FieldError, MalformedBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jsonschema.exceptions import ValidationError

    from shared.definition import Definition, InputField

MAX_RANDOM_SEED = 2**53 - 1
"""Random seeds stay where every JSON parser reads them exactly."""
MAX_LISTED = 12
"""Choices that an error message lists."""
MAX_QUOTED_CHARS = 80
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")


MAX_UNKNOWN = 50
"""Names of inputs that there are not, which an answer lists."""
MAX_DIGITS = 100
"""Of a whole number; a seed has twenty."""


def parse_json(data: bytes) -> JsonObject:
    """The body of a request as an object.

    Raises:
        MalformedBody: it is not strict JSON, or not an object.
    """
    try:
        value = json.loads(
            text := data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_countable,
        )
        if has_surrogates(text):
            json.dumps(value, ensure_ascii=False).encode()  # raises for half of a pair, which is no text
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except UnicodeEncodeError:
        raise MalformedBody("The body holds half of a surrogate pair, which is no text.") from None
    except ValueError as error:
        raise MalformedBody(f"The body is not valid JSON: {error}") from None
    if not is_object(value):
        raise MalformedBody("The body must be a JSON object with the inputs by name.")
    return value


def _countable(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def from_text(definition: Definition, name: str, text: str) -> Any:  # noqa: ANN401 - any JSON value
    """A form's value as the type its schema asks for; text that is not one stays text, for validation to name."""
    field = definition.input(name)
    kind = field.spec.get("type") if field else None
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            number = float(text)
        except ValueError:
            return text
        return number if math.isfinite(number) else text
    if kind == "boolean" and text.lower() in {"true", "false", "on", "off", "1", "0"}:
        return text.lower() in {"true", "on", "1"}
    if kind is None and field is not None and isinstance(field.spec.get("enum"), list):
        return next((choice for choice in field.spec["enum"] if str(choice) == text), text)
    return text


class InputRules:
    """The rules of one interface."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._validator = Draft202012Validator(definition.interface)

    def faults(self, values: Mapping[str, Any], uploaded: Iterable[str] = ()) -> list[FieldError]:
        """Every fault of `values`; inputs in `uploaded` came as files and count as given."""
        given = {**values, **dict.fromkeys(uploaded, "")}
        files = set(uploaded)
        found: list[FieldError] = []
        errors: Iterable[ValidationError] = self._validator.iter_errors(given)  # pyright: ignore[reportUnknownMemberType] - untyped library
        found.extend(fault for error in errors for fault in self._fault(error) if fault.field not in files)
        found.extend(
            FieldError(field=name, message="is not a file: send it as a value")
            for name in files
            if (field := self._definition.input(name)) is not None and not field.is_media
        )
        return sorted(found, key=lambda fault: self._order(fault.field))

    def resolve(self, values: Mapping[str, Any]) -> tuple[JsonObject, int | None]:
        """Valid values with defaults and random seeds filled in, and the (first) seed."""
        resolved: JsonObject = {}
        seed: int | None = None
        for field in self._definition.inputs:
            if field.name in values:
                resolved[field.name] = _exact(field, values[field.name])
            elif field.kind == "seed":
                resolved[field.name] = _random_seed(field)
            elif "default" in field.spec:
                resolved[field.name] = field.spec["default"]
            if field.kind == "seed" and seed is None:
                seed = resolved[field.name]
        return resolved, seed

    def _order(self, name: str) -> int:
        names = [field.name for field in self._definition.inputs]
        return names.index(name) if name in names else len(names)

    def _fault(self, error: ValidationError) -> Iterable[FieldError]:
        rule = str(error.validator)
        if rule == "required" and not error.path:
            missing = [name for name in as_list(error.validator_value) if name not in as_object(error.instance)]
            # jsonschema reports each missing name by itself, and says which only in its message
            return [FieldError(field=n, message="is required") for n in missing if error.message.startswith(repr(n))]
        if rule == "additionalProperties" and not error.path:
            known = [field.name for field in self._definition.inputs]
            return [
                FieldError(field=name[:MAX_QUOTED_CHARS], message=_unknown(name, known))
                for name in [name for name in as_object(error.instance) if name not in known][:MAX_UNKNOWN]
            ]
        name = str(error.path[0]) if error.path else ""
        return [FieldError(field=name, message=_words(rule, error))]


def _words(rule: str, error: ValidationError) -> str:  # noqa: PLR0911 - a table
    limit: Any = error.validator_value
    match rule:
        case "type":
            return f"must be {_type_words(limit)}, not {_json_type(error.instance)}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "exclusiveMinimum":
            return f"must be more than {limit}"
        case "exclusiveMaximum":
            return f"must be less than {limit}"
        case "multipleOf":
            return f"must be a multiple of {limit}"
        case "minLength":
            return f"must have at least {limit} characters"
        case "maxLength":
            return f"must have at most {limit} characters"
        case "enum":
            return _not_a_choice(error.instance, limit)
        case _:
            return _cut(f"does not meet `{rule}`: {limit}", 4 * MAX_QUOTED_CHARS)


def _not_a_choice(value: Any, choices: list[Any]) -> str:  # noqa: ANN401 - any JSON value
    listed = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices[:MAX_LISTED])
    more = f" and {len(choices) - MAX_LISTED} more" if len(choices) > MAX_LISTED else ""
    return f"must be one of {listed}{more}{_suggestion(str(value), [str(choice) for choice in choices])}"


def _unknown(name: str, known: list[str]) -> str:
    return f"is not an input of this app{_suggestion(name, known)}"


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name[:MAX_QUOTED_CHARS], known, n=1)
    return f"; did you mean {json.dumps(close[0], ensure_ascii=False)}?" if close else ""


def _type_words(wanted: Any) -> str:  # noqa: ANN401 - any JSON value
    names = as_list(wanted) or [wanted]
    words = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    return " or ".join(words.get(str(name), str(name)) for name in names)


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return str(value)[:MAX_QUOTED_CHARS]
        case str():
            return _cut(json.dumps(value, ensure_ascii=False), MAX_QUOTED_CHARS)
        case list():
            return "a list"
        case _:
            return "an object"


def _exact(field: InputField, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """JSON Schema takes 20.0 for an integer; ComfyUI gets 20."""
    if field.spec.get("type") == "integer" and isinstance(value, float):
        return int(value)
    return value


def _random_seed(field: InputField) -> int:
    low = int(field.spec.get("minimum", 0))
    high = min(int(field.spec.get("maximum", MAX_RANDOM_SEED)), MAX_RANDOM_SEED)
    low = max(low, 0) if high >= 0 else low
    return low + secrets.randbelow(max(1, high - low + 1))


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:MAX_QUOTED_CHARS]} is too large a number")
    return number


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"
