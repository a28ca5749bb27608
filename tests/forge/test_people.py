"""People at work, by REST alone, each with what their role allows."""

import pytest

from tests.forge.app import bot_client

SITE = "/repos/acme/site"


def test_an_issue_is_opened_talked_about_and_closed(forge):
    alice, mallory = forge.client("alice"), forge.client("mallory")
    opened = mallory.post(f"{SITE}/issues", json={"title": "Hello", "body": "World", "labels": ["bug"]})
    assert (opened.status_code, opened.json()["labels"]) == (201, [])  # who may not triage sets no labels
    alice.post(f"{SITE}/issues/1/labels", json={"labels": ["flowberth:running"]})
    alice.post(f"{SITE}/issues/1/comments", json={"body": "Hm"})
    alice.patch(f"{SITE}/issues/1", json={"state": "closed"})

    issue = forge.repo("acme/site").issue(1)
    assert (issue.state, issue.label_names) == ("closed", ["flowberth:running"])
    assert [comment.body for comment in issue.comments] == ["Hm"]
    assert [(one.event, one.action) for one in forge.webhooks.deliveries] == [
        ("issues", "opened"),
        ("issues", "labeled"),
        ("issue_comment", "created"),
        ("issues", "closed"),
    ]


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [
        ("alice", "admin", "admin"),
        ("bob", "write", "write"),
        ("Bob", "write", "write"),
        ("carol", "read", "triage"),
        ("mallory", "read", "read"),  # of a public repository everybody may read
    ],
)
def test_roles_are_told_in_both_words(forge, login, permission, role):
    with bot_client(forge) as bot:
        told = bot.get(f"{SITE}/collaborators/{login}/permission").json()
    assert (told["permission"], told["role_name"]) == (permission, role)


def test_a_role_is_given_and_taken(forge):
    alice, dave = forge.client("alice"), forge.client("dave")
    alice.post(f"{SITE}/issues", json={"title": "Hello"})
    label = {"labels": ["bug"]}
    assert dave.post(f"{SITE}/issues/1/labels", json=label).status_code == 403
    assert dave.put(f"{SITE}/collaborators/dave", json={"permission": "admin"}).status_code == 403
    alice.put(f"{SITE}/collaborators/dave", json={"permission": "push"})
    assert dave.post(f"{SITE}/issues/1/labels", json=label).status_code == 200
    alice.delete(f"{SITE}/collaborators/dave")
    assert dave.post(f"{SITE}/issues/1/labels", json=label).status_code == 403


def test_a_comment_belongs_to_who_wrote_it(forge):
    alice, mallory = forge.client("alice"), forge.client("mallory")
    alice.post(f"{SITE}/issues", json={"title": "Hello"})
    number = alice.post(f"{SITE}/issues/1/comments", json={"body": "Mine"}).json()["id"]
    assert mallory.patch(f"{SITE}/issues/comments/{number}", json={"body": "Yours"}).status_code == 403
    assert alice.patch(f"{SITE}/issues/comments/{number}", json={"body": "Ours"}).status_code == 200
    edited = forge.deliveries("issue_comment", "edited")[0].payload
    assert (edited["changes"], edited["comment"]["body"]) == ({"body": {"from": "Mine"}}, "Ours")


@pytest.mark.parametrize("who", ["mallory", None])
def test_what_is_private_is_not_there(forge, who):
    forge.repository("acme/secret", private=True)
    assert forge.client(who).get("/repos/acme/secret").status_code == 404


def test_nobody_writes_without_a_token(forge):
    assert forge.client().get(SITE).status_code == 200
    assert forge.client().post(f"{SITE}/issues", json={"title": "Hello"}).status_code == 401
    assert forge.client().get(SITE, headers={"authorization": "token nonsense"}).status_code == 401


def test_bodies_have_an_end(forge):
    refused = forge.client("alice").post(f"{SITE}/issues", json={"title": "Long", "body": "x" * 65_537})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"] == "body is too long (maximum is 65536 characters)"


def test_what_is_not_faked_says_so(forge):
    assert forge.client("alice").get(f"{SITE}/traffic/views").status_code == 501
