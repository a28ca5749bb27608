"""CODEOWNERS, as GitHub reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.github.codeowners import owners_of, parse_codeowners

# The examples of GitHub's documentation.
DOCUMENTED = r"""
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com @docs
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @logger
/apps/github
/apps/modal/ @modal @octo-org/apps
/apps/modal/poster @painter
with\ space/ @spacer
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README", ("global-owner1", "global-owner2")),
        ("src/deep/a.js", ("js-owner",)),
        ("src/a.go", ()),  # an address is nobody whom the API could ask
        ("a.txt", ("octo-org/octocats",)),
        ("build/logs/x/y", ("logger",)),
        ("deep/build/x", ("global-owner1", "global-owner2")),
        ("other/docs/a.md", ("global-owner1", "global-owner2")),  # `docs/*` has a slash, so it is of the root
        ("docs/a.md", ("doctocat",)),
        ("docs/b/a.md", ("doctocat",)),
        ("x/apps/y", ("octocat",)),
        ("apps/github", ()),
        ("apps/github/a", ()),
        ("apps/githubs/a", ("octocat",)),
        ("deep/logs/x", ("logger",)),
        ("logs", ("logger",)),
        ("apps/modal/banner/app.py", ("modal", "octo-org/apps")),
        ("apps/modal/poster/app.py", ("painter",)),
        ("apps/modal/poster2/app.py", ("modal", "octo-org/apps")),
        ("with space/a", ("spacer",)),
    ],
)
def test_the_last_rule_that_matches_counts(path, owners):
    assert owners_of(path, parse_codeowners(DOCUMENTED)) == owners


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("docs/*", "docs/a.md", "docs/b/a.md"),
        ("/docs/**/a.md", "docs/x/y/a.md", "x/docs/a.md"),
        ("/docs/**/a.md", "docs/a.md", "docs/xa.md"),
        ("a?c", "x/abc", "ac"),
        ("/*", "a", "a/b"),
        ("*", "a/b/c", ""),
        ("/apps/**", "apps/x/y", "apps"),
        ("apps/modal", "apps/modal/x", "x/apps/modal"),
        ("a.b", "a.b", "aXb"),
    ],
)
def test_patterns(pattern, inside, outside):
    rules = parse_codeowners(f"{pattern} @me")
    assert owners_of(inside, rules) == ("me",)
    assert outside == "" or owners_of(outside, rules) == ()


@pytest.mark.parametrize("line", ["!a @me", r"\#a @me", "[ab] @me", "// @me", "#* @me", "   # * @me"])
def test_lines_that_github_does_not_understand_are_left_out(line):
    assert parse_codeowners(line) == ()


def test_what_is_no_owner_is_none():
    (rule,) = parse_codeowners("* @ @a/b/c user @ok @team/x.y-z @é")
    assert rule.owners == ("ok", "team/x.y-z")


@given(st.text(), st.text(st.sampled_from("abc/*?.# @\\[!"), max_size=30))
def test_any_text_is_read(text, pattern):
    rules = parse_codeowners(f"{text}\n{pattern} @me")
    owners_of("apps/modal/poster/app.py", rules)


@pytest.mark.parametrize("pattern", ["*" * 60 + "x", "**/" * 40 + "x", "*a" * 40, "a*" * 40 + "/**/" * 10 + "x"])
def test_a_hostile_pattern_costs_no_time(pattern):
    path = "a" * 60 + "/" + "a/" * 40 + "b"
    owners_of(path, parse_codeowners(f"{pattern} @me"))
