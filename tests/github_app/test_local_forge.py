"""Pull requests without GitHub: on a real Postgres, of real branches, with a page to look at."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from github_app.errors import ForgeRefused, PullRequestNotFound
from github_app.local_forge import LocalForge
from tests.worktrees.conftest import Place, make_place
from worktrees.errors import MergeRefused

if TYPE_CHECKING:
    from runner.database import Database
    from runner.model import PullRequest

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\n\n[x](javascript:alert(3)) "
    "![](https://evil.test/p.png) ![](../../../../etc/passwd) ![](file:///etc/passwd) <iframe src=//evil.test></iframe>"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture
def forge(place: Place, database: Database) -> LocalForge:
    return LocalForge(database, place.repo, place.data)


def branch(place: Place, name: str, content: str = "new") -> None:
    place.git("switch", "--quiet", "-c", name, "main")
    place.commit("app.py", content)
    (place.repo / "sample.png").write_bytes(PIXEL)
    place.git("add", "sample.png")
    place.git("commit", "--quiet", "-m", "Sample")
    place.git("switch", "--quiet", "main")


def propose(forge: LocalForge, head: str = "flowberth/poster", **more: str) -> PullRequest:
    return forge.propose(head=head, base="main", ready=True, **{"title": "Add poster", "body": "A poster.", **more})


def page(pull: PullRequest) -> str:
    return Path(unquote(urlsplit(pull.url).path)).read_text()


def test_a_branch_has_one_open_pull_request_however_often_it_is_proposed(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    first, again = propose(forge), propose(forge, title="Add a better poster")
    assert (first.number, again.number) == (1, 1)
    assert [(pull.title, pull.state) for pull in forge.list()] == [("Add a better poster", "open")]


def test_proposed_at_once_by_many_it_is_one(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    branch(place, "flowberth/banner", "other")
    with ThreadPoolExecutor(8) as pool:
        pulls = list(pool.map(lambda i: propose(forge, ("flowberth/poster", "flowberth/banner")[i % 2]), range(16)))
    assert {(pull.number, pull.head) for pull in pulls} in (
        {(1, "flowberth/poster"), (2, "flowberth/banner")},
        {(2, "flowberth/poster"), (1, "flowberth/banner")},
    )


def test_merging_merges_and_deletes_the_branch(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    number = propose(forge).number
    merged = forge.merge(number)
    assert merged.state == "merged"
    assert (place.repo / "app.py").read_text() == "new"
    assert place.git("log", "-1", "--format=%s") == f"Merge pull request #{number} from flowberth/poster"
    assert place.git("branch", "--list", "flowberth/*") == ""
    assert forge.merge(number) == merged
    with pytest.raises(ForgeRefused, match="is merged already"):
        forge.close(number)


def test_closed_means_closed_and_the_next_one_gets_another_number(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    first = propose(forge).number
    assert forge.close(first).state == "closed"
    assert forge.close(first).state == "closed"
    with pytest.raises(ForgeRefused, match="is closed"):
        forge.merge(first)
    assert propose(forge).number == first + 1
    assert place.git("branch", "--list", "flowberth/poster")


def test_a_conflict_leaves_it_open(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    number = propose(forge).number
    place.commit("app.py", "something else")
    with pytest.raises(MergeRefused, match=r"app\.py"):
        forge.merge(number)
    assert forge.show(number).state == "open"


def test_a_merge_that_was_not_recorded_is_found(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    number = propose(forge).number
    place.git("merge", "--quiet", "--no-ff", "-m", "By a killed process", "flowberth/poster")
    place.git("branch", "--quiet", "-D", "flowberth/poster")
    assert forge.merge(number).state == "merged"
    assert place.git("log", "-1", "--format=%s") == "By a killed process"


def test_a_branch_that_a_killed_merge_left_is_deleted_but_not_one_that_went_on(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    number = propose(forge).number
    tip = place.git("rev-parse", "flowberth/poster")
    forge.merge(number)
    place.git("branch", "flowberth/poster", tip)
    forge.merge(number)
    assert place.git("branch", "--list", "flowberth/*") == ""
    place.git("switch", "--quiet", "-c", "flowberth/poster")
    place.commit("app.py", "newer")
    place.git("switch", "--quiet", "main")
    forge.merge(number)
    assert place.git("branch", "--list", "flowberth/*")


def test_another_repository_has_numbers_of_its_own(place: Place, database: Database, tmp_path: Path) -> None:
    other = make_place(tmp_path, "other")
    for each in (place, other):
        branch(each, "flowberth/poster")
        assert propose(LocalForge(database, each.repo, each.data)).number == 1


def test_a_number_that_there_is_not_is_told(forge: LocalForge) -> None:
    for act in (forge.show, forge.merge, forge.close):
        with pytest.raises(PullRequestNotFound, match=r"no pull request #7 .* `flowberth pr list`"):
            act(7)


def test_the_page_shows_the_picture_of_the_branch_also_when_all_else_is_gone(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    pull = propose(
        forge, body=f"![It]({forge.picture_url(head='flowberth/poster', path='sample.png')})\n\n| a |\n|-|\n| b |"
    )
    shutil.rmtree(place.repo)
    assert 'src="data:image/png;base64,iVBORw0KGgo' in page(pull)
    assert "<td>b</td>" in page(pull)


def test_a_hostile_text_does_nothing_on_the_page(place: Place, forge: LocalForge) -> None:
    branch(place, "flowberth/poster")
    html = page(propose(forge, title=HOSTILE, body=HOSTILE + "x" * 60_000))
    assert re.findall(r"<(script|iframe|img src=x)", html) == []
    assert not re.search(r'(href|src)="(?!data:image|")[^"]', html)
    assert "default-src 'none'" in html
    assert "root:" not in html
