"""The App's own rights: its token, installation tokens, the manifest it is made from, and files it may not see."""

import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.forge.app import app_client, bot_client, installation_token

SITE = "/repos/acme/site"


@pytest.mark.parametrize(
    ("claims", "status"),
    [({}, 200), ({"exp": -120}, 401), ({"exp": 3600}, 401), ({"iss": "1"}, 404)],
    ids=["right", "expired", "too long", "another app"],
)
def test_a_json_web_token_is_checked(forge, claims, status):
    now = int(time.time())
    claims = {"iat": now - 300, "iss": str(forge.app_id), **claims, "exp": now + claims.get("exp", 300)}
    token = jwt.encode(claims, forge.private_key, "RS256")
    assert forge.client().get("/app", headers={"authorization": f"Bearer {token}"}).status_code == status


def test_a_token_of_another_key_is_refused(forge):
    claims = {"iat": int(time.time()), "exp": int(time.time()) + 300, "iss": str(forge.app_id)}
    token = jwt.encode(claims, rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256")
    assert forge.client().get("/app", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_an_installation_token_may_what_it_was_given(forge):
    forge.repository("acme/other")
    forge.repository("zoo/app")
    forge.client("alice").post(f"{SITE}/issues", json={"title": "Hello"})
    token = installation_token(forge, repositories=["site"], permissions={"issues": "write", "metadata": "read"})
    assert token.startswith(f"ghs_{forge.app_id}_")
    assert len(token) > 500
    with bot_client(forge, token) as bot:
        assert bot.post(f"{SITE}/issues/1/comments", json={"body": "Hi"}).status_code == 201
        refused = bot.put(f"{SITE}/contents/x", json={"message": "x", "content": "eA=="})
        assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
        assert bot.post("/repos/acme/other/issues", json={"title": "Not mine"}).status_code == 403
        assert bot.post("/repos/zoo/app/issues", json={"title": "Not mine"}).status_code == 403
        assert [one["name"] for one in bot.get("/installation/repositories").json()["repositories"]] == ["site"]
        assert bot.get("/app").status_code == 401
        assert bot.delete("/installation/token").status_code == 204
        assert bot.get(SITE).status_code == 401
    comment = forge.repo("acme/site").issue(1).comments[0]
    assert (comment.user.login, comment.user.kind) == ("flowberth[bot]", "Bot")


def test_more_than_was_granted_is_not_given(forge):
    with app_client(forge) as app:
        number = next(iter(forge.installations))
        refused = app.post(
            f"/app/installations/{number}/access_tokens", json={"permissions": {"administration": "write"}}
        )
    assert refused.status_code == 422


def test_a_suspended_installation_is_refused_at_once(forge):
    with bot_client(forge) as bot:
        forge.suspend(next(iter(forge.installations.values())))
        refused = bot.get(SITE)
    assert (refused.status_code, refused.json()["message"]) == (403, "This installation has been suspended")


def test_an_app_is_made_from_a_manifest(forge):
    manifest = {
        "name": "Flowberth of Acme",
        "redirect_url": "http://127.0.0.1:1/done",
        "hook_attributes": {"url": "http://127.0.0.1:1/hook"},
        "default_permissions": {"issues": "write"},
        "default_events": ["issues"],
    }
    page = f"{forge.web_url}/organizations/acme/settings/apps/new?state=abc"
    agreed = httpx.post(
        page, data={"manifest": httpx.Request("POST", page, json=manifest).content.decode()}, trust_env=False
    )
    back = httpx.URL(agreed.headers["location"])
    assert (agreed.status_code, back.params["state"]) == (302, "abc")
    conversion = f"/app-manifests/{back.params['code']}/conversions"
    made = forge.client().post(conversion)
    assert made.status_code == 201
    assert made.json()["pem"] == forge.private_key
    assert (made.json()["id"], made.json()["webhook_secret"]) == (forge.app_id, forge.webhook_secret)
    assert (forge.hook_url, forge.events) == ("http://127.0.0.1:1/hook", ["issues"])
    assert forge.client().post(conversion).status_code == 404  # a code is good for once


def test_attachments_are_for_browsers(forge):
    forge.repository("acme/secret", private=True)
    public = forge.attach("acme/site", "workflow.json", b"{}")
    private = forge.attach("acme/secret", "workflow.json", b"{}")
    token = {"authorization": f"token {installation_token(forge)}"}
    redirected = httpx.get(public, trust_env=False)
    assert redirected.status_code == 302
    assert httpx.get(redirected.headers["location"], trust_env=False).content == b"{}"
    assert httpx.get(redirected.headers["location"], headers=token, trust_env=False).status_code == 400
    assert (
        httpx.get(redirected.headers["location"].replace("Signature=", "Signature=0"), trust_env=False).status_code
        == 403
    )
    assert httpx.get(private, headers=token, trust_env=False).status_code == 404
    assert {one.partition("/")[0] for one in forge.violations} == {"a token was sent to "}
    forge.violations.clear()


def test_files_beside_the_api(forge):
    gist = forge.gist("bob", {"workflow.json": '{"a": 1}'})
    raw = f"{forge.web_url}/acme/site/raw/main/README.md"
    assert httpx.get(raw, trust_env=False).text == "# site\n"
    assert httpx.get(raw.replace("/raw/", "/blob/"), trust_env=False).text.startswith("<!DOCTYPE html>")
    file = forge.client().get(f"/gists/{gist.id}").json()["files"]["workflow.json"]
    assert httpx.get(file["raw_url"], trust_env=False).text == file["content"] == '{"a": 1}'
