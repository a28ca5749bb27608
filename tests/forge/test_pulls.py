"""Pull requests from draft to merge, with their checks, reviews and deployments."""

import base64

import pytest

from tests.forge.app import bot_client

SITE = "/repos/acme/site"
PULL = f"{SITE}/pulls/1"


class Work:
    """The App at work on acme/site: a branch with a file, a pull request, and GraphQL."""

    def __init__(self, forge, bot):
        self.forge, self.bot = forge, bot

    def branch(self, name, path="app.py", text="print()\n"):
        main = self.bot.get(f"{SITE}/git/ref/heads/main").json()["object"]["sha"]
        assert self.bot.post(f"{SITE}/git/refs", json={"ref": f"refs/heads/{name}", "sha": main}).status_code == 201
        return self.write(name, path, text)

    def write(self, branch, path, text):
        body = {"message": f"Write {path}", "content": base64.b64encode(text.encode()).decode(), "branch": branch}
        written = self.bot.put(f"{SITE}/contents/{path}", json=body)
        assert written.status_code == 201, written.text
        return written.json()["commit"]["sha"]

    def pull(self, head, **more):
        opened = self.bot.post(f"{SITE}/pulls", json={"title": f"Add {head}", "head": head, "base": "main", **more})
        assert opened.status_code == 201, opened.text
        return opened.json()

    def check(self, sha, conclusion):
        body = {"name": "flowberth", "head_sha": sha, "status": "completed", "conclusion": conclusion}
        assert self.bot.post(f"{SITE}/check-runs", json=body).status_code == 201

    def graphql(self, mutation, **given):
        query = f"mutation($input: {mutation[0].upper()}{mutation[1:]}Input!) {{ {mutation}(input: $input) {{ clientMutationId }} }}"
        url = f"{self.forge.web_url}/api/graphql"
        return self.bot.post(url, json={"query": query, "variables": {"input": given}}).json()


@pytest.fixture
def work(forge):
    with bot_client(forge) as bot:
        yield Work(forge, bot)


def test_a_draft_becomes_ready_and_is_merged_by_a_person(forge, work):
    work.bot.post(f"{SITE}/issues", json={"title": "A workflow"})
    work.branch("flowberth/poster")
    pull = work.pull("flowberth/poster", draft=True, body="Closes #1")
    bob = forge.client("bob")
    assert bob.put(f"{SITE}/pulls/2/merge").json()["message"] == "Pull Request is still a draft"
    work.graphql("markPullRequestReadyForReview", pullRequestId=pull["node_id"])
    assert forge.client("dave").put(f"{SITE}/pulls/2/merge").status_code == 403
    assert bob.put(f"{SITE}/pulls/2/merge", json={"sha": "0" * 40}).status_code == 409
    merged = bob.put(f"{SITE}/pulls/2/merge", json={"merge_method": "squash", "sha": pull["head"]["sha"]})

    site = forge.repo("acme/site")
    assert merged.json()["sha"] == site.git.tip("main") == site.pull(2).merge_commit_sha
    assert site.git.file("main", "app.py") == b"print()\n"
    assert (site.pull(2).merged_by.login, site.issue(1).state, site.issue(1).closed_by.login) == (
        "bob",
        "closed",
        "bob",
    )
    told = [(one.event, one.action) for one in forge.webhooks.deliveries if one.event in ("pull_request", "issues")]
    assert told == [
        ("issues", "opened"),
        ("pull_request", "opened"),
        ("pull_request", "ready_for_review"),
        ("pull_request", "closed"),
        ("issues", "closed"),
    ]
    assert bob.put(f"{SITE}/pulls/2/merge").status_code == 405


@pytest.mark.parametrize(
    ("method", "parents", "subject"),
    [("merge", 2, "Merge pull request #1"), ("squash", 1, "Add x (#1)"), ("rebase", 1, "Write b")],
)
def test_merges_keep_both_sides(forge, work, method, parents, subject):
    work.branch("x", "a", "a\n")
    work.write("x", "b", "b\n")
    work.pull("x")
    work.write("main", "c", "c\n")
    assert forge.client("bob").put(f"{PULL}/merge", json={"merge_method": method}).status_code == 200
    git = forge.repo("acme/site").git
    assert set(git.files("main")) == {"README.md", "a", "b", "c"}
    top = git.log("-1", "main")[0]
    assert (len(top.parents), top.message.startswith(subject)) == (parents, True)


def test_a_conflict_is_seen_and_not_merged(forge, work):
    work.branch("x", "same", "mine\n")
    work.pull("x")
    work.write("main", "same", "theirs\n")
    states = [work.bot.get(PULL).json()["mergeable_state"] for _ in range(2)]
    assert states == ["unknown", "dirty"]
    assert forge.client("bob").put(f"{PULL}/merge").json()["message"] == "Pull Request has merge conflicts"


def test_one_open_pull_request_for_each_branch(work):
    work.branch("x")
    work.pull("x")
    again = work.bot.post(f"{SITE}/pulls", json={"title": "Again", "head": "x", "base": "main"})
    assert (again.status_code, again.json()["errors"][0]["message"]) == (
        422,
        "A pull request already exists for acme:x.",
    )
    assert len(work.bot.get(f"{SITE}/pulls?head=acme:x").json()) == 1
    assert work.bot.get(f"{SITE}/pulls?head=acme:y").json() == []


