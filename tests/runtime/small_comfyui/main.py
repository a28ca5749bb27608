"""As much of ComfyUI as a preflight touches: packs, definitions, validation, and a queue that executes.

Its log and its answers are ComfyUI's own (nodes.py, server.py, execution.py of 0.3.64). `executed` in the working
folder says that a prompt was run, which no preflight may do.
"""

import argparse
import importlib.util
import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent
CLASSES = {"Say": {"required": {"text": ["STRING", {}]}}, "Load": {"required": {"image": [["here.png"], {}]}}}
uploaded = {"here.png"}


def load_packs():
    sys.path.insert(0, str(HERE))
    for pack in sorted((HERE / "custom_nodes").iterdir()):
        spec = importlib.util.spec_from_file_location(str(pack).replace(".", "_x_"), pack / "__init__.py")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # noqa: BLE001 - as ComfyUI does
            sys.stdout.write(traceback.format_exc() + "\n")
            sys.stdout.write(f"Cannot import {pack} module for custom nodes: {error}\n")
            continue
        if not hasattr(module, "NODES"):
            why = "due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one)."
            sys.stdout.write(f"Skip {pack} module for custom nodes {why}\n")
            continue
        CLASSES.update(module.NODES)


def validate(prompt):
    faults = {}
    for node, entry in prompt.items():
        kind = entry["class_type"]
        if kind not in CLASSES:
            return {"type": "invalid_prompt", "message": f"Cannot execute because node {kind} does not exist."}, {}
        if kind == "Load" and entry["inputs"]["image"] not in uploaded:
            details = f"image - Invalid image file: {entry['inputs']['image']}"
            faults[node] = {"errors": [{"type": "custom_validation_failed", "details": details}], "class_type": kind}
    return (
        ({"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}, faults)
        if (faults)
        else (None, {})
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        kind = unquote(self.path).removeprefix("/object_info/")
        if self.path == "/system_stats":
            self.answer({"system": {"comfyui_version": "0.3.64", "pytorch_version": "2.9.0+cpu", "argv": sys.argv}})
        elif CLASSES.get(kind) == "raises":
            self.answer({}, 500)
        else:
            self.answer({kind: {"input": CLASSES[kind], "python_module": "x"}} if kind in CLASSES else {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/upload/image":
            name = body.partition(b'filename="')[2].partition(b'"')[0].decode()
            uploaded.add(name)
            self.answer({"name": name})
        elif self.path == "/prompt":
            prompt = json.loads(body)["prompt"]
            if any(entry["class_type"] == "Crash" for entry in prompt.values()):
                os._exit(70)
            error, faults = validate(prompt)
            if error is None:
                QUEUE.put(prompt)
            self.answer(
                {"prompt_id": "1", "node_errors": faults} if error is None else {"error": error, "node_errors": faults},
                200 if error is None else 400,
            )
        else:
            self.answer({})

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def work():
    while True:
        if QUEUE.get(timeout=1000.0) is not None:
            Path("executed").touch()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    memory = parser.add_mutually_exclusive_group()
    memory.add_argument("--cpu", action="store_true")
    memory.add_argument("--lowvram", action="store_true")
    given = parser.parse_args()
    import execution

    QUEUE = execution.PromptQueue()
    load_packs()
    threading.Thread(target=work, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()
