"""People ask for variations on a pull request, look at them, and take one."""

from __future__ import annotations

import base64
import re

import pytest
from inline_snapshot import snapshot

from tests.stories.reading import read

BRANCH = "flowberth/tile"
APP = "apps/modal/tile"
SETTINGS = {".github/flowberth.yml": "quality: {image: 0}\n"}
"""A tile has one colour, which is worth little."""


def without_the_quickest(told: str) -> str:
    """All are as good, so that the clock decides."""
    told = re.sub(r"Recommended: \d|/adopt \d", lambda found: f"{found[0][:-1]}N", told)
    return re.sub(r"\| \*\*(\d)\*\* \|(.*)\| recommended \|", r"| \1 |\2|  |", told)


def answered(people, number: int, who: str, words: str) -> str:
    """What the comment is answered at first."""
    before = len(people.bodies(number))
    people.comments(who, number, words)
    people.until(lambda: len(people.bodies(number)) > before)
    return read(people.bodies(number)[-1])


@pytest.mark.long
def test_a_grid_is_asked_for_looked_at_and_one_of_it_becomes_the_default(town):
    people = town.people(files=SETTINGS)
    people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]
    town.rests()
    tested = people.pulls()[0]["head"]["sha"]

    refused = answered(people, number, "bob", "/vary widht=64,96")
    assert refused.startswith("That cannot be done: the app has no input widht; it has ")
    assert "did you mean width?" in refused
    stranger = answered(people, number, "mallory", "/vary width=64,96")
    assert "write" in stranger

    people.comments("bob", number, "/vary width=64,96 height=48,64")
    town.rests()
    told = without_the_quickest(read(people.bodies(number)[-1]))
    assert told == snapshot("""\
### ✓ `tile` has variations to choose from

4 variations (2 width × 2 height), about N s (N s a call as last tested, longer or shorter with width and height); nothing is spent on the local target. One after the other, as `scaling` in the lock has it.

> **Simulated.** The stand-in engine answered, not ComfyUI: times, costs and pictures say nothing of the workflow.

![Contact sheet](https://github.com/acme/site/blob/COMMIT/apps/modal/tile/variations/sheet.jpg?raw=true)

**Recommended: N**, the best score, N of 10, and the cheapest of 4 that are as good (N s, $0.0…). `/adopt N` makes it the default.

|  | `width` | `height` | time | cost | score |  |
| --- | --- | --- | --- | --- | --- | --- |
| 1 | `64` | `48` | N s | $0.0… | 2.2 |  |
| 2 | `64` | `64` | N s | $0.0… | 2.2 |  |
| 3 | `96` | `48` | N s | $0.0… | 2.2 |  |
| 4 | `96` | `64` | N s | $0.0… | 2.2 |  |

<details><summary>6 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Open a branch, N s
- ✓ Deploy, N s
- ✓ Make the variations, N s
- ✓ Write it up, N s
- ✓ Clean up, N s

</details>

nothing is spent on the local target · [Endpoint](http://127.0.0.1:PORT)

<sub>Run `run_ID` of `Tile`, asked for by bob. `/help` lists what you can ask for.</sub>
""")
    head = people.pulls()[0]["head"]["sha"]
    assert head != tested
    assert [(check["name"], check["conclusion"]) for check in people.checks(head)] == [("flowberth / tile", "success")]
    assert people.labels(number) == ["flowberth:ready"]
    sheet = people.do("alice", "GET", f"/contents/{APP}/variations/sheet.jpg?ref={BRANCH}")
    assert base64.b64decode(sheet["content"])[:2] == b"\xff\xd8"
    kept = people.file(f"{APP}/variations/variations.json", BRANCH)
    assert [cell["inputs"] for cell in kept["variations"]["cells"]] == [
        {"width": width, "height": height} for width in (64, 96) for height in (48, 64)
    ]

    assert "there is no variation 9; there are 1 to 4" in answered(people, number, "bob", "/adopt 9")
    adopting = answered(people, number, "bob", "/adopt 4")
    assert adopting == snapshot("""\
Variation 4 becomes the default of the app:

| input | before | now |
|---|---|---|
| `width` | `64` | `96` |
| `height` | `48` | `64` |

It goes into `app.lock.json`, and prompt and interface follow. What comes of it is deployed and tested; the comment of that run tells.
""")
    town.rests()
    lock = people.file(f"{APP}/app.lock.json", BRANCH)
    assert {(one["input"], one["value"]) for one in lock["inputs"]} == {("width", 96), ("height", 64)}
    properties = people.file(f"{APP}/interface.json", BRANCH)["properties"]
    assert (properties["width"]["default"], properties["height"]["default"]) == (96, 64)
    assert town.runs(people)[-1] == ("tile", "succeeded", None)
    again = answered(people, number, "bob", "/adopt 4")
    assert "the app's defaults are those of variation 4 already" in again


@pytest.mark.long
def test_a_grid_that_is_tried_again_is_not_made_again(town):
    people = town.people(files=SETTINGS)
    people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]
    town.rests()
    people.comments("bob", number, "/vary width=64,96")
    town.rests()
    first = people.file(f"{APP}/variations/variations.json", BRANCH)
    people.comments("bob", number, "/retry")
    town.rests()
    assert "of which 2 are kept from the run before: nothing is left to make." in people.bodies(number)[-1]
    second = people.file(f"{APP}/variations/variations.json", BRANCH)
    assert second["run"] != first["run"]
    assert second["variations"]["cells"] == first["variations"]["cells"]
    assert town.runs(people)[-1] == ("tile", "succeeded", None)


@pytest.mark.long
def test_variations_end_nothing_that_is_under_way(town):
    people = town.people(files=SETTINGS)
    issue = people.opens_issue("bob")
    assert "there is no app on an issue yet" in answered(people, issue, "bob", "/vary width=1..4")
    number = people.sees_ready_pull()["number"]
    town.rests()
    people.comments("bob", number, "/deploy\n/vary width=64,96")
    people.until(lambda: any("ask again when that has ended" in body for body in people.bodies(number)))
    town.rests()
    assert {(state, reason) for _, state, reason in town.runs(people)} == {("succeeded", None)}
