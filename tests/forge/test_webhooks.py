"""Deliveries: signed, logged, sent again, and everything that may go wrong with them."""

import hashlib
import hmac
import json

import pytest

from tests.forge.app import Receiver, app_client


@pytest.fixture
def receiver(forge):
    with Receiver() as running:
        forge.hook_url = running.url
        yield running


def _open_issue(forge, title="Hello"):
    assert forge.client("alice").post("/repos/acme/site/issues", json={"title": title}).status_code == 201


def test_a_delivery_is_signed_and_its_answer_is_kept(forge, receiver):
    _open_issue(forge)
    delivery = forge.until(lambda: [one for one in forge.deliveries("issues") if one.ok])[0]
    got = receiver.received[0]
    signature = hmac.new(forge.webhook_secret.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == f"sha256={signature}"
    assert got.headers["x-github-hook-installation-target-id"] == str(forge.app_id)
    assert (got.guid, delivery.status_code) == (delivery.guid, 202)
    payload = json.loads(got.body)
    assert payload["installation"]["id"] in forge.installations
    assert payload["organization"]["login"] == "acme"


def test_what_was_refused_is_found_by_cursor_and_redelivered_with_its_guid(forge, receiver):
    receiver.status = 500
    for number in range(5):
        _open_issue(forge, f"Issue {number}")
    forge.until(lambda: len([one for one in forge.deliveries("issues") if one.status_code == 500]) == 5)
    receiver.status = 202
    with app_client(forge) as app:
        first = app.get("/app/hook/deliveries?per_page=3")
        rest = app.get(first.links["next"]["url"])
        lost = first.json() + rest.json()
        assert [one["status"] for one in lost] == ["Invalid HTTP Response: 500"] * 5
        assert "next" not in rest.links
        whole = app.get(f"/app/hook/deliveries/{lost[0]['id']}").json()
        assert whole["request"]["payload"]["issue"]["title"] == "Issue 4"
        assert app.post(f"/app/hook/deliveries/{lost[0]['id']}/attempts").status_code == 202
    again = forge.until(lambda: [one for one in forge.deliveries("issues") if one.redelivery and one.ok])[0]
    assert again.guid == lost[0]["guid"] == receiver.received[-1].guid


def test_a_dropped_delivery_is_only_in_the_log(forge, receiver):
    forge.faults.delivery("issues.opened", "drop")
    _open_issue(forge, "lost")
    _open_issue(forge, "found")
    forge.until(lambda: receiver.received)
    assert forge.deliveries("issues")[0].status == "failed to connect to host"
    assert json.loads(receiver.received[0].body)["issue"]["title"] == "found"


def test_a_doubled_delivery_has_one_guid(forge, receiver):
    forge.faults.delivery("issues", "duplicate")
    _open_issue(forge)
    forge.until(lambda: len(receiver.received) == 2)
    assert len({one.guid for one in receiver.received}) == 1


def test_a_reordered_delivery_comes_after_the_next(forge, receiver):
    forge.faults.delivery("issues.opened", "reorder")
    _open_issue(forge)
    forge.client("alice").post("/repos/acme/site/issues/1/comments", json={"body": "/deploy"})
    forge.until(lambda: len(receiver.received) == 2)
    assert receiver.events() == ["issue_comment", "issues"]


def test_nobody_listening_is_a_failed_connection(forge):
    forge.hook_url = "http://127.0.0.1:1/webhooks/github"
    _open_issue(forge)
    forge.until(lambda: forge.deliveries("issues")[0].status == "failed to connect to host")


def test_an_installation_comes_is_narrowed_suspended_and_goes(forge, receiver):
    forge.repository("zoo/app")
    installation = forge.install("zoo", tell=True)
    forge.select(installation, set())
    forge.suspend(installation)
    with app_client(forge) as app:
        assert app.post(f"/app/installations/{installation.id}/access_tokens").status_code == 403
    forge.uninstall(installation)
    with app_client(forge) as app:
        assert app.get("/repos/zoo/app/installation").status_code == 404
    told = [(one.event, one.action) for one in forge.webhooks.deliveries]
    assert told == [
        ("installation", "created"),
        ("installation_repositories", "removed"),
        ("installation", "suspend"),
        ("installation", "deleted"),
    ]


def test_where_the_app_is_not_installed_nothing_is_told(forge, receiver):
    forge.repository("zoo/app", roles={"alice": "admin"})
    forge.client("alice").post("/repos/zoo/app/issues", json={"title": "Quiet"})
    assert forge.webhooks.deliveries == []
