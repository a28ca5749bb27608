"""The app's folder, read once: what to run, what people may set, and what a second costs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal, TypeAlias

from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.json_values import JsonObject, as_object, is_object

InputKind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "choice", "seed", "image", "mask", "video", "audio", "mesh", "file"
]
OutputKind: TypeAlias = Literal["image", "video", "audio", "mesh", "text", "file"]
MEDIA_KINDS: frozenset[InputKind] = frozenset({"image", "mask", "video", "audio", "mesh", "file"})
"""Inputs that are files."""


class DefinitionError(ValueError):
    """The folder is not one this runtime can serve; the message names the file and the fault."""


class _Facts(BaseModel):
    """A part of the lock that this runtime reads. A newer lock may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Hardware(_Facts):
    """What the app runs on."""

    gpu: str | None
    usd_per_second: float
    """GPU, CPU and memory together."""


class Timeouts(_Facts):
    """Seconds."""

    startup_seconds: float
    execution_seconds: float


class Access(_Facts):
    """Who may call the app."""

    proxy_auth: bool = True
    """Whether Modal asks for a proxy token first."""


class ComfyPin(_Facts):
    """The ComfyUI the app was made for."""

    version: str
    arguments: tuple[str, ...] = ()
    """Flags it is started with, beside those that say where it listens."""


class PackPin(_Facts):
    """A custom-node repository of the image."""

    name: str


class Lock(_Facts):
    """What this runtime reads of `app.lock.json`."""

    name: str
    runtime: str
    comfyui: ComfyPin
    hardware: Hardware
    timeouts: Timeouts
    packs: tuple[PackPin, ...] = ()
    access: Access = Access()


class InputField(BaseModel):
    """One input people may set."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: InputKind
    spec: JsonObject
    """Its JSON Schema."""
    targets: tuple[tuple[str, str], ...]
    """(node, input) pairs of the prompt the value is written to."""
    required: bool

    @property
    def is_media(self) -> bool:
        """Whether its value is a file."""
        return self.kind in MEDIA_KINDS


class OutputField(BaseModel):
    """One output the interface names."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    node: str


class Definition(BaseModel):
    """An app's folder."""

    model_config = ConfigDict(frozen=True)

    lock: Lock
    prompt: JsonObject
    """The API prompt; every job runs a copy of it."""
    interface: JsonObject
    """JSON Schema of a request's body."""
    inputs: tuple[InputField, ...]
    outputs: tuple[OutputField, ...]
    workflow_sha256: str | None
    lock_sha256: str

    @property
    def name(self) -> str:
        """The app's name."""
        return self.lock.name

    def input(self, name: str) -> InputField | None:
        """The input of that name, if there is one."""
        return next((field for field in self.inputs if field.name == name), None)

    def node_title(self, node: str) -> str:
        """What people call a node: its title, else its class, else its id."""
        entry = as_object(self.prompt.get(node))
        return str(as_object(entry.get("_meta")).get("title") or entry.get("class_type") or node)

    @classmethod
    def from_folder(cls, folder: Path) -> Definition:
        """Read and check the folder.

        Raises:
            DefinitionError: a file is missing or contradicts another.
        """
        lock_bytes = _read(folder / "app.lock.json")
        try:
            lock = Lock.model_validate_json(lock_bytes)
        except ValidationError as error:
            raise DefinitionError(f"app.lock.json: {error.errors()[0]['msg']} at {error.errors()[0]['loc']}") from None
        prompt = _read_object(folder / "prompt.json")
        interface = _read_object(folder / "interface.json")
        try:
            Draft202012Validator.check_schema(interface)
        except SchemaError as error:
            raise DefinitionError(f"interface.json is no JSON Schema: {error.message}") from None
        workflow = folder / "workflow.json"
        return cls(
            lock=lock,
            prompt=prompt,
            interface=interface,
            inputs=_inputs(interface, prompt),
            outputs=_outputs(interface),
            workflow_sha256=hashlib.sha256(workflow.read_bytes()).hexdigest() if workflow.is_file() else None,
            lock_sha256=hashlib.sha256(lock_bytes).hexdigest(),
        )


def runtime_version() -> str:
    """The stamp of this copy of the runtime."""
    return (Path(__file__).parent / "VERSION").read_text(encoding="ascii").strip()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path.name} cannot be read: {error.strerror}") from None


def _read_object(path: Path) -> JsonObject:
    try:
        value = json.loads(_read(path))
    except ValueError as error:
        raise DefinitionError(f"{path.name} is not JSON: {error}") from None
    if not is_object(value):
        raise DefinitionError(f"{path.name} is not a JSON object")
    return value


def _inputs(interface: JsonObject, prompt: JsonObject) -> tuple[InputField, ...]:
    required = set(interface.get("required", ()))
    properties: JsonObject = interface.get("properties", {})
    fields: list[InputField] = []
    for name, spec in properties.items():
        try:
            facts = spec["x-flowberth"]
            field = InputField(
                name=name, kind=facts["kind"], spec=spec, targets=facts["targets"], required=name in required
            )
        except (KeyError, TypeError, ValidationError):
            raise DefinitionError(f"interface.json: `{name}` has no usable x-flowberth kind and targets") from None
        for node, _ in field.targets:
            if not isinstance(prompt.get(node), dict):
                raise DefinitionError(f"interface.json: `{name}` is written to node {node}, which prompt.json lacks")
        fields.append(field)
    return tuple(fields)


def _outputs(interface: JsonObject) -> tuple[OutputField, ...]:
    properties: JsonObject = interface.get("$defs", {}).get("outputs", {}).get("properties", {})
    try:
        return tuple(
            OutputField(name=name, kind=spec["x-flowberth"]["kind"], node=spec["x-flowberth"]["node"])
            for name, spec in properties.items()
        )
    except (KeyError, TypeError, ValidationError):
        raise DefinitionError("interface.json: an output has no usable x-flowberth kind and node") from None
