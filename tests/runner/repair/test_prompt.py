"""What the server has against a prompt: as it answers, as it logs, and as our own endpoint passes it on."""

import json
from typing import Any

import pytest

from runner.repair import Stage
from tests.runner.repair.world import CHECKPOINT, GATED, WAN, found, node, plan, told


def rejected(node_id: str, class_type: str, message: str, details: str, **extra: Any) -> dict[str, Any]:
    fault = {"type": "any", "message": message, "details": details, "extra_info": extra}
    return {
        "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {}},
        "node_errors": {node_id: {"errors": [fault], "dependent_outputs": ["7"], "class_type": class_type}},
    }  # fmt: skip


def wordings(node_id: str, class_type: str, message: str, details: str) -> list[tuple[str, dict[str, Any]]]:
    """One refusal in the forms that it comes in."""
    answer = rejected(node_id, class_type, message, details)
    lines = f"Failed to validate prompt for output 7:\n* {class_type} {node_id}:\n  - {message}: {details}\nOutput will be ignored"
    return [
        ("", answer),
        (json.dumps(answer), {}),
        (f"invalid prompt: {answer!r}", {}),
        (lines, {}),
        ("\n".join(f"2024-09-17 18:04:45,211 - root - ERROR - {line}" for line in lines.split("\n")), {}),
        ("\n".join(f"ERROR:root:{line}" for line in lines.split("\n")), {}),
        ("\n".join(f"[31m{line:90}[0m  execution.py:814" for line in lines.split("\n")).replace("[31m", "\x1b[31m").replace("[0m", "\x1b[0m"), {}),
        (f"POST /generate answered 500 Internal Server Error: A node of the workflow failed;  node {node_id} (My title): {message}: {details}", {}),
    ]  # fmt: skip


SPLIT = {"9": node("ImageScale", upscale_method="lanczos", width=64, height=64, crop="disabled", image=["6", 0])}
STORIES = [
    # node, class, message, details, nodes, signature, remedy
    ("4", "EmptyLatentImage", "Value 64000 bigger than max of 16384", "width", {"4": node("EmptyLatentImage", width=64000, height=512, batch_size=1)}, "value-out-of-bounds", "set-input 4 width 16384"),
    ("4", "EmptyLatentImage", "Value 1 smaller than min of 16", "height", {"4": node("EmptyLatentImage", width=512, height=1, batch_size=1)}, "value-out-of-bounds", "set-input 4 height 16"),
    ("5", "KSampler", "Value 7.5 bigger than max of 1.0", "denoise", {"5": node("KSampler", denoise=7.5)}, "value-out-of-bounds", "set-input 5 denoise 1.0"),
    ("5", "KSampler", "Required input is missing", "steps", {"5": node("KSampler", cfg=8.0)}, "input-missing", "set-input 5 steps 20"),
    ("5", "KSampler", "Required input is missing", "scheduler", {"5": node("KSampler", cfg=8.0)}, "input-missing", "set-input 5 scheduler simple"),
    ("9", "ImageScale", "Value not in list", "crop: 'Disabled' not in ['disabled', 'center']", {"9": node("ImageScale", crop="Disabled")}, "value-not-in-list", "set-input 9 crop disabled"),
    ("8", "DualCLIPLoader", "Value not in list", "type: 'kandinsky5_image' not in ['sdxl', 'sd3', 'flux', 'hunyuan_video', 'hidream', 'hunyuan_image']", {"8": node("DualCLIPLoader", type="kandinsky5_image")}, "value-not-in-list", "set-comfyui 0.33.0"),
    ("1", "CheckpointLoaderSimple", "Value not in list", "ckpt_name: 'sd15.safetensors' not in []", {}, "value-not-in-list", "again checkpoints/sd15.safetensors"),
    ("1", "CheckpointLoaderSimple", "Value not in list", "ckpt_name: 'SD1.5/sd15.safetensors' not in ['sd15.safetensors']", {"1": node("CheckpointLoaderSimple", ckpt_name="SD1.5/sd15.safetensors")}, "value-not-in-list", "set-input 1 ckpt_name sd15.safetensors"),
    ("1", "CheckpointLoaderSimple", "Value not in list", "ckpt_name: 'SD1.5/sd15.safetensors' not in []", {"1": node("CheckpointLoaderSimple", ckpt_name="SD1.5/sd15.safetensors")}, "value-not-in-list", "rename-model checkpoints sd15.safetensors checkpoints SD1.5/sd15.safetensors"),
    ("1", "CheckpointLoaderSimple", "Value not in list", "ckpt_name: 'nobody.safetensors' not in (list of length 71)", {"1": node("CheckpointLoaderSimple", ckpt_name="nobody.safetensors")}, "value-not-in-list", "ask: model checkpoints/nobody.safetensors = https://…"),
    ("5", "KSampler", "Failed to convert an input value to a FLOAT value", "cfg, euler, could not convert string to float: 'euler'", {"5": node("KSampler", cfg="euler")}, "value-of-another-type", "set-input 5 cfg 8.0"),
    ("9", "ImageScale", "Return type mismatch between linked nodes", "image, received_type(LATENT) mismatch input_type(IMAGE)", SPLIT, "link-of-another-type", "ask: The link into image of the node ImageScale (9) is of another type than the input."),
    ("9", "LoadImage", "Custom validation failed for node", "image - Invalid image file: missing.png", {"9": node("LoadImage", image="missing.png")}, "file-of-the-workflow-missing", "ask: The file missing.png for the node LoadImage (9) is not in the app: a workflow names its files, but does not bring them."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "signature", "remedy", "text", "details"),
    [
        (nodes, signature, remedy, text, details)
        for node_id, kind, message, what, nodes, signature, remedy in STORIES
        for text, details in wordings(node_id, kind, message, what)
    ],
)
def test_a_refusal_has_its_remedy_in_whatever_form_it_comes(
    nodes: dict[str, Any], signature: str, remedy: str, text: str, details: dict[str, Any]
):
    diagnosis = found(text, "preflight", of=plan(nodes), **details)
    assert diagnosis
    assert diagnosis.signature == signature
    assert told(diagnosis.remedy) == remedy


