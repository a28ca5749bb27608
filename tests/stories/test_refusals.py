"""GitHub says no, or not now."""

from __future__ import annotations

import pytest

from tests.stories.test_edits import write


@pytest.mark.long
def test_a_rule_that_wants_signed_commits_is_explained_and_followed(town):
    people = town.people()
    people.do(
        "alice",
        "POST",
        "/rulesets",
        name="signed",
        target="branch",
        enforcement="active",
        conditions={"ref_name": {"include": ["refs/heads/flowberth/**"], "exclude": []}},
        rules=[{"type": "required_signatures"}],
    )
    issue = people.opens_issue("bob")
    refused = people.until(lambda: next((body for body in people.bodies(issue) if "failed" in body), None))
    assert "signatures" in refused
    assert "verified\\_commits: true" in refused
    assert people.pulls("all") == []
    people.until(lambda: people.labels(issue) == ["flowberth:failed"])

    write(people, "alice", ".github/flowberth.yml", "verified_commits: true\n", branch="main")
    people.comments("bob", issue, "/retry")
    pull = people.sees_ready_pull()
    commits = people.do("alice", "GET", f"/pulls/{pull['number']}/commits")
    assert [commit["commit"]["verification"]["verified"] for commit in commits] == [True] * 3


@pytest.mark.long
def test_tokens_that_end_early_limits_and_failures_of_github_are_lived_through(served, people, forge):
    forge.tokens.lifetime_seconds = 2  # the forge says an hour
    forge.faults.request("POST /repos/acme/site/issues/1/comments", kind="error-after")
    forge.faults.request("POST /repos/acme/site/pulls", kind="error-after")
    forge.faults.request("POST /repos/acme/site/check-runs", kind="secondary-limit", seconds=3)
    forge.faults.request("POST /repos/acme/site/deployments", kind="error", times=2)
    issue = people.opens_issue("bob")
    pull = people.sees_ready_pull()
    people.until(lambda: [one[:2] for one in people.deployments()] == [("preview: tile", "success")])
    assert len(people.pulls("all")) == 1
    assert len(people.bodies(issue)) == 1
    assert [check["conclusion"] for check in people.checks(pull["head"]["sha"])] == ["success"]
    assert all(fault.struck for fault in forge.faults.requests)


def test_cancelled_while_it_runs_nothing_is_left(town):
    people = town.people()
    issue = people.opens_issue("bob")
    people.until(people.pulls)
    people.comments("alice", issue, "/cancel")
    said = people.until(lambda: next((body for body in people.bodies(issue) if "cancelled" in body), None))
    assert "alice" in said
    pull = people.pulls()[0]
    people.until(lambda: [check["conclusion"] for check in people.checks(pull["head"]["sha"])] == ["cancelled"])
    people.until(lambda: all(one[1] == "inactive" for one in people.deployments()))
    people.until(lambda: people.labels(issue) == [])
    assert pull["draft"]
    people.comments("alice", pull["number"], "/deploy")
    people.sees_ready_pull()
