"""The App, its installations, who may what in a repository, and what GitHub tried to deliver."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from github_app.github.errors import NotFound
from runner.model import GithubRepository


def test_it_knows_its_name_and_where_it_is_installed(forge, app, installed):
    assert app.bot_login == "flowberth[bot]"
    forge.repository("other/thing")
    suspended = forge.install("other", permissions={"metadata": "read"})
    forge.suspend(suspended)
    assert [(one.account, one.suspended) for one in app.installations()] == [("acme", False), ("other", True)]
    assert app.installation(installed).info().permissions["contents"] == "write"
    with pytest.raises(NotFound):
        app.installation_info(4711)


def test_an_installation_lists_its_repositories(forge, installation, installed):
    forge.repository("acme/other", private=True)
    forge.repository("elsewhere/x")
    listed = installation.repositories()
    assert [one.full_name for one in listed] == ["acme/site", "acme/other"]
    assert {one.installation for one in listed} == {installed}
    assert installation.repository_named("acme/other") in listed


def test_a_long_list_is_followed_to_its_end_also_where_pages_are_short(scripted):
    pages = {1: range(100), 2: range(100, 103), 3: range(103, 150)}  # GitHub leaves out what it may not show
    for page, ids in pages.items():
        said = {"total_count": 150, "repositories": [{"id": one, "full_name": f"acme/r{one}"} for one in ids]}
        where = f"/installation/repositories?per_page=100&page={page}"
        more = {"link": f'<{scripted.url}/x?page={page + 1}>; rel="next"'} if page < 3 else {}
        scripted.say(f"GET {where}", said, **more)
    listed = scripted.app.installation(scripted.installation).repositories()
    assert [one.id for one in listed] == list(range(150))


def test_what_is_no_repository_of_ours_is_not_found(installation):
    for name in ("acme/nope", "acme", "", "acme/site/x", "../app", "acme/..", "a?b/c"):
        with pytest.raises(NotFound):
            installation.repository_named(name)


def test_permissions_are_asked_live(forge, site):
    people = {login: site.permission(login) for login in ("alice", "bob", "carol", "dave", "mallory")}
    assert people == {"alice": "admin", "bob": "write", "carol": "triage", "dave": "read", "mallory": "read"}
    assert {site.permission(login) for login in ("nobody-at-all", "../../x", "a/b", "", "a?b", "..")} == {"none"}
    assert site.may_write("bob")
    forge.client("alice").delete("/repos/acme/site/collaborators/bob")
    assert not site.may_write("bob")
    forge.client("alice").put("/repos/acme/site/collaborators/carol", json={"permission": "maintain"})
    assert site.permission("carol") == "maintain"


def test_a_role_of_an_organizations_own_counts_as_what_it_grants(scripted):
    scripted.say(
        "GET /repos/acme/site/collaborators/zoe/permission", {"permission": "write", "role_name": "Release engineer"}
    )
    assert scripted.site.permission("zoe") == "write"


def test_what_a_repository_is(forge, site, process, installed):
    about = site.about()
    assert (about.reference.full_name, about.clone_url) == ("acme/site", f"{forge.web_url}/acme/site.git")
    assert (site.default_branch(), site.visibility()) == ("main", "public")
    asked = len(forge.requests("GET /repos/acme/site"))
    forge.repo("acme/site").private = True
    assert site.visibility() == "public"  # known for some seconds
    assert len(forge.requests("GET /repos/acme/site")) == asked
    assert process().installation(installed).repository(about.reference).visibility() == "private"


def test_deliveries_are_listed_page_by_page_back_to_a_moment(forge, app, issue):
    began = datetime.now(UTC) - timedelta(minutes=1)
    alice = forge.client("alice")
    for number in range(130):
        alice.post(f"/repos/acme/site/issues/{issue}/comments", json={"body": f"{number}"})
    forge.until(lambda: len(forge.webhooks.deliveries) == 131)
    listed = list(app.hook_deliveries(began))
    assert len(listed) == 131
    assert {one.event for one in listed} == {"issues", "issue_comment"}
    assert [one.delivered_at for one in listed] == sorted((one.delivered_at for one in listed), reverse=True)
    assert list(app.hook_deliveries(datetime.now(UTC) + timedelta(minutes=1))) == []

    newest = listed[0]
    assert not newest.arrived
    whole = app.delivery(newest.id)
    assert (whole.delivery, set(whole.headers)) == (newest, {name.lower() for name in whole.headers})
    assert json.loads(whole.payload)["comment"]["body"] == "129"
    app.redeliver(newest.id)
    again = forge.until(lambda: [one for one in app.hook_deliveries(began) if one.redelivery])
    assert [one.guid for one in again] == [newest.guid]


def test_a_repository_that_is_not_there_is_not_found(scripted):
    site = scripted.app.installation(scripted.installation).repository(
        GithubRepository(installation=scripted.installation, id=8, full_name="acme/gone")
    )
    with pytest.raises(NotFound):
        site.issue(1)
