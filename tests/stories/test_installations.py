"""The App comes to an account, loses its rights there, and goes."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.forge.fixtures import ROLES
from tests.stories.people import People
from tests.stories.reading import read


def moves_in(town, owner: str, *, permissions=None, names=("site",)) -> tuple[list[People], object]:
    for name in names:
        town.forge.repository(f"{owner}/{name}", roles=ROLES)
    installation = town.forge.install(owner, permissions=permissions, tell=True)
    return [People(town.forge, f"{owner}/{name}") for name in names], installation


def welcomes(people: People) -> list[dict]:
    issues = people.do("alice", "GET", "/issues?state=all")
    return [issue for issue in issues if issue["user"]["login"] == "flowberth[bot]" and "pull_request" not in issue]


def begins(town, people: People) -> int:
    """A run that goes on; its issue."""
    issue = people.opens_issue("bob")
    people.until(people.pulls)
    return issue


def test_a_new_installation_is_welcomed_and_told_what_is_missing(town):
    (people,), _ = moves_in(town, "nova")
    (welcome,) = people.until(lambda: welcomes(people))
    assert [welcome["title"], read(welcome["body"])] == snapshot(
        [
            "Flowberth is installed",
            """\
Flowberth turns ComfyUI workflows into reviewed, tested, priced endpoints of `nova/site`. All is set up.

| | | |
|---|---|---|
| ✓ | Permissions | all that are needed |
| ✓ | Settings | the defaults, for there is no .github/flowberth.yml |
| ✓ | Issue form | none yet; with .github/ISSUE\\_TEMPLATE/deploy-a-workflow.yml people get a form to fill in |

## How it goes

1. [Open an issue](http://127.0.0.1:PORT/nova/site/issues/new) with a workflow: a file, a block of code, a gist or a path in this repository.
2. A pull request comes back: an app, deployed to `local`, tested, with what a call costs.
3. Review it and merge it, and it is in production. `/deploy` in a comment deploys what you have changed.

A run stays below $20.00, unless `.github/flowberth.yml` says otherwise; nothing is spent on the local target. Only people with write permission can start one; others wait for your `/approve`.

Close this issue when you have read it. `/help` in a comment lists all commands.
""",
        ]
    )
    less = dict(town.forge.permissions) | {"checks": "read"}
    del less["deployments"]
    (poor,), _ = moves_in(town, "poor", permissions=less)
    (welcome,) = poor.until(lambda: welcomes(poor))
    assert read(welcome["body"]).splitlines()[:8] == snapshot(
        [
            "Flowberth turns ComfyUI workflows into reviewed, tested, priced endpoints of `poor/site`. Something is still to be done:",
            "",
            "| | | |",
            "|---|---|---|",
            "| ✗ | Permissions | accept the new permissions of the App: checks, deployments |",
            "| ✓ | Settings | the defaults, for there is no .github/flowberth.yml |",
            "| ✓ | Issue form | none yet; with .github/ISSUE\\_TEMPLATE/deploy-a-workflow.yml people get a form to fill in |",
            "",
        ]
    )

    # With so little a run ends in words, where it can.
    issue = poor.opens_issue("bob")
    poor.until(lambda: poor.bodies(issue))
    town.rests()
    assert [(name, state) for name, state, _ in town.runs(poor)] == snapshot([("tile", "succeeded")])
    assert [read(body) for body in poor.bodies(issue)] == snapshot(
        [
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

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 3](http://127.0.0.1:PORT/poor/site/pull/3) · [Endpoint](http://127.0.0.1:PORT)

> Not all of this can be shown where it belongs:
> - GitHub does not allow it: Resource not accessible by integration (403 on POST /api/v3/repos/poor/site/check-runs)
> - GitHub does not allow it: Resource not accessible by integration (403 on POST /api/v3/repos/poor/site/deployments)

<sub>Run `run_ID` of `Tile`, asked for by bob. `/help` lists what you can ask for.</sub>
"""
        ]
    )

    created = town.forge.deliveries("installation", "created")
    for one in created:
        town.forge.webhooks.redeliver(one)
    town.rests()
    assert [len(welcomes(one)) for one in (people, poor)] == [1, 1]


@pytest.mark.parametrize(
    "how",
    ["uninstalled", *(pytest.param(how, marks=[pytest.mark.long]) for how in ("suspended", "deselected", "archived"))],
)
def test_where_the_app_is_no_more_runs_end_and_nothing_is_written(town, how):
    (people, other), installation = moves_in(town, f"lost-{how}", names=("site", "other"))
    people.until(lambda: welcomes(people) and welcomes(other))
    begins(town, people)
    match how:
        case "uninstalled":
            town.forge.uninstall(installation)
        case "suspended":
            town.forge.suspend(installation)
        case "archived":
            people.do("alice", "PATCH", "", archived=True)
            town.forge.emit(people.site, "repository", "archived", town.forge.account("alice"))
            town.rests()
            people.site.archived = False
            assert [(name, state) for name, state, _ in town.runs(people)] == [("tile", "cancelled")]
            return
        case _:
            town.forge.select(installation, {other.full_name})
    town.rests()
    assert [(name, state) for name, state, _ in town.runs(people)] == [("tile", "cancelled")]
    before = len(town.forge.log)
    issue = people.opens_issue("bob", title="Another")
    people.comments("bob", issue, "/deploy")
    town.rests()
    assert [(one.method, one.path) for one in town.forge.log[before:] if one.actor == "flowberth[bot]"] == []
    assert people.bodies(issue) == []

    if how == "suspended":
        town.forge.unsuspend(installation)
        people.comments("bob", issue, "/deploy")
        people.sees_ready_pull()
        town.rests()
