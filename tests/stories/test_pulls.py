"""Pull requests that are closed, reopened, merged again and rolled back, and issues that are closed while runs go on."""

from __future__ import annotations

import copy

import pytest
from inline_snapshot import snapshot

from tests.github_app.workflows import GRAPH
from tests.stories.people import pasted
from tests.stories.reading import read


@pytest.mark.long
def test_closed_without_a_merge_everything_is_stopped_and_a_reopened_one_can_be_deployed(town):
    people = town.people()
    issue = people.opens_issue("bob")
    number = people.sees_ready_pull()["number"]
    people.do("alice", "PATCH", f"/pulls/{number}", state="closed")
    people.until(lambda: people.bodies(number))
    town.rests()
    assert [read(body) for body in people.bodies(number)] == snapshot(
        [
            "Closed without a merge. Stopped: `tile`. The branch is still there: reopen the pull request and write `/deploy` to go on."
        ]
    )
    assert [one[:2] for one in people.deployments()] == [("preview: tile", "inactive")]
    people.comments("alice", number, "/deploy")
    people.until(lambda: len(people.bodies(number)) == 2)
    assert read(people.bodies(number)[1]) == snapshot("""\
That cannot be done: the pull request is closed; reopen it first.

`/help` lists what can.\
""")

    people.do("alice", "PATCH", f"/pulls/{number}", state="open")
    people.comments("alice", number, "/deploy")
    people.until(lambda: [one[1] for one in people.deployments()] == ["inactive", "success"])
    town.rests()
    assert [read(body).splitlines()[0] for body in people.bodies(number)] == snapshot(
        ["That cannot be done: the pull request is closed; reopen it first.", "### ✓ `tile` is ready again"]
    )

    # And an issue that is closed while a run goes on.
    people.comments("alice", number, "/deploy")
    people.until(lambda: town.runs(people)[-1][1] == "running")
    people.do("alice", "PATCH", f"/issues/{issue}", state="closed")
    town.rests()
    assert town.runs(people)[-1] == snapshot(("tile", "cancelled", "the issue was closed by alice"))
    assert people.pulls()


@pytest.mark.long
def test_two_versions_go_to_production_and_the_first_comes_back(town):
    people = town.people()
    numbers, commits = [], []
    for width in (64, 96):
        graph = copy.deepcopy(GRAPH)
        graph["nodes"][0]["widgets_values"][0] = width
        people.opens_issue("bob", body="---\nname: tile\n---\n" + pasted(graph))
        number = people.sees_ready_pull()["number"]
        merged = people.do("alice", "PUT", f"/pulls/{number}/merge", merge_method="squash")
        town.rests()
        numbers.append(number)
        commits.append(merged["sha"])
    tags = people.do("alice", "GET", "/git/matching-refs/tags/tile")
    assert [(tag["ref"], tag["object"]["sha"]) for tag in tags] == [
        ("refs/tags/tile/v1", commits[0]),
        ("refs/tags/tile/v2", commits[1]),
    ]
    people.comments("alice", numbers[1], "/rollback v7")
    people.until(lambda: len(people.bodies(numbers[1])) == 2)
    people.comments("alice", numbers[1], "/rollback")
    # What is replaced is stopped after the run has ended that replaces it.
    production = ["inactive", "inactive", "success"]
    people.until(lambda: [one[1] for one in people.deployments() if one[0] == "production: tile"] == production)
    people.until(lambda: "was in production" in people.bodies(numbers[1])[0])
    town.rests()
    newest = people.do("alice", "GET", "/deployments")[0]
    assert (newest["environment"], newest["sha"]) == ("production: tile", commits[0])
    assert len(people.do("alice", "GET", "/git/matching-refs/tags/tile")) == 2
    assert [read(body) for body in people.bodies(numbers[0])] == snapshot(
        [
            """\
### ✓ `tile` was in production

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

What it had deployed is stopped.

<details><summary>6 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Check out the commit, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · commit `COMMIT`

<sub>Run `run_ID` of `Tile`, asked for by alice. `/help` lists what you can ask for.</sub>
"""
        ]
    )
    assert [read(body) for body in people.bodies(numbers[1])] == snapshot(
        [
            """\
### ✓ `tile` was in production

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

What it had deployed is stopped.

<details><summary>6 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Check out the commit, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · commit `COMMIT`

<sub>Run `run_ID` of `Tile`, asked for by alice. `/help` lists what you can ask for.</sub>
""",
            """\
That cannot be done: v7 is no version of tile; in production there was tile/v2 (COMMIT), tile/v1 (COMMIT).

`/help` lists what can.\
""",
            """\
### ✓ `tile` is in production

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

<details><summary>6 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Check out the commit, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · commit `COMMIT` · [Endpoint](http://127.0.0.1:PORT)

<sub>Run `run_ID` of `Tile`, asked for by alice. `/help` lists what you can ask for.</sub>
""",
        ]
    )
