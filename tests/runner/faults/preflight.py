"""What ComfyUI has against the prompt, as it words it before and while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.runner.faults.fault import Wording, asks, core_is_not, either, stops, value_is, value_is_not, worded
from tests.runner.faults.world import WORKFLOW, with_core, with_inputs

if TYPE_CHECKING:
    from codegen.lock import Lock

REFUSED = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""}


def refused(node: str, kind: str, message: str, details: str, log: str = "", **extra: Any) -> Wording:
    """As `POST /prompt` answers."""
    error = {"type": kind, "message": message, "details": details, "extra_info": extra}
    kind = WORKFLOW[node]["class_type"]
    faults = {node: {"errors": [error], "dependent_outputs": ["10"], "class_type": kind}}
    return Wording(
        log, {"prompt": {"error": dict(REFUSED), "node_errors": faults}, "definitions": {kind: _definition(extra)}}
    )


def _definition(extra: dict[str, Any]) -> dict[str, Any]:
    """What `/object_info` says of the node, as far as it matters here."""
    name, declared = extra.get("input_name"), extra.get("input_config")
    given = {name: declared} if name and declared else {}
    optional = extra.get("optional", False)
    return {
        "input": {"required": {} if optional else given, "optional": given if optional else {}},
        "output": ["IMAGE"],
    }


def turned_down(kind: str, message: str, details: str = "", log: str = "", **extra: Any) -> Wording:
    """As a whole, with nothing about single nodes."""
    error = {"type": kind, "message": message, "details": details, "extra_info": extra}
    return Wording(log, {"prompt": {"error": error, "node_errors": {}}})


def logged(node: str, *lines: str) -> str:
    """As ComfyUI prints it."""
    faults = "\n".join(f"  - {line}" for line in lines)
    kind = WORKFLOW[node]["class_type"]
    return f"got prompt\nFailed to validate prompt for output 10:\n* {kind} {node}:\n{faults}\nOutput will be ignored\n"


NODE = worded(
    "node-missing",
    "preflight",
    end=stops("SpareSharpen"),
    known=(
        turned_down(
            "invalid_prompt",
            "Cannot execute because node SpareSharpen does not exist.",
            "Node ID '#9'",
        ),
    ),
    unseen=(
        Wording("", {"missing_classes": ["SpareSharpen"]}),
        turned_down(
            "missing_node_type",
            "Node 'Sharpen it' not found. The custom node may not be installed.",
            "Node ID '#9'",
            node_id="9",
            class_type="SpareSharpen",
            node_title="Sharpen it",
        ),
        (
            "ERROR: invalid prompt: {'type': 'invalid_prompt', 'message': 'Cannot execute because node SpareSharpen does not "
            "exist.', 'details': \"Node ID '#9'\", 'extra_info': {}}\n"
        ),
    ),
)
WIDE = worded(
    "value-too-big",
    "preflight",
    start=with_inputs(_6__cfg=700.0),
    gone=value_is("6", "cfg", 100.0, 100),
    inputs=frozenset({("6", "cfg")}),
    known=(
        refused(
            "6",
            "value_bigger_than_max",
            "Value 700.0 bigger than max of 100.0",
            "cfg",
            input_name="cfg",
            input_config=["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
            received_value=700.0,
        ),
        logged("6", "Value 700.0 bigger than max of 100.0: cfg"),
    ),
)
SMALL = worded(
    "value-too-small",
    "preflight",
    start=with_inputs(_6__steps=0),
    gone=value_is("6", "steps", 1),
    inputs=frozenset({("6", "steps")}),
    unseen=(
        refused(
            "6",
            "value_smaller_than_min",
            "Value 0 smaller than min of 1",
            "steps",
            input_name="steps",
            input_config=["INT", {"default": 20, "min": 1, "max": 10000}],
            received_value=0,
        ),
        logged("6", "Value 0 smaller than min of 1: steps"),
    ),
)
REQUIRED = worded(
    "input-missing",
    "preflight",
    gone=value_is("9", "strength", 1.0),
    inputs=frozenset({("9", "strength")}),
    known=(
        refused(
            "9",
            "required_input_missing",
            "Required input is missing",
            "strength",
            input_name="strength",
            input_config=["FLOAT", {"default": 1.0, "min": 0.0, "max": 2.0}],
        ),
    ),
    unseen=(
        refused(
            "9",
            "required_input_missing",
            "Required input is missing: strength",
            "strength",
            log=logged("9", "Required input is missing: strength"),
            input_name="strength",
            input_config=["FLOAT", {"default": 1.0, "step": 0.01, "tooltip": "how strong"}],
        ),
    ),
)
REQUIRED_LINK = worded(
    "link-missing",
    "preflight",
    end=stops("depth"),
    unseen=(
        refused(
            "9",
            "required_input_missing",
            "Required input is missing",
            "depth",
            input_name="depth",
            input_config=["DEPTH", {}],
        ),
    ),
)
SAMPLER = worded(
    "value-not-in-list",
    "preflight",
    start=with_inputs(_6__sampler_name="euler_turbo_x"),
    end=stops("sampler_name"),
    unseen=(
        refused(
            "6",
            "value_not_in_list",
            "Value not in list",
            "sampler_name: 'euler_turbo_x' not in ['dpmpp_2m', 'euler_ancestral', 'uni_pc']",
            input_name="sampler_name",
            input_config=[["dpmpp_2m", "euler_ancestral", "uni_pc"], {}],
            received_value="euler_turbo_x",
        ),
    ),
)
RENAMED_VALUE = worded(
    "value-in-other-letters",
    "preflight",
    gone=value_is("9", "mode", "Fine"),
    inputs=frozenset({("9", "mode")}),
    unseen=(
        refused(
            "9",
            "value_not_in_list",
            "Value not in list",
            "mode: 'fine' not in ['Coarse', 'Fine', 'Exact']",
            input_name="mode",
            input_config=[["Coarse", "Fine", "Exact"], {}],
            received_value="fine",
        ),
        logged("9", "Value not in list: mode: 'fine' not in ['Coarse', 'Fine', 'Exact']"),
    ),
)
SUBFOLDER = worded(
    "model-in-a-subfolder",
    "preflight",
    gone=value_is("1", "ckpt_name", "sd/sd15.safetensors"),
    inputs=frozenset({("1", "ckpt_name")}),
    unseen=(
        refused(
            "1",
            "value_not_in_list",
            "Value not in list",
            "ckpt_name: 'sd15.safetensors' not in ['sd/sd15.safetensors']",
            input_name="ckpt_name",
            input_config=[["sd/sd15.safetensors"], {}],
            received_value="sd15.safetensors",
        ),
    ),
)
EMPTY = worded(
    "model-list-empty",
    "preflight",
    end=stops("sd15.safetensors"),
    known=(
        refused(
            "1",
            "value_not_in_list",
            "Value not in list",
            "ckpt_name: 'sd15.safetensors' not in []",
            input_name="ckpt_name",
            input_config=[[], {}],
            received_value="sd15.safetensors",
        ),
    ),
    unseen=(logged("1", "Value not in list: ckpt_name: 'sd15.safetensors' not in []"),),
)
NEW_SAMPLER = "exp_heun_2_x0"
OLD_SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m", "uni_pc"]


def _old_core(lock: Lock) -> Lock:
    return with_core("0.3.64")(with_inputs(_6__sampler_name=NEW_SAMPLER)(lock))


NEW_ENUM = worded(
    "value-of-a-newer-core",
    "preflight",
    start=_old_core,
    gone=core_is_not("0.3.64"),
    known=(
        refused(
            "6",
            "value_not_in_list",
            "Value not in list",
            f"sampler_name: '{NEW_SAMPLER}' not in {OLD_SAMPLERS}",
            input_name="sampler_name",
            input_config=[OLD_SAMPLERS, {}],
            received_value=NEW_SAMPLER,
        ),
    ),
    unseen=(logged("6", f"Value not in list: sampler_name: '{NEW_SAMPLER}' not in {OLD_SAMPLERS}"),),
)
MISPLACED = with_inputs(
    _6__steps="randomize", _6__cfg=20, _6__sampler_name=7.0, _6__scheduler="euler", _6__denoise="normal"
)
AS_SAVED = {"steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
SHIFTED = worded(
    "values-shifted",
    "preflight",
    start=MISPLACED,
    gone=lambda app: AS_SAVED.items() <= app.prompt["6"]["inputs"].items(),
    inputs=frozenset(("6", name) for name in AS_SAVED),
    known=(
        (
            "Failed to validate prompt for output 10:\n* KSampler 6:\n  - Failed to convert an input value to a INT value: steps, "
            "randomize, invalid literal for int() with base 10: 'randomize'\nOutput will be ignored\n"
        ),
    ),
    unseen=(
        logged(
            "6",
            "Failed to convert an input value to a INT value: steps, randomize, invalid literal for int() with base 10: "
            "'randomize'",
            "Value not in list: sampler_name: '7.0' not in ['euler', 'euler_ancestral']",
            "Value not in list: scheduler: 'euler' not in ['simple', 'normal', 'karras']",
            "Failed to convert an input value to a FLOAT value: denoise, normal, could not convert string to float: 'normal'",
        ),
    ),
)
LINK = worded(
    "link-of-another-type",
    "preflight",
    gone=lambda app: "latent_image" not in app.prompt["6"]["inputs"],
    inputs=frozenset({("6", "latent_image")}),
    end=stops("latent_image"),
    known=(
        refused(
            "6",
            "return_type_mismatch",
            "Return type mismatch between linked nodes",
            "latent_image, received_type(IMAGE) mismatch input_type(LATENT)",
            input_name="latent_image",
            input_config=["LATENT"],
            received_type="IMAGE",
            linked_node=["5", 0],
        ),
    ),
)
LINK_OPTIONAL = worded(
    "optional-link-of-another-type",
    "preflight",
    gone=lambda app: "mask" not in app.prompt["9"]["inputs"],
    inputs=frozenset({("9", "mask")}),
    unseen=(
        refused(
            "9",
            "return_type_mismatch",
            "Return type mismatch between linked nodes",
            "mask, received_type(VAE) mismatch input_type(MASK)",
            input_name="mask",
            input_config=["MASK"],
            optional=True,
            received_type="VAE",
            linked_node=["7", 0],
        ),
    ),
)
NO_OUTPUTS = worded(
    "no-outputs",
    "preflight",
    end=asks("output"),
    known=(turned_down("prompt_no_outputs", "Prompt has no outputs"),),
    unseen=(
        "ERROR: invalid prompt: {'type': 'prompt_no_outputs', 'message': 'Prompt has no outputs', 'details': ''}\n",
    ),
)
CYCLE = worded(
    "cycle",
    "preflight",
    end=asks("circle"),
    known=(turned_down("prompt_outputs_failed_validation", "Prompt outputs failed validation"),),
    unseen=(
        turned_down(
            "dependency_cycle",
            "Dependency cycle detected",
            "6 -> 5 -> 6",
        ),
    ),
)
VALIDATING = worded(
    "validation-fails",
    "preflight",
    end=stops("SpareSharpen"),
    gone=either(core_is_not("0.33.0"), lambda app: False),
    known=(
        refused(
            "9",
            "exception_during_inner_validation",
            "Exception when validating inner node",
            "tuple index out of range",
            input_name="image",
            exception_type="IndexError",
            exception_message="tuple index out of range",
        ),
    ),
    unseen=(
        refused(
            "9",
            "exception_during_validation",
            "Exception when validating node",
            "list index out of range",
            exception_type="IndexError",
            traceback=['  File "/root/comfy/ComfyUI/execution.py", line 812, in validate_inputs\n'],
        ),
    ),
)
IN_PART = worded(
    "refused-in-part",
    "test",
    group="preflight",
    gone=value_is("6", "steps", 1),
    start=with_inputs(_6__steps=0),
    inputs=frozenset({("6", "steps")}),
    known=(logged("6", "Value 0 smaller than min of 1: steps"),),
    unseen=(
        "ComfyUI refused the workflow, or a part of it. node 6 (KSampler): Value 0 smaller than min of 1: steps\n",
    ),
)
UPLOAD = worded(
    "file-of-the-workflow",
    "preflight",
    end=asks("missing.png"),
    known=(
        refused(
            "9",
            "custom_validation_failed",
            "Custom validation failed for node",
            "image - Invalid image file: missing.png",
            input_name="image",
        ),
    ),
    unseen=(
        refused(
            "9",
            "custom_validation_failed",
            "Custom validation failed for node",
            "video - Invalid video file: missing.png",
            input_name="video",
        ),
    ),
)
ATTENTION_VALUE = worded(
    "precision-renamed",
    "preflight",
    gone=value_is_not("4", "quantization", "disabled"),
    inputs=frozenset({("4", "quantization")}),
    end=stops("quantization"),
    unseen=(
        refused(
            "4",
            "value_not_in_list",
            "Value not in list",
            "quantization: 'disabled' not in ['none', 'fp8_e4m3fn', 'fp8_scaled']",
            input_name="quantization",
            input_config=[["none", "fp8_e4m3fn", "fp8_scaled"], {"default": "none"}],
            received_value="disabled",
        ),
    ),
)
PREFLIGHT = (
    *NODE, *WIDE, *SMALL, *REQUIRED, *REQUIRED_LINK, *SAMPLER, *RENAMED_VALUE, *SUBFOLDER, *EMPTY, *NEW_ENUM, *SHIFTED,
    *LINK, *LINK_OPTIONAL, *NO_OUTPUTS, *CYCLE, *VALIDATING, *IN_PART, *UPLOAD, *ATTENTION_VALUE,
)  # fmt: skip
