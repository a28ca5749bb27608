"""Media types of files that go in and come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.interface.inputs import InputKind, leaf

if TYPE_CHECKING:
    from codegen.interface.prompt_graph import PromptGraph

_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif")
ACCEPTED: dict[InputKind, tuple[str, ...]] = {
    "image": _PICTURES,
    "mask": _PICTURES,
    "video": ("video/mp4", "video/webm", "video/quicktime", "video/x-matroska"),
    "audio": ("audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4"),
    "mesh": ("model/gltf-binary", "model/obj", "model/stl"),
}
"""What the runtime recognises (`shared/media.py`); a `file` may be anything."""
_BY_CLASS = {
    "SaveImage": "image/png",
    "PreviewImage": "image/png",
    "MaskPreview": "image/png",
    "SaveAnimatedPNG": "image/png",
    "SaveAnimatedWEBP": "image/webp",
    "SaveSVGNode": "image/svg+xml",
    "SaveWEBM": "video/webm",
    "SaveAudio": "audio/flac",
    "PreviewAudio": "audio/flac",
    "SaveAudioMP3": "audio/mpeg",
    "SaveAudioOpus": "audio/ogg",
    "PreviewAny": "text/plain",
}
"""Of nodes that write one format (ComfyUI, nodes.py and comfy_extras)."""
_BY_FORMAT = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "gif": "image/gif",
    "exr": "image/x-exr",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "glb": "model/gltf-binary",
    "obj": "model/obj",
    "stl": "model/stl",
    "txt": "text/plain",
    "json": "application/json",
}
_AUTO = {"SaveVideo": "video/mp4"}
"""What `auto` is (ComfyUI, comfy_api, `VideoContainer`)."""


def produced(graph: PromptGraph, node: str) -> str | None:
    """The media type of what an output node gives, where that is certain."""
    kind = graph.class_type(node)
    for name, value in graph.inputs(node).items():
        if leaf(name) == "format" and isinstance(value, str):
            # Video Helper Suite writes `video/h264-mp4`, others a bare extension.
            return (
                _AUTO.get(kind)
                if value == "auto"
                else _BY_FORMAT.get(value.lower().rpartition("-")[2].rpartition("/")[2])
            )
    return _BY_CLASS.get(kind)
