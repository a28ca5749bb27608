"""Workflows inside pictures: read from their chunks, without decoding the picture, and never more than the limit."""

import io
import json
import struct
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from codegen.errors import NotAWorkflow, WorkflowError
from codegen.media import PNG_SIGNATURE, workflow_text
from codegen.parse import parse_workflow
from codegen.strict_json import MAX_BYTES

PROMPT = {"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "süß 🦊"}}}
GRAPH = {"nodes": [], "links": []}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def picture(**texts: object) -> bytes:
    """As ComfyUI saves it: with Pillow."""
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value if isinstance(value, str) else json.dumps(value))
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def test_the_graph_is_preferred_to_the_prompt():
    workflow = parse_workflow(picture(prompt=PROMPT, workflow=GRAPH), filename="a.png")
    assert (workflow.kind, workflow.document) == ("ui", GRAPH)
    assert json.loads(workflow.source) == GRAPH


def test_a_prompt_alone_will_do():
    workflow = parse_workflow(picture(prompt=PROMPT), filename="a.png")
    assert (workflow.kind, workflow.document) == ("api", PROMPT)


@pytest.mark.parametrize("text", [json.dumps(PROMPT, ensure_ascii=False), json.dumps(PROMPT)])
@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt compressed"])
def test_every_way_to_write_text(kind, text):
    raw = text.encode()
    body = {
        "tEXt": b"Prompt\0" + raw,
        "zTXt": b"prompt\0\0" + zlib.compress(raw),
        "iTXt": b"prompt\0\0\0en\0Eingabe\0" + raw,
        "iTXt compressed": b"prompt\0\1\0\0\0" + zlib.compress(raw),
    }[kind]
    data = PNG_SIGNATURE + chunk(b"IHDR", b"\0" * 13) + chunk(kind[:4].encode(), body) + chunk(b"IEND", b"")
    assert json.loads(workflow_text(data)) == PROMPT


def test_latin_1_is_read_as_the_standard_says():
    data = PNG_SIGNATURE + chunk(b"tEXt", b'workflow\0{"nodes": [], "title": "s\xfc\xdf"}')
    assert parse_workflow(data, filename="a.png").title == "süß"


def test_a_picture_without_a_workflow_says_what_it_has():
    with pytest.raises(NotAWorkflow) as refused:
        parse_workflow(picture(Software="GIMP", Comment="x" * 500), filename="photo.png")
    assert str(refused.value) == (
        "photo.png: the PNG carries no ComfyUI workflow (it has 'comment', 'software'); "
        "many sites strip it from pictures: send the workflow's JSON"
    )
    with pytest.raises(NotAWorkflow, match="it has no text at all"):
        workflow_text(picture())


@pytest.mark.parametrize(
    "damaged",
    [
        PNG_SIGNATURE,
        PNG_SIGNATURE + b"\0\0",
        PNG_SIGNATURE + struct.pack(">I", 0xFFFFFFFF) + b"tEXtworkflow\0{}",
        PNG_SIGNATURE + struct.pack(">I", 12) + b"tEXtworkflow",
        PNG_SIGNATURE + chunk(b"tEXt", b"workflow"),
        PNG_SIGNATURE + chunk(b"zTXt", b"workflow\0\0not deflated"),
        PNG_SIGNATURE + chunk(b"zTXt", b"workflow"),
        PNG_SIGNATURE + chunk(b"iTXt", b"workflow"),
        PNG_SIGNATURE + chunk(b"IEND", b"") + chunk(b"tEXt", b"workflow\0{}"),
    ],
)
def test_damage_is_told_not_raised(damaged):
    with pytest.raises(WorkflowError):
        parse_workflow(damaged, filename="a.png")


@given(st.binary(max_size=300))
def test_no_bytes_behind_the_signature_make_it_fall_over(data):
    with suppress(WorkflowError):
        parse_workflow(PNG_SIGNATURE + data, filename="a.png")


@pytest.mark.parametrize("head", [b"zTXtworkflow\0\0", b"iTXtworkflow\0\1\0\0\0"])
def test_a_bomb_is_unpacked_no_further_than_the_limit(head):
    bomb = zlib.compress(b" " * (8 * MAX_BYTES), 9)
    data = PNG_SIGNATURE + chunk(head[:4], head[4:] + bomb)
    tracemalloc.start()
    try:
        with pytest.raises(NotAWorkflow, match="unpacks to more than"):
            workflow_text(data)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    finally:
        tracemalloc.stop()
