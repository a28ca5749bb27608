"""Where workflows are found in issues, what their apps are called, and what is asked of people."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.github_app.workflows import GRAPH
from tests.stories.people import pasted
from tests.stories.reading import read


def tile_of(width: int) -> dict[str, Any]:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"][0]["widgets_values"][0] = width
    return graph


def without_output() -> dict[str, Any]:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"], graph["links"] = graph["nodes"][:2], graph["links"][:1]
    graph["nodes"][1]["outputs"][0]["links"] = []
    return graph


def of_unknown_class() -> dict[str, Any]:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"][1]["type"] = "SparkleInvert"
    return graph


def names(people) -> list[str]:
    return sorted(pull["head"]["ref"] for pull in people.pulls())


def states(town, people) -> list[tuple[str, str]]:
    return [(name, state) for name, state, _ in town.runs(people)]


def test_an_attachment_in_a_private_repository_cannot_be_read_and_a_pasted_workflow_can(town):
    people = town.people(private=True)
    url = town.forge.attach(people.full_name, "tile.json", json.dumps(GRAPH).encode())
    issue = people.opens_issue("bob", body=f"Here: [tile.json]({url})")
    people.until(lambda: people.bodies(issue))
    assert [read(body) for body in people.bodies(issue)] == snapshot(
        [
            """\
This could not be read:

- `tile.json`: it is not there, or not for apps: the answer is 404. In a private repository an App may not read attachments: paste the workflow's JSON into the issue between two lines of three backticks, or commit the file to this repository and write its path.

Edit the issue, and it is read again. What always works is the workflow itself in a block of code:

````markdown
```json
{ …the workflow… }
```
````
"""
        ]
    )
    people.do("bob", "PATCH", f"/issues/{issue}", body=pasted())
    people.sees_ready_pull()
    town.rests()
    assert [read(body).splitlines()[0] for body in people.bodies(issue)] == snapshot(
        ["### ✓ `tile` is ready for review"]
    )
    assert states(town, people) == [("tile", "succeeded")]


@pytest.mark.long
def test_files_gists_and_paths_each_become_a_run_with_a_name_of_its_own(town):
    files = {"workflows/by-path.json": json.dumps(tile_of(96)), "workflows/useless.json": json.dumps(without_output())}
    people = town.people(files=files)
    attached = town.forge.attach(people.full_name, "attached.json", json.dumps(GRAPH).encode())
    gist = town.forge.gist("bob", {"of-a-gist.json": json.dumps(of_unknown_class())})
    body = f"[attached.json]({attached})\n\nhttps://gist.github.com/bob/{gist.id}\n\n`workflows/by-path.json`\n"
    body = f"`workflows/useless.json`\n\n{body}"
    body = body.replace("https://gist.github.com", f"{town.forge.web_url}/gist")
    issue = people.opens_issue("bob", title="Three of them", body=body)
    people.until(lambda: len([pull for pull in people.pulls() if not pull["draft"]]) == 2)
    town.rests()
    # One that wants people is what the issue's label says, however well the others went.
    assert people.labels(issue) == ["flowberth:needs-input"]
    assert sorted(people.labels(pull["number"]) for pull in people.pulls()) == [
        ["flowberth:needs-input"],
        ["flowberth:ready"],
        ["flowberth:ready"],
    ]
    assert names(people) == snapshot(["flowberth/attached", "flowberth/by-path", "flowberth/of-a-gist"])
    assert sorted(read(body).splitlines()[0] for body in people.bodies(issue)) == snapshot(
        [
            "### ? `of-a-gist` needs an answer",
            "### ✓ `attached` is ready for review",
            "### ✓ `by-path` is ready for review",
            "This could not be read:",
        ]
    )
    assert sum("`useless.json`: the workflow has no output node" in body for body in people.bodies(issue)) == 1
    assert [pull["body"].count(f"Closes #{issue}.") for pull in people.pulls()] == [0, 0, 0]  # one merge is not all


@pytest.mark.long
def test_issues_with_the_same_name_get_apps_of_their_own_and_an_edit_brings_the_same_pull_request_up_to_date(town):
    people = town.people()
    first = people.opens_issue("bob", title="Tile")
    people.until(lambda: town.runs(people))
    second = people.opens_issue("alice", title="Tile")
    people.until(lambda: len(names(people)) == 2)
    third = people.opens_issue("bob", title="Another", body="---\nname: tile\n---\n" + pasted())
    people.until(lambda: people.bodies(third))
    assert [read(body) for body in people.bodies(third)] == snapshot(
        [
            """\
