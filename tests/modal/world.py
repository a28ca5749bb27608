"""What the stand-in keeps: plain data, per workspace, so that two workspaces can never see each other's."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.modal.container import Container
    from tests.modal.front_door import Door

ID_CHARACTERS = string.ascii_letters + string.digits
ID_LENGTH = 22
BUILDER_VERSION = "2026.10"
DEFAULT_ENVIRONMENT = "main"
RATES = {  # US dollars; the names of the account's own rates are not published, so a test that needs one names it
    "CPU": Decimal("0.0000131"),
    "MEMORY": Decimal("0.00000222"),
    "T4": Decimal("0.000164"),
    "L4": Decimal("0.000222"),
    "L40S": Decimal("0.000542"),
    "H100": Decimal("0.001097"),
}


def new_id(prefix: str) -> str:
    """Such as `ap-` and 22 letters and digits."""
    return f"{prefix}-" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))


def id_of(prefix: str, *content: object) -> str:
    """The same for the same content."""
    return f"{prefix}-{hashlib.sha256(repr(content).encode()).hexdigest()[:ID_LENGTH]}"


def not_found(what: str) -> GRPCError:
    return GRPCError(Status.NOT_FOUND, f"{what} not found")


@dataclass
class LogLine:
    at: float
    text: str
    source: int  # api_pb2.FileDescriptor
    function_id: str = ""
    task_id: str = ""


@dataclass
class Cost:
    at: float
    resources: dict[str, Decimal]


@dataclass(frozen=True)
class Version:
    """One deployment of an app."""

    number: int
    deployed_at: float
    published: api_pb2.AppPublishRequest


@dataclass(eq=False)
class App:
    id: str
    name: str
    environment: str
    state: int  # api_pb2.AppState
    tags: dict[str, str]
    created_at: float = field(default_factory=time.time)
    deployed_at: float = 0.0
    stopped_at: float = 0.0
    versions: list[Version] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    """Name → id, as last published."""
    classes: dict[str, str] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    disconnects: list[str] = field(default_factory=list)
    """Why clients have left it before it was published."""

    @property
    def is_deployed(self) -> bool:
        return self.state == api_pb2.APP_STATE_DEPLOYED


@dataclass(eq=False)
class Function:
    """A function, or all methods of a class; `app.functions` has the latter as `Name.*`."""

    id: str
    app_id: str
    name: str
    draft: api_pb2.FunctionData = field(default_factory=api_pb2.FunctionData)
    """As the deployment that is under way wants it."""
    published: api_pb2.FunctionData | None = None
    """As it runs: a deployment that fails leaves it alone."""
    doors: dict[str, Door] = field(default_factory=dict)
    """Web method ("" of a function) → where it is reached."""
    container: Container | None = None

    @property
    def data(self) -> api_pb2.FunctionData:
        return self.published or self.draft

    @property
    def definition(self) -> api_pb2.Function:
        """What its containers get. Of several GPUs, the first choice."""
        return self.data.ranked_functions[0].function


@dataclass(eq=False)
class Image:
    """A layer on others."""

    id: str
    request: api_pb2.ImageGetOrCreateRequest
    log: list[str] = field(default_factory=list)
    result: api_pb2.GenericResult | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    builds: int = 0

    @property
    def commands(self) -> list[str]:
        return list(self.request.image.dockerfile_commands)

    @property
    def is_built(self) -> bool:
        return self.result is not None and self.result.status == api_pb2.GenericResult.GENERIC_STATUS_SUCCESS


@dataclass(eq=False)
class Volume:
    id: str
    name: str
    environment: str
    version: int
    created_at: float = field(default_factory=time.time)
    commits: int = 0


@dataclass(eq=False)
class Secret:
    id: str
    name: str
    environment: str
    values: dict[str, str]
    created_at: float = field(default_factory=time.time)


@dataclass(eq=False)
class Workspace:
    """One customer's account, with one token."""

    name: str
    token_id: str
    token_secret: str
    environments: dict[str, str] = field(default_factory=lambda: {DEFAULT_ENVIRONMENT: ""})
    """Name → suffix in URLs."""
    builder_version: str = BUILDER_VERSION
    proxy_tokens: dict[str, str] = field(default_factory=dict)
    """Modal-Key → Modal-Secret."""
    rates: dict[str, Decimal] = field(default_factory=lambda: dict(RATES))
    apps: dict[str, App] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """SHA-256 → content of what was uploaded."""
    mounts: dict[str, list[api_pb2.MountFile]] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    """Host name, as Modal would have it, of a web function → where it is reached here."""

    def environment(self, name: str) -> str:
        chosen = name or next(iter(self.environments))
        if chosen not in self.environments:
            raise not_found(f"Environment {chosen!r}")
        return chosen

    def app(self, app_id: str) -> App:
        if app_id not in self.apps:
            raise not_found(f"App {app_id!r}")
        return self.apps[app_id]

    def named(self, name: str, environment: str = "") -> Iterator[App]:
        """Apps of that name, the newest first; of those that are stopped there may be many."""
        chosen = self.environment(environment)
        return (a for a in reversed(self.apps.values()) if (a.name, a.environment) == (name, chosen))

    def deployed(self, name: str, environment: str = "") -> App | None:
        return next((app for app in self.named(name, environment) if app.is_deployed), None)

    def function(self, function_id: str) -> Function:
        if function_id not in self.functions:
            raise not_found(f"Function {function_id!r}")
        return self.functions[function_id]

    def deployed_function(self, app: str, tag: str, environment: str = "") -> Function:
        found = self.deployed(app, environment)
        if found is None or tag not in found.functions:
            raise not_found(f"Function {tag!r} in app {app!r}")
        return self.functions[found.functions[tag]]

    def volume(self, volume_id: str) -> Volume:
        if volume_id not in self.volumes:
            raise not_found(f"Volume {volume_id!r}")
        return self.volumes[volume_id]

    def layers(self, image_id: str) -> list[Image]:
        """From the first to the last."""
        image = self.images[image_id]
        below = [
            layer for base in image.request.image.base_images if base.image_id for layer in self.layers(base.image_id)
        ]
        return [*below, image]
