"""What a run does with GitHub: real git over HTTP, real requests, real crashes of both."""

import base64
from dataclasses import dataclass

import pytest

from github_app.github.forge import GithubForge
from github_app.github.repository import RepositoryApi
from runner.errors import ForgeBusy, ForgeRefused, ForgeUnavailable
from tests.forge.faults import Fault
from tests.forge.forge import Forge
from worktrees.errors import PushRejected
from worktrees.mirror import Mirror
from worktrees.worktree import Worktree

BRANCH = "flowberth/poster"
APP = "apps/modal/poster/app.py"
TRAILERS = {"Flowberth-Run": "run_1"}


@dataclass
class Desk:
    """A run at work on acme/site."""

    forge: Forge
    site: RepositoryApi
    mirror: Mirror

    def worktree(self, run="run_1") -> Worktree:
        return self.mirror.open_worktree(run, BRANCH, "main")

    def write(self, worktree, text="pass\n", path=APP, message="Add poster"):
        worktree.write({path: text.encode()})
        worktree.commit(message, TRAILERS)

    def on_github(self, reference=BRANCH):
        return self.forge.repo("acme/site").git.tip(reference)

    def verified(self):
        return self.forge.repo("acme/site").verified

    @property
    def pulls(self):
        return self.forge.repo("acme/site").pulls


@pytest.fixture
def desk(forge, site, tmp_path):
    return Desk(forge, site, Mirror(tmp_path / "data", GithubForge(site).remote()))


def propose(forge, **changes):
    said = {"head": BRANCH, "base": "main", "title": "Add poster", "body": "Here it is", "ready": True}
    return forge.propose(**said | changes)


def test_from_a_commit_to_a_draft_to_a_pull_request_that_asks_its_owners(desk):
    owners = "* @dave\n/apps/modal/ @bob @alice @mallory\n"
    desk.forge.client("alice").put(
        "/repos/acme/site/contents/.github/CODEOWNERS",
        json={"message": "Own", "content": base64.b64encode(owners.encode()).decode()},
    )
    run = GithubForge(desk.site, reviewers=["carol"])
    worktree = desk.worktree()
    desk.write(worktree)
    head = run.publish(worktree)
    assert head == desk.on_github() == worktree.head()

    draft = run.draft(head=BRANCH, base="main", title="Add poster", body="Coming")
    assert draft.draft
    assert run.draft(head=BRANCH, base="main", title="Other", body="Other") == draft
    failing = propose(run, ready=False, body="It fails")
    assert (failing.number, failing.draft, failing.body) == (draft.number, True, "It fails")
    assert desk.site.pull(draft.number).reviewers == ()

    ready = propose(run)
    assert (ready.number, ready.draft, ready.url) == (draft.number, False, draft.url)
    assert set(desk.site.pull(draft.number).reviewers) >= {"bob", "alice", "carol"}
    asked = len(desk.forge.requests("", by="flowberth[bot]"))
    assert propose(run) == ready
    repeated = desk.forge.requests("", by="flowberth[bot]")[asked:]
    assert {entry.method for entry in repeated} == {"GET"}
    assert len(desk.pulls) == 1

    picture = run.picture_url(head=BRANCH, path="apps/modal/poster/a b.png")
    assert picture == f"{desk.forge.web_url}/acme/site/blob/{head}/apps/modal/poster/a%20b.png?raw=true"


def test_verified_commits_are_made_by_github_one_by_one(desk):
    run = GithubForge(desk.site, verified_commits=True)
    worktree = desk.worktree()
    desk.write(worktree)
    desk.write(worktree, "again\n", message="Fix poster")
    head = run.publish(worktree)
    assert head == desk.on_github() == worktree.head()
    log = desk.forge.repo("acme/site").git.run("log", "--format=%s|%(trailers:key=Flowberth-Run)", f"main..{BRANCH}")
    assert log.decode().split("\n")[:1] == ["Fix poster|Flowberth-Run: run_1"]
    assert "Add poster" in log.decode()
    assert head in desk.verified()

    assert run.publish(worktree) == head  # nothing new
    desk.write(worktree, "third\n", message="Third")
    assert run.publish(worktree) == desk.on_github() == worktree.head() != head


