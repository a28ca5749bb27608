"""Which inputs of a prompt name model files, and the folder below ComfyUI's `models/` that each lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codegen.core_version import MODEL_SUFFIXES
from codegen.json_values import as_list, as_object
from codegen.model import Frozen, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = {
    "ckpt_name": "checkpoints",
    "unet_name": "diffusion_models",
    "lora_name": "loras",
    "lora": "loras",
    "vae_name": "vae",
    "clip_name": "text_encoders",
    "text_encoder": "text_encoders",
    "control_net_name": "controlnet",
    "style_model_name": "style_models",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "photomaker_model_name": "photomaker",
    "audio_encoder_name": "audio_encoders",
    "bg_removal_name": "background_removal",
    "conditioning_name": "embeddings",
    "ipadapter_file": "ipadapter",
    "instantid_file": "instantid",
    "pulid_file": "pulid",
}
"""Input name → folder (ComfyUI, folder_paths.py and nodes.py; the last three by the packs of those names)."""

FOLDERS_BY_CLASS = {
    "CLIPVisionLoader": "clip_vision",
    "UpscaleModelLoader": "upscale_models",
    "LatentUpscaleModelLoader": "latent_upscale_models",
    "ModelPatchLoader": "model_patches",
    "FrameInterpolationModelLoader": "frame_interpolation",
    "OpticalFlowLoader": "optical_flow",
    "LoadMoGeModel": "geometry_estimation",
    "LoadDA3Model": "geometry_estimation",
    "LoadMediaPipeFaceLandmarker": "mediapipe",
    "SAM3DBody_Loader": "detection",
    "UltralyticsDetectorProvider": "ultralytics",
    "SAMLoader": "sams",
    "ADE_LoadAnimateDiffModel": "animatediff_models",
    "ADE_AnimateDiffLoaderGen1": "animatediff_models",
}
"""Where the input's name alone does not say it."""

LONGEST_FILE = 255
"""Of a path in a combo. A text that happens to end like a file is longer."""
DEEPEST = 4
"""How far lists and objects inside an input are looked into, as those of a loader that takes many."""


class NamedFile(Frozen):
    """A model file in the prompt."""

    node: str
    class_type: str
    input: str
    file: str
    """Below the folder, with forward slashes."""
    folder: str | None
    """As far as class and input tell."""


def named_files(prompt: JsonObject) -> Iterator[NamedFile]:
    """Every model file that a node of the prompt names, in its order."""
    for node_id, node in prompt.items():
        kind = str(node.get("class_type"))
        for name, value in as_object(node.get("inputs")).items():
            for key, text in _texts(name, value, DEEPEST):
                folder = folder_of(kind, key)
                if text.lower().endswith(MODEL_SUFFIXES) and (folder or _looks_like_a_file(text)):
                    file = text.replace("\\", "/")
                    yield NamedFile(node=node_id, class_type=kind, input=name, file=file, folder=folder)


def folder_of(class_type: str, input_name: str) -> str | None:
    """The folder that a loader's input lists, as far as its name says."""
    return FOLDERS_BY_CLASS.get(class_type) or FOLDERS.get(re.sub(r"_?\d+$", "", input_name))


def _looks_like_a_file(text: str) -> bool:
    return len(text) <= LONGEST_FILE and text.isprintable() and "://" not in text


def _texts(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif depth:
        for key, inner in as_object(value).items():
            yield from _texts(key, inner, depth - 1)
        for inner in as_list(value):
            yield from _texts(name, inner, depth - 1)
