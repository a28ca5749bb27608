"""The ComfyUI that a container has: at the version and with the packs that the image's steps name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import modal
import pytest
from inline_snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long

PACK = "https://github.com/someone/ComfyUI-Frames"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
APP = f"""\
import json
import pathlib
import re
import socket
import subprocess
import sys
import urllib.request

import modal

FOLDER = pathlib.Path("/root/comfy/ComfyUI")
app = modal.App("engine")
image = (
    modal.Image.debian_slim()
    .run_commands("git clone --depth 1 --branch v0.3.64 https://github.com/comfyanonymous/ComfyUI /root/comfy/ComfyUI")
    .run_commands(
        "git clone {PACK} /root/comfy/ComfyUI/custom_nodes/frames",
        "git -C /root/comfy/ComfyUI/custom_nodes/frames checkout {COMMIT}",
    )
)


@app.function(image=image)
def look(path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, str(FOLDER / "main.py"), "--listen", "127.0.0.1", "--port", port, "--cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as engine:
        said = ""
        for line in engine.stdout:
            if "To see the GUI" in line:
                break
            said += line
        with urllib.request.urlopen(f"http://127.0.0.1:{{port}}{{path}}") as answer:
            told = json.load(answer)
        engine.terminate()
    head = (FOLDER / "custom_nodes/frames/.git/HEAD").read_text()
    return told, re.sub(r"\\d+\\.\\d seconds", "0.0 seconds", said.replace(str(FOLDER), "ComfyUI")), head
"""
FRAMES = """\
import jinja2


class Framed:
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"width": ("INT", {"default": 8})}}


NODE_CLASS_MAPPINGS = {"Framed": Framed}
"""


def look(client: modal.Client, path: str) -> tuple[dict, str, str]:
    return modal.Function.from_name("engine", "look", client=client).remote(path)


def test_a_pack_is_loaded_with_what_the_image_names(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    modal_bed.repositories[PACK] = {"__init__.py": FRAMES}
    deploy(APP)
    definitions, said, head = look(client, "/object_info/Framed")
    assert (definitions, head) == ({}, f"{COMMIT}\n")
    assert "No module named 'jinja2'" in said
    assert said.partition("Import times")[2] == snapshot("""\
 for custom nodes:
   0.0 seconds (IMPORT FAILED): ComfyUI/custom_nodes/frames

""")

    modal_bed.repositories[PACK]["requirements.txt"] = "Jinja2>=3\n"
    deploy(APP.replace("engine.terminate()", "engine.kill()"))  # another version: another container
    definitions, said, _ = look(client, "/object_info/Framed")
    assert definitions["Framed"]["input"] == {"required": {"width": ["INT", {"default": 8}]}}
    assert said.partition("Import times")[2] == snapshot("""\
 for custom nodes:
   0.0 seconds: ComfyUI/custom_nodes/frames

""")


def test_the_engine_is_of_the_version_that_is_checked_out(
    client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(APP)
    stats, said, _ = look(client, "/system_stats")
    assert stats["system"]["comfyui_version"] == "0.3.64"
    assert "ComfyUI/custom_nodes/frames" in said  # a pack of which the test says nothing
