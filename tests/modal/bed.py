"""A stand-in for Modal's control plane and its containers, for the real client.

    ModalBed                      bed.py         start it, fill it, ask it, let it fail
      its loop and its servers    serving.py     gRPC and HTTP, in a thread, on free ports
      the state                   world.py       plain dataclasses, per workspace
      a call's way                dispatch.py    who (by token)? a fault (faults.py)? which handler? and the record
      handlers                    rpcs/          one module per subject
      containers                  container.py   Modal's own entrypoint as a process
        their files               machine.py     only what was uploaded, and what the image's steps (steps.py) would have brought
        their packages            packages.py    those of this Python that a step names
        their ComfyUI             comfyui.py     the stand-in engine, and the packs that the image has
      web functions               front_door.py  a port each: proxy authentication, 303 after a time, scale to zero
      large payloads              blobs.py       by HTTP
      as a process                __main__.py    `python -m tests.modal --folder DIR`; what tests ask of it: control.py

Images are recorded, not built: a container has this Python, and the stand-in engine where the image would have put ComfyUI.
There is no `__init__.py` here: as a package, pytest could take this folder for `modal` itself.
"""

from __future__ import annotations

import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from tests.modal import control
from tests.modal.blobs import Blobs
from tests.modal.container import Container
from tests.modal.faults import Build, Fault, Faults, Outcome
from tests.modal.front_door import Door, pass_through
from tests.modal.machine import COMFYUI
from tests.modal.rpcs import (
    apps,
    billing,
    calls,
    containers,
    files,
    functions,
    images,
    logs,
    secrets,
    volumes,
    workspaces,
)
from tests.modal.serving import Serving, listener, url
from tests.modal.world import DEFAULT_ENVIRONMENT, Cost, LogLine, Secret, Workspace, new_id

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterable
    from types import TracebackType

    from tests.modal.dispatch import Record
    from tests.modal.invocation import Invocation
    from tests.modal.world import App, Image, Volume

REQUEST_SECONDS = 150.0
"""Modal redirects a web request that takes longer."""
HANDLERS = (apps, billing, calls, containers, files, functions, images, logs, secrets, volumes, workspaces)
"""Imported: that is what registers them."""


