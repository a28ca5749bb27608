"""Faults and limits, as a client meets them."""

import httpx
import pytest

from tests.forge.app import bot_client
from tests.forge.forge import Forge

COMMENTS = "/repos/acme/site/issues/1/comments"


@pytest.fixture
def bot(forge):
    forge.client("alice").post("/repos/acme/site/issues", json={"title": "Hello"})
    with bot_client(forge) as client:
        yield client


def _comments(forge: Forge) -> list[str]:
    return [comment.body for comment in forge.repo("acme/site").issue(1).comments]


def test_an_error_before_and_after_the_effect(forge, bot):
    forge.faults.request("POST .*/comments$", "error", skip=1)
    assert [bot.post(COMMENTS, json={"body": text}).status_code for text in "abc"] == [201, 502, 201]
    forge.faults.request("POST .*/comments$", "error-after")
    assert bot.post(COMMENTS, json={"body": "d"}).status_code == 502
    assert _comments(forge) == ["a", "c", "d"]


def test_an_answer_that_does_not_come(forge, bot):
    forge.faults.request("POST .*/comments$", "hang", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        bot.post(COMMENTS, json={"body": "e"}, timeout=0.3)
    assert _comments(forge) == ["e"]


def test_faults_strike_the_app_and_not_people(forge, bot):
    forge.faults.request("GET .*/issues/1$", "error", times=2)
    assert forge.client("alice").get("/repos/acme/site/issues/1").status_code == 200
    assert bot.get("/repos/acme/site/issues/1").status_code == 502


def test_limits_are_worded_as_github_does(forge, bot):
    forge.faults.request("POST .*/comments$", "secondary-limit", seconds=7)
    refused = bot.post(COMMENTS, json={"body": "f"})
    assert (refused.status_code, refused.headers["retry-after"]) == (403, "7")
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit.")
    forge.faults.request("POST .*/comments$", "primary-limit", status=429)
    refused = bot.post(COMMENTS, json={"body": "f"})
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (429, "0")


def test_eighty_contents_a_minute(forge, bot):
    forge.limits.enforced = True
    codes = [bot.post(COMMENTS, json={"body": str(number)}).status_code for number in range(82)]
    assert codes == [201] * 80 + [403] * 2
    assert forge.limits.most_creations_in_a_minute == 80


def test_what_has_not_changed_is_304(bot):
    first = bot.get("/repos/acme/site/labels")
    again = bot.get("/repos/acme/site/labels", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]  # it costs nothing
    bot.post("/repos/acme/site/labels", json={"name": "new"})
    assert bot.get("/repos/acme/site/labels", headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_a_request_that_github_does_not_know_is_a_violation(forge, bot):
    bot.post("/repos/acme/site/issues", json={"body": "without a title"})
    assert len(forge.violations) == 1
    assert "'title' is a required property" in forge.violations.pop()


def test_lists_come_in_pages(bot):
    for number in range(5):
        bot.post(COMMENTS, json={"body": str(number)})
    page = bot.get(COMMENTS, params={"per_page": 2, "page": 2})
    assert [comment["body"] for comment in page.json()] == ["2", "3"]
    assert [(name, httpx.URL(link["url"]).params["page"]) for name, link in page.links.items()] == [
        ("prev", "1"),
        ("next", "3"),
        ("last", "3"),
        ("first", "1"),
    ]
