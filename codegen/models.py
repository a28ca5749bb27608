"""The model files that a workflow's loaders name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codegen.core_version import MODEL_SUFFIXES
from codegen.embedded_models import EmbeddedModel, embedded_models
from codegen.json_values import as_object
from codegen.lock import ModelPin
from codegen.model import Finding, JsonObject, Workflow
from codegen.model_index import IndexedModel, ModelIndex, model_index

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDERS = {
    "ckpt_name": "checkpoints",
    "unet_name": "diffusion_models",
    "lora_name": "loras",
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
}
"""Input name → folder below `models/` (ComfyUI, folder_paths.py and nodes.py)."""

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
}
"""Where the input's name alone does not say it."""


def find_models(
    workflow: Workflow, prompt: JsonObject, *, index: Callable[[], ModelIndex] = model_index
) -> tuple[tuple[ModelPin, ...], tuple[Finding, ...]]:
    """Every file that a loader of the prompt names, with the URL that the file itself gives for it, else `index`.

    `index` is called only if something has no URL: most files name all of theirs.
    """
    said: dict[str, EmbeddedModel] = {}
    for model in embedded_models(workflow):
        said.setdefault(model.file, model)
    pins: dict[tuple[str, str], ModelPin] = {}
    findings: list[Finding] = []
    for node_id, node in prompt.items():
        kind = str(node.get("class_type"))
        for name, value in as_object(node.get("inputs")).items():
            if not isinstance(value, str) or not value.lower().endswith(MODEL_SUFFIXES):
                continue
            file = value.replace("\\", "/")
            model = said.get(file) or said.get(file.rsplit("/", 1)[-1])
            folder = (model.folder if model else None) or folder_of(kind, name)
            indexed = () if model else index().find(folder, file)
            folder = indexed[0].folder if indexed else folder
            if folder is None or (folder, file) in pins:
                continue
            pins[folder, file] = _pin(folder, file, model, indexed)
            if not model and not indexed:
                findings.append(_unknown(folder, file, node_id))
            if len(indexed) > 1:
                findings.append(_ambiguous(file, indexed, node_id))
    ordered = tuple(pins[key] for key in sorted(pins))
    return ordered, tuple(findings)


def _pin(folder: str, file: str, said: EmbeddedModel | None, indexed: tuple[IndexedModel, ...]) -> ModelPin:
    if said:
        return ModelPin(folder=folder, file=file, url=said.url, sha256=said.sha256, source="properties.models")
    if indexed:
        return ModelPin(folder=folder, file=file, url=indexed[0].url, sha256=indexed[0].sha256, source="index")
    return ModelPin(folder=folder, file=file, source="unknown")


def _unknown(folder: str, file: str, node: str) -> Finding:
    return Finding(
        code="unknown-model-url",
        severity="warning",
        message=f"nothing says where {_shown(file)} ({folder}) can be downloaded",
        node=node,
        hint=f"add its url to app.lock.json, or put the file into the models volume under {folder}/",
    )


def _ambiguous(file: str, indexed: tuple[IndexedModel, ...], node: str) -> Finding:
    taken, *others = (model.url for model in indexed)
    return Finding(
        code="ambiguous-model",
        severity="warning",
        message=f"as many official templates have {_shown(file)} from {' or '.join(others)} as from {taken}",
        node=node,
        hint="the last one is in app.lock.json; if another was meant, put its url there",
    )


def _shown(file: str) -> str:
    return ascii(file)[1:-1][:120]


def folder_of(class_type: str, input_name: str) -> str | None:
    """The folder that a loader's input lists, as far as its name says."""
    by_class = FOLDERS_BY_CLASS.get(class_type)
    if by_class:
        return by_class
    return FOLDERS.get(re.sub(r"\d+$", "", input_name))
