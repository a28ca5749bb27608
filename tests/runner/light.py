"""Stand-ins for what is slow, each doing its real job in a small way: a target that serves HTTP from threads of the
process, and a forge whose pull requests are files, so that both meet a `kill -9` as the real ones do."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import random
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

import jsonschema
from PIL import Image, ImageDraw
from pydantic import BaseModel

from runner.errors import DeployFailed
from runner.model import PullRequest
from runner.protocols import Deployment, Preflight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.model import RunId, StepName
    from runner.protocols import DeploymentSpec

Behaviour = Literal["well", "does not come up", "hangs", "answers wrong"]


class Fault(BaseModel):
    """What goes wrong in one attempt."""

    stage: Literal["build", "models", "boot", "preflight", "test"]
    log: str = ""
    found: dict[str, Any] = {}
    """Of a preflight: fields of `Preflight`."""


class ThreadTarget:
    """Deployments are servers in this process, so they die with it."""

    def __init__(self, behaviour: Behaviour = "well", faults: tuple[Fault, ...] = (), name: str = "local") -> None:
        """`faults`: of the first attempt, the second, and so on; then all goes well."""
        self.name = name
        self.costs = name != "local"
        self._behaviour = behaviour
        self._faults = faults
        self._attempts: dict[RunId, int] = {}
        self._servers: dict[RunId, AppServer] = {}
        self._guard = threading.Lock()

    def _fault(self, spec: DeploymentSpec) -> Fault | None:
        return self._faults[spec.attempt - 1] if spec.attempt <= len(self._faults) else None

    def ensure(self, spec: DeploymentSpec, *, tell: Any = None) -> Deployment:
        if self._behaviour == "does not come up":
            raise DeployFailed("the app ended with code 1", log="Traceback: no module named 'nothing'")
        fault = self._fault(spec)
        if fault is not None and fault.stage in ("build", "models", "boot"):
            raise DeployFailed(f"the {fault.stage} failed", log=fault.log, stage=fault.stage)
        if self._attempts.get(spec.run_id, spec.attempt) != spec.attempt:
            self.stop(spec.run_id)
        with self._guard:
            self._attempts[spec.run_id] = spec.attempt
            if spec.run_id not in self._servers:
                broken = fault is not None and fault.stage == "test"
                behaviour: Behaviour = "answers wrong" if broken else self._behaviour
                engine = "comfyui" if self.costs else "stand-in"
                self._servers[spec.run_id] = AppServer(spec.folder, behaviour, engine)
            url = self._servers[spec.run_id].url
        return Deployment(name=spec.name, url=url, engine="stand-in", startup_seconds=0.1)

    def preflight(self, spec: DeploymentSpec, *, tell: Any = None) -> Preflight:
        fault = self._fault(spec)
        if fault is not None and fault.stage == "preflight":
            return Preflight(**{"passed": False, "log_tail": fault.log, **fault.found})
        return Preflight(passed=True, engine_version="0.3.64")

    def discard(self, spec: DeploymentSpec, models: Any) -> None:
        pass

    def headers(self, spec: DeploymentSpec) -> dict[str, str]:
        return {}

    def keep(self, spec: DeploymentSpec, *, tell: Any = None) -> Deployment:
        return self.ensure(spec)

    def serves(self, run_id: RunId) -> bool:
        return run_id in self._servers

    def stop(self, run_id: RunId) -> None:
        with self._guard:
            server = self._servers.pop(run_id, None)
        if server is not None:
            server.close()

    def close(self) -> None:
        pass

    def log(self, run_id: RunId) -> str:
        attempt = self._attempts.get(run_id, 1)
        return self._faults[attempt - 1].log if attempt <= len(self._faults) else ""


class AppServer(ThreadingHTTPServer):
    """The app in a folder. `problem`: what it answers where it answers wrong."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path, behaviour: Behaviour, engine: str, problem: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _App)
        self.interface = json.loads((folder / "interface.json").read_bytes())
        self.lock = json.loads((folder / "app.lock.json").read_bytes())
        self.behaviour = behaviour
        self.engine = engine
        self.problem = problem
        self.outputs: dict[str, bytes] = {}
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _App(BaseHTTPRequestHandler):
    """The contract of a generated app, for one picture output."""

    server: AppServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/":
                links = dict.fromkeys(("health", "openapi", "docs", "playground"), "/health")
                facts = {"name": self.server.lock["name"], "workflow_sha256": "0" * 64, "lock_sha256": "0" * 64}
                self._answer(200, {**facts, "links": {**links, "schema": "/schema"}})
            case "/health":
                version = self.server.lock["comfyui"]["version"]
                self._answer(200, {"status": "ok", "engine": self.server.engine, "engine_version": version})
            case "/schema":
                self._answer(200, self.server.interface)
            case path if path in self.server.outputs:
                self._send(200, self.server.outputs[path], {"Content-Type": "image/png"})
            case _:
                self._problem(404, "not-found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.behaviour == "hangs":
            self.server.closing.wait()
            self.close_connection = True
            return
        try:
            inputs = json.loads(body)
            jsonschema.validate(inputs, self.server.interface)
        except (ValueError, jsonschema.ValidationError) as error:
            self._problem(
                422, "invalid-input", errors=[{"field": _field(error), "message": str(error).splitlines()[0]}]
            )
            return
        if self.server.behaviour == "answers wrong":
            self._problem(500, "node-error", detail=self.server.problem or "node-error")
            return
        seed = inputs.get("seed", random.randrange(2**32))
        picture = io.BytesIO()
        _landscape(seed).save(picture, "PNG")
        job = uuid.uuid4().hex
        url = f"/jobs/{job}/outputs/0"
        self.server.outputs[url] = picture.getvalue()
        output = {
            "index": 0,
            "name": next(iter(self.server.interface["$defs"]["outputs"]["properties"]), "image"),
            "node": "2",
            "kind": "image",
            "media_type": "image/png",
            "filename": "poster_00001_.png",
            "bytes": len(picture.getvalue()),
            "width": 64,
            "height": 64,
            "url": url,
            "data": base64.b64encode(picture.getvalue()).decode(),
        }
        answer = {
            "job": job,
            "state": "succeeded",
            "seed": seed,
            "inputs": inputs,
            "engine": self.server.engine,
            "outputs": [output],
            "cost": {"usd": 0.0001, "basis": "estimate", "gpu": None, "usd_per_second": 0.01},
            "seconds": {"execution": 0.01, "queue": 0.0, "cold_start": 0.0},
        }
        headers = {
            "X-Flowberth-Cost-Usd": "0.0001",
            "X-Flowberth-Cost-Basis": "estimate",
            "X-Flowberth-Gpu": "none",
            "X-Flowberth-Execution-Seconds": "0.01",
            "X-Flowberth-Cold-Start-Seconds": "0.0",
            "X-Flowberth-Seed": str(seed),
            "X-Flowberth-Engine": self.server.engine,
        }
        self._answer(200, answer, headers)

    def _problem(self, status: int, kind: str, **more: Any) -> None:
        problem = {"type": f"https://flowberth.dev/problems/{kind}", "title": kind, "status": status, "detail": kind}
        self._answer(status, {**problem, **more}, {"Content-Type": "application/problem+json"})

    def _answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        pass


def _landscape(seed: int) -> Image.Image:
    """A sun over a hill, so that nobody takes it for noise; another one with each seed."""
    seen = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    drawn = ImageDraw.Draw(seen)
    drawn.ellipse((8 + seed % 32, 6, 24 + seed % 32, 22), fill=(250, 220, seed % 200))
    drawn.polygon([(0, 64), (seed % 64, 44), (64, 64)], fill=(seed % 90, 40, 60))
    return seen


def _field(error: Exception) -> str:
    """The input that is wrong; the test's own unknown one if nothing says more."""
    path = list(getattr(error, "path", ()))
    return str(path[0]) if path else "flowberth_no_such_input"


class FileForge:
    """Pull requests in a JSON file: find-or-create by head branch, as the protocol asks."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def publish(self, worktree) -> str:
        return worktree.push()

    def draft(self, *, head: str, base: str, title: str, body: str) -> PullRequest | None:
        return self.propose(head=head, base=base, title=title, body=body, ready=False)

    def propose(self, *, head: str, base: str, title: str, body: str, ready: bool) -> PullRequest:
        with self._pulls() as pulls:
            number = next((pull["number"] for pull in pulls if pull["head"] == head), len(pulls) + 1)
            pull = PullRequest(
                number=number, title=title, body=body, head=head, base=base, url=f"https://forge.test/pull/{number}"
            )
            pulls[number - 1 : number] = [pull.model_dump()]
            return pull

    def picture_url(self, *, head: str, path: str) -> str:
        return f"https://forge.test/raw/{head}/{path}"

    def files_url(self, *, head: str) -> str:
        return f"https://forge.test/blob/{head}"

    @contextmanager
    def _pulls(self) -> Iterator[list[dict[str, Any]]]:
        with self._file.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            pulls = json.loads(file.read() or "[]")
            yield pulls
            file.seek(0)
            file.truncate()
            json.dump(pulls, file)


class Journal:
    """Progress as lines of a file; reaching the event `stop_at` for the first time calls `at_stop`.

    `vary detail 3` is the third time.
    """

    def __init__(self, file: Path, stop_at: str | None = None, at_stop: Any = None) -> None:
        self._file = file
        event, _, times = (stop_at or "").rpartition(" ")
        self._stop_at, self._times = (event, int(times)) if times.isdigit() else (stop_at, 1)
        self._at_stop = at_stop

    def started(self, run_id: RunId, step: StepName) -> None:
        self._note(run_id, f"{step} started")

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        self._note(run_id, f"{step} detail")

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        self._note(run_id, f"{step} finished")

    def _note(self, run_id: RunId, event: str) -> None:
        with self._file.open("a") as file:
            file.write(f"{run_id} {event}\n")
        if event == self._stop_at:
            self._times -= 1
            if self._times == 0:
                self._at_stop()
