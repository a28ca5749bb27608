"""JSON from strangers: what is not strict JSON is refused with a sentence, and nothing makes the parser fall over."""

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import strict_json
from codegen.errors import MalformedJson

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_what_python_writes_is_read_as_it_was(value):
    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0aF1e.-N \n', max_size=80).map(str.encode))
def test_anything_else_is_our_own_error(data):
    with suppress(MalformedJson):
        json.dumps(strict_json.loads(data), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[NaN]", "NaN is not a JSON value"),
        ("[Infinity]", "Infinity is not a JSON value"),
        ("[-Infinity]", "-Infinity is not a JSON value"),
        ("[1e999]", "the number '1e999' is too large"),
        ("[" + "9" * 5000 + "]", "is too large"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' occurs twice"),
        ('{"a": {"x": 1, "\\u0078": 2}}', "the key 'x' occurs twice"),
        (r'["\ud800"]', "half of a surrogate pair"),
        (r'{"\udc00": 1}', "half of a surrogate pair"),
        ("[1,]", "not JSON"),
        ("{'a': 1}", "line 1, column 2"),
        ('[1]\n"more"', "line 2, column 1"),
        ("[01]", "not JSON"),
        ('["tab\t"]', "not JSON"),
        ("", "not JSON"),
    ],
)
def test_it_says_what_is_wrong_and_where(text, reason):
    with pytest.raises(MalformedJson) as refused:
        strict_json.loads(text.encode())
    assert reason in str(refused.value)


def test_a_pair_of_surrogates_is_one_character():
    assert strict_json.loads(rb'["\ud83e\udd8a", "\ud83e\udd8a"]') == ["🦊", "🦊"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_hundred_thousand_levels_are_refused_before_anything_recurses(opening):
    with pytest.raises(MalformedJson, match="nested more than 200 levels deep"):
        strict_json.loads((opening * 100_000).encode())


def test_brackets_in_texts_do_not_nest():
    text = json.dumps(["[{" * 5000, '\\"[[[' * 500])
    assert strict_json.loads(text.encode()) == json.loads(text)


def test_the_limit_of_depth_is_the_limit():
    deepest = b"[" * strict_json.MAX_DEPTH + b"]" * strict_json.MAX_DEPTH
    assert strict_json.loads(deepest)
    with pytest.raises(MalformedJson):
        strict_json.loads(b"[" + deepest + b"]")


def test_more_than_github_attaches_is_refused_unread():
    with pytest.raises(MalformedJson, match="at most 26,214,400 are accepted"):
        strict_json.loads(b" " * (strict_json.MAX_BYTES + 1))


def test_only_utf_8():
    assert strict_json.loads('\ufeff["é"]'.encode()) == ["é"]
    with pytest.raises(MalformedJson, match="byte 2 cannot be decoded"):
        strict_json.loads('["é"]'.encode("latin-1"))
    with pytest.raises(MalformedJson, match="UTF-16"):
        strict_json.loads('["é"]'.encode("utf-16"))


def test_messages_stay_short_and_plain_whatever_the_text():
    with pytest.raises(MalformedJson) as refused:
        strict_json.loads(
            json.dumps({"x\u202e\x1b" * 9999: 1})[:-1].encode()
            + b","
            + json.dumps("x\u202e\x1b" * 9999).encode()
            + b":2}"
        )
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


def test_large_numbers_keep_their_kind():
    value = strict_json.loads(b"[9007199254740993, 1.0, 1e3, -0.0]")
    assert value == [9007199254740993, 1.0, 1000.0, 0.0]
    assert [type(number) for number in value] == [int, float, float, float]
    assert math.copysign(1, value[3]) == -1