@pytest.mark.parametrize("struck", [0, 1, 2])
def test_a_crash_between_verified_commits_is_gone_on_from(desk, struck):
    run = GithubForge(desk.site, verified_commits=True)
    worktree = desk.worktree()
    for number in range(3):
        desk.write(worktree, f"{number}\n", message=f"Attempt {number}")
    desk.forge.faults.requests.append(Fault("POST /graphql", "error-after", skip=struck))
    with pytest.raises(ForgeUnavailable):
        run.publish(worktree)
    assert run.publish(worktree) == desk.on_github() == worktree.head()
    log = desk.forge.repo("acme/site").git.run("log", "--reverse", "--format=%s", f"main..{BRANCH}")
    assert log.decode().split("\n")[:3] == ["Attempt 0", "Attempt 1", "Attempt 2"]
    assert log.decode().count("Attempt") == 3


def test_somebody_who_pushes_meanwhile_keeps_their_commit(desk):
    run = GithubForge(desk.site, verified_commits=True)
    worktree = desk.worktree()
    desk.write(worktree)
    run.publish(worktree)
    theirs = {"message": "Mine", "content": "aGk=", "branch": BRANCH}
    desk.forge.client("bob").put("/repos/acme/site/contents/mine.txt", json=theirs)
    tip = desk.on_github()
    desk.write(worktree, "more\n", message="More")
    for forge in (run, GithubForge(desk.site)):
        with pytest.raises(PushRejected):
            forge.publish(worktree)
    assert desk.on_github() == tip


def test_what_the_api_cannot_commit_is_pushed(desk):
    run = GithubForge(desk.site, verified_commits=True)
    worktree = desk.worktree()
    desk.write(worktree)
    script = worktree.path / "apps/modal/poster/run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    worktree.commit("Add a script", TRAILERS)
    assert run.publish(worktree) == desk.on_github() == worktree.head()


def test_a_token_that_was_revoked_before_a_push_is_renewed_and_is_seen_nowhere(desk):
    run = GithubForge(desk.site)
    worktree = desk.worktree()
    desk.write(worktree)
    desk.forge.tokens.expire()
    assert run.publish(worktree) == desk.on_github()
    for file in (desk.mirror.path / "config", worktree.path / ".git"):
        assert "ghs_" not in file.read_text()
    assert "ghs_" not in repr(run.remote())


def test_a_repository_without_drafts_gets_none_and_then_a_ready_one(scripted):
    run = GithubForge(scripted.site)
    side = {"ref": BRANCH, "sha": "1" * 40, "repo": {"full_name": "acme/site"}}
    page = "https://github.example/acme/site/pull/3"
    opened = {"number": 3, "node_id": "PR_3", "title": "Add poster", "body": "Here it is", "state": "open"}
    opened |= {"head": side, "base": side | {"ref": "main"}, "html_url": page, "draft": False}
    unsupported = {"message": "Draft pull requests are not supported in this repository."}
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say("GET /repos/acme/site/pulls", [])
    scripted.say("POST /repos/acme/site/pulls", unsupported, 422)
    assert run.draft(head=BRANCH, base="main", title="Add poster", body="Here it is") is None
    scripted.say("POST /repos/acme/site/pulls", opened, 201)
    scripted.say("GET /repos/acme/site/pulls/3", opened)
    cannot = {"data": None, "errors": [{"type": "UNPROCESSABLE", "message": "Draft pull requests are not supported."}]}
    scripted.say("POST /api/graphql", cannot)
    assert not propose(run, ready=False).draft
    drafts = [body["draft"] for what, _, body in scripted.asked if what.startswith("POST") and "/pulls" in what]
    assert drafts == [True, True, False]


def test_errors_are_those_that_runs_know(desk, installed):
    run = GithubForge(desk.site)
    desk.forge.faults.requests.append(Fault("GET .*/pulls", "secondary-limit", seconds=1))
    with pytest.raises(ForgeBusy) as busy:
        propose(run)

    def refused():
        try:
            return propose(run)
        except ForgeBusy:
            return None
        except ForgeRefused as error:
            return str(error)

    assert "head" in desk.forge.until(refused)  # there is no such branch
    assert busy.value.until is not None
    desk.forge.uninstall(desk.forge.installations[installed])
    token = desk.mirror.remote.token
    for ask in (lambda: token(token(None)), lambda: run.picture_url(head=BRANCH, path="a")):
        with pytest.raises(ForgeRefused, match="installation"):
            ask()


def test_an_uncertain_pull_request_is_found_by_the_next_try(desk):
    run = GithubForge(desk.site)
    worktree = desk.worktree()
    desk.write(worktree)
    run.publish(worktree)
    desk.forge.faults.requests += [
        Fault("POST .*/pulls$", "error-after"),
        Fault("GET .*/pulls$", "error", skip=1),
    ]
    with pytest.raises(ForgeUnavailable):
        propose(run)
    assert propose(run).number == desk.pulls[0].number
    assert len(desk.pulls) == 1
