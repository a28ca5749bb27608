"""Prompts nobody would export: whatever is in them, there is a plan or a refusal, and the app's files can be written."""

import json

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.errors import CodegenError
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files

scalars = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(-1e3, 1e3) | st.text(max_size=6)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
ids = st.sampled_from(["1", "2", "3", "7:1", "x", ""])
links = st.tuples(ids | anything, st.integers(-1, 3)).map(list)
classes = st.sampled_from(
    ["SaveImage", "PreviewImage", "KSampler", "CLIPTextEncode", "LoadImage", "CheckpointLoaderSimple", "ResizeImageMaskNode",
     "PrimitiveInt", "EmptyImage", "SaveVideo", "Nobody Save", "", "ControlNetApplyAdvanced", "CustomCombo"]
)  # fmt: skip
fields = st.sampled_from(
    ["images", "image", "text", "seed", "width", "positive", "negative", "ckpt_name", "resize_type", "resize_type.width", "value", "choice",
     "filename_prefix", "steps", "model", "a.b.c", "", "."]
)  # fmt: skip
values = links | anything | st.sampled_from(["a.safetensors", "../../x.ckpt", "\\\\host\\x.pt", "scale width", "a.png"])
nodes = st.fixed_dictionaries(
    {"class_type": classes | anything, "inputs": st.dictionaries(fields, values, max_size=5)},
    optional={"_meta": st.fixed_dictionaries({"title": anything}) | anything, "is_changed": anything},
)
prompts = st.dictionaries(ids, nodes, min_size=1, max_size=5)


@settings(max_examples=300)
@given(prompts)
def test_any_prompt_is_planned_or_refused(prompt):
    workflow = parse_workflow(json.dumps(prompt).encode(), filename="x.json")
    try:
        plan = make_plan(workflow, filename="x.json")
    except CodegenError as error:
        assert str(error).isprintable(), "a refusal is one plain line"  # noqa: PT017 - most inputs are no refusals
        return
    assert plan.prompt == prompt
    jsonschema.Draft202012Validator.check_schema(plan.interface)
    for schema in plan.interface["properties"].values():
        if "default" in schema:
            jsonschema.validate(schema["default"], schema)
    for finding in plan.findings:
        assert finding.message.isprintable()
        assert len(finding.message) < 400
    files = app_files(plan)
    assert json.loads(files["prompt.json"]) == prompt
    assert json.loads(files["app.lock.json"])["name"] == "x"
