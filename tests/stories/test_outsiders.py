"""People without write permission, pull requests from forks, and other bots: what they may set in motion."""

from __future__ import annotations

import copy

from inline_snapshot import snapshot

from tests.github_app.workflows import GRAPH
from tests.stories.people import pasted
from tests.stories.reading import read


def tile_of(width: int) -> dict:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"][0]["widgets_values"][0] = width
    return graph


def test_a_strangers_workflow_runs_when_a_maintainer_has_approved_what_was_shown(town):
    people = town.people()
    issue = people.opens_issue("mallory", body=pasted(tile_of(80)))
    shown = people.until(lambda: people.bodies(issue))
    assert [read(body) for body in shown] == snapshot(
        [
            """\
### ○ `tile` waits for approval

Thank you, mallory. You have no write permission here, so nothing runs before a maintainer has looked at it.

**For maintainers:** answer `/approve` to deploy and test it. On Modal an attempt would cost $0.04 at most (estimate); on the local target nothing is spent. The whole run stays below $20.00. Close the issue if it is not wanted.

| | |
|---|---|
| Workflow | `Tile`, 3 nodes |
| ComfyUI | 0.3.64 |
| Hardware | no GPU, $0.0… a second |
| Code of others | none |
| Models | 0 |


An approval is for exactly this, and not for what the issue may hold later:

- `Tile.json`, fingerprint `SHA256`
"""
        ]
    )

    people.comments("mallory", issue, "/approve")
    people.until(lambda: len(people.bodies(issue)) == 2)
    assert read(people.bodies(issue)[1]) == snapshot(
        "mallory, nothing was done: commands take write permission for this repository, and you have read permission. Somebody who has it can give the same command.\n"
    )

    # The server does not hear of the edit: only the approval makes it look.
    town.forge.faults.delivery("issues.edited", "drop")
    people.do("mallory", "PATCH", f"/issues/{issue}", body="---\ngpu: B200\n---\n" + pasted(tile_of(80)))
    people.comments("alice", issue, "/approve")
    people.until(lambda: len(people.bodies(issue)) == 3)
    assert read(people.bodies(issue)[2]) == snapshot("""\
That cannot be done: the issue has changed since its workflow was last shown; look at it now, and approve again.

`/help` lists what can.\
""")
    assert "B200" in people.bodies(issue)[0]
    assert "B200" not in shown[0]
    people.do("mallory", "PATCH", f"/issues/{issue}", body=pasted(tile_of(96)))
    people.until(lambda: "B200" not in people.bodies(issue)[0])
    people.do("alice", "POST", f"/issues/{issue}/labels", labels=["workflow"])  # which approves nothing
    town.rests()
    assert town.runs(people) == []

    people.until(lambda: town.forge.now() > people.commented(issue)[0]["updated_at"])
    people.comments("alice", issue, "/approve")
    people.until(lambda: town.runs(people))
    people.comments("bob", issue, "/approve")
    pull = people.sees_ready_pull()
    town.rests()
    assert town.runs(people) == [("tile", "succeeded", None)]
    prompt = people.file("apps/modal/tile/workflow.json", pull["head"]["ref"])
    assert prompt == tile_of(96)
    assert [read(body) for body in people.bodies(issue)] == snapshot(
        [
            """\
✓ Approved by alice. That is for exactly this, and not for what the issue may hold later:

- `Tile.json`, fingerprint `SHA256`
""",
            "mallory, nothing was done: commands take write permission for this repository, and you have read permission. Somebody who has it can give the same command.\n",
            """\
That cannot be done: the issue has changed since its workflow was last shown; look at it now, and approve again.

`/help` lists what can.\
""",
            """\
### ✓ `tile` is ready for review

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

<details><summary>11 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Look up models and packs, N s
- ✓ Open a branch, N s
- ✓ Write the app, N s
- ✓ Open the draft, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Write it up, N s
- ✓ Bring the pull request up to date, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 2](https://github.com/acme/site/pull/2) · [Endpoint](http://127.0.0.1:PORT)

<sub>Run `run_ID` of `Tile`, asked for by alice. `/help` lists what you can ask for.</sub>
""",
        ]
    )
    assert people.labels(issue) == ["workflow", "flowberth:ready"]


def test_a_pull_request_from_a_fork_is_refused_kindly(town):
    people = town.people()
    fork = people.forks("mallory")
    fork.writes("mallory", "apps/modal/mine/workflow.json", "{}", branch="mine")
    pull = people.do("alice", "POST", "/pulls", title="Mine", head="mallory:mine", base="main")["number"]
    people.comments("bob", pull, "/deploy")
    people.until(lambda: people.bodies(pull))
    assert [read(body) for body in people.bodies(pull)] == snapshot(
        [
            "This pull request comes from a fork, `mallory:mine`, and what is in a fork is not deployed: it would run with this repository's account and keys. Thank you nevertheless. A maintainer who wants it can push its commits to a branch of this repository; or open an issue with the workflow, which a maintainer can approve.\n"
        ]
    )
    people.comments("mallory", pull, "/deploy")
    people.until(lambda: len(people.bodies(pull)) == 2)
    fork.writes("mallory", "apps/modal/mine/workflow.json", "{ }", branch="mine")
    people.do("alice", "PATCH", f"/pulls/{pull}", state="closed")
    town.rests()
    assert town.runs(people) == []
    assert len(people.bodies(pull)) == 2


def test_bots_are_not_answered(town):
    people = town.people()
    people.knows_bot("renovate[bot]", role="write")
    issue = people.opens_issue("renovate[bot]")
    people.comments("renovate[bot]", issue, "/deploy")
    people.comments("renovate[bot]", issue, "/hlep")
    town.rests()
    assert town.runs(people) == []
    assert people.bodies(issue) == []
    assert people.do("alice", "GET", f"/issues/{issue}/reactions") == []