def test_a_shift_by_the_word_for_a_seed_is_undone():
    shifted = node(
        "KSampler", seed=42, steps="randomize", cfg=20, sampler_name=8.0, scheduler="euler", denoise="normal"
    )
    text = "* KSampler 5:\n  - Failed to convert an input value to a INT value: steps, randomize, invalid literal for int() with base 10: 'randomize'"
    diagnosis = found(text, "preflight", of=plan({"5": shifted}))
    assert diagnosis
    # cfg 8.0, sampler and scheduler move up; denoise was lost and gets its default
    assert told(diagnosis.remedy) == (
        "set-input 5 steps 20; set-input 5 cfg 8.0; set-input 5 sampler_name euler; set-input 5 scheduler normal; "
        "set-input 5 denoise 1.0"
    )


def test_an_optional_link_of_the_wrong_type_is_left_out():
    apply_control = node("ControlNetApplyAdvanced", positive=["2", 0], vae=["4", 0])
    text = "* ControlNetApplyAdvanced 9:\n  - Return type mismatch between linked nodes: vae, received_type(LATENT) mismatch input_type(VAE)"
    diagnosis = found(text, "preflight", of=plan({"9": apply_control}))
    assert diagnosis
    assert told(diagnosis.remedy) == "set-input 9 vae None"


