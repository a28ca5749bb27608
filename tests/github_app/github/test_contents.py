"""Files, branches, tags and commits."""

import pytest

from github_app.github.errors import NotFound, Outdated
from github_app.github.model import FileAddition


def test_files_small_and_large_and_none(forge, site):
    large = bytes(range(256)) * 5_000
    base = site.tip("main")
    site.create_branch("a/b", base)
    files = [FileAddition(path="a b/ü.bin", data=large), FileAddition(path="empty", data=b"")]
    site.create_commit_on_branch("a/b", expected_head=base, message="Add", additions=files)
    assert site.file("a b/ü.bin", "a/b") == large
    assert site.file("empty", "a/b") == b""
    assert site.file("README.md") == b"# site\n"
    assert [site.file(path) for path in ("empty", "a b", "", "/")] == [None] * 4
    assert site.file("README.md", "no-such-branch") is None


def test_signs_that_mean_something_in_addresses_are_escaped(scripted):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.say(
        "GET /repos/acme/site/contents/a%20b/%3F%23%25.txt",
        {"type": "file", "sha": "1", "content": "aGk=", "encoding": "base64"},
    )
    assert scripted.site.file("a b/?#%.txt", "feature/x&y") == b"hi"
    assert scripted.asked[-1][0].endswith("?ref=feature%2Fx%26y")


def test_a_path_does_not_lead_out_of_the_repository(scripted):
    scripted.say("GET /repos/acme/site", scripted.repository("acme/site"))
    scripted.site.file("README.md")
    asked = len(scripted.asked)
    for path in ("../../../user", "a/../../b", "..", "a//b", "./README.md"):
        assert scripted.site.file(path) is None
        assert scripted.site.tip(path) is None
    assert len(scripted.asked) == asked


def test_a_commit_goes_onto_the_head_that_was_expected_only(forge, site):
    base = site.tip("main")
    site.create_branch("a", base)
    message = "Add poster\n\nFlowberth-Run: run_1"
    one = site.create_commit_on_branch(
        "a",
        expected_head=base,
        message=message,
        additions=[FileAddition(path="x", data=b"1")],
        deletions=["README.md"],
    )
    assert site.tip("a") == one
    assert forge.repo("acme/site").git.run("log", "-1", "--format=%B", one).decode().strip() == message
    assert site.file("README.md", "a") is None
    with pytest.raises(Outdated):
        site.create_commit_on_branch("a", expected_head=base, message="Again", additions=[])
    compared = site.compare("main", "a")
    assert (compared.ahead_by, compared.behind_by, compared.merge_base) == (1, 0, base)
    assert {file.path for file in compared.files} == {"x", "README.md"}


def test_branches_and_tags_are_made_once_and_never_moved_backwards(forge, site):
    base = site.tip("main")
    site.create_branch("a", base)
    site.create_branch("a", base)
    one = site.create_commit_on_branch("a", expected_head=base, message="One", deletions=["README.md"])
    with pytest.raises(Outdated):
        site.create_branch("a", base)
    with pytest.raises(Outdated):
        site.advance_branch("a", base)
    site.create_branch("b", base)
    site.advance_branch("b", one)
    site.advance_branch("c", one)
    assert site.tip("b") == site.tip("c") == one

    site.tag("flowberth/poster/1", base)
    site.tag("flowberth/poster/1", base)
    with pytest.raises(Outdated):
        site.tag("flowberth/poster/1", one)

    assert not site.delete_branch("a", sha=base)
    assert site.delete_branch("a", sha=one)
    assert site.delete_branch("a", sha=one)
    assert site.tip("a") is None


def test_a_comparison_with_what_is_not_there_is_not_found(site):
    with pytest.raises(NotFound):
        site.compare("main", "nope")
