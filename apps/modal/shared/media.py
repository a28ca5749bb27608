"""Brings media inputs in: from an https URL, a data URI or an uploaded part, into a file with a name of our making."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import warnings
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

import httpx
from PIL import Image

from shared.addresses import ForbiddenAddress, PublicTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.definition import InputKind

MAX_BYTES = 99 * 1024 * 1024
"""One media input. ComfyUI takes 100 MiB by default (`--max-upload-size`), with the envelope of the form."""
MAX_REDIRECTS = 5
FETCH_SECONDS = 60.0
"""For a whole download, so that a server that drips cannot hold a request."""
CHUNK_BYTES = 1 << 20
EXTENSIONS: dict[InputKind, frozenset[str]] = {
    "image": frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tiff", ".avif"}),
    "mask": frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tiff", ".avif"}),
    "video": frozenset({".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif"}),
    "audio": frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"}),
    "mesh": frozenset({".glb", ".gltf", ".obj", ".stl", ".fbx", ".ply", ".usdz", ".spz", ".splat", ".ksplat"}),
}
"""Extensions a kind may have; `file` may have any plain one. ComfyUI's loaders choose their reader by it."""
DEFAULT_EXTENSION: dict[InputKind, str] = {"video": ".mp4", "audio": ".wav", "mesh": ".glb", "file": ".bin"}
FROM_MEDIA_TYPE = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "model/gltf-binary": ".glb",
    "model/obj": ".obj",
    "model/stl": ".stl",
}
PICTURES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tiff",
    "AVIF": ".avif",
}
"""Formats Pillow may recognise in an image input, with the extension each gets."""
_PLAIN_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
LONGEST_HEAD = 500
"""Characters of a data URI before its data."""
_DATA_URI = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,;]*)*),", re.IGNORECASE)


class MediaError(ValueError):
    """A media input cannot be used; the message is for the caller."""


class Intake:
    """Writes media into one folder."""

    def __init__(self, folder: Path, http: httpx.AsyncClient, *, max_bytes: int = MAX_BYTES) -> None:
        """`http` must go through `addresses.PublicTransport`."""
        self._folder = folder
        self._http = http
        self._max_bytes = max_bytes

    async def take_reference(self, field: str, kind: InputKind, reference: str) -> tuple[Path, str]:
        """Bring in an https URL or a data URI; gives the file and its safe name.

        Raises:
            MediaError: it cannot be used.
        """
        if reference[:5].lower() == "data:":
            media_type, content = self._decode(reference)
            return await self._keep(field, kind, _once(content), hint=FROM_MEDIA_TYPE.get(media_type, ""))
        if reference[:8].lower() == "https://":
            return await self._fetch(field, kind, reference)
        raise MediaError("must be an https URL, a data URI, or a file in a multipart request")

    async def take_stream(
        self, field: str, kind: InputKind, chunks: AsyncIterator[bytes], filename: str
    ) -> tuple[Path, str]:
        """Bring in an uploaded part. Its file name gives at most an extension.

        Raises:
            MediaError: it cannot be used.
        """
        return await self._keep(field, kind, chunks, hint=PurePosixPath(filename).suffix.lower())

    def _decode(self, uri: str) -> tuple[str, bytes]:
        head, comma, data = uri.partition(",")
        match = _DATA_URI.fullmatch(f"{head}{comma}") if len(head) <= LONGEST_HEAD else None
        if match is None:
            raise MediaError("is not a data URI of the form data:<type>;base64,<data>")
        if len(data) > self._max_bytes * 4 // 3 + 4:
            raise MediaError(self._too_large())
        if match["parameters"].lower().endswith(";base64"):
            try:
                content = base64.b64decode(unquote(data) if "%" in data else data, validate=True)
            except (binascii.Error, ValueError):
                raise MediaError("is not valid base64") from None
        else:
            content = unquote_to_bytes(data)
        return match["type"].lower(), content

    async def _fetch(self, field: str, kind: InputKind, url: str) -> tuple[Path, str]:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                target = httpx.URL(url)
                for _ in range(MAX_REDIRECTS + 1):
                    # httpx would read what comes with a redirect whole, and unpack it; here it is never read.
                    async with self._http.stream("GET", target, headers={"Accept-Encoding": "identity"}) as response:
                        if response.next_request is None:
                            return await self._receive(field, kind, response)
                        target = response.next_request.url
                raise MediaError(f"the URL redirects more than {MAX_REDIRECTS} times")
        except ForbiddenAddress as error:
            raise MediaError(str(error)) from None
        except TimeoutError:
            raise MediaError(f"the URL did not deliver within {FETCH_SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            if isinstance(error, MediaError):
                raise
            raise MediaError("the URL cannot be fetched") from None

    async def _receive(self, field: str, kind: InputKind, response: httpx.Response) -> tuple[Path, str]:
        if response.status_code != HTTPStatus.OK:
            raise MediaError(f"the URL answered {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise MediaError("the URL answered with a content encoding that was not asked for")
        if int(response.headers.get("content-length") or 0) > self._max_bytes:
            raise MediaError(self._too_large())
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        hint = FROM_MEDIA_TYPE.get(media_type) or PurePosixPath(response.url.path).suffix.lower()
        return await self._keep(field, kind, response.aiter_raw(CHUNK_BYTES), hint=hint)

    async def _keep(self, field: str, kind: InputKind, chunks: AsyncIterator[bytes], *, hint: str) -> tuple[Path, str]:
        digest = hashlib.sha256()
        size = 0
        path = self._folder / f"{hashlib.sha256(field.encode()).hexdigest()[:16]}.input"
        with path.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._max_bytes:
                    raise MediaError(self._too_large())
                digest.update(chunk)
                file.write(chunk)
        if size == 0:
            raise MediaError("is empty")
        extension = picture_extension(path) if kind in {"image", "mask"} else _extension(kind, hint)
        # Named by content: the same picture sent twice is one file, and ComfyUI's cache of loaded pictures holds.
        return path, f"flowberth-{digest.hexdigest()[:32]}{extension}"

    def _too_large(self) -> str:
        return f"is larger than {self._max_bytes:,} bytes"


def media_client(transport: PublicTransport) -> httpx.AsyncClient:
    """The client for `Intake`, and for webhooks."""
    return httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),  # one caller's are none of another's
        timeout=httpx.Timeout(30.0, connect=10.0),
        headers={"User-Agent": "flowberth-runtime", "Accept": "*/*"},
    )


def picture_extension(path: Path) -> str:
    """The extension for a picture, by what its bytes say.

    Raises:
        MediaError: it is no picture of a format that ComfyUI reads.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=tuple(PICTURES)) as image:
                return PICTURES[image.format or ""]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise MediaError("has too many pixels") from None
    except (OSError, ValueError, SyntaxError, KeyError, RuntimeError):  # a broken AVIF is a RuntimeError
        raise MediaError("is not a picture: PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF are accepted") from None


def _extension(kind: InputKind, hint: str) -> str:
    allowed = EXTENSIONS.get(kind)
    good = bool(_PLAIN_EXTENSION.fullmatch(hint)) if allowed is None else hint in allowed
    return hint if good else DEFAULT_EXTENSION[kind]


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
