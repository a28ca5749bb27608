"""Title and body of a pull request: as a draft while the app is made, and with everything once it was tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.budget.errors import OF
from runner.documents import risks
from runner.documents.markdown import Markdown, line
from runner.documents.parts import (
    MAX_BODY,
    REFERENCE,
    Shown,
    fitting,
    noted,
    picture,
    pinned,
    repaired,
    size_of,
    tested,
)
from runner.documents.spending import nothing_yet, spent
from runner.documents.verdict import verdict
from runner.knowledge import entry_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.model import Finding
    from codegen.plan import Plan
    from runner.budget.model import RunMoney
    from runner.forecast import Forecast
    from runner.model import Attempt, Report, Sample
    from runner.protocols import Forge

MAX_TITLE = 120
"""GitHub takes 256; more than this is no title."""

__all__ = ["MAX_BODY", "MAX_TITLE", "draft_pull_request", "pull_request", "title"]


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
    reference: bytes | None = None,
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
        reference: the picture that the result should look like, as it is committed.
    """
    head, app = f"flowberth/{plan.name}", f"apps/modal/{plan.name}"
    values = _parts(plan, found, files_url)
    body = fitting(
        "pull_request.md.j2",
        **values,
        **tested(report, plan.lock, plan.interface),
        verdict=verdict(report, (*values["open"], *values["findings"])),
        updates=updates,
        closes=closes,
        spent=spent(money) if money else None,
        **repaired(attempts),
        unknown=risks.unknown(plan.lock, report, has_sample=sample is not None),
        links=_links(plan, app, files_url),
        app_link=_file_link(f"{app}/", files_url),
        picture=_picture(sample, reference, lambda file: forge.picture_url(head=head, path=f"{app}/{file}")),
    )
    return title(plan, report, updates=updates), body


def draft_pull_request(
    plan: Plan,
    *,
    run_id: str,
    updates: bool = False,
    closes: int | None = None,
    forecast: Forecast | None = None,
    found: tuple[Finding, ...] = (),
) -> tuple[str, str]:
    """`(title, body)` before anything was deployed: what is coming. How far it is, the check and the comment say.

    `forecast`: what it may spend; `None` where nothing costs.
    """
    body = fitting(
        "draft.md.j2",
        **_parts(plan, found),
        run_id=run_id,
        closes=closes,
        forecast=forecast,
        of=OF,
        spent=nothing_yet(run_id),
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


def _parts(plan: Plan, found: tuple[Finding, ...], files_url: str | None = None) -> dict[str, Any]:
    """What both bodies have in common."""
    return {
        **pinned(plan.lock, risks.reviewed(plan), files_url),
        **noted((*plan.findings, *found)),
        "plan": plan,
        "app": Markdown(f"apps/modal/{plan.name}"),
    }


def _picture(sample: Sample | None, reference: bytes | None, address: Callable[[str], str]) -> Markdown | None:
    if sample is None or sample.picture_file is None:
        return None
    url = address(sample.picture_file)
    wanted = Shown(address(REFERENCE), size_of(reference)) if reference is not None else None
    if sample.width and sample.height:
        return picture(Shown(url, (sample.width, sample.height)), f"{sample.width} × {sample.height}", wanted)
    return picture(Shown(url, None), f"{sample.file}, to look at" if sample.preview is not None else "", wanted)


def _file_link(path: str, files_url: str | None) -> Markdown:
    return Markdown(f"[`{path}`]({files_url}/{path})" if files_url else f"`{path}`")


def _links(plan: Plan, app: str, files_url: str | None) -> Markdown:
    """The files that say more."""
    files = {
        "report": f"{app}/report.json",
        "lock": f"{app}/app.lock.json",
        "knowledge base": entry_path(plan.name),
    }
    shown = (f"[{name}]({files_url}/{path})" if files_url else f"{name}: `{path}`" for name, path in files.items())
    return Markdown(" · ".join(shown))
