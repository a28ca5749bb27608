"""GitHub's limits: told to whoever asks, kept for all processes, waited for by nobody's thread."""

import time
from datetime import UTC, datetime

import pytest

from github_app.github.errors import Busy
from tests.forge.faults import Fault


def test_a_secondary_limit_stops_all_processes_and_is_over_when_github_said(forge, process, installed, site, issue):
    neighbour = process().installation(installed)
    other = neighbour.repository(neighbour.repository_named("acme/site"))
    other.issue(issue)
    forge.faults.requests.append(Fault("POST .*/comments$", "secondary-limit", seconds=3))
    began = time.monotonic()
    with pytest.raises(Busy) as busy:
        site.say(issue, "run:1", "Hello")
    assert time.monotonic() - began < 2  # nobody waits inside
    assert 1 < (busy.value.until - datetime.now(UTC)).total_seconds() <= 3

    asked = len(forge.log)
    for either in (site, other):
        with pytest.raises(Busy) as refused:
            either.issue(issue)
        assert refused.value.until == busy.value.until
        with pytest.raises(Busy):
            either.say(issue, "run:1", "Hello")
    assert len(forge.log) == asked  # GitHub was left in peace

    def is_over():
        try:
            return other.say(issue, "run:1", "Hello")
        except Busy:
            return None

    forge.until(is_over)
    assert datetime.now(UTC) >= busy.value.until
    assert len(forge.repo("acme/site").comments) == 1


def test_the_hourly_limit_is_kept_until_it_is_reset(forge, site, issue):
    forge.faults.requests.append(Fault("GET .*/issues/", "primary-limit", seconds=600))
    with pytest.raises(Busy) as busy:
        site.issue(issue)
    assert 500 < (busy.value.until - datetime.now(UTC)).total_seconds() <= 601


def test_a_secondary_limit_without_a_time_is_kept_for_a_minute(scripted):
    words = {"message": "You have exceeded a secondary rate limit."}
    scripted.say("GET /repos/acme/site/issues/1", words, 403)
    with pytest.raises(Busy) as busy:
        scripted.site.issue(1)
    assert 55 < (busy.value.until - datetime.now(UTC)).total_seconds() <= 60


def test_an_absurd_time_to_wait_is_not_believed(scripted):
    scripted.say("GET /repos/acme/site/issues/1", {"message": "slow down"}, 429, retry_after="999999999")
    with pytest.raises(Busy) as busy:
        scripted.site.issue(1)
    assert (busy.value.until - datetime.now(UTC)).total_seconds() <= 3600


def test_graphql_tells_of_limits_with_a_200(scripted):
    limited = {"data": None, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    scripted.say("POST /api/graphql", limited)
    with pytest.raises(Busy):
        scripted.site.create_commit_on_branch("a", expected_head="0" * 40, message="x")
    with pytest.raises(Busy):
        scripted.site.issue(1)


def test_what_is_unchanged_is_asked_for_conditionally(forge, site, issue):
    for _ in range(3):
        assert site.issue(issue).title == "A workflow"
    answers = [one.status for one in forge.requests(f"GET /repos/acme/site/issues/{issue}", by="flowberth[bot]")]
    assert answers == [200, 304, 304]

    forge.client("alice").patch(f"/repos/acme/site/issues/{issue}", json={"title": "Another"})
    assert site.issue(issue).title == "Another"
