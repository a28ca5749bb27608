"""From an issue to production."""

from __future__ import annotations

import httpx


def generate(endpoint: str) -> int:
    """What an app answers, asked as its users do."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.post(f"{endpoint}/generate", json={}).status_code


def test_an_issue_becomes_a_pull_request_that_is_deployed_again_reviewed_merged_and_put_into_production(town):
    people = town.people()
    issue = people.opens_issue("bob")
    pull = people.sees_ready_pull()
    number = pull["number"]
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == ("flowberth/tile", "main", "Add tile")
    assert f"Closes #{issue}." in pull["body"]
    assert people.labels(issue) == people.labels(number) == ["flowberth:ready"]
    people.until(lambda: [one.splitlines()[1] for one in people.bodies(issue)] == ["### ✓ `tile` is ready for review"])
    assert [(check["status"], check["conclusion"]) for check in people.checks(pull["head"]["sha"])] == [
        ("completed", "success")
    ]
    ((environment, state, preview),) = people.deployments()
    assert (environment, state, generate(preview)) == ("preview: tile", "success", 200)

    people.comments("alice", number, "/deploy --gpu L4")
    people.until(lambda: [one[1] for one in people.deployments()] == ["inactive", "success"])  # its place was taken
    pull = people.until(lambda: (now := people.sees_ready_pull())["head"]["sha"] != pull["head"]["sha"] and now)
    lock = people.do("alice", "GET", f"/contents/apps/modal/tile/app.lock.json?ref={pull['head']['sha']}")
    assert lock["type"] == "file"

    people.do("alice", "POST", f"/pulls/{number}/reviews", event="APPROVE")
    people.do("alice", "PUT", f"/pulls/{number}/merge", merge_method="squash")
    production = people.until(
        lambda: next((one for one in people.deployments() if one[:2] == ("production: tile", "success")), None)
    )
    assert generate(production[2]) == 200
    people.until(lambda: ", asked for by alice, approved by alice." in people.bodies(number)[-1])
    assert [one[1] for one in people.deployments() if one[0] == "preview: tile"] == ["inactive", "inactive"]
    assert people.do("alice", "GET", f"/issues/{issue}")["state"] == "closed"
    assert [ref["ref"] for ref in people.do("alice", "GET", "/git/matching-refs/heads/flowberth")] == []
    tags = people.until(lambda: people.do("alice", "GET", "/git/matching-refs/tags/tile"))
    assert [tag["ref"] for tag in tags] == ["refs/tags/tile/v1"]
