"""Title and body of a pull request: as a draft while the app is made, and with everything once it was tested."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, cast

from codegen.readme import example_body
from runner.documents import risks, words
from runner.documents.charts import Bar, chart
from runner.documents.inputs import described_inputs
from runner.documents.markdown import TEMPLATES, Markdown, line, plain
from runner.documents.spending import nothing_yet, spent
from runner.documents.verdict import verdict

if TYPE_CHECKING:
    from codegen.lock import PackPin
    from codegen.model import Finding, JsonObject
    from codegen.packs import PackUse
    from codegen.plan import Plan
    from runner.budget.model import RunMoney
    from runner.model import Attempt, Report, Sample
    from runner.protocols import Forge

MAX_TITLE = 120
"""GitHub takes 256; more than this is no title."""
MAX_BODY = 60_000
"""GitHub takes 65,536 characters."""
ROWS = (40, 20, 10, 5, 2)
"""Of each table: the most that fits. The files of the app have the rest."""
MAX_EXAMPLE = 4000
"""Characters of the example call."""
MAX_BARS = 8
"""Outputs in the chart of their quality; the table has more."""
PICTURE_SIZE = (640, 480)
"""Pixels that a picture takes at most: with it, the verdict is seen without scrolling."""
QUALITY_DOCS = Markdown("https://github.com/flowberth/flowberth/blob/main/docs/quality.md")


def pull_request(
    plan: Plan,
    report: Report,
    sample: Sample | None,
    forge: Forge,
    *,
    updates: bool = False,
    closes: int | None = None,
    money: RunMoney | None = None,
    attempts: tuple[Attempt, ...] = (),
    found: tuple[Finding, ...] = (),
    files_url: str | None = None,
) -> tuple[str, str]:
    """`(title, body)`; the body is Markdown as GitHub reads it, of less than `MAX_BODY` characters.

    Args:
        plan: what was deployed.
        report: what the tests found.
        sample: what they made.
        forge: for the address of the picture.
        updates: the base branch has an app of that name.
        closes: number of the issue that is done with it.
        money: of this run so far, where it costs something.
        attempts: how the run came here; only more than one are shown.
        found: findings that the plan does not have.
        files_url: where the files of the branch are shown, such as `https://github.com/owner/name/blob/flowberth/fox`.
    """
    head, app = f"flowberth/{plan.name}", f"apps/modal/{plan.name}"
    picture = sample.picture_file if sample else None
    parts = _parts(plan, found)
    idle_usd = plan.lock.scaling.scaledown_window_seconds * report.cost.usd_per_second
    start_usd = words.start_usd(report)
    body = _fitting(
        "pull_request.md.j2",
        **parts,
        report=report,
        verdict=verdict(report, parts["open"]),
        updates=updates,
        closes=closes,
        spent=spent(money) if money else None,
        attempts=attempts,
        unknown=risks.unknown(plan.lock, report, sample),
        links=_links(plan, app, files_url),
        app_link=_file_link(f"{app}/", files_url),
        picture=_picture(sample, forge.picture_url(head=head, path=f"{app}/{picture}")) if sample and picture else None,
        example=Markdown(_example(plan.interface)),
        inputs=described_inputs(plan.interface),
        outputs=[
            (name, schema["x-flowberth"]["kind"])
            for name, schema in cast("JsonObject", plan.interface["$defs"]["outputs"]["properties"]).items()
        ],
        idle_usd=idle_usd,
        once=start_usd + idle_usd,
        cost_chart=chart(
            [
                Bar("a call", report.cost.usd, words.money(report.cost.usd)),
                Bar("a cold start", start_usd, words.money(start_usd)),
                Bar(f"{plan.lock.scaling.scaledown_window_seconds} s idle", idle_usd, words.money(idle_usd)),
            ]
        ),
        quality_chart=chart(
            [Bar(one.output, one.score, f"{one.score:.1f} of 10") for one in report.quality[:MAX_BARS]], whole=10
        ),
        quality_docs=QUALITY_DOCS,
    )
    return title(plan, report, updates=updates), body


def draft_pull_request(
    plan: Plan,
    *,
    run_id: str,
    updates: bool = False,
    closes: int | None = None,
    budget: float | None = None,
    found: tuple[Finding, ...] = (),
) -> tuple[str, str]:
    """`(title, body)` before anything was deployed: what is coming. How far it is, the check and the comment say."""
    body = _fitting(
        "draft.md.j2", **_parts(plan, found), run_id=run_id, closes=closes, budget=budget, spent=nothing_yet(run_id)
    )
    return _plain_title(plan, updates=updates), body


def title(plan: Plan, report: Report, *, updates: bool = False) -> str:
    """The app's name, and the workflow's own title if that says more; what failed, if anything did."""
    whole = _plain_title(plan, updates=updates)
    failed = sum(not test.passed for test in report.tests)
    words = "1 test fails" if failed == 1 else f"{failed} tests fail"
    return line(f"{words}: {whole}" if failed else whole, MAX_TITLE)


def _plain_title(plan: Plan, *, updates: bool) -> str:
    own, verb = line(plan.title, MAX_TITLE), "Update" if updates else "Add"
    return line(
        f"{verb} {plan.name}" if own.lower().replace(" ", "-") == plan.name else f"{verb} {plan.name}: {own}", MAX_TITLE
    )


def _parts(plan: Plan, found: tuple[Finding, ...]) -> dict[str, Any]:
    """What both bodies have in common."""
    findings = (*plan.findings, *found)
    packs = [(pin, _use(pin, plan.packs)) for pin in plan.lock.packs]
    return {
        "plan": plan,
        "lock": plan.lock,
        "words": words,
        "app": Markdown(f"apps/modal/{plan.name}"),
        "packs": packs,
        "pinned": _pinned(plan),
        "risks": risks.of_lock(plan.lock, packs),
        "said_by": risks.said_by,
        "open": [finding for finding in findings if finding.questions],
        "findings": [finding for finding in findings if not finding.questions],
        "answers": [question.example_answer for finding in findings for question in finding.questions],
    }


def _use(pin: PackPin, uses: tuple[PackUse, ...]) -> PackUse | None:
    return next((use for use in uses if use.repository.lower() == pin.repository.lower()), None)


def _pinned(plan: Plan) -> str:
    """How much, in words."""
    lock = plan.lock
    known = [model.bytes for model in lock.models if model.bytes is not None]
    size = f" ({sum(known) / 1024**3:.2f} GiB)" if known and len(known) == len(lock.models) else ""
    counts = [
        f"{len(lock.packs)} pack{'' if len(lock.packs) == 1 else 's'}" if lock.packs else "",
        f"{len(lock.models)} model{'' if len(lock.models) == 1 else 's'}{size}" if lock.models else "",
    ]
    return ", ".join(filter(None, [f"ComfyUI {lock.comfyui.version}", *counts]))


def _picture(sample: Sample, url: str) -> Markdown:
    """No larger than a screen has room for, with what it is below it."""
    width = ""
    words = "What the test run made"
    if sample.width and sample.height:
        most_wide, most_high = PICTURE_SIZE
        width = f' width="{min(most_wide, sample.width, round(most_high * sample.width / sample.height) or 1)}"'
        words = f"{words}: {sample.width} × {sample.height}"
    elif sample.preview is not None:
        words = f"{words}, to look at: {plain(sample.file)}"
    return Markdown(f'<img alt="What the test run made" src="{html.escape(url)}"{width}>\n\n<sub>{words}</sub>')


def _file_link(path: str, files_url: str | None) -> Markdown:
    return Markdown(f"[`{path}`]({files_url}/{path})" if files_url else f"`{path}`")


def _links(plan: Plan, app: str, files_url: str | None) -> Markdown:
    """The files that say more."""
    files = {
        "report": f"{app}/report.json",
        "lock": f"{app}/app.lock.json",
        "knowledge base": f"docs/knowledge-base/workflows/patterns/{plan.name}.md",
    }
    shown = (f"[{name}]({files_url}/{path})" if files_url else f"{name}: `{path}`" for name, path in files.items())
    return Markdown(" · ".join(shown))


def _fitting(template: str, **values: object) -> str:
    """With as many rows in each part as fit: nothing is ever cut in the middle."""
    body = ""
    for rows in ROWS:
        body = TEMPLATES.get_template(template).render(**values, max_rows=rows)
        if len(body) < MAX_BODY:
            break
    return body


def _example(interface: JsonObject) -> str:
    """The body of an example call. It is ASCII JSON: no line of it can end the code block it stands in."""
    body = example_body(interface)
    return body if len(body) <= MAX_EXAMPLE else "{}"
