"""A name becomes a folder, a branch and a Modal app; nothing of it may surprise any of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.errors import InvalidName
from codegen.naming import MAX_LENGTH, RESERVED, app_name, derive_name


@pytest.mark.parametrize("name", ["a", "7", "flux-poster", "a1-b2-c3", "x" * 50])
def test_good_names(name):
    assert app_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "-a", "a-", "a--b", "A", "ä", "a_b", "a.b", "a b", "a/b", "..", "../../x", "~", "x" * 51, "a\n", "a\0", "🦊", "a:b", "C:\\x",
        ".lock", "@{",
    ],
)  # fmt: skip
def test_bad_names_are_refused_with_one_that_would_do(name):
    with pytest.raises(InvalidName) as refused:
        app_name(name)
    message = str(refused.value)
    assert message.isascii()
    assert app_name(message.rsplit("such as ", 1)[1])


@pytest.mark.parametrize("name", ["shared", "con", "CON", "nul", "com1", "lpt9", "aux", "head"])
def test_reserved_names_are_refused_with_one_that_would_do(name):
    with pytest.raises(InvalidName, match="is reserved"):
        app_name(name)
    assert derive_name(None, f"{name}.json") == f"{name.lower()}-workflow"


@pytest.mark.parametrize(
    ("title", "filename", "expected"),
    [
        (None, "Poster.json", "poster"),
        (None, "poster.app.json", "poster"),
        (None, "my flow (1).ui.json", "my-flow-1"),
        (None, "../../x", "x"),
        (None, "..\\..\\x.json", "x"),
        (None, "/etc/passwd", "passwd"),
        ("Crème brûlée", ".json", "creme-brulee"),
        (None, "\N{FULLWIDTH LATIN SMALL LETTER F}ull \N{DOUBLE-STRUCK CAPITAL R}.json", "full-r"),
        (None, "a" * 300 + ".json", "a" * 50),
        (None, "word " * 60 + ".json", "word-word-word-word-word-word-word-word-word-word"),
        ("🦊🦊", "🦊.json", "workflow-3fab3d4b"),
        (None, "", "workflow-a51ad9ee"),
    ],
)
def test_names_derived_from_titles_and_files(title, filename, expected):
    assert derive_name(title, filename) == expected


@given(st.none() | st.text(), st.text())
def test_a_derived_name_is_always_a_good_one(title, filename):
    name = derive_name(title, filename)
    assert app_name(name) == name
    assert derive_name(title, filename) == name


@given(st.text(max_size=60) | st.from_regex(r"[a-z0-9-]{1,60}", fullmatch=True))
def test_whatever_is_accepted_is_harmless(text):
    try:
        name = app_name(text)
    except InvalidName:
        return
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= MAX_LENGTH
    assert name not in RESERVED
