"""The app that fails: two packs, three models, one picture; and what is true of it whatever else is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codegen.lock import InputOverride, PackPin
from runner.model import Answer, RunRequest

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.lock import Gpu, Lock
    from tests.runner.faults.fault import App

WAN_COMMIT = "5f3c1a9be2d047c68a1b90de7734fc02ab561e88"
SPARE_COMMIT = "c0ffee254729296a45a3885639ac7e10f9d54979"
WAN = f"https://github.com/kijai/ComfyUI-WanVideoWrapper@{WAN_COMMIT}"
SPARE = f"https://github.com/someone/ComfyUI-Spare@{SPARE_COMMIT}"
HUB = "https://huggingface.co"


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


WORKFLOW = {
    "1": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
    "2": node("CLIPTextEncode", clip=["1", 1], text="a fox in the snow"),
    "3": node("CLIPTextEncode", clip=["1", 1], text="blurry"),
    "4": node(
        "WanVideoModelLoader",
        model="wan.safetensors",
        base_precision="bf16",
        quantization="disabled",
        load_device="main_device",
        attention_mode="sageattn",
    ),
    "5": node("WanVideoSampler", model=["4", 0], steps=20, cfg=6.0, shift=5.0, seed=7, scheduler="unipc"),
    "6": node(
        "KSampler",
        model=["1", 0],
        positive=["2", 0],
        negative=["3", 0],
        latent_image=["5", 0],
        seed=7,
        steps=20,
        cfg=7.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
    ),
    "7": node("VAELoader", vae_name="ae.safetensors"),
    "8": node("VAEDecode", samples=["6", 0], vae=["7", 0]),
    "9": node("SpareSharpen", image=["8", 0], amount=0.5, mode="fine", mask=["7", 0]),
    "10": node("SaveImage", images=["9", 0], filename_prefix="fox"),
}
ANSWERS = (
    Answer(about="pack", name="WanVideoModelLoader", value=WAN),
    Answer(about="pack", name="WanVideoSampler", value=WAN),
    Answer(about="pack", name="SpareSharpen", value=SPARE),
    Answer(
        about="model", name="checkpoints/sd15.safetensors", value=f"{HUB}/someone/sd15/resolve/main/sd15.safetensors"
    ),
    Answer(
        about="model",
        name="vae/ae.safetensors",
        value=f"{HUB}/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors",
    ),
    Answer(
        about="model",
        name="diffusion_models/wan.safetensors",
        value=f"{HUB}/Kijai/WanVideo/resolve/main/wan.safetensors",
    ),
)


def request(
    repo: Path,
    name: str,
    *,
    gpus: tuple[Gpu, ...] | None = None,
    budget_usd: float | None = None,
    answers: tuple[Answer, ...] = (),
) -> RunRequest:
    """People have said where packs and models are. A later answer to the same question takes an earlier one's place."""
    return RunRequest(
        repo=repo,
        base="main",
        filename="fox.json",
        workflow=json.dumps(WORKFLOW).encode(),
        name=name,
        answers=(*ANSWERS, *answers),
        gpus=gpus,
        budget_usd=budget_usd,
    )


def is_whole(app: App) -> bool:
    """Whether it has all that the workflow needs: nothing "repairs" it by leaving something out."""
    has = {kind for pin in app.lock.packs if pin.layout == "nodes" for kind in pin.classes}
    packed = {"WanVideoModelLoader", "WanVideoSampler", "SpareSharpen"}
    files = {model.file.rpartition("/")[2] for model in app.lock.models}
    return packed <= has and {"sd15.safetensors", "ae.safetensors", "wan.safetensors"} <= files


def changed_inputs(before: dict[str, Any], now: dict[str, Any]) -> set[tuple[str, str]]:
    """`(node, input)` of what differs; a node that has come or gone is one with the input `*`."""
    changed = {(name, "*") for name in before.keys() ^ now.keys()}
    for name in before.keys() & now.keys():
        old, new = before[name]["inputs"], now[name]["inputs"]
        changed |= {(name, key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return changed


def with_system(*names: str):
    """The lock asks Debian for these, too."""

    def start(lock: Lock) -> Lock:
        there = lock.dependencies
        return lock.model_copy(update={"dependencies": there.model_copy(update={"system": (*there.system, *names)})})

    return start


def with_packages(*requirements: str):
    """The lock asks for these Python packages, too."""

    def start(lock: Lock) -> Lock:
        there = lock.dependencies
        more = {"packages": (*there.packages, *requirements)}
        return lock.model_copy(update={"dependencies": there.model_copy(update=more)})

    return start


def with_gpu(gpu: str | None):
    """It begins on this one."""
    return lambda lock: lock.model_copy(update={"hardware": lock.hardware.model_copy(update={"gpu": gpu})})


def with_arguments(*arguments: str):
    """ComfyUI is started with these."""
    return lambda lock: lock.model_copy(update={"comfyui": lock.comfyui.model_copy(update={"arguments": arguments})})


def with_core(version: str):
    """It begins with this ComfyUI."""
    return lambda lock: lock.model_copy(update={"comfyui": lock.comfyui.model_copy(update={"version": version})})


def with_inputs(**values: Any):
    """The workflow has these values, as `node__input` (`_6__steps`)."""

    def start(lock: Lock) -> Lock:
        given = [(key[1:].partition("__"), value) for key, value in values.items()]
        more = [InputOverride(node=node, input=name, value=value, because="-") for (node, _, name), value in given]
        return lock.model_copy(update={"inputs": tuple(more)})

    return start


def with_pack(name: str):
    """One more pack, whose nodes nobody uses."""
    pin = PackPin(
        name=name, repository=f"https://github.com/someone/{name}", commit=SPARE_COMMIT, classes=(), source="registry"
    )
    return lambda lock: lock.model_copy(update={"packs": (*lock.packs, pin)})
