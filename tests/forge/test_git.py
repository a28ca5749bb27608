"""Clones and pushes by the git program, and what GitHub refuses."""

import pytest

from tests.forge.app import bot_client, clone, installation_token


def test_a_push_moves_the_head_of_its_pull_request(forge, tmp_path):
    work = clone(forge, tmp_path / "work", installation_token(forge))
    work.git("checkout", "-q", "-b", "flowberth/poster")
    work.commit("app.py", "one\n")
    assert work.push("flowberth/poster").code == 0
    with bot_client(forge) as bot:
        opened = bot.post(
            "/repos/acme/site/pulls", json={"title": "Poster", "head": "flowberth/poster", "base": "main"}
        ).json()
    work.commit("app.py", "two\n")
    assert work.push("flowberth/poster").code == 0

    pull = forge.repo("acme/site").pull(1)
    assert pull.head_sha != opened["head"]["sha"]
    moved = forge.deliveries("pull_request", "synchronize")[0].payload
    assert (moved["before"], moved["after"], moved["sender"]["login"]) == (
        opened["head"]["sha"],
        pull.head_sha,
        "flowberth[bot]",
    )
    pushes = [one.payload for one in forge.deliveries("push")]
    assert [
        (one["created"], [commit["added"] + commit["modified"] for commit in one["commits"]]) for one in pushes
    ] == [
        (True, [["app.py"]]),
        (False, [["app.py"]]),
    ]
    assert work.git("ls-remote", "origin", "refs/pull/1/head").told.startswith(pull.head_sha)


def test_deleting_the_branch_closes_the_pull_request(forge, tmp_path):
    work = clone(forge, tmp_path / "work", forge.account("bob").token)
    work.git("checkout", "-q", "-b", "idea")
    work.commit("idea.md", "?\n")
    work.push("idea")
    forge.client("bob").post("/repos/acme/site/pulls", json={"title": "Idea", "head": "idea", "base": "main"})
    assert work.push("--delete", "idea").code == 0
    assert forge.repo("acme/site").issue(1).state == "closed"
    assert forge.deliveries("delete")[0].payload["ref"] == "idea"


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("mallory", "Permission to acme/site.git denied to mallory."),
        ("dave", "denied to dave"),
        (None, "could not read Username"),
    ],
)
def test_who_may_not_write_cannot_push(forge, tmp_path, who, words):
    work = clone(forge, tmp_path / "work", forge.account(who).token if who else "")
    work.commit("x", "x")
    pushed = work.push("main")
    assert pushed.code != 0
    assert words in pushed.told


def test_a_private_repository_is_not_found_by_others(forge, tmp_path):
    forge.repository("acme/secret", private=True, roles={"bob": "write"})
    assert clone(forge, tmp_path / "bob", forge.account("bob").token, "acme/secret")
    with pytest.raises(AssertionError, match="Repository not found"):
        clone(forge, tmp_path / "mallory", forge.account("mallory").token, "acme/secret")
    with pytest.raises(AssertionError, match="could not read Username"):
        clone(forge, tmp_path / "nobody", "", "acme/secret")


def test_an_expired_token_is_refused(forge, tmp_path):
    token = installation_token(forge)
    work = clone(forge, tmp_path / "work", token)
    forge.tokens.expire()
    assert "could not read Username" in work.push("main").told  # git asks for another one
    with bot_client(forge, token) as bot:
        refused = bot.get("/repos/acme/site")
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


def test_a_protected_branch_refuses_in_githubs_words(forge, tmp_path):
    rules = {
        "required_status_checks": None,
        "enforce_admins": True,
        "required_pull_request_reviews": {},
        "restrictions": None,
    }
    assert forge.client("alice").put("/repos/acme/site/branches/main/protection", json=rules).status_code == 200
    work = clone(forge, tmp_path / "work", installation_token(forge))
    work.commit("x", "x")
    pushed = work.push("main")
    assert "remote: error: GH006: Protected branch update failed for refs/heads/main." in pushed.told
    assert "remote: - Changes must be made through a pull request." in pushed.told
    assert "! [remote rejected] main -> main (protected branch hook declined)" in pushed.told
    assert work.push("main:refs/heads/free").code == 0
    with bot_client(forge) as bot:
        written = bot.put("/repos/acme/site/contents/y", json={"message": "y", "content": "eQ=="})
    assert written.status_code == 409


def test_a_ruleset_refuses_in_githubs_words(forge, tmp_path):
    ruleset = {
        "name": "Stay",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/heads/flowberth/*"], "exclude": []}},
        "rules": [{"type": "non_fast_forward"}],
    }
    assert forge.client("alice").post("/repos/acme/site/rulesets", json=ruleset).status_code == 201
    work = clone(forge, tmp_path / "work", installation_token(forge))
    work.commit("x", "x")
    assert work.push("main:flowberth/x").code == 0
    work.git("commit", "-q", "--amend", "-m", "Another")
    pushed = work.push("--force", "main:flowberth/x")
    assert "remote: error: GH013: Repository rule violations found for refs/heads/flowberth/x." in pushed.told
    assert "remote: - Cannot force-push to this branch" in pushed.told
    assert "(push declined due to repository rule violations)" in pushed.told


def test_workflow_files_need_a_permission_of_their_own(forge, tmp_path):
    work = clone(forge, tmp_path / "work", installation_token(forge))
    work.commit(".github/workflows/ci.yml", "on: push\n")
    pushed = work.push("main")
    assert (
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission"
        in pushed.told
    )


def test_large_files_are_refused(forge, tmp_path):
    forge.largest_file_bytes = 1024 * 1024
    work = clone(forge, tmp_path / "work", forge.account("bob").token)
    work.commit("model.bin", bytes(2 * 1024 * 1024))
    pushed = work.push("main")
    assert "File model.bin is 2.00 MB; this exceeds GitHub's file size limit of 100.00 MB" in pushed.told
    assert "(pre-receive hook declined)" in pushed.told


def test_a_stale_push_is_told_by_git_itself(forge, tmp_path):
    first = clone(forge, tmp_path / "first", forge.account("bob").token)
    second = clone(forge, tmp_path / "second", forge.account("alice").token)
    first.commit("a", "a")
    second.commit("b", "b")
    assert first.push("main").code == 0
    assert "[rejected]" in second.push("main").told


def test_a_push_whose_answer_is_lost_has_happened(forge, tmp_path):
    work = clone(forge, tmp_path / "work", installation_token(forge))
    work.commit("x", "x")
    forge.faults.request("POST .*/git-receive-pack", "error-after")
    assert work.push("main:lost").code != 0
    assert "lost" in str(forge.repo("acme/site").git.refs())
    assert work.push("main:lost").told.strip() == "Everything up-to-date"
