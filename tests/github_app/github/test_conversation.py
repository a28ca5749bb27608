"""Comments, issues, reactions and labels: made once, found again, and never taken from somebody else."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from github_app.github.errors import NotFound, Refused, Unavailable
from github_app.github.markers import marked
from github_app.github.model import Label
from tests.forge.faults import Fault

BOT = "flowberth[bot]"


def bodies(forge):
    return [comment.body for comment in forge.repo("acme/site").comments]


def test_a_comment_is_edited_in_place_and_not_for_nothing(forge, site, issue):
    said = site.say(issue, "run:1", "Step 1")
    assert site.say(issue, "run:1", "Step 2") == said
    assert site.say(issue, "run:1", "Step 2\r\n", known=said) == said
    (comment,) = forge.repo("acme/site").comments
    assert (comment.body, comment.edits) == ("<!-- flowberth run:1 -->\nStep 2", 1)
    assert site.comment(said).author.login == BOT


def test_each_run_has_a_comment_of_its_own(forge, site, issue):
    assert site.say(issue, "run:1", "One") != site.say(issue, "run:10", "Ten")
    assert len(bodies(forge)) == 2


def test_a_stranger_who_writes_our_marker_gets_no_comment_of_theirs_edited(forge, site, issue):
    forged = "<!-- flowberth run:1 -->\nAll is well, click https://evil.example"
    mallory = forge.client("mallory")
    mallory.post(f"/repos/acme/site/issues/{issue}/comments", json={"body": forged})
    said = site.say(issue, "run:1", "The truth")
    assert bodies(forge) == [forged, "<!-- flowberth run:1 -->\nThe truth"]
    assert site.said(issue, "run:1").id == said
    assert site.said(issue, "run:2") is None
    assert site.say(issue, "run:1", "More of it") == said
    stranger = forge.repo("acme/site").comments[0]
    assert site.say(issue, "run:1", "And more", known=stranger.id) == said
    site.unsay(issue, "run:1")
    assert bodies(forge) == [forged]


def test_our_comment_is_found_among_three_hundred(forge, site, issue):
    people = forge.client("bob")
    forged = {"body": "<!-- flowberth run:1 -->\nforged"}
    for number in range(150):
        people.post(f"/repos/acme/site/issues/{issue}/comments", json=forged if number == 3 else {"body": f"{number}"})
    said = site.say(issue, "run:1", "Here")
    for number in range(150):
        people.post(f"/repos/acme/site/issues/{issue}/comments", json={"body": f"again {number}"})
    assert site.say(issue, "run:1", "Still here") == said
    listed = list(site.comments(issue))
    assert len(listed) == 301
    assert [comment.id for comment in listed if comment.author.login == BOT] == [said]
    assert [comment.created_at for comment in listed] == sorted(comment.created_at for comment in listed)


def test_two_processes_with_many_threads_that_say_the_same_at_once_make_one_comment(
    forge, process, installed, site, issue
):
    neighbour = process().installation(installed)
    other = neighbour.repository(neighbour.repository_named("acme/site"))
    with ThreadPoolExecutor(8) as threads:
        said = set(threads.map(lambda api: api.say(issue, "run:1", "Hello"), [site, other] * 4))
    assert len(said) == 1
    assert bodies(forge) == ["<!-- flowberth run:1 -->\nHello"]


@pytest.mark.parametrize("kind", ["error-after", "error"])
def test_a_comment_whose_creation_ends_in_a_502_is_there_once_in_the_end(forge, site, issue, kind):
    forge.faults.requests.append(Fault("POST .*/comments$", kind))
    if kind == "error":
        with pytest.raises(Unavailable, match="502"):
            site.say(issue, "run:1", "Hello")
    site.say(issue, "run:1", "Hello")
    assert bodies(forge) == ["<!-- flowberth run:1 -->\nHello"]


def test_a_process_that_is_killed_before_it_has_the_answer_leaves_a_comment_that_the_next_one_finds(
    forge, site, issue, database_url, tmp_path
):
    forge.faults.requests.append(Fault("POST .*/comments$", "hang", seconds=60))
    given = {
        "data": str(tmp_path),
        "database": database_url,
        "api_url": forge.api_url,
        "app_id": forge.app_id,
        "private_key": forge.private_key,
        "repository": site.reference.model_dump(),
        "issue": issue,
    }
    with subprocess.Popen([sys.executable, "-m", "tests.github_app.github.sayer"], stdin=subprocess.PIPE) as process:
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        try:
            forge.until(lambda: forge.repo("acme/site").comments)
        finally:
            process.kill()
    assert site.say(issue, "run:1", "Hello, again") == forge.repo("acme/site").comments[0].id
    assert bodies(forge) == ["<!-- flowberth run:1 -->\nHello, again"]


def test_a_network_that_is_gone_is_unavailable(forge, process, installed, issue):
    installation = process().installation(installed)
    site = installation.repository(installation.repository_named("acme/site"))
    forge.faults.requests.append(Fault("GET .*/comments$", "hang", seconds=0.2, status=504))
    with pytest.raises(Unavailable):
        site.say(issue, "run:1", "Hello")
    assert bodies(forge) == []


def test_a_comment_that_somebody_deleted_is_made_again(forge, site, issue):
    said = site.say(issue, "run:1", "Hello")
    forge.client("alice").delete(f"/repos/acme/site/issues/comments/{said}")
    assert site.say(issue, "run:1", "Hello", known=said) != said
    assert len(bodies(forge)) == 1


def test_a_known_comment_of_another_issue_is_not_touched(forge, site, issue):
    elsewhere = forge.client("bob").post("/repos/acme/site/issues", json={"title": "Other"}).json()["number"]
    there = site.say(elsewhere, "run:1", "There")
    here = site.say(issue, "run:1", "Here", known=there)
    assert here != there
    assert sorted(bodies(forge)) == ["<!-- flowberth run:1 -->\nHere", "<!-- flowberth run:1 -->\nThere"]


def test_a_body_longer_than_github_takes_is_cut(forge, site, issue):
    site.say(issue, "run:1", "```\n" + "x" * 70 + "\n" + "long line\n" * 10_000)
    (body,) = bodies(forge)
    assert len(body) <= 60_000
    assert body.endswith("```\n\n\n*Cut here: it is longer than GitHub shows.*\n")
    said = site.say(issue, "run:1", "```\n" + "x" * 70 + "\n" + "long line\n" * 10_000)
    assert forge.repo("acme/site").comments[0].edits == 0
    assert site.comment(said).body == body


@pytest.mark.parametrize("marker", ["a --> b", "two--dashes", "", "a b", "é"])
def test_a_marker_that_could_end_its_hiding_place_is_refused(marker):
    with pytest.raises(ValueError, match="marker"):
        marked(marker, "Hello")


def test_the_welcome_issue_is_opened_once_and_stays_closed(forge, site):
    number = site.open_issue("welcome", "Welcome to Flowberth", "Set-up: …")
    site.close_issue(number)
    site.close_issue(number)
    assert site.open_issue("welcome", "Welcome to Flowberth", "Set-up: …") == number
    assert site.issue(number).state == "closed"
    forged = {"title": "Other", "body": "<!-- flowberth other -->"}
    forge.client("mallory").post("/repos/acme/site/issues", json=forged)
    assert site.issue(site.open_issue("other", "Other", "x")).author.login == BOT


def test_a_reaction_is_there_once_however_often_one_reacts(forge, site, issue):
    alice = forge.client("alice")
    comment = alice.post(f"/repos/acme/site/issues/{issue}/comments", json={"body": "/deploy"}).json()["id"]
    for _ in range(2):
        site.react("eyes", issue=issue)
        site.react("rocket", comment=comment)
    given = forge.repo("acme/site").issue(issue)
    assert [(one.user.login, one.content) for one in given.reactions] == [(BOT, "eyes")]
    assert [one.content for one in given.comments[0].reactions] == ["rocket"]


def test_labels_are_made_once_and_changed_only_where_they_differ(forge, site, issue):
    ours = [Label(name="flowberth:running", color="1d76db", description="y" * 300), Label(name="Bug", color="ffffff")]
    ids = site.ensure_labels(ours)
    assert site.ensure_labels(ours) == ids
    assert {name: label.color for name, label in forge.repo("acme/site").labels.items()} == {
        "bug": "ededed",
        "enhancement": "ededed",
        "flowberth:running": "1d76db",
    }
    among = ["Bug", "flowberth:running"]
    site.label({issue: "flowberth:running", 4711: "Bug"}, ids, among=among)
    before = len(forge.requests("POST", by=BOT))
    site.label({issue: "flowberth:running"}, ids, among=among)
    assert len(forge.requests("POST", by=BOT)) == before
    site.label({issue: "Bug"}, ids, among=among)
    assert forge.repo("acme/site").issue(issue).label_names == ["bug"]
    assert len(forge.requests("POST", by=BOT)) == before + 1
    site.label({issue: None}, ids, among=among)
    assert forge.repo("acme/site").issue(issue).label_names == []


def test_a_label_that_was_deleted_meanwhile_is_not_found(forge, site, issue):
    ids = site.ensure_labels([Label(name="flowberth:running", color="1d76db", description="")])
    assert forge.client("alice").delete("/repos/acme/site/labels/flowberth:running").status_code == 204
    with pytest.raises(NotFound):
        site.label({issue: "flowberth:running"}, ids, among=ids)


def test_what_is_not_there_is_not_found_and_a_missing_permission_is_named(forge, site, issue, installed):
    with pytest.raises(NotFound):
        site.issue(4711)
    forge.installations[installed].permissions["issues"] = "read"
    forge.installations[installed].permissions["pull_requests"] = "read"
    forge.tokens.expire()
    with pytest.raises(Refused, match="not accessible by integration"):
        site.say(issue, "run:1", "Hello")
