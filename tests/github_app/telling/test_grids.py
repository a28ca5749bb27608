"""What people read of variations, whole; and that nothing of what strangers wrote becomes more than words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from inline_snapshot import snapshot

from codegen.lock_changes import SetInput
from github_app.telling import pages
from github_app.telling.pages.page import MAX_BODY
from github_app.telling.view import RunView, ShownState
from runner.model import RunId
from runner.variations.adopting import Adoption, Change
from runner.variations.choosing import recommend
from runner.variations.model import AdoptRequest, Axis, CellResult, Estimate, Grid, Variations
from tests.documents.test_documents import HOSTILE, active

GRID = Grid(
    axes=(
        Axis(name="steps", values=(20, 30)),
        Axis(name="prompt", values=("a fox", "a fox | asleep")),
        Axis(name="cfg", values=(7.0,)),
    )
)
ESTIMATE = Estimate(
    cells=4, call_seconds=1.2, start_seconds=3, seconds=9, usd_per_second=0.0003, usd=0.0027, scaled_by=("steps",)
)
MADE = tuple(
    CellResult(number=cell.number, inputs=cell.inputs, state="made", seconds=1.5, usd=0.00045, score=6.0 + cell.number)
    for cell in GRID.cells[:2]
)
FAILED = CellResult(number=3, inputs=GRID.cells[2].inputs, state="failed", reason="POST /generate answered 500")
SHEET = "https://github.com/owner/name/blob/abc/apps/modal/poster/variations/sheet.jpg?raw=true"


def page(state: ShownState, variations: Variations, **more: Any) -> str:
    return pages.sticky(
        RunView(
            id=RunId("run_abc"),
            number=3,
            kind="vary",
            name="poster",
            state=state,
            target="modal",
            variations=variations,
            created_at=datetime(2026, 11, 21, tzinfo=UTC),
            planned=("analyse", "branch", "deploy", "vary", "document", "finish"),
            **more,
        )
    )


def test_what_it_will_take_is_told_before_anything_begins() -> None:
    assert page("queued", Variations(grid=GRID, estimate=ESTIMATE)).splitlines()[4] == snapshot(
        "4 variations (2 steps × 2 prompt), about 9 s and $0.0027 (1.20 s a call as last tested, longer or shorter with steps, $0.000300 a second). One after the other, as `scaling` in the lock has it."
    )
    assert page("queued", Variations(grid=GRID)).splitlines()[4] == snapshot(
        "4 variations (2 steps × 2 prompt), how long they take is not known: no test has measured a call yet. One after the other, as `scaling` in the lock has it."
    )


def test_a_grid_that_ran_out_of_money_is_told_with_what_there_is() -> None:
    known = Variations(
        grid=GRID,
        estimate=ESTIMATE,
        at_once=2,
        cells=(*MADE, FAILED),
        recommendation=recommend(MADE),
        sheet=SHEET,
        stopped="the limit is used up",
    )
    assert page("over-budget", known, reason="vary: the limit is used up") == snapshot("""\
### ✗ `poster` ran out of budget

4 variations (2 steps × 2 prompt), about 9 s and $0.0027 (1.20 s a call as last tested, longer or shorter with steps, $0.000300 a second). 2 at the same time.

![Contact sheet](https://github.com/owner/name/blob/abc/apps/modal/poster/variations/sheet.jpg?raw=true)

**Recommended: 2**, the best score, 8.0 of 10; the next one has 7.0 (1.50 s, $0.000450). `/adopt 2` makes it the default.

|  | `steps` | `prompt` | time | cost | score |  |
| --- | --- | --- | --- | --- | --- | --- |
| 1 | `20` | `a fox` | 1.50 s | $0.000450 | 7.0 |  |
| **2** | `20` | `a fox \\| asleep` | 1.50 s | $0.000450 | 8.0 | recommended |
| 3 | `30` | `a fox` | - | - | - | ✗ failed: POST /generate answered 500 |

In all of them: `cfg` `7`.

Not made: 1 of 4.

$0.00 spent (estimate)

vary: the limit is used up

Everything that it had deployed is stopped. `/retry` begins it again, with a budget of its own; `/deploy --budget N` says how much that is.

<sub>Run `run_abc` of `poster`. `/help` lists what you can ask for.</sub>
""")


def test_the_answer_to_adopt_says_what_changes_and_what_does_not() -> None:
    adoption = Adoption(
        request=AdoptRequest(number=3, changes=(SetInput(node="1", input="steps", value=30),)),
        changes=(Change(name="steps", before=20, after=30), Change(name="prompt", before=None, after="a | b")),
        seeds=("seed",),
    )
    assert pages.adopting(adoption, moved=True) == snapshot("""\
Variation 3 becomes the default of the app:

| input | before | now |
|---|---|---|
| `steps` | `20` | `30` |
| `prompt` | nothing | `a \\| b` |

`seed` has no default: who gives none gets a random one. To get this result again, give it with the call.

The app has changed since the variations were made, so that the result may be another one than on the sheet.

It goes into `app.lock.json`, and prompt and interface follow. What comes of it is deployed and tested; the comment of that run tells.
""")


def test_hostile_values_and_reasons_stay_words_and_the_largest_page_fits() -> None:
    grid = Grid(axes=(Axis(name="prompt", values=tuple(f"{number} {HOSTILE}" for number in range(64))),))
    cells = tuple(
        CellResult(
            number=cell.number,
            inputs=cell.inputs,
            state="failed" if cell.number % 2 else "made",
            reason=HOSTILE,
            flaw=HOSTILE,
        )
        for cell in grid.cells
    )
    shown = page("ready", Variations(grid=grid, cells=cells, sheet=f"javascript:{HOSTILE}"))
    assert len(shown.encode()) < MAX_BODY
    found = active(shown)
    assert {kind: found[kind] for kind in ("link", "image")} == {"link": set(), "image": set()}
    assert not any("img" in each or "octocat" in each for each in found["html"])
    assert shown.count("\n| ") >= 3
    change = Change(name="prompt", before=HOSTILE, after=HOSTILE)
    request = AdoptRequest(number=1, changes=(SetInput(node="1", input="x", value="y"),))
    answer = active(pages.adopting(Adoption(request=request, changes=(change,)), moved=False))
    assert (answer["link"], answer["image"], answer["html"]) == (set(), set(), set())
