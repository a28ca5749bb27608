"""From what people do in a channel to issues and runs."""

from __future__ import annotations

import json

from tests.github_app.workflows import GRAPH
from tests.slack.standin import ANN

TILE = json.dumps(GRAPH).encode()


def issues(forge):
    return forge.client("alice").get("/repos/acme/site/issues?state=all").json()


def test_a_file_becomes_an_issue_and_a_run_once_however_often_it_is_told(desk, slack, forge):
    file = slack.uploads(ANN, "tile.json", TILE)
    for event in (slack.told_by_share(file), slack.told_by_message(file), slack.told_by_share(file)):
        assert desk.handles(event) == [True]
    (issue,) = issues(forge)
    assert issue["title"] == "Deploy: tile"
    (record,) = desk.records.newest(5)
    request = desk.records.request(record.id)
    assert (record.name, request.origin.sender, request.origin.issue) == ("tile", "alice", issue["number"])
    assert json.loads(request.workflow) == GRAPH
    (answer,) = slack.ours()
    assert answer["text"] == f"<{issue['html_url']}|acme/site#{issue['number']}> is under way."
    assert answer["thread_ts"] == file.shares["C0FFICE01"]
