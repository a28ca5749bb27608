"""A ComfyUI whose nodes do what a test needs, good or bad: `python scripted_engine.py --port N`.

It keeps state as the real server does (queue, history, input files) and speaks its protocol. What a node does is
decided by its class: see `NODES`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import os
import signal
import struct
import subprocess
import sys
import uuid
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

NODES = {"Picture", "Load", "Steps", "Hang", "Die", "Fail", "Everything", "Say", "Spawn", "Missing", "Split"}


class Stopped(Exception):  # noqa: N818 - ends a node, is no error
    pass


class Failed(Exception):  # noqa: N818 - what the node is told to do
    def __init__(self, type_: str, message: str):
        super().__init__(message)
        self.type = type_


class Engine:
    def __init__(self) -> None:
        self.files: dict[tuple[str, str, str], bytes] = {}
        self.history: dict[str, dict] = {}
        self.pending: deque[tuple[str, dict, str, dict]] = deque()
        self.running: tuple[str, dict, str, dict] | None = None
        self.arrived = asyncio.Event()
        self.interrupt = asyncio.Event()
        self.sockets: dict[str, WebSocket] = {}
        self.submitted: list[dict] = []

    async def send(self, client: str, kind: str, data: dict) -> None:
        socket = self.sockets.get(client)
        if socket is not None:
            await socket.send_json({"type": kind, "data": data})

    async def work(self) -> None:
        while True:
            while not self.pending:
                self.arrived.clear()
                await self.arrived.wait()
            self.running = self.pending.popleft()
            self.interrupt.clear()
            await self.execute(*self.running)
            self.running = None

    async def execute(self, prompt_id: str, prompt: dict, client: str, extra: dict) -> None:
        here = {"prompt_id": prompt_id}
        outputs: dict[str, dict] = {}
        messages = [["execution_start", here]]
        status = "success"
        await self.send(client, "execution_start", here)
        await self.send(client, "execution_cached", {"nodes": [], **here})
        for node, entry in prompt.items():
            await self.send(client, "executing", {"node": node, "display_node": node, **here})
            try:
                made = await self.node(client, prompt_id, node, entry, extra)
            except Stopped:
                status = "error"
                messages.append(["execution_interrupted", {"node_id": node, **here}])
                break
            except Failed as error:
                status = "error"
                fault = {
                    "node_id": node,
                    "node_type": entry["class_type"],
                    "exception_type": error.type,
                    "exception_message": f"{error}\n",
                    "traceback": ['  File "/srv/comfy/execution.py", line 1, in secret\n'],
                    **here,
                }
                messages.append(["execution_error", fault])
                await self.send(client, "execution_error", fault)
                break
            if made:
                outputs[node] = made
                await self.send(client, "executed", {"node": node, "output": made, **here})
        if status == "success":
            await self.send(client, "execution_success", here)
        self.history[prompt_id] = {
            "prompt": [0, prompt_id, prompt, {}, []],
            "outputs": outputs,
            "status": {"status_str": status, "completed": status == "success", "messages": messages},
        }
        await self.send(client, "executing", {"node": None, **here})

    async def node(self, client: str, prompt_id: str, node: str, entry: dict, extra: dict) -> dict | None:
        class_type, inputs = entry["class_type"], entry["inputs"]
        match class_type:
            case "Picture":
                form = inputs.get("format", "png")
                data = picture(int(inputs["width"]), int(inputs["height"]), form, int(inputs.get("seed", 0)))
                return {"images": [self.store(f"picture_{len(self.files):05}_.{form}", data)]}
            case "Load":
                data = self.files["input", "", inputs["image"]]
                return {"images": [self.store(f"loaded_{inputs['image']}", data)]}
            case "Steps":
                unheard = inputs.get("unheard", 0)  # interrupts that come to nothing, as they do when a prompt begins
                for step in range(int(inputs["steps"])):
                    await self.send(
                        client,
                        "progress",
                        {"value": step + 1, "max": inputs["steps"], "node": node, "prompt_id": prompt_id},
                    )
                    if extra.get("preview_method") not in {None, "none"}:
                        # 1: a preview; 1: a JPEG
                        await self.sockets[client].send_bytes(struct.pack(">II", 1, 1) + picture(16, 16, "jpeg", step))
                    try:
                        await asyncio.wait_for(self.interrupt.wait(), inputs.get("seconds", 0.01))
                    except TimeoutError:
                        continue
                    if unheard == 0:
                        raise Stopped
                    unheard -= 1
                    self.interrupt.clear()
            case "Hang":
                await asyncio.Event().wait()
            case "Die":
                sys.stdout.write('Traceback (most recent call last):\n  File "x.py", line 1\nBoom: last words\n')
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
                await asyncio.Event().wait()
            case "Fail":
                if not inputs.get("quiet"):
                    raise Failed(inputs.get("type", "ValueError"), inputs["message"])
            case "Spawn":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])  # noqa: ASYNC220 - it is to be left behind
                return {"text": [str(child.pid)]}
            case "Say":
                return {"text": [inputs["text"]]}
            case "Everything":
                return {
                    "images": [self.store("still.webp", picture(8, 6, "webp"))],
                    "gifs": [self.store("clip.mp4", b"\0\0\0\x18ftypmp42")],
                    "videos": [self.store("clip.webm", b"\x1aE\xdf\xa3")],
                    "audio": [self.store("sound.flac", b"fLaC")],
                    "3d": [self.store("thing.glb", b"glTF")],
                    "result": [self.store("mesh.obj", b"o x", "3d")["subfolder"] + "/mesh.obj", {"position": 1}, None],
                    "a_images": [self.store("preview.png", picture(4, 4, "png"), type_="temp")],
                    "text": ["ünï"],
                    "animated": [True],
                }
        return None

    def store(self, filename: str, data: bytes, subfolder: str = "", type_: str = "output") -> dict:
        self.files[type_, subfolder, filename] = data
        return {"filename": filename, "subfolder": subfolder, "type": type_}


def picture(width: int, height: int, form: str, seed: int = 0) -> bytes:
    color = tuple(hashlib.sha256(str(seed).encode()).digest()[:3])
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, form)
    return buffer.getvalue()


def app() -> Starlette:
    engine = Engine()

    async def stats(request: Request) -> Response:
        return JSONResponse({"system": {"comfyui_version": "0.0.1-test", "pid": os.getpid()}, "devices": []})

    async def prompt(request: Request) -> Response:
        body = await request.json()
        engine.submitted.append(body)
        faults = {}
        for node, entry in body["prompt"].items():
            if entry["class_type"] not in NODES:
                error = {
                    "type": "missing_node_type",
                    "message": f"Node '{entry['class_type']}' not found.",
                    "details": f"Node ID '#{node}'",
                    "extra_info": {},
                }
                return JSONResponse({"error": error, "node_errors": {}}, 400)
            if entry["class_type"] in {"Missing", "Split"}:
                name = entry["inputs"].get("file", "x")
                error = {
                    "type": "value_not_in_list",
                    "message": "Value not in list",
                    "details": f"file: '{name}' not in ['a.safetensors']",
                    "extra_info": {"input_name": "file", "traceback": ["secret"]},
                }
                faults[node] = {"errors": [error], "dependent_outputs": [node], "class_type": entry["class_type"]}
        if faults and any(entry["class_type"] == "Missing" for entry in body["prompt"].values()):
            error = {
                "type": "prompt_outputs_failed_validation",
                "message": "Prompt outputs failed validation",
                "details": "",
            }
            return JSONResponse({"error": error, "node_errors": faults}, 400)
        prompt_id = str(uuid.uuid4())
        engine.pending.append((prompt_id, body["prompt"], body["client_id"], body.get("extra_data", {})))
        engine.arrived.set()
        return JSONResponse({"prompt_id": prompt_id, "number": 1, "node_errors": faults})

    async def queue(request: Request) -> Response:
        if request.method == "POST":
            gone = (await request.json())["delete"]
            engine.pending = deque(item for item in engine.pending if item[0] not in gone)
        return JSONResponse(
            {"queue_running": [engine.running] if engine.running else [], "queue_pending": list(engine.pending)}
        )

    async def interrupt(request: Request) -> Response:
        wanted = (await request.json()).get("prompt_id")
        if engine.running and wanted in (None, engine.running[0]):
            engine.interrupt.set()
        return Response()

    async def history(request: Request) -> Response:
        prompt_id = request.path_params["prompt_id"]
        return JSONResponse({prompt_id: engine.history[prompt_id]} if prompt_id in engine.history else {})

    async def upload(request: Request) -> Response:
        async with request.form() as form:
            file = form["image"]
            engine.files["input", "", file.filename] = await file.read()
            return JSONResponse({"name": file.filename, "subfolder": "", "type": "input"})

    async def view(request: Request) -> Response:
        query = request.query_params
        data = engine.files.get((query["type"], query["subfolder"], query["filename"]))
        return Response(data) if data is not None else Response(status_code=404)

    async def object_info(request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse({name: {"input": {}, "output": []}} if name in NODES else {})

    async def submitted(request: Request) -> Response:
        return JSONResponse(engine.submitted)

    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        client = socket.query_params["clientId"]
        engine.sockets[client] = socket
        await socket.send_json(
            {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client}}
        )
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            engine.sockets.pop(client, None)

    async def lifespan(app):
        worker = asyncio.create_task(engine.work())
        yield
        worker.cancel()

    return Starlette(
        lifespan=asynccontextmanager(lifespan),
        routes=[
            Route("/system_stats", stats),
            Route("/prompt", prompt, methods=["POST"]),
            Route("/queue", queue, methods=["GET", "POST"]),
            Route("/interrupt", interrupt, methods=["POST"]),
            Route("/history/{prompt_id}", history),
            Route("/upload/image", upload, methods=["POST"]),
            Route("/view", view),
            Route("/object_info/{name}", object_info),
            Route("/submitted", submitted),
            WebSocketRoute("/ws", socket),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    sys.stdout.write("scripted engine\n")
    sys.stdout.flush()
    uvicorn.run(app(), host="127.0.0.1", port=arguments.port, loop="asyncio", log_level="warning")
