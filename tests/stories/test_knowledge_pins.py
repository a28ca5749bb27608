"""What the first workflow of a repository has found out, the second is built with; and its bill comes to its entry."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from runner.budget.ledger import Ledger
from runner.knowledge import LEARNINGS, WORKFLOWS, entry_path
from runner.knowledge.entry_file import read as read_entry
from runner.model import RunId
from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture
from tests.stories.people import pasted
from tests.stories.test_modal import on_modal  # noqa: F401 - a fixture
from tests.stories.test_modal_faults import COMMIT, PACK, PACK_FILES
from tests.stories.test_modal_money import books  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from runner.database import Database
    from tests.modal.bed import ModalBed
    from tests.stories.people import People
    from tests.stories.served import Served

INDEX, COSTS = f"{WORKFLOWS}/README.md", f"{LEARNINGS}/cost-estimates.md"
NOTED = re.compile(r"^actual_cost: .*\n", re.MULTILINE)
SETTINGS = "environments:\n  production: null\nquality: {image: 0}\n"


def framing(width: int, **said: str) -> dict[str, Any]:
    """A picture with a frame, by a node of a pack; `said`: which commit of it."""

    def node(number: int, kind: str, inputs: list[Any], links: list[int], **more: Any) -> dict[str, Any]:
        slots = [{"name": name, "type": "IMAGE", "link": link} for name, link in inputs]
        outputs = [{"name": "IMAGE", "type": "IMAGE", "links": links}] if links else []
        return {"id": number, "type": kind, "inputs": slots, "outputs": outputs, "mode": 0, **more}

    return {
        "version": 0.4,
        "nodes": [
            node(1, "EmptyImage", [], [1], widgets_values=[width, 48, 1, 255]),
            node(2, "ImageFramed+", [("image", 1)], [2], properties={"aux_id": "cubiq/ComfyUI_essentials", **said}),
            node(3, "SaveImage", [("images", 2)], [], widgets_values=["framed"]),
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    }


def text(people: People, path: str, ref: str = "main") -> str:
    return base64.b64decode(people.do("alice", "GET", f"/contents/{path}?ref={ref}")["content"]).decode()


def opens(people: People, name: str, workflow: dict[str, Any]) -> dict[str, Any]:
    """The pull request of it."""
    people.opens_issue("bob", title=name.title(), body=f"---\nname: {name}\n---\n{pasted(workflow)}")
    return people.sees_ready_pull()


def merges(people: People, pull: dict[str, Any]) -> None:
    people.do("alice", "PUT", f"/pulls/{pull['number']}/merge", merge_method="squash")


def bills_come(books: Database, run: RunId) -> None:  # noqa: F811
    """The last of them, for all of a run: half of what was estimated."""
    ledger = Ledger(books, lambda: datetime.now(UTC))
    for line in ledger.state(run).lines:
        ledger.bill(run, line.key, (line.estimated or Decimal(0)) / 2)


@pytest.mark.long
def test_a_second_workflow_is_pinned_from_the_entry_of_the_first_and_its_bill_comes_to_its_entry(
    on_modal: Served,  # noqa: F811 - it is served
    people: People,
    modal_bed: ModalBed,  # noqa: F811
    books: Database,  # noqa: F811
) -> None:
    modal_bed.repositories[PACK] = PACK_FILES
    people.writes("alice", ".github/flowberth.yml", SETTINGS)
    first = opens(people, "frame", framing(64, ver=COMMIT))
    path = entry_path("frame")
    generated = text(people, path, first["head"]["ref"])
    assert "actual_cost" not in generated
    run = read_entry(generated.encode()).entry.run
    bills_come(books, RunId(run))
    merges(people, first)
    people.until(lambda: f'actual_cost: {{"run": "{run}", "build": ' in text(people, path))
    people.until(lambda: "`frame`" in text(people, INDEX))
    assert text(people, path).replace(NOTED.search(text(people, path))[0], "") == generated  # type: ignore[index]
    assert "`frame`" not in text(people, COSTS)  # of what was simulated nothing is learned

    # Somebody has tried it on a ComfyUI, and says so: what people write into an entry counts.
    believed = text(people, path).replace("simulated: true", "simulated: false").replace('"stand-in"', '"comfyui"')
    people.writes("alice", path, believed)
    second = opens(people, "border", framing(80))  # it says which pack, and nothing of a commit
    assert re.search(
        r"- ✓ pack `ComfyUI_essentials`: pinned from \[`?patterns/frame\.md`?\]\(\S+\), with which it has worked before",
        second["body"],
    ), second["body"]
    (pack,) = people.file("apps/modal/border/app.lock.json", second["head"]["ref"])["packs"]
    assert (pack["commit"], pack["source"]) == (COMMIT, "pinned from patterns/frame.md")
    merges(people, second)
    people.until(lambda: "`border`" in text(people, INDEX))
    assert text(people, path) == believed
    assert re.search(
        r"\[`frame`\]\(\S+\) \| \$\S+ → \$\S+ \| \$\S+ → \$\S+ \| \$\S+ → \$\S+ \| 50% \|", text(people, COSTS)
    )
