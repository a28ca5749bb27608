"""What a job made: every file and text that ComfyUI's history names, whatever the node called it."""

from __future__ import annotations

import mimetypes
import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image

from shared.comfy import ComfyClient, StoredFile
from shared.json_values import JsonObject, as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.definition import Definition

MEDIA_TYPES = {
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".exr": "image/x-exr",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".obj": "model/obj",
    ".stl": "model/stl",
    ".ply": "model/ply",
    ".fbx": "model/fbx",
    ".usdz": "model/vnd.usdz+zip",
    ".splat": "model/splat",
    ".spz": "model/spz",
    ".ksplat": "model/ksplat",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".latent": "application/octet-stream",
    ".safetensors": "application/octet-stream",
}
"""By extension; the platform's own table differs between machines."""
KINDS = {"image": "image", "video": "video", "audio": "audio", "model": "mesh", "text": "text"}
"""Output kind by the first half of the media type; `file` for the rest."""
TEXT_KEYS = frozenset({"text", "string"})
"""History keys whose strings are results (PreviewAny, ShowText and their kin)."""
PATH_KEYS = frozenset({"result"})
"""History keys whose strings may be paths below the output folder (Preview3D)."""


@dataclass(frozen=True)
class Stored:
    """What became of an output in the bucket."""

    key: str
    url: str | None = None
    """Presigned; `None` when it is not there."""
    expires_at: datetime | None = None
    error: str | None = None
    """Why it is not there."""


@dataclass(frozen=True)
class Output:
    """One output of a job, kept in a file."""

    index: int
    name: str
    node: str
    kind: str
    media_type: str
    filename: str
    path: Path
    bytes: int
    width: int | None = None
    """Pixels, of pictures only; so is `height`."""
    height: int | None = None
    stored: Stored | None = None
    """`None` when the app has no bucket."""


@dataclass(frozen=True)
class _Found:
    node: str
    file: StoredFile | None
    text: str = ""


async def collect(client: ComfyClient, history: JsonObject, definition: Definition, folder: Path) -> tuple[Output, ...]:
    """Fetch the outputs of a history entry into `folder`.

    The outputs that `interface.json` names come first, in its order. Files that ComfyUI calls temporary (previews)
    count only when the interface names their node, or when there is nothing else.
    """
    named = {field.node: (position, field.name) for position, field in enumerate(definition.outputs)}
    found = list(_find(as_object(history.get("outputs"))))
    lasting = [item for item in found if item.node in named or item.file is None or item.file.type != "temp"]
    found = sorted(lasting or found, key=lambda item: named.get(item.node, (len(named), ""))[0])
    outputs: list[Output] = []
    for index, item in enumerate(found):
        filename = PurePosixPath(item.file.filename).name if item.file else f"{item.node.replace(':', '_')}.txt"
        media_type = media_type_of(filename)
        kind = KINDS.get(media_type.partition("/")[0], "file")
        path = folder / f"{index}.output"
        if item.file:
            size = await client.download(item.file, path)
        else:
            size = path.write_bytes(item.text.encode("utf-8", "replace"))
        width, height = dimensions(path) if kind == "image" else (None, None)
        outputs.append(
            Output(
                index=index,
                name=named.get(item.node, (0, kind))[1],
                node=item.node,
                kind=kind,
                media_type=media_type,
                filename=filename,
                path=path,
                bytes=size,
                width=width,
                height=height,
            )
        )
    return tuple(outputs)


def media_type_of(filename: str) -> str:
    """Media type by extension; `application/octet-stream` when it says nothing."""
    suffix = PurePosixPath(filename).suffix.lower()
    return MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix) or "application/octet-stream"


def dimensions(path: Path) -> tuple[int | None, int | None]:
    """Width and height in pixels, from the file's header; `None` for what is no readable picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a very large picture is still a result
            with Image.open(path) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError):
        return None, None


def _find(outputs: JsonObject) -> Iterator[_Found]:
    for node, entry in outputs.items():
        for key, items in as_object(entry).items():
            for item in as_list(items) or [items]:
                file = as_object(item)
                if isinstance(file.get("filename"), str):
                    yield _Found(node, _stored(file))
                elif isinstance(item, str) and key in TEXT_KEYS:
                    yield _Found(node, None, item)
                elif isinstance(item, str) and key in PATH_KEYS and _is_file(item):
                    path = PurePosixPath(item.replace("\\", "/"))
                    parent = "" if str(path.parent) == "." else str(path.parent)
                    yield _Found(node, StoredFile(filename=path.name, subfolder=parent))


def _stored(item: JsonObject) -> StoredFile:
    return StoredFile(
        filename=item["filename"], subfolder=str(item.get("subfolder") or ""), type=str(item.get("type") or "output")
    )


def _is_file(text: str) -> bool:
    return PurePosixPath(text).suffix.lower() in MEDIA_TYPES
