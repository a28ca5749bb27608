"""What can be sent, and what is said about everything else."""

import gzip
import io
import json
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.errors import NotAWorkflow, WorkflowError
from codegen.parse import ACCEPTED, parse_workflow

PROMPT = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}}
GRAPH = {"nodes": [{"id": 1, "type": "EmptyImage"}], "links": [], "extra": {"info": {"name": " Poster "}}}


def parsed(value, filename="flow.json"):
    return parse_workflow(json.dumps(value).encode(), filename=filename)


def test_a_graph():
    workflow = parsed(GRAPH)
    assert (workflow.kind, workflow.document, workflow.title) == ("ui", GRAPH, "Poster")


def test_a_prompt():
    workflow = parsed(PROMPT)
    assert (workflow.kind, workflow.document, workflow.title) == ("api", PROMPT, None)


@pytest.mark.parametrize("key", ["prompt", "workflow", "output"])
@pytest.mark.parametrize(("inner", "kind"), [(PROMPT, "api"), (GRAPH, "ui")])
def test_wrapped_as_requests_and_tools_do(key, inner, kind):
    workflow = parsed({"client_id": "x", key: inner, "extra_data": {}})
    assert (workflow.kind, workflow.document) == (kind, inner)


def test_the_submission_is_kept_byte_for_byte():
    data = b'\xef\xbb\xbf { "nodes" : [ ] }\r\n'
    assert parse_workflow(data, filename="x.json").source == data


def refusal(data: bytes, filename: str = "upload") -> str:
    with pytest.raises(NotAWorkflow) as refused:
        parse_workflow(data, filename=filename)
    message = str(refused.value)
    assert message.endswith(ACCEPTED)
    return message.removesuffix(f"; {ACCEPTED}")


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("workflow.json", "{}")
    return stream.getvalue()


def test_everything_else_is_told_what_it_is():
    found = {
        "empty": refusal(b" \n"),
        "page": refusal(b"<!DOCTYPE html><title>Sign in</title>"),
        "zip": refusal(archive()),
        "gzip": refusal(gzip.compress(b"{}")),
        "jpeg": refusal(b"\xff\xd8\xff\xe0"),
        "webp": refusal(b"RIFF....WEBP"),
        "pdf": refusal(b"%PDF-1.7"),
        "list": refusal(b"[1, 2]"),
        "number": refusal(b"5"),
        "text": refusal(b'"nodes"'),
        "null": refusal(b"null"),
        "object": refusal(b"{}"),
        "keys": refusal(json.dumps(dict.fromkeys("abcdefgh"), ensure_ascii=True).encode()),
        "half a prompt": refusal(json.dumps({**PROMPT, "2": {"inputs": {}}}).encode()),
    }
    assert found == snapshot(
        {
            "empty": "upload: the file is empty",
            "page": "upload: found HTML or XML; if it was downloaded from a web page, use its raw or download link",
            "zip": "upload: found a zip archive; send the JSON file inside it",
            "gzip": "upload: found a gzip archive; send the JSON file inside it",
            "jpeg": "upload: found a JPEG picture (ComfyUI embeds workflows in PNG files)",
            "webp": "upload: found a RIFF file (WebP, WAV or AVI)",
            "pdf": "upload: found a PDF",
            "list": "upload: found a JSON list",
            "number": "upload: found a single JSON value",
            "text": "upload: found a JSON text",
            "null": "upload: found null",
            "object": "upload: found an empty JSON object",
            "keys": "upload: found a JSON object with the keys 'a', 'b', 'c', 'd', 'e', 'f', …",
            "half a prompt": "upload: found a JSON object with the keys '1', '2'",
        }
    )
    assert (
        snapshot(
            "accepted are: ComfyUI's workflow file (an object with a list `nodes`), its API export (an object of nodes with "
            '`class_type`), an API export wrapped as {"prompt": …}, or a PNG saved by ComfyUI'
        )
        == ACCEPTED
    )


def test_hostile_names_stay_harmless_in_messages():
    message = refusal(b"5", filename="\x1b[31m\u202e" + "x" * 1000)
    assert message.isascii()
    assert message.startswith(r"\x1b[31m\u202exx")
    assert len(message) < 200


@given(st.binary(max_size=100))
def test_bytes_are_understood_or_refused(data):
    with suppress(WorkflowError):
        assert parse_workflow(data, filename="x").source == data


nodes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "prompt", "class_type", "inputs", "extra", "info", "name", "title"]), inner
        )
    ),
    max_leaves=15,
)


@given(nodes)
def test_any_json_is_understood_or_refused(value):
    try:
        workflow = parsed(value)
    except NotAWorkflow:
        return
    assert isinstance(workflow.document, dict)
    assert workflow.title is None or workflow.title.strip()
