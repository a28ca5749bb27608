"""What people are asked, and what becomes of their answer: the run that it starts has to get through."""

from __future__ import annotations

from runner.model import Answer
from tests.runner.faults.fault import model_is_from, pack_is_at, worded
from tests.runner.faults.models import FLUX
from tests.runner.faults.world import HUB, SPARE_COMMIT

OTHER_COMMIT = "7d1c2b3a4f5e60718293a4b5c6d7e8f901234567"
OTHER_AE = f"{HUB}/Comfy-Org/Lumina_Image_2.0_Repackaged/resolve/main/split_files/vae/ae.safetensors"
OTHER_WAN = f"{HUB}/Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/wan.safetensors"
COMMIT = worded(
    "commit-answered",
    "build",
    group="answered",
    gone=pack_is_at("ComfyUI-Spare", OTHER_COMMIT),
    answer=Answer(about="pack", name="SpareSharpen", value=f"https://github.com/someone/ComfyUI-Spare@{OTHER_COMMIT}"),
    known=(f"fatal: reference is not a tree: {SPARE_COMMIT}\n",),
    unseen=(f"fatal: Unable to find {SPARE_COMMIT} in ComfyUI-Spare\nfatal: bad object {SPARE_COMMIT}\n",),
)
GATED = worded(
    "gated-answered",
    "models",
    group="answered",
    gone=model_is_from("ae.safetensors", OTHER_AE),
    answer=Answer(about="model", name="vae/ae.safetensors", value=OTHER_AE),
    known=(f"Cannot access gated repo for url {FLUX}.\n",),
    unseen=("vae/ae.safetensors: access refused by huggingface.co with 401; accept its licence and set HF_TOKEN\n",),
)
MOVED = worded(
    "moved-answered",
    "models",
    group="answered",
    gone=model_is_from("wan.safetensors", OTHER_WAN),
    answer=Answer(about="model", name="diffusion_models/wan.safetensors", value=OTHER_WAN),
    known=("diffusion_models/wan.safetensors: huggingface.co answered 404\n",),
    unseen=(
        (
            "diffusion_models/wan.safetensors: Client error '404 Not Found' for url "
            "'https://huggingface.co/Kijai/WanVideo/resolve/main/wan.safetensors'\n"
        ),
    ),
)
BROKEN = worded(
    "broken-pack-answered",
    "boot",
    group="answered",
    gone=pack_is_at("ComfyUI-Spare", OTHER_COMMIT),
    answer=Answer(about="pack", name="SpareSharpen", value=f"https://github.com/someone/ComfyUI-Spare@{OTHER_COMMIT}"),
    unseen=(
        (
            '  File "/root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare/__init__.py", line 3, in <module>\n'
            "TypeError: unsupported operand type(s) for |: 'str' and 'NoneType'\n"
            "Cannot import /root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare module for custom nodes: unsupported operand type(s) "
            "for |: 'str' and 'NoneType'\n"
        ),
    ),
)
ANSWERED = (*COMMIT, *GATED, *MOVED, *BROKEN)
