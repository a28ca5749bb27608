"""The model files that a workflow's loaders name."""

from __future__ import annotations

import re

from codegen.core_version import MODEL_SUFFIXES
from codegen.json_values import as_object, objects
from codegen.lock import ModelPin
from codegen.model import Finding, JsonObject, Workflow

_SHA256 = re.compile(r"^[0-9a-fA-F]{64}$")

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
}
"""Where the input's name alone does not say it."""


def find_models(workflow: Workflow, prompt: JsonObject) -> tuple[tuple[ModelPin, ...], tuple[Finding, ...]]:
    """Every file that a loader of the prompt names, with the URL the file itself gives for it."""
    known = _embedded(workflow)
    pins: dict[tuple[str, str], ModelPin] = {}
    findings: list[Finding] = []
    for node_id, node in prompt.items():
        kind = str(node.get("class_type"))
        for name, value in as_object(node.get("inputs")).items():
            if not isinstance(value, str) or not value.lower().endswith(MODEL_SUFFIXES):
                continue
            file = value.replace("\\", "/")
            embedded = known.get(file) or known.get(file.rsplit("/", 1)[-1])
            folder = (embedded or {}).get("directory") or folder_of(kind, name)
            if folder is None or (folder, file) in pins:
                continue
            url = (embedded or {}).get("url")
            pins[folder, file] = ModelPin(
                folder=folder,
                file=file,
                url=url,
                sha256=(embedded or {}).get("sha256"),
                source="properties.models" if url else "unknown",
            )
            if not url:
                findings.append(
                    Finding(
                        code="unknown-model-url",
                        severity="warning",
                        message=f"nothing says where {ascii(file)[1:-1][:120]} ({folder}) can be downloaded",
                        node=node_id,
                        hint=f"add its url to app.lock.json, or put the file into the models volume under {folder}/",
                    )
                )
    ordered = tuple(pins[key] for key in sorted(pins))
    return ordered, tuple(findings)


def folder_of(class_type: str, input_name: str) -> str | None:
    """The folder that a loader's input lists, as far as its name says."""
    by_class = FOLDERS_BY_CLASS.get(class_type)
    if by_class:
        return by_class
    return FOLDERS.get(re.sub(r"\d+$", "", input_name))


def _embedded(workflow: Workflow) -> dict[str, dict[str, str]]:
    """File name → facts from `properties.models`, in every graph of the file."""
    found: dict[str, dict[str, str]] = {}
    if workflow.kind != "ui":
        return found
    document = workflow.document
    for graph in (document, *objects(as_object(document.get("definitions")).get("subgraphs"))):
        for node in objects(graph.get("nodes")):
            for entry in objects(as_object(node.get("properties")).get("models")):
                _note(found, entry)
    return found


def _note(found: dict[str, dict[str, str]], fields: JsonObject) -> None:
    name, url, folder = fields.get("name"), fields.get("url"), fields.get("directory")
    if not isinstance(name, str) or not isinstance(url, str) or not url.startswith("https://"):
        return
    facts = {"url": url}
    if isinstance(folder, str) and re.fullmatch(r"[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)*", folder):
        facts["directory"] = folder
    digest = fields.get("hash")
    if str(fields.get("hash_type", "")).lower() == "sha256" and isinstance(digest, str) and _SHA256.match(digest):
        facts["sha256"] = digest.lower()
    found.setdefault(name.replace("\\", "/"), facts)
