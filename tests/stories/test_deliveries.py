"""Webhooks that come twice, too late, in the wrong order or not at all; and those that we cause ourselves."""

from __future__ import annotations


def by_us(town) -> int:
    return sum(
        one.payload["sender"]["login"] == "flowberth[bot]"
        for one in list(town.forge.webhooks.deliveries)
        if "sender" in one.payload
    )


def test_an_event_that_comes_twice_is_one_run_and_what_we_do_ourselves_starts_nothing(town):
    people = town.people()
    town.forge.faults.delivery("issues.opened", "duplicate")
    town.forge.faults.delivery("issue_comment.created", "duplicate")
    issue = people.opens_issue("bob")
    people.comments("bob", issue, "/status")
    pull = people.sees_ready_pull()
    town.rests()
    (opened,) = {one.guid: one for one in town.forge.deliveries("issues", "opened")}.values()
    town.forge.webhooks.redeliver(opened)
    town.rests()
    assert [(name, state) for name, state, _ in town.runs(people)] == [("tile", "succeeded")]
    assert len(people.pulls("all")) == 1
    assert len(people.bodies(issue)) == 2
    assert people.bodies(pull["number"]) == []

    # The pull request, the comments and the labels were ours: GitHub has told us of each, and nothing came of it.
    assert by_us(town) > 5
    for event, action in (("issue_comment", "created"), ("issues", "labeled"), ("pull_request", "opened")):
        ours = [
            one for one in town.forge.deliveries(event, action) if one.payload["sender"]["login"] == "flowberth[bot]"
        ]
        assert ours
        town.forge.webhooks.redeliver(ours[0])
    count = by_us(town)
    town.rests()
    assert by_us(town) == count
    assert len(town.runs(people)) == 1


def test_what_was_missed_is_fetched_and_what_comes_out_of_order_is_judged_by_how_things_are(town):
    people = town.people()
    # Closed and edited before the server heard that it was opened.
    town.forge.faults.delivery("issues.opened", "reorder")
    late = people.opens_issue("bob", title="Late")
    people.do("bob", "PATCH", f"/issues/{late}", state="closed")
    town.rests()
    assert town.runs(people) == []
    assert people.bodies(late) == []

    town.served.kill()
    town.forge.hook_url = None
    issue = people.opens_issue("bob")
    people.comments("dave", issue, "/deploy")
    town.served.start()
    people.sees_ready_pull()
    town.rests()
    assert [(name, state) for name, state, _ in town.runs(people)] == [("tile", "succeeded")]
    assert len(people.bodies(issue)) == 2  # the run's, and the refusal