That cannot be done: tile is the name of the app for #\u200b1; give another one in the issue.

`/help` lists what can.\
"""
        ]
    )
    people.until(lambda: len([pull for pull in people.pulls() if not pull["draft"]]) == 2)
    town.rests()
    assert names(people) == ["flowberth/tile", "flowberth/tile-2"]

    before = {pull["head"]["ref"]: pull["number"] for pull in people.pulls()}
    people.do("bob", "PATCH", f"/issues/{first}", body="Some more words.\n\n" + pasted())
    people.do("bob", "POST", f"/issues/{first}/labels", labels=["workflow"])
    people.do("bob", "PATCH", f"/issues/{first}", title="Tile!")
    town.rests()
    assert len(town.runs(people)) == 2
    people.do("bob", "PATCH", f"/issues/{first}", body=pasted(tile_of(96)))
    people.until(lambda: len(town.runs(people)) == 3)
    town.rests()
    assert {pull["head"]["ref"]: pull["number"] for pull in people.pulls()} == before
    assert people.file("apps/modal/tile/workflow.json", "flowberth/tile") == tile_of(96)
    assert people.file("apps/modal/tile-2/workflow.json", "flowberth/tile-2") == GRAPH
    people.do("alice", "PATCH", f"/issues/{second}", state="closed")


def test_what_cannot_run_is_told_and_what_is_not_known_is_asked(town):
    people = town.people()
    talk = people.opens_issue("bob", title="Hello", body='Some JSON:\n\n```json\n{"a": 1}\n```\n')
    useless = people.opens_issue("bob", title="Nothing comes out", body=pasted(without_output()))
    broken = people.opens_issue("bob", title="Broken", body=pasted()[:-30], labels=["workflow"])
    people.until(lambda: people.bodies(useless) and people.bodies(broken))
    asking = people.opens_issue("bob", title="Sparkle", body=pasted(of_unknown_class()))
    people.until(lambda: people.labels(asking) == ["flowberth:needs-input"])
    town.rests()
    assert people.bodies(talk) == []
    assert [read(body) for body in people.bodies(useless)] == snapshot(
        [
            """\
`Nothing comes out.json` cannot be deployed: the workflow has no output node; add one, such as Save Image, or un-mute it.

Put it right and edit the issue; that starts a run.\
"""
        ]
    )
    assert [read(body) for body in people.bodies(broken)] == snapshot(
        [
            """\
This was not understood:

- the JSON in the issue cannot be used: not JSON: Unterminated string starting at at line 1, column 854

Edit the issue, and it is read again. What always works is the workflow itself in a block of code:

````markdown
```json
{ …the workflow… }
```
````
"""
        ]
    )
    asked = [read(body) for body in people.bodies(asking)]
    assert asked == snapshot(
        [
            """\
### ? `sparkle` needs an answer

- ✓ Read the workflow, N s
- ✓ Look up models and packs, N s
- ✓ Open a branch, N s
- ✓ Write the app, N s
- ✓ Open the draft, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Find out why it failed, N s
- ✓ Clean up, N s

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 5](https://github.com/acme/site/pull/5) · [Endpoint](http://127.0.0.1:PORT)

There is something to look at in the pull request: 2 errors, 1 warning, 1 note.

preflight: nothing provides 'SparkleInvert'; ComfyUI refuses the prompt

**It cannot go on without an answer**

- Which pack has the node SparkleInvert?

Answer in a comment with a line for each, completed:

```
pack SparkleInvert = https://github.com/owner/repository
```

<sub>Run `run_ID` of `Sparkle`, asked for by bob. `/help` lists what you can ask for.</sub>
"""
        ]
    )

    people.comments("bob", asking, f"pack SparkleInvert = https://github.com/acme/sparkles@{'a' * 40}")
    people.until(lambda: len(town.runs(people)) == 2)
    town.rests()
    assert [state for _, state, _ in town.runs(people)] == ["failed", "failed"]  # the stand-in has no such node
    (pack,) = people.file("apps/modal/sparkle/app.lock.json", "flowberth/sparkle")["packs"]
    assert (pack["repository"], pack["commit"]) == ("https://github.com/acme/sparkles", "a" * 40)
    people.until(lambda: "### » `sparkle` gave way to a newer run\n" in people.bodies(asking)[0])
    before, told = people.bodies(asking)
    assert "SparkleInvert = " not in before
    assert read(told).splitlines()[0] == snapshot("### ✗ `sparkle` failed")
    assert "SparkleInvert = " not in told
    assert people.labels(asking) == ["flowberth:failed"]
