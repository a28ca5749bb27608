"""One container: Modal's own container entrypoint as a process, with the files, variables and volumes that were uploaded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import traceback
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from tests.modal.dispatch import TASK_HEADER
from tests.modal.machine import Contents, assemble, python
from tests.modal.rpcs.apps import layout
from tests.modal.rpcs.volumes import metadata
from tests.modal.world import LogLine, new_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.modal.bed import ModalBed
    from tests.modal.invocation import Invocation
    from tests.modal.machine import Machine
    from tests.modal.world import Function, Workspace

GRACE_SECONDS = 30.0
"""Modal's own, between being asked to finish and being killed."""
DEFAULT_SCALEDOWN_SECONDS = 60.0
DEFAULT_STARTUP_SECONDS = 300.0
LINE_BYTES = 1 << 20


class Container:
    """Runs until it is idle for long enough, retired or killed. All of it belongs to the stand-in's event loop."""

    def __init__(self, bed: ModalBed, workspace: Workspace, function: Function) -> None:
        self.bed, self.workspace, self.function = bed, workspace, function
        self.app = workspace.apps[function.app_id]
        self.task_id = new_id("ta")
        self.started_at = time.time()
        self.inputs: asyncio.Queue[Invocation | None] = asyncio.Queue()
        """None: no more, finish."""
        self.running: dict[str, Invocation] = {}
        self.failure: api_pb2.GenericResult | None = None
        """What it said when it could not start."""
        self.accepts = True
        self.exit_code: int | None = None
        self._ready, self._busy, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._cancelled: set[str] = set()
        self._cancels = asyncio.Event()
        self._folder = bed.folder / "containers" / self.task_id
        self._definition = api_pb2.Function()
        self._definition.CopyFrom(function.definition)
        self._process: asyncio.subprocess.Process | None = None
        self._killed = ""

    @property
    def output(self) -> str:
        """What it has printed."""
        return "".join(line.text for line in self.app.logs if line.task_id == self.task_id)

    # What happens to it

    def submit(self, invocation: Invocation) -> None:
        self.inputs.put_nowait(invocation)
        self._tell()

    async def next_input(self) -> api_pb2.FunctionGetInputsItem:
        self._ready.set()
        invocation = await self.inputs.get()
        if invocation is None:
            self.inputs.put_nowait(None)  # for whoever asks again
            return api_pb2.FunctionGetInputsItem(kill_switch=True)
        self.running[invocation.input_id] = invocation
        seconds = self._definition.timeout_secs
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._expire, invocation)
        return invocation.item()

    def finish(self, output: api_pb2.FunctionPutOutputsItem) -> None:
        invocation = self.running.pop(output.input_id, None)
        if invocation is not None:
            invocation.finish(output)
        self._tell()

    def cancel(self, invocation: Invocation) -> None:
        self._cancelled.add(invocation.input_id)
        self._cancels.set()

    async def to_cancel(self, seconds: float) -> list[str]:
        """Told until they have ended: a container that is just beginning with one does not hear of it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._cancels.wait(), seconds)
        ids = [input_id for input_id in self._cancelled if input_id in self.running]
        if not ids:
            self._cancels.clear()
        return ids

    def retire(self) -> None:
        """No new inputs; it ends when those that it has are done."""
        self.accepts = False
        self.inputs.put_nowait(None)

    def interrupt(self, why: str) -> None:
        """Ask it to end at once; what runs in it fails. After a grace period it is killed."""
        self._killed = self._killed or why
        for invocation in self._waiting():
            invocation.fail("TERMINATED", why)
        self.retire()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self.kill, why)

    def kill(self, why: str) -> None:
        """Without a word."""
        self.accepts, self._killed = False, self._killed or why
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def restore(self) -> None:
        """After a memory snapshot: the file that the entrypoint waits for."""
        (self._folder / "restored.json").write_text(json.dumps({"task_id": self.task_id}))

    def _tell(self) -> None:
        works = bool(self.running) or not self.inputs.empty()
        (self._busy if works else self._idle).set()
        (self._idle if works else self._busy).clear()

    def _expire(self, invocation: Invocation) -> None:
        if invocation.input_id in self.running and not invocation.output.done():
            del self.running[invocation.input_id]
            invocation.fail("TIMEOUT", f"Task's current input hit its timeout of {self._definition.timeout_secs}s")
            self.kill("an input took too long")

    # Its life

    async def live(self) -> None:
        try:
            machine = await asyncio.to_thread(self._lay_out)
            if not self._killed:
                await self._run(machine)
        except Exception:  # noqa: BLE001 - for whoever looks why no container came
            self._print(f"the stand-in for Modal has failed: {traceback.format_exc()}", api_pb2.FILE_DESCRIPTOR_INFO)
        finally:
            self.accepts = False
            self.bed.buried.append(self)
            del self.bed.containers[self.task_id]
            self._fail_the_rest()

    def _lay_out(self) -> Machine:
        volumes = {
            mount.mount_path: self.bed.volume_folder(self.workspace.volumes[mount.volume_id])
            for mount in self._definition.volume_mounts
        }
        contents = Contents(self.bed.comfyui, self.bed.repositories)
        return assemble(self._folder, self.workspace, self._definition, volumes, contents)

    async def _run(self, machine: Machine) -> None:
        arguments = machine.root / "arguments.bin"
        arguments.write_bytes(self._arguments().SerializeToString())
        self._process = await asyncio.create_subprocess_exec(
            python(),
            *("-m", "modal._container_entrypoint"),
            env=self._environment(machine, arguments),
            cwd=machine.home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            start_new_session=True,
        )
        if self._killed:
            self.kill(self._killed)
        watching = [self.bed.spawn(self._watch_start()), self.bed.spawn(self._watch_idleness())]
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        await asyncio.gather(
            self._read(self._process.stdout, api_pb2.FILE_DESCRIPTOR_STDOUT),
            self._read(self._process.stderr, api_pb2.FILE_DESCRIPTOR_STDERR),
        )
        self.exit_code = await self._process.wait()
        for watch in watching:
            watch.cancel()

    def _arguments(self) -> api_pb2.ContainerArguments:
        definition = self._definition
        definition.is_checkpointing_function = definition.checkpointing_enabled
        told = layout(self.workspace, self.app)
        known = {one.object_id for one in told.objects}
        for dependency in definition.object_dependencies:
            if dependency.object_id not in known:
                entry = told.objects.add(object_id=dependency.object_id)
                if dependency.object_id in self.workspace.volumes:
                    entry.volume_metadata.CopyFrom(metadata(self.workspace.volumes[dependency.object_id]))
        return api_pb2.ContainerArguments(
            task_id=self.task_id,
            function_id=self.function.id,
            app_id=self.app.id,
            function_def=definition,
            environment_name=self.app.environment,
            checkpoint_id=new_id("sn") if definition.checkpointing_enabled else None,
            app_layout=told,
        )

    def _environment(self, machine: Machine, arguments: Path) -> dict[str, str]:
        modal = {
            "MODAL_CLOUD_PROVIDER": "CLOUD_PROVIDER_AWS",
            "MODAL_CONTAINER_ARGUMENTS_PATH": str(arguments),
            "MODAL_CONFIG_PATH": os.devnull,
            "MODAL_DISABLE_API_PROXY": "1",
            "MODAL_ENVIRONMENT": self.app.environment,
            "MODAL_IMAGE_ID": self._definition.image_id,
            "MODAL_IS_REMOTE": "1",
            "MODAL_OVERRIDE_HEADERS": f"{TASK_HEADER}:{self.task_id}",
            "MODAL_REGION": "us-east-1",
            "MODAL_RESTORE_STATE_PATH": str(machine.root / "restored.json"),
            "MODAL_SERVER_URL": self.bed.server_url,
            "MODAL_TASK_ID": self.task_id,
            "STAND_IN_GPU": self._definition.resources.gpu_config.gpu_type,
        }
        if self._definition.checkpointing_enabled:
            modal["MODAL_ENABLE_SNAP_RESTORE"] = "1"
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **machine.environment, **modal}

    async def _read(self, stream: asyncio.StreamReader, source: int) -> None:
        while line := await stream.readline():
            self._print(line.decode(errors="replace"), source)

    def _print(self, text: str, source: int) -> None:
        self.app.logs.append(LogLine(time.time(), text, source, self.function.id, self.task_id))

    async def _watch_start(self) -> None:
        seconds = self._definition.startup_timeout_secs or DEFAULT_STARTUP_SECONDS
        try:
            await asyncio.wait_for(self._ready.wait(), seconds)
        except TimeoutError:
            self.kill(f"Container failed to start within {seconds}s")

    async def _watch_idleness(self) -> None:
        settings = self._definition.autoscaler_settings
        while self.accepts:
            await self._idle.wait()
            seconds = self.bed.scaledown_seconds or settings.scaledown_window or DEFAULT_SCALEDOWN_SECONDS
            try:
                await asyncio.wait_for(self._busy.wait(), None if settings.min_containers else seconds)
            except TimeoutError:
                self.retire()
        await asyncio.sleep(GRACE_SECONDS)
        if not self.running:
            self.kill("it did not finish when it was asked to")

    def _fail_the_rest(self) -> None:
        left = [*self.running.values(), *self._waiting()]
        self.running.clear()
        for invocation in left:
            if self.failure is not None:
                invocation.fail("FAILURE", "", self.failure)
            else:
                invocation.fail("FAILURE", self._killed or f"Runner failed with exit code: {self.exit_code}")

    def _waiting(self) -> list[Invocation]:
        """Takes away what has not begun."""
        found: list[Invocation] = []
        while not self.inputs.empty():
            invocation = self.inputs.get_nowait()
            found += [] if invocation is None else [invocation]
        return found