class ModalBed:
    """The stand-in. Everything public may be used from any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="modal-", ignore_cleanup_errors=True)
        self.folder = (folder or Path(self._temporary.name if self._temporary else "")).resolve()
        self.workspaces: dict[str, Workspace] = {}
        self.faults = Faults()
        self.calls: list[Record] = []
        """Every call that has come, in order."""
        self.containers: dict[str, Container] = {}
        """Those that run, by task id."""
        self.buried: list[Container] = []
        """Those that have ended."""
        self.lives: set[asyncio.Task[None]] = set()
        """Of containers."""
        self.invocations: dict[str, Invocation] = {}
        self.blobs = Blobs()
        self.request_seconds = REQUEST_SECONDS
        """After this a web request is redirected (303) to where its answer will be."""
        self.scaledown_seconds: float | None = None
        """How long an idle container is kept; None: as its function says."""
        self.comfyui = COMFYUI
        """The text of the `main.py` that containers have as ComfyUI."""
        self.repositories: dict[str, dict[str, str]] = {}
        """Address → files, by path, of git repositories that images clone: packs. Others are packs without a class."""
        self._ports: dict[int, Door] = {}
        self._serving = Serving(self)
        self.server_url = self._serving.url
        self.http_url = self.blobs.base = self._serving.http_url

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    # What tests do

    def workspace(self, name: str = "acme") -> Workspace:
        """The workspace of that name, made when it is new, with a token of its own."""
        if name not in self.workspaces:
            self.workspaces[name] = Workspace(name, new_id("ak"), new_id("as"))
        return self.workspaces[name]

    def environment(self, workspace: str = "acme") -> dict[str, str]:
        """Variables with which Modal's client, in a process of its own, comes here."""
        chosen = self.workspace(workspace)
        return {
            "MODAL_SERVER_URL": self.server_url,
            "MODAL_TOKEN_ID": chosen.token_id,
            "MODAL_TOKEN_SECRET": chosen.token_secret,
            "MODAL_CONFIG_PATH": "/dev/null",
        }

    def settings(self) -> dict[str, Any]:
        """How to reach it, for other processes."""
        tokens = {
            one.name: {
                "token_id": one.token_id,
                "token_secret": one.token_secret,
                "proxy_headers": self.proxy_token(one.name),
            }
            for one in self.workspaces.values()
        }
        return {"server_url": self.server_url, "http_url": self.http_url, "workspaces": tokens}

    def app(self, name: str, workspace: str = "acme") -> App:
        """The newest of that name, in whatever environment.

        Raises:
            KeyError: there is none.
        """
        known = [app for app in self.workspace(workspace).apps.values() if app.name == name]
        if not known:
            raise KeyError(name)
        return known[-1]

    def image(self, app: str, function: str = "ComfyUI.*", workspace: str = "acme") -> list[Image]:
        """The layers of a deployed function's image."""
        space = self.workspace(workspace)
        return space.layers(space.deployed_function(app, function).definition.image_id)

    def called(self, method: str, workspace: str | None = None) -> list[Any]:
        """The messages of that method, in order."""
        return [one.message for one in self.calls if one.method == method and workspace in (None, one.workspace)]

    def fail(self, method: str, status: str | None = "UNAVAILABLE", **more: Any) -> Fault:
        """See `Fault`: `bed.fail("AppPublish", "UNAVAILABLE", times=2, when="after")`."""
        fault = Fault(method, status, **more)
        self.faults.calls.append(fault)
        return fault

    def throttle(self, method: str, retry_after: float, times: int | None = 1) -> Fault:
        """Ask for patience, as Modal does when one calls too often."""
        return self.fail(method, "RESOURCE_EXHAUSTED", message="slow down", retry_after=retry_after, times=times)

    def delay(self, method: str, seconds: float, times: int | None = 1, **more: Any) -> Fault:
        return self.fail(method, "OK", seconds=seconds, times=times, **more)

    def fail_build(self, match: str, log: Iterable[str] = (), **more: Any) -> Build:
        """See `Build`: layers whose commands match fail with that log."""
        build = Build(match, tuple(log), **more)
        self.faults.builds.append(build)
        return build

    def build(self, match: str, log: Iterable[str] = (), *, seconds: float = 0.0) -> Build:
        """Layers whose commands match print that log, and are built, in that time."""
        return self.fail_build(match, log, fails=False, seconds=seconds)

    def fail_function(self, function: str, error: str, times: int | None = 1) -> Outcome:
        """See `Outcome`: calls of it print that and raise its last line."""
        self.faults.outcomes.append(Outcome(function, error, times=times))
        return self.faults.outcomes[-1]

    def instead_of(self, function: str, effect: Callable[[], object]) -> Outcome:
        """See `Outcome`: calls of it do that, and give None."""
        self.faults.outcomes.append(Outcome(function, effect=effect))
        return self.faults.outcomes[-1]

    def secret(self, name: str, workspace: str = "acme", **values: str) -> None:
        """A secret of the workspace, as made on Modal's own pages."""
        secret = Secret(new_id("st"), name, DEFAULT_ENVIRONMENT, values)
        self.workspace(workspace).secrets[secret.id] = secret

    def log(self, app: str, text: str, *, at: float | None = None, source: int = 1, workspace: str = "acme") -> None:
        """As if a container had printed it."""
        self.app(app, workspace).logs.append(LogLine(at or time.time(), text, source))

    def cost(self, app: str, *, workspace: str = "acme", at: float | None = None, **usd: str) -> None:
        """`bed.cost("poster", L40S="0.51", CPU="0.02")`: what the billing report will say."""
        costs = {name: Decimal(amount) for name, amount in usd.items()}
        self.app(app, workspace).costs.append(Cost(at or time.time(), costs))

    def proxy_token(self, workspace: str = "acme") -> dict[str, str]:
        """Headers that let requests through to web functions."""
        key, secret = workspaces.new_proxy_token(self.workspace(workspace))
        return {"Modal-Key": key, "Modal-Secret": secret}

    def preempt(self, app: str, workspace: str = "acme") -> None:
        """End the app's containers, as Modal may at any time."""
        chosen = self.app(app, workspace)
        for container in list(self.containers.values()):
            if container.app is chosen:
                self._serving.loop.call_soon_threadsafe(container.interrupt, "preempted")

    def volume_folder(self, volume: Volume) -> Path:
        """What it holds."""
        return self.folder / "volumes" / volume.id

    # What the servers need

    def routes(self) -> list[web.RouteDef]:
        return [*self.blobs.routes(), *control.routes(self)]

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self._serving.spawn(work)

    def submit(self, workspace: Workspace, invocation: Invocation) -> None:
        """Give it to the function's container; start one when there is none."""
        function = invocation.function
        self.invocations[invocation.id] = invocation
        outcome = self.faults.outcome(function.name)
        if outcome is not None:
            app = workspace.app(function.app_id)
            app.logs += [LogLine(time.time(), f"{line}\n", 2, function.id) for line in outcome.error.splitlines()]
            invocation.end(outcome)
            return
        if function.container is None or not function.container.accepts:
            function.container = Container(self, workspace, function)
            self.containers[function.container.task_id] = function.container
            life = self.spawn(function.container.live())
            self.lives.add(life)
            life.add_done_callback(self.lives.discard)
        function.container.submit(invocation)

    async def open_door(self, workspace: Workspace, host: str) -> Door:
        listening = listener()
        door = Door(workspace, host, url(listening))
        workspace.doors[host] = self._ports[listening.getsockname()[1]] = door
        await web.SockSite(self._serving.doors, listening).start()
        return door

    async def front_door(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        return await pass_through(self, self._ports[request.transport.get_extra_info("sockname")[1]], request)
