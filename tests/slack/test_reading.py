"""What is read of what Slack sends, whatever it is: in a time that grows with its size, and nothing of it is an error."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.errors import WorkflowError
from github_app.slack import requests, text
from github_app.slack.requests import MAX_TRIES, Asked, asked_by_event, pasted
from github_app.slack.text import words
from github_app.submissions.find import MAX_BODY
from tests.slack.standin import ANN, CHANNEL

PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": pattern
    for module in (requests, text)  # those at the door are matched against headers, whole
    for name, pattern in vars(module).items()
    if isinstance(pattern, re.Pattern)
}
BEGINNINGS = ("", "{", '"', "<", "<a|", "https://", '{"nodes"', "v0=")
REPEATED = (
    *("{", '{ "', '{"', '{\n"', "}", '"', '""', '"class_type', '"nodes', '"last_node_id', '"n', "\\", '\\"', " ", "\n", "{ "),
    *("<", ">", "|", "<|", "<a", "<a|", "<a|b", "<a|b>", "<@", "&lt;", "&", "https://", "http", "a", "0", "0.", "\x00", "\u202e", "人"),
)  # fmt: skip
LONG = 20_000
"""Characters: what takes their square takes much more than what is allowed."""
KEYWORDS = ('"class_type"', '"nodes"', '"last_node_id"')
ANY_TEXT = st.text(st.characters(exclude_categories=()))
CHANNELS = {CHANNEL: "acme/site"}


@pytest.mark.parametrize("name", PATTERNS)
def test_no_text_is_looked_at_again_and_again(name: str) -> None:
    for beginning, repeated in product(BEGINNINGS, REPEATED):
        hostile = f"{beginning}{repeated * (LONG // len(repeated))}x"
        began = time.process_time()
        for _ in PATTERNS[name].finditer(hostile):
            pass
        assert time.process_time() - began < 0.2, (beginning, repeated)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (*KEYWORDS, *(word[:-1] for word in KEYWORDS), *(word[1:] for word in KEYWORDS), '"', "{", " ", "x")
        )
    )
)
def test_a_message_may_be_a_workflow_if_it_names_what_every_workflow_has(parts: list[str]) -> None:
    said = "".join(parts)
    assert bool(requests._HINT.search(said)) is any(word in said for word in KEYWORDS)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from((*REPEATED, *KEYWORDS, ": ", ", ", "[", "]", "1", json.dumps({"nodes": []})))))
def test_pasted_words_are_workflows_or_say_why_not(parts: list[str]) -> None:
    with suppress(WorkflowError):  # anything else is an error of ours
        assert pasted("".join(parts))


@pytest.mark.parametrize(
    "repeated", ["{", '{"', '{"nodes":', '{"nodes": [', "[", '{"a": 1} ', "{} ", '{"nodes": []} ', '"nodes" {']
)
def test_the_longest_message_is_read_soon(repeated: str) -> None:
    said = (f'"nodes" {repeated * MAX_BODY}')[:MAX_BODY]
    began = time.process_time()
    for _ in asked_by_event(
        {"event": {"type": "message", "channel": CHANNEL, "user": ANN, "ts": "1.1", "text": said}}, CHANNELS
    ):
        with suppress(WorkflowError):
            assert len(pasted(words(said))) <= MAX_TRIES
    assert time.process_time() - began < 1


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT | st.just(CHANNEL) | st.just(ANN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
EVENT: Any = st.fixed_dictionaries(
    {"type": st.sampled_from(("message", "file_shared")) | JSON, "channel": st.just(CHANNEL) | JSON},
    optional={
        "channel_id": st.just(CHANNEL) | JSON,
        "user": st.just(ANN) | JSON,
        "user_id": st.just(ANN) | JSON,
        "file_id": st.just("F0123456789") | JSON,
        "ts": st.sampled_from(("1.1", "999999999999.9", "1.1\n", "-1.1")) | JSON,
        "thread_ts": st.just("1.1") | JSON,
        "subtype": st.sampled_from((None, "file_share")) | JSON,
        "bot_id": st.none() | JSON,
        "files": st.lists(st.fixed_dictionaries({"id": st.just("F0123456789") | JSON, "name": JSON, "mimetype": JSON})) | JSON,
        "text": st.just('{"nodes": 1}') | JSON,
    },
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(EVENT, JSON | st.sampled_from((10**400, -(10**400), 1, True)))
def test_any_event_is_a_request_that_can_be_kept_or_none(event: Any, at: Any) -> None:
    for asked in asked_by_event({"event": event, "event_time": at}, CHANNELS):
        assert Asked.model_validate_json(asked.model_dump_json()) == asked
        assert datetime.fromtimestamp(asked.at, UTC).year >= 1970
