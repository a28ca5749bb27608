"""Webhooks that come twice, too late, in the wrong order or not at all; and those that we cause ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.forge.webhooks import Delivery


def sent(people, event: str, action: str) -> list[Delivery]:
    """Attempts to tell us of something in the repository, oldest first."""
    return [one for one in people.forge.deliveries(event, action) if one.repository_id == people.site.id]


def caused_by_us(people) -> list[Delivery]:
    return [
        one
        for one in list(people.forge.webhooks.deliveries)
        if one.repository_id == people.site.id and one.payload["sender"]["login"] == "flowberth[bot]"
    ]


def test_an_event_that_comes_twice_is_one_run_and_what_we_do_ourselves_starts_nothing(town):
    people = town.people()
    town.forge.faults.delivery("issues.opened", "duplicate")
    town.forge.faults.delivery("issue_comment.created", "duplicate")
    issue = people.opens_issue("bob")
    people.comments("bob", issue, "/status")
    pull = people.sees_ready_pull()
    town.rests()
    (opened,) = sent(people, "issues", "opened")
    town.forge.webhooks.redeliver(opened)
    town.rests()
    assert [(name, state) for name, state, _ in town.runs(people)] == [("tile", "succeeded")]
    assert len(people.pulls("all")) == 1
    assert len(people.bodies(issue)) == 2
    assert people.bodies(pull["number"]) == []

    # The pull request, the comments and the labels were ours: GitHub has told us of each, and nothing came of it.
    ours = {(one.event, one.action): one for one in caused_by_us(people)}
    assert {("issue_comment", "created"), ("issues", "labeled"), ("pull_request", "opened")} <= ours.keys()
    for one in ours.values():
        town.forge.webhooks.redeliver(one)
    count = len(caused_by_us(people))
    town.rests()
    assert len(caused_by_us(people)) == count
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
