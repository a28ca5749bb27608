"""docs/repair.md says what is there, and its example is one."""

import re

import pytest

from runner.repair.errors import BadSignature
from runner.repair.signatures import Signature, read_signatures, signatures
from runner.repair.tables import modules, torch
from tools import signatures as tool


def test_the_table_is_that_of_the_data():
    document = tool.DOCUMENT.read_text("utf-8")
    assert tool.written(document) == document, "run tools/signatures.py"


def test_the_five_lines_are_a_signature_that_ships():
    document = tool.DOCUMENT.read_text("utf-8")
    (example,) = re.findall(r"(?s)```toml\n(.*?)```", document)
    assert len(example.strip().splitlines()) == 5
    (signature,) = read_signatures("imports", example)
    ships = {one.id: one for one in signatures()}[signature.id]
    assert ships.model_copy(update={"rank": signature.rank}) == signature


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[signature]", "imports.toml: "),
        ('[[signature]]\nid = "x"\npatterns = ["("]\ncause = "c"\ngive_up = "g"', "imports.toml: x: patterns: "),
        ('[[signature]]\nid = "x"\npatterns = ["a"]\ncause = "c"', "imports.toml: x: : Value error, it has no remedy"),
        (
            '[[signature]]\nid = "x"\npatterns = ["a"]\ncause = "c"\nresolver = "gone"',
            "imports.toml: x: its family has no gone",
        ),
        ('[[signature]]\nid = "x"\npatterns = ["a"]\ncause = "c"\ncolour = "red"', "imports.toml: x: colour: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_its_signature(text: str, message: str):
    with pytest.raises(BadSignature, match=re.escape(message)):
        read_signatures("imports", text)


def test_names_in_sentences_are_groups_or_facts_of_a_resolver():
    for signature in signatures():
        groups = set(re.findall(r"\?P<(\w+)>", " ".join(signature.patterns)))
        names = set(re.findall(r"{(\w+)}", signature.cause + signature.subject))
        assert signature.resolver or names <= groups, signature.id


def test_nothing_that_repeats_is_without_bound():
    for signature in signatures():
        for pattern in signature.patterns:
            bare = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", pattern)
            assert not re.search(r"[)x.\w][*+]", bare), (signature.id, pattern)


def test_the_tables_are_sound():
    table = modules()
    assert not set(table.distributions) & table.same
    assert all(today != old for old, today in table.debian_renamed.items())
    days = [release.day for release in torch().releases]
    assert days == sorted(days)


def test_a_signature_says_what_it_does():
    assert {one.steps for one in signatures() if one.resolver} == {"computed"}
    assert isinstance(signatures()[0], Signature)
