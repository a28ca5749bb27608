"""From an issue to production."""

from __future__ import annotations

import httpx


def test_an_issue_becomes_a_pull_request_that_is_deployed_again_reviewed_merged_and_put_into_production(
    served, people, forge
):
    issue = people.opens_issue("bob")
    pull = people.sees_ready_pull()
    print(people.bodies(issue))
    print(pull["body"])
    print(people.checks(pull["head"]["sha"]))
    print(people.deployments())
    assert pull["head"]["ref"] == "flowberth/tile"
