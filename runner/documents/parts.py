"""What the texts about a tested app have in common: values for the templates, from its report, lock and interface."""

from __future__ import annotations

import html
import io
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from codegen.readme import example_body
from runner.documents import risks, words
from runner.documents.charts import Bar, chart
from runner.documents.inputs import described_inputs
from runner.documents.likeness import likeness
from runner.documents.markdown import TEMPLATES, Markdown, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.lock import Lock
    from codegen.model import Finding, JsonObject
    from runner.model import Attempt, Report, ReviewedPin

MAX_BODY = 60_000
"""GitHub takes 65,536 characters."""
ROWS = (40, 20, 10, 5, 2)
"""Of each table: the most that fits. The files of the app have the rest."""
MOST_ATTEMPTS_SHOWN = 4
"""More than these are folded."""
MAX_EXAMPLE = 4000
"""Characters of the example call."""
MAX_BARS = 8
"""Outputs in the chart of their quality; the table has more."""
PICTURE_SIZE = (640, 400)
"""Pixels that a picture takes at most: with it, the verdict is seen without scrolling."""
PAIR_SIZE = (312, 300)
"""Each of two side by side; on a phone one is below the other."""
REFERENCE: Final = "reference.jpg"
"""The picture that the result should look like, next to the app."""
QUALITY_DOCS = Markdown("https://github.com/flowberth/flowberth/blob/main/docs/quality.md")
ALT: Final = "What the test run made"
REFERENCE_ALT: Final = "What it should look like"


def tested(report: Report, lock: Lock, interface: JsonObject) -> dict[str, Any]:
    """How to call it, tests, cost and quality."""
    idle_usd = lock.scaling.scaledown_window_seconds * report.cost.usd_per_second
    start_usd = words.start_usd(report)
    return {
        "report": report,
        "likeness": likeness(report),
        "example": Markdown(_example(interface)),
        "inputs": described_inputs(interface),
        "outputs": [
            (name, schema["x-flowberth"]["kind"])
            for name, schema in cast("JsonObject", interface["$defs"]["outputs"]["properties"]).items()
        ],
        "idle_usd": idle_usd,
        "once": start_usd + idle_usd,
        "cost_chart": chart(
            [
                Bar("a call", report.cost.usd, words.money(report.cost.usd)),
                Bar("a cold start", start_usd, words.money(start_usd)),
                Bar(f"{lock.scaling.scaledown_window_seconds} s idle", idle_usd, words.money(idle_usd)),
            ]
        ),
        "quality_chart": chart(
            [Bar(one.output, one.score, f"{one.score:.1f} of 10") for one in report.quality[:MAX_BARS]], whole=10
        ),
        "quality_docs": QUALITY_DOCS,
    }


def pinned(lock: Lock, pins: Sequence[ReviewedPin], files_url: str | None = None) -> dict[str, Any]:
    """What is in it, and what of that wants a look; `pins`: what is on record of them."""
    known = {pin.name: pin for pin in pins if pin.kind == "pack"}
    packs = [(pack, known.get(pack.name)) for pack in lock.packs]
    return {
        "lock": lock,
        "words": words,
        "packs": packs,
        "pinned": _counted(lock),
        "risks": risks.of_lock(lock, packs),
        "recalled": risks.recalled(lock),
        "said_by": partial(risks.said_by, files_url=files_url),
    }


class Shown(NamedTuple):
    """A picture in a text."""

    url: str
    size: tuple[int, int] | None
    """Width and height in pixels, if they are known."""


def picture(made: Shown, note: str = "", wanted: Shown | None = None) -> Markdown:
    """A picture no larger than a screen has room for, with what it is below it.

    Args:
        made: by the test run.
        note: what else is said of it.
        wanted: the one that it should look like, to be seen beside it.
    """
    said = f"{ALT}: {plain(note)}" if note else ALT
    if wanted is None:
        return Markdown(f"{_image(made, ALT, PICTURE_SIZE)}<br><sub>{said}</sub>")
    both = f"{_image(made, ALT, PAIR_SIZE)} {_image(wanted, REFERENCE_ALT, PAIR_SIZE)}"
    return Markdown(f"{both}<br><sub>{said}. The second is the picture that it should look like</sub>")


def _image(shown: Shown, alt: str, most: tuple[int, int]) -> str:
    width = ""
    if shown.size:
        (wide, high), (most_wide, most_high) = shown.size, most
        width = f' width="{min(most_wide, wide, round(most_high * wide / high) or 1)}"'
    return f'<img alt="{alt}" src="{html.escape(shown.url)}"{width}>'


def size_of(data: bytes) -> tuple[int, int] | None:
    """Of a picture in pixels; `None` if it is none."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - decoders: only where a size is not on record

    try:
        with Image.open(io.BytesIO(data)) as found:
            return found.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None


def fitting(template: str, **values: object) -> str:
    """Less than `MAX_BODY` characters, with as many rows in each part as fit: nothing is ever cut in the middle."""
    body = ""
    for rows in ROWS:
        body = TEMPLATES.get_template(template).render(**values, max_rows=rows)
        if len(body) < MAX_BODY:
            break
    return body


def noted(findings: Sequence[Finding]) -> dict[str, Any]:
    """What people should know, and what is asked of them."""
    return {
        "open": [finding for finding in findings if finding.questions],
        "findings": [finding for finding in findings if not finding.questions],
        "answers": [question.example_answer for finding in findings for question in finding.questions],
    }


def repaired(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """How the run came here."""
    return {"attempts": attempts, "folded_from": MOST_ATTEMPTS_SHOWN}


def _counted(lock: Lock) -> str:
    """How much, in words."""
    known = [model.bytes for model in lock.models if model.bytes is not None]
    size = f" ({sum(known) / 1024**3:.2f} GiB)" if known and len(known) == len(lock.models) else ""
    counts = [
        f"{len(lock.packs)} pack{'' if len(lock.packs) == 1 else 's'}" if lock.packs else "",
        f"{len(lock.models)} model{'' if len(lock.models) == 1 else 's'}{size}" if lock.models else "",
    ]
    return ", ".join(filter(None, [f"ComfyUI {lock.comfyui.version}", *counts]))


def _example(interface: JsonObject) -> str:
    """The body of an example call. It is ASCII JSON: no line of it can end the code block it stands in."""
    body = example_body(interface)
    return body if len(body) <= MAX_EXAMPLE else "{}"
