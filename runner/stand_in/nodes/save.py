"""Output nodes. What they leave in history has the shape that each real one gives.

Sources: nodes.py, comfy_extras/nodes_images.py, nodes_video.py, nodes_audio.py, nodes_hunyuan3d.py, nodes_load_3d.py,
nodes_preview_any.py, custom_nodes/websocket_image_save.py.
"""

from __future__ import annotations

import io
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from runner.stand_in import media
from runner.stand_in.node import Call, Given
from runner.stand_in.nodes.arguments import clip_in, masks_in, pictures_in
from runner.stand_in.values import Array, Clip, Facts, Opaque, Pictures, Stored, facts_of

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from runner.stand_in.files import FileType
    from runner.stand_in.node import Run

SOUNDS = ("flac", "mp3", "opus")
MESH_TYPES = ("MESH", "FILE_3D", "LOAD_3D", "VOXEL", "SPLAT", "POINT_CLOUD")
"""Beginnings of the types of what is three-dimensional."""
MAX_ANIMATED = 64
"""Frames of an animated picture."""


def save_pictures(call: Call, pictures: Pictures, type_: FileType, prefix: str) -> JsonObject:
    """One PNG for each picture, with prompt and workflow in its metadata as ComfyUI writes them."""
    info = PngInfo()
    info.add_text("prompt", json.dumps(call.prompt))
    for name, value in call.extra.items():
        info.add_text(name, json.dumps(value))
    found: list[dict[str, str]] = []
    for index, frame in enumerate(pictures.frames()):
        numbered = prefix.replace("%batch_num%", str(index))
        path, entry = call.files.next(type_, numbered, "png", {"width": pictures.width, "height": pictures.height})
        _picture(frame).save(path, pnginfo=info, compress_level=1 if type_ == "temp" else 4)
        found.append(entry)
        call.tick(index + 1, len(pictures))
    return {"images": found}


def _picture(frame: Array) -> Image.Image:
    """As ComfyUI rounds: `255 * value`, cut off."""
    return Image.fromarray((frame * 255).clip(0, 255).astype(np.uint8))


def _prefix(call: Call, default: str = "ComfyUI") -> str:
    return str(call.inputs.get("filename_prefix") or default)


def _save_image(call: Call) -> Given:
    pictures = pictures_in(call, "images")
    return Given((pictures,), save_pictures(call, pictures, "output", _prefix(call)))


def _preview_image(call: Call) -> Given:
    pictures = pictures_in(call, "images")
    return Given((pictures,), save_pictures(call, pictures, "temp", "ComfyUI_temp"))


def _send_pictures(call: Call) -> Given:
    """Source: custom_nodes/websocket_image_save.py. Steps are told as they begin."""
    pictures = pictures_in(call, "images")
    for index, frame in enumerate(pictures.frames()):
        call.tick(index, len(pictures))
        data = io.BytesIO()
        _picture(frame).save(data, "PNG", compress_level=1)
        call.show(data.getvalue())
    return Given()


def _compare(call: Call) -> Given:
    shown: JsonObject = {}
    for side in ("a", "b"):
        pictures = call.inputs.get(f"image_{side}")
        saved = save_pictures(call, pictures, "temp", "ComfyUI_temp") if isinstance(pictures, Pictures) else {}
        shown[f"{side}_images"] = saved.get("images", [])
    return Given((), shown)


def _mask_preview(call: Call) -> Given:
    mask = masks_in(call, "mask")
    pictures = Pictures(np.repeat(mask[..., np.newaxis], 3, axis=-1))
    return Given((mask,), save_pictures(call, pictures, "temp", "ComfyUI_temp"))


def _animated(extension: str) -> Run:
    def save(call: Call) -> Given:
        pictures = pictures_in(call, "images")
        frames = [_picture(pictures.frame(index)) for index in range(min(len(pictures), MAX_ANIMATED))]
        sizes = {"width": pictures.width, "height": pictures.height}
        path, entry = call.files.next("output", _prefix(call), extension, sizes)
        delay = int(1000 / max(0.01, float(call.inputs.get("fps") or 6)))
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=delay)
        return Given((pictures,), {"images": [entry], "animated": [len(pictures) != 1]})

    return save


def _create_video(call: Call) -> Given:
    return Given((Clip(pictures_in(call, "images"), float(call.inputs.get("fps") or 24), call.inputs.get("audio")),))


def _video_parts(call: Call) -> Given:
    clip = clip_in(call, "video")
    sound = Opaque("AUDIO", clip.pictures.facts) if clip.sound is None else clip.sound
    return Given((clip.pictures, sound, clip.fps, 8))


def _save_video(call: Call) -> Given:
    clip = clip_in(call, "video")
    wanted = str(call.inputs.get("format"))
    return Given((clip,), save_clip(call, clip, wanted if wanted in media.CODECS else "mp4"))


def _save_webm(call: Call) -> Given:
    pictures = pictures_in(call, "images")
    return Given((pictures,), save_clip(call, Clip(pictures, float(call.inputs.get("fps") or 24)), "webm"))


def save_clip(call: Call, clip: Clip, extension: str) -> JsonObject:
    """A video file; the one that came in, if nothing was done to it."""
    sizes = {"width": clip.pictures.width, "height": clip.pictures.height}
    path, entry = call.files.next("output", _prefix(call, "video/ComfyUI"), extension, sizes)
    path.write_bytes(clip.source or media.encode_video(clip.pictures.frames(), clip.fps, extension))
    return {"images": [entry], "animated": [True]}


