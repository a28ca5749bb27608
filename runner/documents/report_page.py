"""A report as one HTML file that needs nothing else: to be kept, attached and sent to people without an account."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from runner.documents import risks
from runner.documents.page import page
from runner.documents.parts import REFERENCE, Shown, fitting, noted, picture, pinned, repaired, size_of, tested
from runner.documents.verdict import verdict

if TYPE_CHECKING:
    from codegen.lock import Lock
    from codegen.model import JsonObject
    from runner.documents.markdown import Markdown
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


def report_page(
    report: Report, lock: Lock, interface: JsonObject, made: Picture | None, wanted: bytes | None = None
) -> str:
    """The HTML, from what is committed next to an app; a report from before today's fields lacks some of it."""
    body = fitting(
        "report.md.j2",
        **pinned(lock, report.pins),
        **noted(report.findings),
        **repaired(report.attempts),
        **tested(report, lock, interface),
        verdict=verdict(report, report.findings),
        unknown=risks.unknown(lock, report, has_sample=made is not None),
        picture=_picture(made, wanted) if made else None,
    )
    when = report.tested_at.strftime("%-d %B %Y, %H:%M UTC")
    inlined = {made.file: _inlined(SAMPLES[made.file], made.data)} if made else {}
    if wanted is not None:
        inlined[REFERENCE] = _inlined("image/jpeg", wanted)
    return page(report.name, f"tested on {when}", body, lambda file: inlined.get(file, ""))


def _picture(made: Picture, wanted: bytes | None) -> Markdown:
    beside = Shown(REFERENCE, size_of(wanted)) if wanted is not None else None
    return picture(Shown(made.file, size_of(made.data)), wanted=beside)


def _inlined(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
