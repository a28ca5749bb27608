"""A report as one HTML file that needs nothing else: to be kept, attached and sent to people without an account."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, NamedTuple

from runner.documents import risks
from runner.documents.page import page
from runner.documents.parts import fitting, picture, pinned, tested
from runner.documents.verdict import verdict

if TYPE_CHECKING:
    from codegen.lock import Lock
    from codegen.model import JsonObject
    from runner.model import Report

SAMPLES = {
    "sample.png": "image/png",
    "sample.jpg": "image/jpeg",
    "sample.webp": "image/webp",
    "sample.gif": "image/gif",
}
"""Files next to an app that are pictures of what it has made, with their types."""


class Picture(NamedTuple):
    """What the test run made, or something to look at in its place."""

    file: str
    """One of `SAMPLES`."""
    data: bytes


def report_page(report: Report, lock: Lock, interface: JsonObject, shown: Picture | None) -> str:
    """The HTML, from what is committed next to an app: what only the run knew, such as licences of packs, it lacks."""
    body = fitting(
        "report.md.j2",
        **pinned(lock, [(pack, None) for pack in lock.packs]),
        **tested(report, lock, interface),
        verdict=verdict(report, ()),
        unknown=risks.unknown(lock, report, has_sample=shown is not None),
        picture=picture(shown.file, _size(shown.data)) if shown else None,
    )
    when = report.tested_at.strftime("%-d %B %Y, %H:%M UTC")
    return page(report.name, f"tested on {when}", body, lambda _: _inlined(shown) if shown else "")


def _inlined(shown: Picture) -> str:
    return f"data:{SAMPLES[shown.file]};base64,{base64.b64encode(shown.data).decode()}"


def _size(data: bytes) -> tuple[int, int] | None:
    """Of a picture in pixels; `None` if it is none."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - decoders: only where a page is made

    try:
        with Image.open(io.BytesIO(data)) as found:
            return found.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
