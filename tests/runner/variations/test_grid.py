"""What people write, and the grid that it makes of an app's inputs; or what they are told instead."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.variations.errors import BadVariation
from runner.variations.grammar import FORM, Span, Wish, Word, read_wishes, show_wishes
from runner.variations.grid import check_grid, make_grid
from runner.variations.model import MOST_CELLS, Grid
from tests.runner.variations.apps import INTERFACE, values


def grid(text: str, interface: dict[str, Any] = INTERFACE) -> Grid:
    return make_grid(read_wishes(text), interface)


def refusal(text: str, interface: dict[str, Any] = INTERFACE) -> str:
    with pytest.raises(BadVariation) as refused:
        grid(text, interface)
    return str(refused.value)


def test_lists_ranges_steps_and_texts_become_every_combination() -> None:
    made = grid("seed=1..4 steps=20,30 cfg=5,7")
    assert values(made) == {"seed": (1, 2, 3, 4), "steps": (20, 30), "cfg": (5.0, 7.0)}
    assert made.size == 16
    assert [cell.inputs for cell in made.cells[:3]] == [
        {"seed": 1, "steps": 20, "cfg": 5.0},
        {"seed": 1, "steps": 20, "cfg": 7.0},
        {"seed": 1, "steps": 30, "cfg": 5.0},
    ]
    assert [cell.number for cell in made.cells] == list(range(1, 17))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cfg=0.1..0.5:0.1", {"cfg": (0.1, 0.2, 0.3, 0.4, 0.5)}),  # as decimals: a tenth three times is 0.3
        ("cfg=1..2:0.3", {"cfg": (1.0, 1.3, 1.6, 1.9)}),
        ("steps=1..9:4", {"steps": (1, 5, 9)}),
        ("steps=2e1", {"steps": (20,)}),
        ("steps = 20 , 30,", {"steps": (20, 30)}),
        ("steps=20, cfg=7", {"steps": (20,), "cfg": (7.0,)}),
        ("steps=1…3", {"steps": (1, 2, 3)}),  # what phones make of two dots and one more
        ("Steps=20 CFG=7", {"steps": (20,), "cfg": (7.0,)}),
        ('prompt="a cat, asleep","say \\"hi\\""', {"prompt": ("a cat, asleep", 'say "hi"')}),
        ("prompt=“a cat”,‘a dog’", {"prompt": ("a cat", "a dog")}),  # noqa: RUF001 - phones again
        ('prompt="1..4"', {"prompt": ("1..4",)}),
        ("prompt=cat,don't", {"prompt": ("cat", "don't")}),
        ("sampler=Euler,ddim", {"sampler": ("euler", "DDIM")}),
        ("upscale=on,false", {"upscale": (True, False)}),
        (f"seed={2**64 - 1}", {"seed": (2**64 - 1,)}),
    ],
)
def test_values_are_read_as_their_inputs_have_them(text: str, wanted: dict[str, Any]) -> None:
    found = values(grid(text))
    assert found == wanted
    assert [type(value) for each in found.values() for value in each] == [
        type(value) for each in wanted.values() for value in each
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stps=20", "the app has no input stps; it has prompt, seed, steps, cfg, sampler, upscale; did you mean steps?"),
        ("steps=0", "steps: 0 is out of bounds; it takes whole numbers from 1 to 100"),
        ("cfg=30.5", "cfg: 30.5 is out of bounds; it takes numbers from 0 to 30"),
        ("steps=2.5", "steps: 2.5 is no whole number; it takes whole numbers from 1 to 100"),
        ("steps=many", 'steps: "many" is no whole number; it takes whole numbers from 1 to 100'),
        ('steps="20"', 'steps: "20" is no whole number; it takes whole numbers from 1 to 100'),
        ("cfg=nan", 'cfg: "nan" is no number; it takes numbers from 0 to 30'),
        ("cfg=1e999", "cfg: 1e999 is too large; it takes numbers from 0 to 30"),
        ("sampler=eulr", 'sampler: "eulr" is none of euler, dpm_2, DDIM; did you mean euler?'),
        ("upscale=maybe", 'upscale: "maybe" is neither true nor false'),
        ("upscale=0..1", 'upscale takes true or false; for the text, put it in quotes: "0..1"'),
        ("prompt=1..4", 'prompt takes text; for the text, put it in quotes: "1..4"'),
        (f"prompt={'x' * 61}", f'prompt: "{"x" * 59}…" has 61 characters; it takes at most 60'),
        ("image=cat.png", "image is of the kind image; only texts, numbers and choices are varied"),
        ("steps=4..1", "steps: 4..1 runs backwards; write 1..4"),
        ("cfg=5..6.5", "cfg: 5..6.5 needs a step, such as 5..6.5:0.5"),
        ("cfg=5..6:0", "cfg: the step 0 has to be more than 0"),
        ("cfg=5..6:-1", "cfg: the step -1 has to be more than 0"),
        ("steps=20,20", "steps: 20 is given twice"),
        ("cfg=5,5.0", "cfg: 5 is given twice"),
        ("steps=1 Steps=2", "steps is given twice; put all its values behind one ="),
        ("seed=1..1e9", "that would be 1,000,000,000 variations; at most 64 are made at once"),
        ("seed=0..1e19:1e-12", "that would be more than 1,000,000,000,000 variations; at most 64 are made at once"),
        ("seed=1..9 steps=1..9", "that would be 9 × 9 = 81 variations; at most 64 are made at once"),
        ('prompt="a cat', "prompt: a quotation mark has no second one"),
        ('prompt="a"b', 'prompt: a comma or a blank has to follow "a"'),
        ("steps=1,,2", f"steps: a value is missing; the form is {FORM}"),
    ],
)  # fmt: skip
def test_what_cannot_be_varied_is_told_with_the_field_and_its_bounds(text: str, told: str) -> None:
    assert refusal(text) == told


def test_what_is_written_does_not_get_out_of_its_message() -> None:
    told = refusal("seed=1 a\nb\x1b[31m=2")
    assert told.isprintable()
    assert refusal("x" * 900 + "=1").count("x") < 100


def test_counting_takes_no_time_whatever_is_asked_for() -> None:
    began = time.process_time()
    for text in (
        "seed=0..1e999:1e-999",
        "seed=1..99999999999999999999 cfg=0..30:0.000000000001",
        "cfg=1e-999..1e999:1",
    ):
        assert "at most 64" in refusal(text)
    assert time.process_time() - began < 1


def test_a_schema_that_somebody_has_edited_is_no_trap() -> None:
    odd = {
        "a": {"type": ["null", "integer"], "minimum": True, "x-flowberth": {"kind": "integer"}},
        "b": {"enum": [[1], None], "x-flowberth": {"kind": "choice"}},
        "c": {"type": "string", "pattern": "(a+)+$", "x-flowberth": {"kind": "text"}},
        "d": {"type": "number", "multipleOf": 0.1},
        "e": "nothing",
    }
    interface = {"properties": odd}
    assert values(grid("a=3 d=0.3", interface)) == {"a": (3,), "d": (0.3,)}
    assert values(grid(f"c={'a' * 60}!", interface)) == {"c": (f"{'a' * 60}!",)}  # patterns are the app's business
    assert refusal("d=0.35", interface) == "d: 0.35 is no multiple of 0.1"
    assert "only texts, numbers and choices" in refusal("b=1", interface)
    assert "only texts, numbers and choices" in refusal("e=1", interface)


def test_a_grid_is_held_against_the_interface_of_a_branch_that_has_moved() -> None:
    asked = grid("steps=20,30")
    check_grid(asked, INTERFACE)
    narrow = {**INTERFACE["properties"]["steps"], "maximum": 25}
    with pytest.raises(BadVariation, match="steps: 30 is out of bounds"):
        check_grid(asked, {"properties": {"steps": narrow}})
    with pytest.raises(BadVariation, match="no input steps"):
        check_grid(asked, {"properties": {}})


numbers = st.from_regex(r"\A[+-]?[0-9]{1,20}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?\Z")
words = st.one_of(
    st.builds(Word, text=st.text(), quoted=st.just(value=True)).filter(
        lambda word: not set(word.text) & set("\u201c\u201d\u201e\u2018\u2019")
    ),
    st.builds(Word, text=st.from_regex(r"\A[a-z0-9.+-]{1,8}\Z")).filter(lambda word: ".." not in word.text),
    st.builds(Span, low=numbers, high=numbers, step=st.none() | numbers),
)
names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_-]{0,20}\Z")
wishes = st.lists(
    st.builds(Wish, name=names, items=st.lists(words, min_size=1, max_size=4).map(tuple)),
    min_size=1,
    max_size=4,
    unique_by=lambda wish: wish.name,
).map(tuple)


@settings(max_examples=15)
@given(wishes)
def test_what_is_shown_is_read_as_the_same(wished: tuple[Wish, ...]) -> None:
    assert read_wishes(show_wishes(wished)) == wished


@given(st.text(alphabet="seedpromcfgtaul=.,:\"'\\ 0123456789+-e…\n", max_size=60))
@example("seed=1..")
@example("seed=.5")
def test_whatever_is_written_makes_a_grid_within_bounds_or_is_told(text: str) -> None:
    try:
        made = grid(text)
    except BadVariation:
        return
    assert 1 <= made.size <= MOST_CELLS
    assert len(made.cells) == made.size
    check_grid(made, INTERFACE)
    assert Grid.model_validate_json(made.model_dump_json()) == made


NAMES = [f"{first}{second}{third}" for first in "abcdefghijklm" for second in "abcdefghij" for third in "abcdefghij"]
LONG = 66_000
"""Characters: of the longest comment."""


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"{name}{number}=1" for number in range(8) for name in NAMES),
        "steps=" + "1," * LONG,
        "steps=" + "1..2," * LONG,
        "prompt=" + '"a",' * LONG,
        'prompt="' + '\\"' * LONG,
        "prompt=" + "'" * LONG,
        "=" * LONG,
        "a" * LONG,
        "a=" + "1" * LONG,
        "a=" + "." * LONG,
        "a = " + " , " * LONG,
        "a=1" + "e" * LONG,
    ],
    ids=lambda text: text[:12],
)
def test_the_longest_comment_is_read_or_refused_soon(text: str) -> None:
    interface = {"properties": {text[at : at + 4]: {"type": "integer"} for at in range(0, LONG, 7)}}
    began = time.process_time()
    with pytest.raises(BadVariation):
        make_grid(read_wishes(text[:LONG]), interface)
    assert time.process_time() - began < 1


def test_what_is_no_text_is_refused() -> None:
    assert refusal("prompt=caf\udce9").startswith("what was written has bytes in it that are no UTF-8")


def test_more_inputs_than_can_be_told_apart_are_refused() -> None:
    assert refusal(" ".join(f"{name}=1" for name in NAMES[:65])).startswith("more than 64 inputs are given; ")
    assert refusal("steps=" + ",".join(map(str, range(65)))).startswith("steps has more than 64 values; ")