def test_requirements_hold_a_merge_back_and_auto_merge_waits_for_them(forge, work):
    rules = {
        "required_status_checks": {"strict": False, "contexts": ["flowberth"]},
        "enforce_admins": True,
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "restrictions": None,
    }
    sha = work.branch("x")
    pull = work.pull("x")
    clean = work.graphql("enablePullRequestAutoMerge", pullRequestId=pull["node_id"])
    assert clean["errors"][0]["message"] == "Pull request Pull request is in clean status"
    forge.client("alice").put(f"{SITE}/branches/main/protection", json=rules)
    refused = forge.client("alice").put(f"{PULL}/merge")
    assert refused.status_code == 405
    assert refused.json()["message"].startswith('Required status check "flowberth" is expected.')
    assert "errors" not in work.graphql(
        "enablePullRequestAutoMerge", pullRequestId=pull["node_id"], mergeMethod="SQUASH"
    )
    work.check(sha, "failure")
    work.check(sha, "success")
    assert not forge.repo("acme/site").pull(1).merged
    assert work.bot.post(f"{PULL}/reviews", json={"event": "APPROVE"}).status_code == 422  # its own
    assert forge.client("mallory").post(f"{PULL}/reviews", json={"event": "APPROVE"}).status_code == 200
    assert not forge.repo("acme/site").pull(1).merged
    forge.client("bob").post(f"{PULL}/reviews", json={"event": "APPROVE"})
    assert forge.repo("acme/site").pull(1).merged_by.login == "flowberth[bot]"


def test_a_commit_by_graphql_is_signed_and_expects_its_parent(forge, work):
    tip = work.branch("x")
    given = {
        "branch": {"repositoryNameWithOwner": "acme/site", "branchName": "x"},
        "message": {"headline": "By API", "body": "Flowberth-Run: 1"},
        "fileChanges": {"additions": [{"path": "b", "contents": "Yg=="}], "deletions": [{"path": "app.py"}]},
    }
    assert "errors" not in work.graphql("createCommitOnBranch", **given, expectedHeadOid=tip)
    git = forge.repo("acme/site").git
    assert set(git.files("x")) == {"README.md", "b"}
    commit = work.bot.get(f"{SITE}/commits/x").json()
    assert commit["commit"]["verification"]["verified"] is True
    assert commit["commit"]["message"] == "By API\n\nFlowberth-Run: 1"
    assert work.graphql("createCommitOnBranch", **given, expectedHeadOid=tip)["errors"][0]["type"] == "STALE_DATA"


def test_a_fork_asks_to_be_merged(forge):
    mallory = forge.client("mallory")
    mallory.post(f"{SITE}/forks")
    mallory.put("/repos/mallory/site/contents/x", json={"message": "x", "content": "eA==", "branch": "main"})
    opened = mallory.post(f"{SITE}/pulls", json={"title": "Mine", "head": "mallory:main", "base": "main"}).json()
    assert (opened["head"]["repo"]["fork"], opened["head"]["label"]) == (True, "mallory:main")
    assert forge.client("bob").put(f"{PULL}/merge").status_code == 200
    assert forge.repo("acme/site").git.file("main", "x") == b"x"


def test_checks_have_limits(forge, work):
    sha = work.branch("x")

    def attempt(**more):
        output = {"title": "T", "summary": "S", **more.pop("output", {})}
        return work.bot.post(
            f"{SITE}/check-runs", json={"name": "c", "head_sha": sha, "output": output, **more}
        ).status_code

    annotation = {"path": "app.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    action = {"label": "Re-run", "description": "d", "identifier": "rerun"}
    assert attempt(output={"annotations": [annotation] * 50}, actions=[action] * 3) == 201
    assert attempt(output={"annotations": [annotation] * 51}) == 422
    assert attempt(output={"text": "x" * 65_536}) == 422
    assert attempt(actions=[action] * 4) == 422
    assert attempt(actions=[{**action, "label": "x" * 21}]) == 422
    forge.violations.clear()  # what GitHub refuses here, its description does not allow either


def test_annotations_add_up_and_buttons_are_told(forge, work):
    sha = work.branch("x")
    annotation = {"path": "app.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output = {"title": "T", "summary": "S", "annotations": [annotation] * 50}
    actions = [{"label": "Cancel", "description": "d", "identifier": "cancel"}]
    run = work.bot.post(
        f"{SITE}/check-runs", json={"name": "c", "head_sha": sha, "output": output, "actions": actions}
    ).json()["id"]
    work.bot.patch(f"{SITE}/check-runs/{run}", json={"output": output})
    assert work.bot.get(f"{SITE}/check-runs/{run}").json()["output"]["annotations_count"] == 100
    assert forge.client("dave").post(f"{SITE}/check-runs/{run}/rerequest").status_code == 403
    forge.client("bob").post(f"{SITE}/check-runs/{run}/rerequest")
    forge.press("acme/site", forge.repo("acme/site").check_runs[run], "cancel", by="bob")
    told = [(one.action, one.payload["sender"]["login"]) for one in forge.deliveries("check_run")]
    assert told == [("created", "flowberth[bot]"), ("rerequested", "bob"), ("requested_action", "bob")]


def test_deployments_want_green_checks_unless_told_otherwise(forge, work):
    sha = work.branch("x")
    work.check(sha, "failure")
    deployment = {"ref": sha, "environment": "preview", "auto_merge": False}
    assert work.bot.post(f"{SITE}/deployments", json=deployment).status_code == 409
    numbers = [
        work.bot.post(f"{SITE}/deployments", json={**deployment, "required_contexts": []}).json()["id"]
        for _ in range(2)
    ]
    for number in numbers:
        work.bot.post(
            f"{SITE}/deployments/{number}/statuses", json={"state": "success", "environment_url": "https://example.com"}
        )
    site = forge.repo("acme/site")
    assert [site.deployments[number].state for number in numbers] == ["inactive", "success"]
    assert list(site.environments) == ["preview"]
