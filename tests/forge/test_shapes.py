"""Every kind of answer, held against GitHub's own OpenAPI description."""

import base64

import httpx
import pytest

from tests.forge import openapi
from tests.forge.app import app_client, bot_client

REPO = "/repos/acme/site"
MISTAKEN = "account: 'slug' is a required property"  # the description wants an installation's account to be a user and an enterprise at once


class Strict:
    """A client whose every answer must be as GitHub describes it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, method_and_path: str, status: int = 200, /, **body):
        method, path = method_and_path.split(" ")
        answer = self._client.request(method, path, json=body or None)
        assert answer.status_code == status, (method_and_path, answer.text)
        found = openapi.github().answer_violations(method, path.partition("?")[0], status, answer.content)
        assert [one for one in found if MISTAKEN not in one] == []
        return answer.json() if answer.content else None


@pytest.fixture
def bot(forge):
    with bot_client(forge) as client:
        yield Strict(client)


@pytest.fixture
def app(forge):
    with app_client(forge) as client:
        yield Strict(client)


@pytest.fixture
def alice(forge):
    return Strict(forge.client("alice"))


def test_the_app(forge, app, bot, alice):
    alice(f"POST {REPO}/issues", 201, title="Hello")
    number = next(iter(forge.installations))
    delivery = forge.webhooks.deliveries[0].id
    app("GET /app")
    app("GET /app/installations")
    app(f"GET /app/installations/{number}")
    app(f"GET {REPO}/installation")
    app(f"POST /app/installations/{number}/access_tokens", 201, repositories=["site"], permissions={"issues": "write"})
    app("GET /app/hook/config")
    app("GET /app/hook/deliveries")
    app(f"GET /app/hook/deliveries/{delivery}")
    app(f"POST /app/hook/deliveries/{delivery}/attempts", 202)
    bot("GET /installation/repositories")
    bot("GET /apps/flowberth")


def test_repositories_and_people(forge, bot, alice):
    bot(f"GET {REPO}")
    bot(f"GET {REPO}/collaborators/bob/permission")
    bot(f"GET {REPO}/collaborators")
    bot("GET /users/alice")
    bot("GET /rate_limit")
    bot(f"POST {REPO}/labels", 201, name="flowberth: ready", color="00ff00")
    bot(f"PATCH {REPO}/labels/flowberth:%20ready", color="00ff01")
    bot(f"GET {REPO}/labels")
    bot(f"GET /gists/{forge.gist('bob', {'workflow.json': '{}'}).id}")
    alice(f"POST {REPO}/forks", 202)


def test_issues(bot, alice):
    alice(f"POST {REPO}/issues", 201, title="Hello", body="World", labels=["bug"], assignees=["bob"])
    bot(f"GET {REPO}/issues")
    bot(f"GET {REPO}/issues/1")
    bot(f"PATCH {REPO}/issues/1", title="Hello again")
    comment = bot(f"POST {REPO}/issues/1/comments", 201, body="Hi")["id"]
    bot(f"GET {REPO}/issues/1/comments")
    bot(f"GET {REPO}/issues/comments/{comment}")
    bot(f"PATCH {REPO}/issues/comments/{comment}", body="Ho")
    bot(f"POST {REPO}/issues/comments/{comment}/reactions", 201, content="rocket")
    bot(f"POST {REPO}/issues/comments/{comment}/reactions", 200, content="rocket")
    bot(f"POST {REPO}/issues/1/reactions", 201, content="eyes")
    bot(f"GET {REPO}/issues/1/reactions")
    bot(f"POST {REPO}/issues/1/labels", labels=["flowberth:running"])
    bot(f"DELETE {REPO}/issues/1/labels/bug")
    bot(f"DELETE {REPO}/issues/comments/{comment}", 204)
    bot(f"PATCH {REPO}/issues/1", state="closed")


def test_a_pull_request_and_its_checks(forge, bot, alice):
    main = bot(f"GET {REPO}/git/ref/heads/main")["object"]["sha"]
    bot(f"POST {REPO}/git/refs", 201, ref="refs/heads/flowberth/x", sha=main)
    bot(
        f"PUT {REPO}/contents/a/b.txt",
        201,
        message="Add b",
        content=base64.b64encode(b"b\n").decode(),
        branch="flowberth/x",
    )
    pull = bot(f"POST {REPO}/pulls", 201, title="X", head="flowberth/x", base="main", draft=True)
    sha = pull["head"]["sha"]
    for path in (
        "pulls",
        "pulls/1",
        "pulls/1/files",
        "pulls/1/commits",
        f"commits/{sha}/pulls",
        "compare/main...flowberth/x",
    ):
        bot(f"GET {REPO}/{path}")
    bot(f"PATCH {REPO}/pulls/1", title="Y", body="Why")
    forge.repo("acme/site").teams.add("owners")
    bot(f"POST {REPO}/pulls/1/requested_reviewers", 201, reviewers=["bob"], team_reviewers=["owners"])
    bot(f"GET {REPO}/pulls/1/requested_reviewers")
    alice(
        f"POST {REPO}/pulls/1/reviews",
        body="/fix",
        event="COMMENT",
        comments=[{"path": "a/b.txt", "line": 1, "body": "Hm"}],
    )
    bot(f"GET {REPO}/pulls/1/reviews")
    bot(f"GET {REPO}/pulls/1/comments")
    annotation = {"path": "a/b.txt", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "Hm"}
    actions = [{"label": "Cancel", "description": "Stop it", "identifier": "cancel"}]
    output = {"title": "T", "summary": "S", "annotations": [annotation]}
    run = bot(
        f"POST {REPO}/check-runs",
        201,
        name="flowberth",
        head_sha=sha,
        status="in_progress",
        output=output,
        actions=actions,
    )["id"]
    bot(f"PATCH {REPO}/check-runs/{run}", status="completed", conclusion="success")
    bot(f"GET {REPO}/check-runs/{run}/annotations")
    for path in ("check-runs", "check-suites", "status"):
        bot(f"GET {REPO}/commits/flowberth/x/{path}")
    alice(f"POST {REPO}/check-runs/{run}/rerequest", 201)
    bot(f"POST {REPO}/statuses/{sha}", 201, state="success", context="ci")


def test_deployments(bot):
    made = bot(
        f"POST {REPO}/deployments",
        201,
        ref="main",
        environment="preview",
        auto_merge=False,
        required_contexts=[],
        payload={"key": "1"},
    )
    bot(
        f"POST {REPO}/deployments/{made['id']}/statuses",
        201,
        state="success",
        environment_url="https://example.com",
        description="Up",
    )
    bot(f"GET {REPO}/deployments")
    bot(f"GET {REPO}/deployments/{made['id']}")
    bot(f"GET {REPO}/deployments/{made['id']}/statuses")


def test_files_and_git(bot, alice):
    bot(f"GET {REPO}/contents/README.md")
    for path in (
        "branches",
        "branches/main",
        "commits",
        "commits/main",
        "git/matching-refs/heads",
        "rules/branches/main",
    ):
        bot(f"GET {REPO}/{path}")
    main = bot(f"GET {REPO}/git/ref/heads/main")["object"]["sha"]
    tree = bot(
        f"POST {REPO}/git/trees",
        201,
        base_tree=main,
        tree=[{"path": "x", "mode": "100644", "type": "blob", "content": "x"}],
    )["sha"]
    bot(f"GET {REPO}/git/trees/{main}")
    commit = bot(f"POST {REPO}/git/commits", 201, message="X", tree=tree, parents=[main])["sha"]
    bot(f"GET {REPO}/git/commits/{commit}")
    bot(f"PATCH {REPO}/git/refs/heads/main", sha=commit)
    tag = bot(f"POST {REPO}/git/tags", 201, tag="v1", message="One", object=commit, type="commit")["sha"]
    bot(f"POST {REPO}/git/refs", 201, ref="refs/tags/v1", sha=tag)
    bot(f"GET {REPO}/git/blobs/{bot(f'POST {REPO}/git/blobs', 201, content='x')['sha']}")
    bot(f"DELETE {REPO}/git/refs/tags/v1", 204)
    checks = {"strict": True, "contexts": ["flowberth"]}
    alice(
        f"PUT {REPO}/branches/main/protection",
        required_status_checks=checks,
        enforce_admins=True,
        required_pull_request_reviews=None,
        restrictions=None,
    )


def test_refusals(bot, alice):
    bot(f"GET {REPO}/issues/99", 404)
    alice(f"POST {REPO}/issues", 422, body="no title")
    alice(f"POST {REPO}/pulls", 422, title="X", head="nowhere", base="main")
