"""Title and body of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from codegen.readme import example_body
from runner.documents import words
from runner.documents.markdown import TEMPLATES, Markdown, line

if TYPE_CHECKING:
    from codegen.model import JsonObject
    from codegen.plan import Plan
    from runner.model import Report, Sample
    from runner.protocols import Forge

MAX_TITLE = 120
"""GitHub takes 256; more than this is no title."""
MAX_BODY = 60_000
"""GitHub takes 65,536 characters."""
MAX_ROWS = 40
"""Of each table; the files of the app have the rest."""
MAX_EXAMPLE = 4000
"""Characters of the example call."""


def pull_request(
    plan: Plan, report: Report, sample: Sample | None, forge: Forge, *, updates: bool = False
) -> tuple[str, str]:
    """`(title, body)`; the body is Markdown as GitHub reads it, at most `MAX_BODY` characters.

    `updates`: the base branch has an app of that name.
    """
    head, app = f"flowberth/{plan.name}", f"apps/modal/{plan.name}"
    picture = sample.picture_file if sample else None
    properties = cast("JsonObject", plan.interface["properties"])
    body = TEMPLATES.get_template("pull_request.md.j2").render(
        plan=plan,
        report=report,
        words=words,
        app=Markdown(app),
        knowledge_base=Markdown(f"docs/knowledge-base/workflows/patterns/{plan.name}.md"),
        picture=Markdown(forge.picture_url(head=head, path=f"{app}/{picture}")) if picture else None,
        sample=sample,
        example=Markdown(_example(plan.interface)),
        inputs=[(name, schema["x-flowberth"]["kind"]) for name, schema in properties.items()],
        required=set(cast("list[str]", plan.interface["required"])),
        outputs=[
            (name, schema["x-flowberth"]["kind"])
            for name, schema in cast("JsonObject", plan.interface["$defs"]["outputs"]["properties"]).items()
        ],
        max_rows=MAX_ROWS,
    )
    return title(plan, report, updates=updates), body[:MAX_BODY]


def title(plan: Plan, report: Report, *, updates: bool = False) -> str:
    """The app's name, and the workflow's own title if that says more; what failed, if anything did."""
    own, verb = line(plan.title, MAX_TITLE), "Update" if updates else "Add"
    whole = f"{verb} {plan.name}" if own.lower().replace(" ", "-") == plan.name else f"{verb} {plan.name}: {own}"
    failed = sum(not test.passed for test in report.tests)
    words = "1 test fails" if failed == 1 else f"{failed} tests fail"
    return line(f"{words}: {whole}" if failed else whole, MAX_TITLE)


def _example(interface: JsonObject) -> str:
    """The body of an example call. It is ASCII JSON: no line of it can end the code block it stands in."""
    body = example_body(interface)
    return body if len(body) <= MAX_EXAMPLE else "{}"
