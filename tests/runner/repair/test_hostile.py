"""Logs are anybody's text: they may be long, odd, and written to mislead. Healthy ones say nothing."""

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.committed import read_lock
from codegen.lock_patch import LockPatch, apply
from runner.repair import Evidence, Stage, diagnose, normalise
from runner.repair.needles import may_match
from runner.repair.signatures import compiled, signatures
from tests.runner.repair.world import FAILED, drawn, found, plan, told

HEALTHY = [
    """Total VRAM 22700 MB, total RAM 64000 MB
pytorch version: 2.9.0+cu128
Set vram state to: NORMAL_VRAM
Device: cuda:0 NVIDIA L4 : cudaMallocAsync
Using pytorch attention
Python version: 3.12.9
ComfyUI version: 0.3.64
Import times for custom nodes:
   0.0 seconds: /root/comfy/ComfyUI/custom_nodes/websocket_image_save.py
   1.3 seconds: /root/comfy/ComfyUI/custom_nodes/ComfyUI-WanVideoWrapper

Starting server
To see the GUI go to: http://127.0.0.1:8188
got prompt
model weight dtype torch.float16, manual cast: None
Requested to load SDXLClipModel
loaded completely 9.5e+25 1560.802734375 True
100%|██████████| 20/20 [00:05<00:00,  3.67it/s]
Warning: Ran out of memory when regular VAE decoding, retrying with tiled VAE decoding.
Prompt executed in 7.31 seconds
""",
    """Resolved 95 packages in 31ms
Downloaded torch
Installed 95 packages in 1.20s
 + numpy==2.3.4
 + torch==2.9.0
WARNING: Running pip as the 'root' user can result in broken permissions
Built image im-01ABC in 95.20s
Saving image... Image saved, took 3.21s
✓ Created objects.
✓ App deployed in 4.102s!
""",
    """INFO:     127.0.0.1:50330 - "GET /health HTTP/1.1" 200 OK
INFO:     127.0.0.1:50330 - "POST /generate HTTP/1.1" 200 OK
FutureWarning: `torch.load` with `weights_only=False`
UserWarning: torch.meshgrid: in an upcoming release
DEPRECATION: Loading egg at x is deprecated
[ComfyUI-Manager] All startup tasks have been completed.
health: ComfyUI 0.3.64; generate: 1 output; 6 wrong requests refused; an error is expected here
""",
    """xFormers not available
sageattention not found, falling back to sdpa
WARNING: flash_attn is not installed, using sdpa
[W] UserWarning: 1Torch was not compiled with flash attention.
lora key not loaded: lora_unet_x
clip missing: ['text_projection.weight']
Token indices sequence length is longer than the specified maximum sequence length for this model (90 > 77)
""",
    """WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'ProtocolError('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))': /simple/transformers/
warning: Failed to hardlink files; falling back to full copy.
""",
    "",
]


@pytest.mark.parametrize(("text", "stage"), list(product(HEALTHY, ["build", "models", "boot", "preflight", "test"])))
def test_a_healthy_log_says_nothing(text: str, stage: Stage):
    assert found(text, stage) is None


def test_what_something_can_do_without_comes_after_what_is_really_wrong():
    text = "extra nodes off: No module named 'einops'\nsox not found\ntorch.OutOfMemoryError: Allocation on device"
    diagnosis = found(text, "test")
    assert diagnosis
    assert diagnosis.signature == "gpu-out-of-memory"


MESSAGES = [
    "Cannot access gated repo for url https://huggingface.co/a/b",
    "torch.OutOfMemoryError: Allocation on device",
    "ModuleNotFoundError: No module named 'left_padder'",
    "Unauthorized: Please login first to use this node.",
    "RuntimeError: operator torchvision::nms does not exist, so say we all",
    "No space left on device, my dear friend",
]


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(
    "shape",
    [
        "Prompt: {0}",
        "got prompt\n{0}\nPrompt executed in 3.2 seconds",
        "encoding text '{0}' with 77 tokens",
        "ERROR - {0}",
        "\x1b[31m{0}\x1b[0m",
        "{{'5': {{'inputs': {{'text': {0!r}}}}}}}",
    ],
)
def test_what_the_workflow_itself_says_is_no_message(message: str, shape: str):
    of = drawn(message)
    assert diagnose((Evidence(stage="test", text=shape.format(message)),), plan=of) is None


