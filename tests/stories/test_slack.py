"""From a file in a channel to a pull request, with nothing but Slack and GitHub to look at."""

from __future__ import annotations

import json

import pytest

from tests.github_app.workflows import GRAPH
from tests.slack.standin import ANN, texts


@pytest.mark.long
def test_a_workflow_put_into_a_channel_becomes_a_pull_request_and_one_message_tells_of_it(town):
    people, slack = town.people("acme/site"), town.slack
    file = slack.uploads(ANN, "tile <!channel>.json", json.dumps(GRAPH).encode())
    event = slack.told_by_message(file)
    for told in (event, slack.told_by_share(file), event):  # and once more, as after an answer that was lost
        assert slack.sends(told).status_code == 200

    pull = people.sees_ready_pull()
    (issue,) = people.do("alice", "GET", "/issues?state=all&creator=flowberth[bot]")[-1:]
    assert issue["title"] == "Deploy: tile <!channel>"
    assert f"Closes #{issue['number']}." in pull["body"]

    people.until(lambda: len(slack.ours()) == 3)
    call, answer, message = sorted(slack.ours(), key=lambda each: each["text"])  # whichever was said first
    assert {each["thread_ts"] for each in (answer, message, call)} == {file.shares["C0FFICE01"]}
    assert answer["text"] == f"<{issue['html_url']}|acme/site#{issue['number']}> is under way."
    assert message["text"] == "Simulated: tile-channel is ready for review (acme/site)"
    assert message["edited"] > 0
    assert "Tile channel" in texts(message["blocks"])
    buttons = [button for block in message["blocks"] if block["type"] == "actions" for button in block["elements"]]
    ((_, _, preview),) = people.deployments()
    assert [(button["text"]["text"], button["url"]) for button in buttons] == [
        ("Endpoint", preview), (f"Pull request {pull['number']}", pull["html_url"])
    ]  # fmt: skip
    assert call["text"] == f"<@{ANN}> tile-channel is ready for review."
