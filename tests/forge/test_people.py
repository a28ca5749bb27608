"""People at work, by REST alone."""


def test_an_issue_is_opened_talked_about_and_closed(forge):
    alice, mallory = forge.client("alice"), forge.client("mallory")
    opened = mallory.post("/repos/acme/site/issues", json={"title": "Hello", "body": "World", "labels": ["bug"]})
    assert (opened.status_code, opened.json()["labels"]) == (201, [])  # who may not triage sets no labels
    alice.post("/repos/acme/site/issues/1/labels", json={"labels": ["flowberth:running"]})
    alice.post("/repos/acme/site/issues/1/comments", json={"body": "Hm"})
    alice.patch("/repos/acme/site/issues/1", json={"state": "closed"})

    issue = forge.repo("acme/site").issue(1)
    assert (issue.state, issue.label_names, [comment.body for comment in issue.comments]) == (
        "closed",
        ["flowberth:running"],
        ["Hm"],
    )
    assert [(one.event, one.action) for one in forge.webhooks.deliveries] == [
        ("issues", "opened"),
        ("issues", "labeled"),
        ("issue_comment", "created"),
        ("issues", "closed"),
    ]
