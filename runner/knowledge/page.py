"""The entry of a workflow as it is read by people: what somebody with a similar one would want to know."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from runner.documents import words
from runner.documents.markdown import TEMPLATES, Markdown
from runner.knowledge.entry_file import written
from runner.knowledge.story import UNEVENTFUL, entry_of

if TYPE_CHECKING:
    from codegen.plan import Plan
    from runner.knowledge.story import Story
    from runner.model import Report, Sample

MOST_ROWS: Final = 200
"""Of each list; a workflow with more node classes repeats itself. The front matter has more."""


def entry_page(plan: Plan, report: Report, sample: Sample | None, story: Story = UNEVENTFUL, notes: str = "") -> bytes:
    """The file, fit to be searched by people and by programs. Pure: the same values give the same bytes."""
    entry = entry_of(plan, report, sample, story)
    classes = Counter(str(node.get("class_type")) for node in plan.prompt.values()).most_common(MOST_ROWS)
    picture = sample.picture_file if sample else None
    body = TEMPLATES.get_template("knowledge_entry.md.j2").render(
        plan=plan,
        report=report,
        entry=entry,
        words=words,
        classes=classes,
        rows=MOST_ROWS,
        app=Markdown(f"../../../../apps/modal/{plan.name}"),
        fixes=Markdown("../learnings/fixes"),
        picture=Markdown(picture) if picture else None,
    )
    return written(entry, body, notes)
