"""What the texts about a tested app have in common: values for the templates, from its report, lock and interface."""

from __future__ import annotations

import html
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from codegen.readme import example_body
from runner.documents import risks, words
from runner.documents.charts import Bar, chart
from runner.documents.inputs import described_inputs
from runner.documents.markdown import TEMPLATES, Markdown, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.lock import Lock, PackPin
    from codegen.model import JsonObject
    from codegen.packs import PackUse
    from runner.model import Report

MAX_BODY = 60_000
"""GitHub takes 65,536 characters."""
ROWS = (40, 20, 10, 5, 2)
"""Of each table: the most that fits. The files of the app have the rest."""
MAX_EXAMPLE = 4000
"""Characters of the example call."""
MAX_BARS = 8
"""Outputs in the chart of their quality; the table has more."""
PICTURE_SIZE = (640, 400)
"""Pixels that a picture takes at most: with it, the verdict is seen without scrolling."""
QUALITY_DOCS = Markdown("https://github.com/flowberth/flowberth/blob/main/docs/quality.md")
ALT: Final = "What the test run made"


def tested(report: Report, lock: Lock, interface: JsonObject) -> dict[str, Any]:
    """How to call it, tests, cost and quality."""
    idle_usd = lock.scaling.scaledown_window_seconds * report.cost.usd_per_second
    start_usd = words.start_usd(report)
    return {
        "report": report,
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


def pinned(lock: Lock, packs: Sequence[tuple[PackPin, PackUse | None]], files_url: str | None = None) -> dict[str, Any]:
    """What is in it, and what of that wants a look."""
    return {
        "lock": lock,
        "words": words,
        "packs": packs,
        "pinned": _counted(lock),
        "risks": risks.of_lock(lock, packs),
        "recalled": risks.recalled(lock),
        "said_by": partial(risks.said_by, files_url=files_url),
    }


def picture(url: str, size: tuple[int, int] | None, note: str = "") -> Markdown:
    """A picture no larger than a screen has room for, with what it is below it.

    Args:
        url: its address.
        size: width and height in pixels, if they are known.
        note: what else is said of it.
    """
    width = ""
    if size:
        most_wide, most_high = PICTURE_SIZE
        width = f' width="{min(most_wide, size[0], round(most_high * size[0] / size[1]) or 1)}"'
    said = f"{ALT}: {plain(note)}" if note else ALT
    return Markdown(f'<img alt="{ALT}" src="{html.escape(url)}"{width}><br><sub>{said}</sub>')


def fitting(template: str, **values: object) -> str:
    """Less than `MAX_BODY` characters, with as many rows in each part as fit: nothing is ever cut in the middle."""
    body = ""
    for rows in ROWS:
        body = TEMPLATES.get_template(template).render(**values, max_rows=rows)
        if len(body) < MAX_BODY:
            break
    return body


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
