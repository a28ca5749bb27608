"""What is read from files and from queries, whatever is in them."""

from __future__ import annotations

import re
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.knowledge import document as document_module
from runner.knowledge import entry_file, words
from runner.knowledge.document import LARGEST_FILE, MOST_SECTIONS, ROOT, Document, described, documents_of, is_indexed
from runner.knowledge.index import rows_of
from runner.knowledge.query import LONGEST_MEANING, LONGEST_TEXT, MOST_WORDS, Query, read_query
from runner.knowledge.words import LONGEST_WORD, split, words_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))
PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": pattern
    for module in (document_module, entry_file, words)
    for name, pattern in vars(module).items()
    if isinstance(pattern, re.Pattern) and name != "_PART"  # which is given short texts alone
}
BEGINNINGS = ("", "---\n", "--- ", "# ", "# x", "[", "[](", "![a](", "<!--", "a_", 'generated: "')
REPEATED = (
    *(" ", "\t", "\n", "\r\n", "#", "# ", "#\n", "# x\n", "# x  ", "\n# ", "-", "---\n", "--- ", "--- x\n", "<!--", "<!-", "-->"),
    *("[", "]", "(", "](", "[](", "![](", "[](x", "[a](b)", "[[](", "[" * 300 + "](", "[](" + "x" * 2000),
    *("a_", "_", "A", "Aa", "aA1", "0", "\u4eba", "\x00", 'generated: "', "generated: 0\n", " x", " #x"),
)  # fmt: skip
LONG = 50_000
"""Characters: what takes their square, or a thousand times them, takes much more than what is allowed."""


@pytest.mark.parametrize("name", PATTERNS)
def test_no_text_is_looked_at_again_and_again(name: str) -> None:
    for beginning, repeated in product(BEGINNINGS, REPEATED):
        text = f"{beginning}{repeated * (LONG // len(repeated))}"
        for hostile in (text, f"{text}x", f"{text}\nx"):
            began = time.process_time()
            for _ in PATTERNS[name].finditer(hostile):
                pass
            assert time.process_time() - began < 0.2, (beginning, repeated[:20])


@pytest.mark.parametrize("repeated", ["# ", "# \n", "# a\nb\n", "[](", "[", "<!--", "\n", " ", "a\n", "a b\t"])
@pytest.mark.parametrize("front", ["", f"---\nclasses: [{'a, ' * 30_000}]\n---\n"], ids=["", "front"])
def test_a_file_as_large_as_it_may_be_is_read_soon(repeated: str, front: str) -> None:
    text = (front + "# " + repeated * LARGEST_FILE)[:LARGEST_FILE]
    began = time.process_time()
    found = documents_of(f"{ROOT}/learnings/common-errors.md", text.encode())
    assert time.process_time() - began < 4, "a second where nothing else is running"
    assert len(found) <= MOST_SECTIONS


@pytest.mark.parametrize(
    "front",
    [
        *("a: !!bool x", "a: !!timestamp x", "a: !!int ''", "a: !!float ''", "!!set {a}", "? [a]\n: b", "a: !!binary x"),
        *("a: 2020-99-99", "a: 0x", "<<: 1", "=: =", "a: &a [*a]", "a: 1\na: 2", "a: 9" + "9" * 90_000, "\x00", "%YAML 9.9"),
        *("a: " + "[" * 50_000, "? " * 30_000, "- " * 30_000, "{a: " * 20_000, "!<" + "a" * 50_000, '"' + "\\" * 50_000),
    ],
    ids=lambda front: front[:12],
)  # fmt: skip
def test_front_matter_that_is_wrong_leaves_the_text(front: str) -> None:
    began = time.process_time()
    [found] = documents_of(f"{ROOT}/patterns/a.md", f"---\n{front}\n---\n# Title\n\nText\n".encode())
    assert time.process_time() - began < 1
    assert found.title == "Title"
    assert "Text" in found.prose


YAML = st.lists(
    st.one_of(
        st.sampled_from((
            *("a", "title", "classes", ": ", "\n", "\n  ", "- ", "? ", "[", "]", "{", "}", ", ", "'", '"', "|\n", ">\n", "#"),
            *("!!bool ", "!!int ", "!!float ", "!!timestamp ", "!!null ", "!!set ", "!!omap ", "!!binary ", "!!merge ", "! "),
            *("&a ", "*a", "<<", "=", "~", "1", "-.inf", ".nan", "0x", "1e9", "12:30", "2020-02-30", "%TAG", "...", "\x85"),
        )),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=3),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(YAML)
def test_whatever_is_in_front_matter_a_document_comes_of_it(front: str) -> None:
    [found] = documents_of(f"{ROOT}/patterns/a.md", f"---\n{front}\n---\n# Title\n".encode())
    assert found.title


def test_a_file_that_cannot_be_read_does_not_hinder_others(caplog: pytest.LogCaptureFixture) -> None:
    def read(path: str, data: bytes) -> tuple[Document, ...]:
        return documents_of(path, data) if data else (*documents_of(path, b"# Half\n"), {}["what nobody thought of"])

    rows = [
        rows_of("site", f"{ROOT}/patterns/{name}.md", data, read=read) for name, data in (("a\n", b""), ("b", b"# B"))
    ]
    assert [len(found) for found in rows] == [0, 1]
    assert f"'{ROOT}/patterns/a\\n.md'" in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Upscale a portrait!", "upscale a portrait"),
        ("KSamplerAdvanced", "ksampleradvanced k sampler advanced ksampler sampleradvanced"),
        ("4x-UltraSharp.pth", "4x 4 x ultrasharp ultra sharp pth"),
        ("snake_case_name", "snakecasename snake case name snakecase casename"),
        ("wan2.2", "wan2 wan 2 2"),
        ("人物放大", "人物 物放 放大"),
        ("Straße \uff26\uff35\uff2c\uff2c", "strasse full"),
        ("x" * (LONGEST_WORD + 1), ""),
        ("!!! -- ***", ""),
    ],
)
def test_words(text: str, words: str) -> None:
    assert split(text) == words


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT)
def test_words_are_letters_and_digits_only(text: str) -> None:
    for word in words_of(text):
        assert word.isalnum()
        assert word == word.casefold()
        assert len(word) <= 4 * LONGEST_WORD  # what one letter is folded to may be more


