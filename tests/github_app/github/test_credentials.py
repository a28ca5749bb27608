"""Tokens: when they are made, renewed and refused; and that nobody gets to see one."""

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from github_app.github.app import GithubApp
from github_app.github.errors import BadCredentials, NotInstalled, Refused, Suspended
from github_app.github.pace import Pace
from tests.github_app.github.scripted import private_key

TOKENS = "/access_tokens"


def reachable(start):
    """All objects of ours, of githubkit and of httpx that a debugger could show from there."""
    seen, new = {}, [start]
    while new:
        one = new.pop()
        if id(one) in seen or isinstance(one, SecretStr | str | bytes):
            continue
        seen[id(one)] = one
        if isinstance(one, dict):
            new += one.values()
        elif isinstance(one, list | tuple | set):
            new += one
        elif type(one).__module__.startswith(("github_app", "githubkit", "httpx")):
            new += vars(one).values() if hasattr(one, "__dict__") else []
    return seen.values()


def test_one_token_serves_many_requests(forge, site, issue):
    for _ in range(3):
        site.issue(issue)
    assert len(forge.requests(TOKENS)) == 1


def test_a_token_that_is_refused_before_its_time_is_renewed_and_the_write_happens_once(forge, site, issue):
    site.issue(issue)
    forge.tokens.expire()
    site.say(issue, "run:1", "Still here")
    assert [comment.body for comment in forge.repo("acme/site").comments] == ["<!-- flowberth run:1 -->\nStill here"]
    assert len(forge.requests(TOKENS)) == 2


def test_twenty_threads_that_need_a_token_at_once_get_the_same(forge, site, issue):
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: site.issue(issue), range(20)))
    assert len(forge.requests(TOKENS)) == 1

    forge.tokens.expire()
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: site.issue(issue), range(20)))
    assert len(forge.requests(TOKENS)) == 2


def test_a_token_with_less_than_five_minutes_left_is_not_used(scripted):
    scripted.token_life = timedelta(minutes=4)
    first, second = (scripted.app.installation(scripted.installation).token() for _ in range(2))
    assert first != second
    scripted.token_life = timedelta(minutes=6)
    kept, same = (scripted.app.installation(scripted.installation).token() for _ in range(2))
    assert kept == same


def test_a_token_for_git_works_although_the_last_one_was_revoked(forge, installation):
    revoked = installation.token()
    forge.tokens.expire()
    token = installation.token(refused=revoked)
    assert token != revoked
    listed = httpx.get(f"{forge.api_url}/installation/repositories", headers={"Authorization": f"Bearer {token}"})
    assert listed.status_code == 200


def test_a_suspended_installation_says_so_and_works_again_afterwards(forge, installation, installed, site, issue):
    forge.suspend(forge.installations[installed])
    assert installation.info().suspended
    with pytest.raises(Suspended, match="suspended"):
        site.issue(issue)
    with pytest.raises(Suspended):
        installation.token(refused=installation.token())
    forge.unsuspend(forge.installations[installed])
    assert site.issue(issue).number == issue


def test_a_removed_installation_is_not_installed_whether_a_token_was_out_or_not(forge, process, installed, site, issue):
    site.issue(issue)
    forge.uninstall(forge.installations[installed])
    with pytest.raises(NotInstalled, match="not installed"):
        site.issue(issue)
    with pytest.raises(NotInstalled):
        process().installation(installed).token()


@pytest.mark.parametrize("key", ["no key at all", private_key()], ids=["no key", "of another app"])
def test_a_wrong_private_key_is_said_in_plain_words(forge, database, installed, key):
    app = GithubApp(api_url=forge.api_url, app_id=forge.app_id, private_key=SecretStr(key), pace=Pace(database))
    with pytest.raises(BadCredentials) as refused:
        app.installation(installed).token()
    assert "key" in str(refused.value) or "credentials" in str(refused.value)
    app.close()


def test_no_credential_reaches_an_error_a_log_or_a_repr(scripted, caplog):
    caplog.set_level(logging.DEBUG)
    site = scripted.site
    token = site.token()
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMiJ9.c2lnbmF0dXJl"
    others = ["ghp_0123456789abcdef0123", "github_pat_11AAAA_0123456789", f"ghs_12_{jwt}", jwt]
    message = " ".join([token, *others, "https://x-access-token:hunter2@github.com/a/b"])
    scripted.say("GET /repos/acme/site/issues/1", {"message": message}, 422)
    with pytest.raises(Refused) as refused:
        site.issue(1)
    told = "".join(traceback.format_exception(refused.value))
    texts = [str(refused.value), repr(refused.value), told, caplog.text]
    texts += [repr(one) for one in reachable(scripted.app)]
    for secret in (token, *others, "hunter2", "PRIVATE KEY"):
        assert [text for text in texts if secret in text] == [], secret
    assert "[redacted]" in str(refused.value)
