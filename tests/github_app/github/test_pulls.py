"""Pull requests: one per branch, drafts and back, reviewers, merges."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from github_app.github.errors import DraftsUnsupported, Outdated, Refused, Unavailable
from github_app.github.model import FileAddition
from tests.forge.faults import Fault

BRANCH = "flowberth/poster"


@pytest.fixture
def head(site):
    """A branch with one commit."""
    base = site.tip("main")
    site.create_branch(BRANCH, base)
    files = [FileAddition(path="apps/modal/poster/app.py", data=b"pass\n")]
    return site.create_commit_on_branch(BRANCH, expected_head=base, message="Add poster", additions=files)


def open_one(site, **changes):
    said = {"head": BRANCH, "base": "main", "title": "Add poster", "body": "Here it is", "draft": True}
    return site.open_pull(**said | changes)


def test_there_is_one_for_a_branch_and_it_is_brought_up_to_date(forge, site, head):
    pull, made = open_one(site)
    assert (pull.draft, pull.head.sha, pull.from_fork, made) == (True, head, False, True)
    assert open_one(site, title="Other")[0].number == pull.number
    assert site.update_pull(pull.number, title="Add a poster", body="Better").title == "Add a poster"
    before = len(forge.requests("POST /graphql"))
    site.update_pull(pull.number, title="Add a poster", body="Better")
    assert len(forge.requests("POST /graphql")) == before
    assert [one.number for one in site.open_pulls(BRANCH)] == [pull.number]
    site.close_pull(pull.number)
    assert site.close_pull(pull.number).state == "closed"
    assert site.open_pulls(BRANCH) == ()
    assert open_one(site)[0].number != pull.number


def test_a_502_after_the_effect_and_threads_at_once_open_one(forge, site, head):
    forge.faults.requests.append(Fault("POST .*/pulls$", "error-after"))
    with ThreadPoolExecutor(4) as threads:
        numbers = set(threads.map(lambda _: open_one(site)[0].number, range(4)))
    assert len(numbers) == len(forge.repo("acme/site").pulls) == 1


def test_one_that_a_person_has_opened_for_the_branch_is_taken(forge, site, head):
    said = {"head": BRANCH, "base": "main", "title": "Mine"}
    number = forge.client("bob").post("/repos/acme/site/pulls", json=said).json()["number"]
    assert open_one(site)[0].number == number


def test_a_forks_branch_of_the_same_name_is_not_ours(forge, site, head):
    mallory = forge.client("mallory")
    mallory.post("/repos/acme/site/forks", json={})
    said = {"head": f"mallory:{BRANCH}", "base": "main", "title": "Trust me"}
    theirs = mallory.post("/repos/acme/site/pulls", json=said).json()["number"]
    assert site.pull(theirs).from_fork
    assert site.open_pulls(BRANCH) == ()
    assert open_one(site)[0].number != theirs


def test_ready_and_back_to_a_draft_without_asking_twice(forge, site, head):
    draft = open_one(site)[0]
    ready = site.ready(draft)
    assert not ready.draft
    assert not site.pull(draft.number).draft
    asked = len(forge.requests("POST /graphql"))
    assert site.ready(ready) == ready
    assert len(forge.requests("POST /graphql")) == asked
    assert site.to_draft(ready).draft
    assert site.pull(draft.number).draft


def test_a_repository_without_drafts_says_so(scripted):
    words = {"message": "Validation Failed", "errors": [{"message": "Draft pull requests are not supported here."}]}
    scripted.say("GET /repos/acme/site/pulls", [])
    scripted.say("POST /repos/acme/site/pulls", words, 422)
    with pytest.raises(DraftsUnsupported, match="not supported"):
        open_one(scripted.site)


def test_reviewers_are_asked_once_and_those_that_github_does_not_take_are_left_out(forge, site, head):
    number = open_one(site, draft=False)[0].number
    assert site.request_reviewers(number, ["bob", "alice", "flowberth[bot]", "bob"]) == ("bob", "alice")
    assert site.request_reviewers(number, ["Bob", "mallory", "carol"]) == ("carol",)
    assert set(site.pull(number).reviewers) == {"bob", "alice", "carol"}
    review = {"event": "APPROVE", "body": "Good"}
    forge.client("bob").post(f"/repos/acme/site/pulls/{number}/reviews", json=review)
    assert site.request_reviewers(number, ["bob"]) == ()
    assert [(one.author.login, one.state, one.sha) for one in site.reviews(number)] == [("bob", "APPROVED", head)]
    assert [(file.path, file.status) for file in site.pull_files(number)] == [("apps/modal/poster/app.py", "added")]


def test_it_is_merged_only_at_the_head_that_was_tested_and_only_once(forge, site, head):
    number = open_one(site, draft=False)[0].number
    with pytest.raises(Outdated):
        site.merge(number, sha="0" * 40)
    forge.faults.requests.append(Fault("PUT .*/merge$", "error-after"))
    with pytest.raises(Unavailable):
        site.merge(number, sha=head)
    merged = site.merge(number, sha=head)
    pull = site.pull(number)
    assert (pull.state, pull.merge_sha) == ("merged", merged)
    assert site.tip("main") == merged
    assert site.delete_branch(BRANCH, sha=head)


def test_auto_merge_waits_for_what_is_missing_or_merges_at_once(forge, site, head):
    protection = {
        "required_status_checks": {"strict": False, "contexts": ["ci"]},
        "enforce_admins": True,
        "required_pull_request_reviews": None,
        "restrictions": None,
    }
    alice = forge.client("alice")
    alice.put("/repos/acme/site/branches/main/protection", json=protection)
    number = open_one(site, draft=False)[0].number
    with pytest.raises(Refused):
        site.merge(number, sha=head)
    site.auto_merge(number, "squash", sha=site.pull(number).head.sha)
    site.auto_merge(number, "squash", sha=site.pull(number).head.sha)
    assert site.pull(number).auto_merge
    alice.post(f"/repos/acme/site/statuses/{head}", json={"state": "success", "context": "ci"})
    assert site.pull(number).state == "merged"


def test_auto_merge_of_what_lacks_nothing_merges(scripted):
    page = "https://github.example/acme/site/pull/3"
    side = {"ref": "a", "sha": "1" * 40, "repo": {"full_name": "acme/site"}}
    pull = {"number": 3, "node_id": "PR_3", "title": "T", "state": "open", "head": side, "base": side, "html_url": page}
    scripted.say("GET /repos/acme/site/pulls/3", pull)
    clean = {"data": None, "errors": [{"type": "UNPROCESSABLE", "message": "Pull request is in clean status"}]}
    scripted.say("POST /api/graphql", clean)
    scripted.say("PUT /repos/acme/site/pulls/3/merge", {"sha": "2" * 40, "merged": True})
    assert not scripted.site.auto_merge(3, "squash", sha="1" * 40, at_once=False)
    assert scripted.site.auto_merge(3, "squash", sha="1" * 40)
    assert [body for what, _, body in scripted.asked if what.startswith("PUT")] == [
        {"sha": "1" * 40, "merge_method": "squash"}
    ]


def test_no_commits_between_branch_and_base_is_refused_in_githubs_words(forge, site):
    site.create_branch(BRANCH, site.tip("main"))
    with pytest.raises(Refused, match="No commits between"):
        open_one(site)