def test_a_quoted_message_is_none():
    for text in ('loading "Cannot access gated repo for url x"', "node 'CUDA out of memory' done", "title: 'Killed'"):
        assert found(text, "test") is None


def test_a_name_from_a_log_never_becomes_more_than_a_name():
    for name in (
        "--index-url=https://evil.example",
        "a; curl evil",
        "x @ https://evil.example/x.whl",
        "-r",
        "../../etc",
    ):
        for text in (
            f"Cannot import /custom_nodes/ComfyUI-WanVideoWrapper module for custom nodes: No module named '{name}'",
            f"ERROR: No matching distribution found for {name}",
            f"E: Unable to locate package {name}",
            f"{name}>=2 is required for a normal functioning of this module, but found {name}==1",
        ):
            for stage in ("build", "boot"):
                diagnosis = found(text, stage)  # pyright: ignore[reportArgumentType]
                if diagnosis is not None:
                    assert "/" not in told(diagnosis.remedy).replace("https://github.com/kijai/", "")
                    assert ".." not in told(diagnosis.remedy)
                    assert " -" not in told(diagnosis.remedy)


PIECES = st.sampled_from(
    [*(pattern for signature in signatures() for pattern in signature.patterns)]
    + [line for text in HEALTHY for line in text.splitlines()]
    + MESSAGES
)
LOGS = st.lists(
    st.one_of(PIECES, st.text(max_size=40), st.sampled_from(["\n", " ", "'", '"', "* a 1:\n", "{", "\x1b["])),
    max_size=30,
)
STAGES = st.sampled_from(["build", "models", "boot", "preflight", "test", "bill"])


@settings(max_examples=150, deadline=None)
@given(LOGS, STAGES)
def test_any_log_has_a_diagnosis_whose_patches_can_be_applied(pieces: list[str], stage: Stage):
    diagnosis = found("".join(pieces), stage)
    if diagnosis is None:
        return
    assert diagnosis.cause.isprintable() or "\n" not in diagnosis.cause
    for remedy in (diagnosis.remedy, *diagnosis.otherwise):
        if isinstance(remedy, LockPatch):
            changed = apply(FAILED.lock, remedy, prompt=FAILED.prompt)
            assert read_lock(changed.dumps()) == changed


@given(st.text(max_size=300))
def test_normalising_twice_is_once(text: str):
    once = normalise(text)
    assert "\x1b" not in once
    assert len(once) <= len(text) + 1


@given(st.sampled_from([(s, p) for s in signatures() for p in s.patterns]), st.data())
@settings(max_examples=60, deadline=None)
def test_words_that_are_looked_for_first_are_in_whatever_matches(pair: tuple[object, str], data: st.DataObject):
    pattern = pair[1]
    text = data.draw(st.from_regex(compiled(pattern)))
    assert may_match(pattern, text.lower())


LONG = [
    "2025-01-01 10:00:00,000 - root - INFO - Requested to load SDXL\n",
    "a", " ", "\n", "'", "a.b.", "lib", "* a 1:\n", "No module named ", "[Errno 2] No such file or directory: 'ffmpeg ",
    "{'error': ", "Value not in list: a: 'b' not in [", "custom_nodes/", "\x1b]",
]  # fmt: skip
SECONDS = 20.0
"""For a million characters on a machine that does something else too; it takes about one."""


@pytest.mark.parametrize("piece", LONG)
def test_a_long_log_takes_no_longer_than_its_length(piece: str):
    text = piece * (1_000_000 // len(piece))
    began = time.monotonic()
    found(text, "test")
    found(text, "build")
    assert time.monotonic() - began < SECONDS


def test_the_cause_is_found_at_either_end_of_a_log_that_is_too_long():
    noise = "Requested to load SDXL\n" * 100_000
    for text in (f"torch.OutOfMemoryError\n{noise}", f"{noise}torch.OutOfMemoryError\n"):
        diagnosis = found(text, "test")
        assert diagnosis
        assert diagnosis.signature == "gpu-out-of-memory"


def test_an_app_without_packs_and_models_has_answers_too():
    bare = plan(packs=(), models=())
    for signature in signatures():
        for stage in signature.stages:
            found(" ".join(signature.patterns), stage, of=bare)