@pytest.mark.parametrize(
    ("details", "nodes", "remedy"),
    [
        ("Cannot execute because node WanVideoSampler does not exist.: Node ID '#51'", {}, "ask: pack WanVideoSampler = https://github.com/kijai/ComfyUI-WanVideoWrapper@<commit, 40 characters>"),
        ("Node 'Sampler of Wan' not found. The custom node may not be installed.: Node ID '#51'", {"51": node("WanVideoSampler", "Sampler of Wan")}, "ask: pack WanVideoSampler = https://github.com/kijai/ComfyUI-WanVideoWrapper@<commit, 40 characters>"),
        ("Cannot execute because node Mystery Node+ does not exist.", {"9": node("Mystery Node+")}, "ask: pack Mystery Node+ = https://github.com/owner/repository"),
        ("invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because node Mystery Node+ does not exist.', 'details': \"Node ID '#9'\", 'extra_info': {}}", {"9": node("Mystery Node+")}, "ask: pack Mystery Node+ = https://github.com/owner/repository"),
        ("invalid prompt: {'type': 'missing_node_type', 'message': \"Node 'Mine' not found. The custom node may not be installed.\", 'details': \"Node ID '#9'\", 'extra_info': {'node_id': '9', 'class_type': 'Mystery Node+', 'node_title': 'Mine'}}", {"9": node("Mystery Node+", "Mine")}, "ask: pack Mystery Node+ = https://github.com/owner/repository"),
        ("2025-09-16T10:19:50.338521 - invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because a node is missing the class_type property.', 'details': \"Node ID '#9'\", 'extra_info': {}}", {"9": node("MarkdownNote")}, "ask: MarkdownNote is a node of the editor, which no server has: the prompt was not made by the editor's export."),
        ("ComfyUI refused the workflow: Node 'Easy Cache' not found. The custom node may not be installed: Node ID '#9'", {"9": node("ResizeImageMaskNode", "Easy Cache")}, "set-comfyui 0.33.0"),
        ("Cannot execute because node ResizeImageMaskNode does not exist.", {"9": node("ResizeImageMaskNode")}, "set-comfyui 0.33.0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stage", ["preflight", "test"])
def test_a_missing_class(details: str, nodes: dict[str, Any], remedy: str, stage: Stage):
    diagnosis = found(details, stage, of=plan(nodes))
    assert diagnosis
    assert diagnosis.signature == "node-missing"
    assert told(diagnosis.remedy) == remedy


def test_classes_that_the_preflight_misses_are_looked_for_too():
    diagnosis = found("", "preflight", of=plan({"9": node("Mystery Node+")}), missing_classes=["Mystery Node+"])
    assert diagnosis
    assert told(diagnosis.remedy) == "ask: pack Mystery Node+ = https://github.com/owner/repository"


def test_what_the_log_alone_speaks_of_is_not_believed():
    assert found("Cannot execute because node NotInThePrompt does not exist.", "preflight") is None
    line = "* KSampler 99:\n  - Value 5 bigger than max of 1: denoise"
    assert found(line, "preflight") is None


CASES = [
    ("no-outputs", "ask: The workflow has no output node that is switched on, so there is nothing to run it for.", [
        "invalid prompt: {'type': 'prompt_no_outputs', 'message': 'Prompt has no outputs', 'details': '', 'extra_info': {}}",
        '{"error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": ""}, "node_errors": {}}',
        "POST /generate answered 500 Internal Server Error: A node of the workflow failed; ComfyUI refused the workflow: Prompt has no outputs",
    ]),
    ("validation-fails", "ask: The server fails while it checks the prompt (KSampler, node 5): a node has other inputs or outputs than it was saved with.", [
        "Failed to validate prompt for output 7:\n* KSampler 5:\n  - Exception when validating node: tuple index out of range",
        "ERROR:root:* KSampler 5:\nERROR:root:  - Exception when validating inner node: tuple index out of range",
        '{"node_errors": {"5": {"class_type": "KSampler", "errors": [{"type": "exception_during_validation", "message": "Exception when validating node", "details": "tuple index out of range"}]}}}',
    ]),
    ("cycle", "ask: Nodes of the workflow are linked in a circle, so none of them can begin.", [
        "invalid prompt: {'type': 'dependency_cycle', 'message': 'Dependency cycle detected', 'details': '2 (A) -> 3 (B) -> 2 (A)'}",
        '{"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""}, "node_errors": {}}',
        "RecursionError: maximum recursion depth exceeded in comparison",
    ]),
    ("refused-in-part", "stop: ComfyUI refuses a part of the prompt: see its log", [
        "got prompt\nFailed to validate prompt for output 808:\nOutput will be ignored",
        "                    ERROR    Output will be ignored                                       execution.py:838",
        'HTTP 200 {"prompt_id": "x", "node_errors": {"5": {"errors": []}}}',
        "ComfyUI would run only a part of the workflow",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "remedy", "text"), [(signature, remedy, text) for signature, remedy, texts in CASES for text in texts]
)
def test_a_prompt_as_a_whole(signature: str, remedy: str, text: str):
    diagnosis = found(text, "preflight")
    assert diagnosis
    assert diagnosis.signature == signature
    assert told(diagnosis.remedy) == remedy


def test_outputs_that_only_another_core_has_make_it_that_core():
    nodes = {"8": node("LoadAudio"), "9": node("SaveImage", images=["8", 3])}
    assert plan(nodes).lock.packs == (WAN, plan().lock.packs[1])
    diagnosis = found(
        "* SaveImage 9:\n  - Exception when validating node: tuple index out of range", "preflight", of=plan(nodes)
    )
    assert diagnosis
    assert diagnosis.signature == "validation-fails"


def test_a_refused_file_without_an_address_is_asked_for():
    lost = GATED.model_copy(update={"url": None})
    of = plan({"8": node("VAELoader", vae_name="ae.safetensors")}, models=(CHECKPOINT, lost))
    diagnosis = found(
        "* VAELoader 8:\n  - Value not in list: vae_name: 'ae.safetensors' not in ['pixel_space']", "test", of=of
    )
    assert diagnosis
    assert told(diagnosis.remedy) == "ask: model vae/ae.safetensors = https://…"
    assert diagnosis.cause == "VAELoader does not take the value ae.safetensors of vae_name"
