"""What an app's preflight answers, read as what it is: text of strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, TypeAdapter, ValidationError

from codegen.catalog import Catalog, catalog_from_object_info
from codegen.errors import CatalogError
from codegen.json_values import is_list, is_object
from runner.errors import DeployFailed
from runner.protocols import ImportFailure, Preflight

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_ANSWER = 16 << 20
"""Characters. The runtime of an app keeps below a third of it; what is larger is none of ours."""
LONGEST_TEXT = 100_000
MOST_ITEMS = 2000


def _cut(value: Any) -> Any:  # noqa: ANN401 - whatever a stranger has sent
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _few(value: Any) -> Any:  # noqa: ANN401
    return value[:MOST_ITEMS] if is_list(value) else value


_Text = Annotated[str, BeforeValidator(_cut)]


class _Tolerant(BaseModel):
    """Strict in types, and deaf to what a newer runtime says beside."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class _Failure(_Tolerant):
    stage: Literal["models", "boot", "preflight"]
    message: _Text


class _Import(_Tolerant):
    pack: _Text
    error: _Text
    traceback: _Text


class _Answer(_Tolerant):
    passed: bool
    failure: _Failure | None
    engine_version: _Text
    imports: Annotated[list[_Import], BeforeValidator(_few)]
    missing_classes: Annotated[list[_Text], BeforeValidator(_few)]
    definitions: dict[str, dict[str, JsonValue]]
    prompt: dict[str, JsonValue] | None
    versions: dict[_Text, _Text]
    log_tail: _Text
    seconds: float


_ANSWER = TypeAdapter(_Answer)


def read_preflight(answer: object) -> Preflight:
    """The preflight that an app has answered, as JSON text.

    Raises:
        DeployFailed: it is no such answer, or says that ComfyUI did not get as far as being asked: its models are not
            there (`stage` is `models`), it does not start (`boot`), or it ended while it was asked (`preflight`).
    """
    if not isinstance(answer, str | bytes) or len(answer) > LARGEST_ANSWER:
        raise DeployFailed("the app's preflight did not answer with text of a bearable size", stage="preflight")
    try:
        found = _ANSWER.validate_json(answer)
    except (ValidationError, ValueError, RecursionError) as error:
        raise DeployFailed(f"the app's preflight gives no answer of its kind: {error}", stage="preflight") from None
    if found.failure is not None:
        raise DeployFailed(found.failure.message, log=found.log_tail, stage=found.failure.stage)
    refused = found.missing_classes or found.prompt
    return Preflight(
        passed=found.passed and not refused,
        engine_version=found.engine_version or None,
        imports=tuple(ImportFailure(**one.model_dump()) for one in found.imports),
        missing_classes=tuple(found.missing_classes),
        definitions=dict(found.definitions),
        prompt=found.prompt,
        versions=found.versions,
        log_tail=found.log_tail,
        seconds=found.seconds,
    )


def known_definitions(definitions: Mapping[str, JsonValue], version: str | None) -> Catalog | None:
    """The definitions of the classes that the prompt uses, for the converter; `None` when there are none.

    A class whose definition has not the form of one is as if it were not there.
    """
    usable: dict[str, Any] = {}
    for name, definition in definitions.items():
        try:
            catalog_from_object_info({name: definition}, version="")
        except CatalogError:
            continue
        if is_object(definition):
            usable[name] = definition
    return catalog_from_object_info(usable, version=version or "unknown") if usable else None
