"""Pull requests that are open at the same time teach the knowledge base of their repository what they have learned."""

from __future__ import annotations

import base64
import copy

import pytest

from runner.knowledge import LEARNINGS, WORKFLOWS
from runner.knowledge.refresh import BRANCH
from tests.github_app.workflows import GRAPH
from tests.stories.people import pasted

SETTINGS = {".github/flowberth.yml": "environments:\n  production: null\nquality: {image: 0}\n"}


def opens(people, name: str, width: int) -> None:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"][0]["widgets_values"][0] = width
    people.opens_issue("bob", body=f"---\nname: {name}\n---\n" + pasted(graph))


def text(people, path: str, ref: str = "main") -> str:
    return base64.b64decode(people.do("alice", "GET", f"/contents/{path}?ref={ref}")["content"]).decode()


@pytest.mark.long
def test_two_pull_requests_at_once_are_both_merged_and_summed_up(town):
    people = town.people("acme/learns", files=SETTINGS)
    opens(people, "brick", 64)
    opens(people, "tile", 96)
    people.sees_ready_pull(2)
    for pull in people.pulls():
        assert people.do("alice", "GET", f"/pulls/{pull['number']}")["mergeable"] in {True, None}
        people.do("alice", "PUT", f"/pulls/{pull['number']}/merge", merge_method="squash")
    town.rests()
    index = text(people, f"{WORKFLOWS}/README.md")
    assert [line.split(" | ")[0] for line in index.splitlines() if "patterns/" in line and line.startswith("|")] == [
        "| [`brick`](patterns/brick.md)",
        "| [`tile`](patterns/tile.md)",
    ]
    assert "simulated" in index
    assert "brick" not in text(people, f"{LEARNINGS}/performance-metrics.md")  # nothing is learned from a simulation
    assert people.pulls() == []


@pytest.mark.long
def test_where_the_base_is_protected_a_pull_request_has_the_sums_and_nothing_else_is_held_up(town):
    people = town.people("acme/strict", files=SETTINGS)
    opens(people, "brick", 64)
    opens(people, "tile", 96)
    people.sees_ready_pull(2)
    people.do(
        "alice", "PUT", "/branches/main/protection",
        required_pull_request_reviews={"required_approving_review_count": 0},
        required_status_checks=None, enforce_admins=True, restrictions=None,
    )  # fmt: skip
    for pull in people.pulls():
        people.do("alice", "PUT", f"/pulls/{pull['number']}/merge", merge_method="squash")
    town.rests()
    (pull,) = people.pulls()
    assert (pull["head"]["ref"], pull["title"]) == (BRANCH, "Bring the knowledge base up to date")
    index = text(people, f"{WORKFLOWS}/README.md", BRANCH)
    assert ("`brick`" in index, "`tile`" in index) == (True, True)
    people.do("alice", "PUT", f"/pulls/{pull['number']}/merge", merge_method="squash")
    town.rests()
    assert people.pulls() == []
    assert text(people, f"{WORKFLOWS}/README.md") == index
    assert town.failures() == []
