"""What GitHub, or what stands between, answers now and then: renames, error pages, nonsense."""

import socket

import pytest
from pydantic import SecretStr

from github_app.github.app import GithubApp
from github_app.github.errors import BadCredentials, NotFound, Outdated, Refused, Unavailable
from github_app.github.pace import Pace
from tests.github_app.github.scripted import private_key

NEW = "/repos/acme-labs/site"


def renamed(scripted, location):
    """acme/site is acme-labs/site from now on; every old address leads to `location`."""
    scripted.answers.clear()
    scripted.say("GET /app", {"slug": "flowberth"})
    scripted.say("GET /repositories/7", scripted.repository("acme-labs/site"))
    for old in ("GET /repos/acme/site", "GET /repos/acme/site/issues/1/comments", "GET /repos/acme/site/issues/1"):
        scripted.say(old, {"message": "Moved Permanently"}, 301, location=f"{scripted.url}/api/v3{location}")
    old_post = "POST /repos/acme/site/issues/1/comments"
    scripted.say(old_post, {"message": "Moved"}, 307, location=f"{scripted.url}/api/v3{location}")


def test_a_renamed_repository_is_followed_while_we_work_on_it(scripted):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    site = scripted.site
    assert site.about().reference.full_name == "acme/site"
    renamed(scripted, "/repositories/7/issues/1/comments")
    scripted.say(f"GET {NEW}/issues/1/comments", [])
    scripted.say(f"POST {NEW}/issues/1/comments", scripted.comment("<!-- flowberth run:1 -->\nHello"), 201)
    assert site.say(1, "run:1", "Hello") == 5
    assert scripted.requests(f"POST {NEW}") == 1
    assert scripted.requests("POST /repos/acme/site") == 0
    assert site.about().reference.full_name == "acme-labs/site"


def test_a_repository_is_found_by_its_former_name(scripted):
    renamed(scripted, "/repositories/7")
    found = scripted.app.installation(scripted.installation).repository_named("acme/site")
    assert (found.id, found.full_name) == (7, "acme-labs/site")


def test_nothing_is_written_to_another_repository_that_took_the_name(scripted):
    renamed(scripted, "/repositories/7")
    scripted.answers["GET /repos/acme/site"] = []
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site") | {"id": 99})
    scripted.say(f"GET {NEW}/issues/1/comments", [])
    scripted.say(f"POST {NEW}/issues/1/comments", scripted.comment("<!-- flowberth run:1 -->\nHello"), 201)
    scripted.site.say(1, "run:1", "Hello")
    assert scripted.requests("POST /repos/acme/site") == 0


@pytest.mark.parametrize(
    ("status", "said", "error", "words"),
    [
        (502, b"<html>Bad Gateway</html>", Unavailable, "502"),
        (503, {"message": "Unicorn!"}, Unavailable, "Unicorn"),
        (200, b"<html>Sign in to the proxy</html>", Unavailable, "no JSON"),
        (200, {"number": 1}, Unavailable, "KeyError"),
        (200, [], Unavailable, "makes no sense"),
        (200, None, Unavailable, "makes no sense"),
        (401, {"message": "Bad credentials"}, BadCredentials, "Bad credentials"),
        (404, {"message": "Not Found"}, NotFound, "issues/1"),
        (410, {"message": "This issue was deleted"}, NotFound, "deleted"),
        (409, {"message": "Git Repository is empty."}, Outdated, "empty"),
        (418, b"\xff\xfe", Refused, "418"),
        (
            422,
            {"message": "Validation Failed", "errors": [{"field": "body", "code": "missing"}]},
            Refused,
            "body missing",
        ),
        (422, {"message": "No", "errors": ["too long"]}, Refused, "too long"),
        (422, {"message": "x" * 5000}, Refused, "…"),
    ],
)
def test_answers_become_errors_of_ours(scripted, status, said, error, words):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say("GET /repos/acme/site/issues/1", said, status)
    with pytest.raises(error) as raised:
        scripted.site.issue(1)
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert len(str(raised.value)) < 1000
    assert "\n" not in str(raised.value)


def test_a_missing_permission_is_named(scripted):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say(
        "GET /repos/acme/site/issues/1",
        {"message": "Resource not accessible by integration"},
        403,
        x_accepted_github_permissions="issues=read",
    )
    with pytest.raises(Refused, match="the App needs issues=read"):
        scripted.site.issue(1)


@pytest.mark.parametrize(
    ("errors", "error"),
    [
        ([{"type": "STALE_DATA", "message": "Expected branch to point to …"}], Outdated),
        ([{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}], Refused),
        ([{"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}], NotFound),
        ([{"message": "Something went wrong while executing your query."}], Unavailable),
        ("nonsense", Unavailable),
    ],
)
def test_graphql_says_what_is_wrong_with_a_200(scripted, errors, error):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say("POST /api/graphql", {"data": None, "errors": errors})
    with pytest.raises(error) as raised:
        scripted.site.create_commit_on_branch("a", expected_head="0" * 40, message="x")
    assert type(raised.value) is error


def test_an_enterprise_server_is_asked_under_its_own_addresses(scripted):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say("POST /api/graphql", {"data": {"createCommitOnBranch": {"commit": {"oid": "1" * 40}}}})
    assert scripted.site.create_commit_on_branch("a", expected_head="0" * 40, message="x") == "1" * 40
    assert {what.split("/")[1] for what, _, _ in scripted.asked} == {"api"}
    assert [what for what, _, _ in scripted.asked][-1] == "POST /api/graphql"
    versions = {headers.get("x-github-api-version") for what, headers, _ in scripted.asked if "repos" in what}
    assert versions == {"2022-11-28"}


def test_nobody_there_is_unavailable(database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    app = GithubApp(api_url=url, app_id=1, private_key=SecretStr(private_key()), pace=Pace(database))
    with pytest.raises(Unavailable):
        app.installations()
    app.close()


def test_one_that_accepts_but_never_answers_is_unavailable(database):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        key = SecretStr(private_key())
        app = GithubApp(api_url=url, app_id=1, private_key=key, pace=Pace(database), timeout=0.3)
        with pytest.raises(Unavailable, match="in time"):
            app.installations()
        app.close()