def _save_sound(extension: str, type_: FileType = "output") -> Run:
    def save(call: Call) -> Given:
        sound = call.inputs.get("audio")
        wanted = str(call.inputs.get("format"))
        return Given((sound,), save_sound(call, sound, wanted if wanted in SOUNDS else extension, type_))

    return save


def save_sound(call: Call, sound: Any, extension: str = "flac", type_: FileType = "output") -> JsonObject:  # noqa: ANN401
    """A sound file; the one that came in, if nothing was done to it."""
    if isinstance(sound, Stored):
        extension, data = PurePosixPath(sound.filename).suffix.lower().removeprefix(".") or extension, sound.data
    else:
        data = media.encode_sound(facts_of(sound) or Facts(label=call.class_type), extension)
    path, entry = call.files.next(type_, _prefix(call, "audio/ComfyUI"), extension, {})
    path.write_bytes(data)
    return {"audio": [entry]}


def _save_mesh(call: Call) -> Given:
    return Given((), {"3d": [save_mesh(call)]})


def _preview_mesh(call: Call) -> Given:
    """Gives the path below the output folder, and the camera and background that the editor shows it with."""
    given = call.inputs.get("model_file")
    if isinstance(given, str) and given:
        return Given((), {"result": [given, None, None]})
    entry = save_mesh(call)
    name = f"{entry['subfolder']}/{entry['filename']}" if entry["subfolder"] else entry["filename"]
    return Given((), {"result": [name, None, None]})


def save_mesh(call: Call) -> dict[str, str]:
    """A simulated mesh, of what is known of the first input that is three-dimensional."""
    solids = [
        value for value in call.inputs.values() if isinstance(value, Opaque) and value.kind.startswith(MESH_TYPES)
    ]
    facts = solids[0].facts if solids else Facts(label=call.class_type)
    path, entry = call.files.next("output", _prefix(call, "mesh/ComfyUI"), "glb", {})
    path.write_bytes(media.encode_mesh(facts))
    return entry


def _show_mesh(call: Call) -> Given:
    """Saves, shows and passes on what is three-dimensional."""
    entry = save_mesh(call)
    solid, place, camera = (call.inputs.get(name) for name in ("model_3d", "model_3d_info", "camera_info"))
    return Given((solid, place, camera, call.inputs.get("width"), call.inputs.get("height")), {"3d": [entry]})


def save_svg(call: Call, facts: Facts) -> dict[str, str]:
    """A simulated drawing."""
    path, entry = call.files.next("output", _prefix(call, "svg/ComfyUI"), "svg", {})
    path.write_bytes(media.encode_svg(facts))
    return entry


def _save_text(call: Call) -> Given:
    text, extension = words(call.inputs.get("text")), str(call.inputs.get("format") or "txt")
    path, entry = call.files.next("output", _prefix(call), extension if extension.isalnum() else "txt", {})
    path.write_text(text, "utf-8", "replace")
    return Given((text,), {"text": [text], "files": [entry]})


def _save_latent(call: Call) -> Given:
    """A safetensors file without a tensor: there is nothing to keep of a simulated latent."""
    path, entry = call.files.next("output", _prefix(call, "latents/ComfyUI"), "latent", {})
    header = json.dumps({"__metadata__": {"prompt": media.WORD}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return Given((call.inputs.get("samples"),), {"latents": [entry]})


def _preview_any(call: Call) -> Given:
    value = call.inputs.get("source")
    return Given((words(value),), {"text": [words(value)]})


def words(value: Any) -> str:  # noqa: ANN401 - anything travels along links
    """A value as PreviewAny shows it."""
    match value:
        case None:
            return "None"
        case str():
            return value
        case bool() | int() | float():
            return str(value)
        case dict() | list():
            return json.dumps(value, indent=4, default=str)
        case _:
            facts = facts_of(value) or Facts()
            return f"{media.WORD}: {type(value).__name__} of {facts.label or 'an input'}"


NODES: dict[str, Run] = {
    "SaveImage": _save_image,
    "PreviewImage": _preview_image,
    "SaveImageWebsocket": _send_pictures,
    "MaskPreview": _mask_preview,
    "SaveImageAdvanced": _save_image,
    "ImageCompare": _compare,
    "SaveAnimatedWEBP": _animated("webp"),
    "SaveAnimatedPNG": _animated("png"),
    "CreateVideo": _create_video,
    "GetVideoComponents": _video_parts,
    "SaveVideo": _save_video,
    "SaveWEBM": _save_webm,
    "SaveAudio": _save_sound("flac"),
    "SaveAudioMP3": _save_sound("mp3"),
    "SaveAudioOpus": _save_sound("opus"),
    "SaveAudioAdvanced": _save_sound("flac"),
    "PreviewAudio": _save_sound("flac", "temp"),
    "SaveGLB": _save_mesh,
    "Preview3D": _preview_mesh,
    "Preview3DAnimation": _preview_mesh,
    "Preview3DAdvanced": _show_mesh,
    "PreviewGaussianSplat": _show_mesh,
    "PreviewPointCloud": _show_mesh,
    "Save3DAdvanced": _show_mesh,
    "SaveGaussianSplat": _show_mesh,
    "SavePointCloud": _show_mesh,
    "SaveLatent": _save_latent,
    "SaveText": _save_text,
    "PreviewAny": _preview_any,
}