@settings(max_examples=60, deadline=None)
@given(st.one_of(ANY_TEXT, st.text('ab "-', max_size=40)))
def test_whatever_is_typed_is_a_query(text: str) -> None:
    query = read_query(text)
    assert len(query.words) <= MOST_WORDS
    assert all(word.isalnum() for words in (query.words, *query.phrases, *query.without) for word in words)
    assert set(query.condition) - {'"', "-", " "} == {char for char in query.condition if char.isalnum()}


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("upscale it", Query(words=("upscale", "it"), text="upscale it")),
        ('say "Out of memory"', Query(words=("say", "out", "of", "memory"), phrases=(("out", "of", "memory"),), text="say Out of memory")),
        ("a -b -“c d”", Query(words=("a",), without=(("b",), ("c", "d")), text="a")),
        ("well-known x-", Query(words=("well", "known", "x"), text="well-known x-")),
        ('"', Query(words=())),
    ],
)  # fmt: skip
def test_queries(typed: str, query: Query) -> None:
    assert read_query(typed) == query


@pytest.mark.parametrize(
    "pasted",
    [
        '  File "/root/comfy/execution.py", line 7, in run\n    main()\nKeyError: "lora -x"',
        'File "/root/comfy/execution.py", line 7, in run KeyError: "lora" -x',
        "$ pip install -r requirements.txt\nerror",
    ],
)
def test_quotes_of_a_traceback_are_no_conditions(pasted: str) -> None:
    assert read_query(pasted).condition == ""
    assert {"execution", "lora"} <= {*read_query(pasted).words} or "requirements" in read_query(pasted).words


def test_of_a_long_paste_the_end_counts() -> None:
    query = read_query("first " + "x " * LONGEST_TEXT + "last")
    assert "last" in query.words
    assert query.meaning.endswith("x last")
    assert LONGEST_MEANING - 2 <= len(query.meaning) <= LONGEST_MEANING


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(("patterns/a.md", "learnings/common-errors.md", "learnings/fixes/a.json", "nodes/pack.json")),
    st.one_of(st.binary(), ANY_TEXT.map(lambda text: f"---\n{text}\n---\n# A\n".encode(errors="surrogatepass"))),
)
def test_whatever_is_in_a_file_is_read(path: str, data: bytes) -> None:
    for document in documents_of(f"{ROOT}/{path}", data):
        text = document.model_dump_json()
        assert "\\u0000" not in text
        described(document).encode()


def test_a_workflow() -> None:
    page = b"""\
---
name: "poster"
title: "A poster"
classes: ["KSampler"]
models: [{"folder": "vae", "file": "ae.safetensors", "bytes": 5}]
packs: [{"name": "impact-pack", "repository": "https://github.com/a/b", "commit": "0123456789"}]
issues: [{"signature": "module-missing", "subject": "cv2", "cause": "cv2 is missing", "fix": "add opencv"}]
cost: {"call": 0.5}
passed: true
---

# A poster

<!-- hidden --> Prints [posters](https://example.org) ![picture](sample.png).

- boilerplate
"""
    [document] = documents_of(f"{ROOT}/patterns/poster.md", page)
    assert document == Document(
        kind="pattern",
        part="",
        title="A poster",
        name="poster",
        classes=("KSampler",),
        models=("vae/ae.safetensors",),
        packs=("impact-pack", "https://github.com/a/b"),
        errors=("module-missing", "cv2", "cv2 is missing", "add opencv"),
        prose="# A poster\n\n  Prints posters picture.\n\n- boilerplate\n5\n0123456789\n0.5",
    )
    assert "boilerplate" not in described(document)


def test_what_a_packs_nodes_are() -> None:
    data = b"""{"repository": "https://github.com/a/b", "commit": "0123", "definitions": {
        "FaceDetailer": {"display_name": "Detail faces", "category": "Impact", "input": {"required": {"seed": [1]}}}}}"""
    [document] = documents_of(f"{ROOT}/nodes/pack.json", data)
    assert (document.kind, document.classes, document.packs) == (
        "nodes",
        ("FaceDetailer",),
        ("https://github.com/a/b",),
    )
    assert "Detail faces" in document.prose


def test_which_files_count() -> None:
    assert is_indexed(f"{ROOT}/patterns/a.md")
    assert is_indexed(f"{ROOT}/learnings/fixes/a.json")
    assert not is_indexed(f"{ROOT}/README.md")
    assert not is_indexed(f"{ROOT}/patterns/picture.png")
    assert not is_indexed("docs/other.md")
