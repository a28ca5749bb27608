"""Memory, GPUs, models, the engine, access and networks, in several wordings each."""

import pytest

from runner.repair import Stage
from tests.runner.repair.world import found, node, plan, told

A100 = plan(gpu="A100-80GB")
B200 = plan(gpu="B200")
TRIO = "constrain-package torch==2.9.0; constrain-package torchvision==0.24.0; constrain-package torchaudio==2.9.0"

CASES: list[tuple[str, str, Stage, list[str]]] = [
    ("gpu-out-of-memory", "set-gpu L40S", "test", [
        "torch.OutOfMemoryError: Allocation on device ",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB (GPU 0; 23.69 GiB total capacity)",
        "2024-12-16 17:10:56,767 - root - ERROR - !!! Exception during processing !!! Allocation on device ",
        "Allocation on device 0 would exceed allowed memory. (out of memory)\nCurrently allocated : 14.81 GiB\nThis error means you ran out of memory on your GPU.",
        "Got an OOM, unloading all loaded models.",
        "POST /generate answered 507 Insufficient Storage: Out of memory; Node 5 (KSampler) failed: torch.OutOfMemoryError: Allocation on device",
        "\x1b[31mRuntimeError: CUDA error: out of memory\x1b[0m",
        "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "- **Exception Type:** torch.OutOfMemoryError\n- **Exception Message:** Allocation on device",
    ]),
    ("out-of-memory", "set-memory 24576", "test", [
        "RuntimeError: [enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 113246208 bytes.",
        "ComfyUI ended while it ran the job: killed by SIGKILL, most likely for lack of memory",
        "Loading models\nKilled\n",
        "Process exited with code 137",
        "Container exceeded its memory limit",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3.00 GiB for an array",
    ]),
    ("gpu-not-supported", f"{TRIO}", "test", [
        "RuntimeError: CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors might be asynchronously reported",
        "/usr/lib/python3.12/site-packages/torch/cuda/__init__.py:235: UserWarning: \nNVIDIA L4 with CUDA capability sm_89 is not compatible with the current PyTorch installation.",
        "torch.AcceleratorError: CUDA error: no kernel image is available for\nexecution on the device",
    ]),
    ("model-damaged", "again vae/ae.safetensors", "test", [
        "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
        "!!! Exception during processing!!! Error while deserializing header: HeaderTooLarge\nTraceback (most recent call last):\n",
        "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer",
        "2024-09-06 17:18:50,193 - root - ERROR - !!! Exception during processing !!! Error while deserializing\nheader: InvalidHeaderDeserialization",
        "_pickle.UnpicklingError: invalid load key, '<'.",
        "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory",
        "safetensors_rust.SafetensorError: invalid UTF-8 in header: incomplete",
    ]),
    ("precisions-differ", "set-arguments ['--force-fp32'] []", "test", [
        "RuntimeError: expected scalar type Half but found Float",
        "RuntimeError: expected mat1 and mat2 to have the same dtype, but got: float != c10::Half",
        "RuntimeError: mat1 and mat2 must have the same dtype, but got Half and Float",
        "!!! Exception during processing !!! Input type (float) and bias type (c10::Half) should be the same",
        "RuntimeError: Input type (torch.cuda.HalfTensor) and weight type (torch.cuda.FloatTensor) should be\nthe same",
        "Expected query, key, and value to have the same dtype, but got query.dtype: float key.dtype: float and value.dtype: c10::BFloat16 instead.",
        'RuntimeError: "slow_conv2d_cpu" not implemented for \'Half\'',
        "POST /generate answered 500 Internal Server Error: Node 5 (KSampler) failed: RuntimeError: expected dtype float but got dtype c10::BFloat16",
    ]),
    ("device-side-assert", "ask: A node gave the GPU an index that its model does not have. That is how it shows when files of different model families are combined: a text encoder, an embedding, a LoRA or a tokenizer.", "test", [
        "RuntimeError: CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported at some other API call",
        "torch.AcceleratorError: CUDA error: device-side assert\ntriggered",
        "/pytorch/aten/src/ATen/native/cuda/Indexing.cu:1553: indexSelectLargeIndex: block: [267,0,0], thread: [0,0,0] Assertion `srcIndex < srcSelectDimSize` failed.",
    ]),
    ("models-do-not-fit", "ask: Two of the workflow's models do not fit each other, such as a text encoder, a LoRA or a VAE of another family than the diffusion model. They are: checkpoints/sd15.safetensors, vae/ae.safetensors.", "test", [
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)",
        "!!! Exception during processing !!! mat1 and mat2 shapes cannot be multiplied (512x4096 and 2048x3072)",
        "POST /generate answered 500 Internal Server Error: A node of the workflow failed; Node 5 (KSampler) failed: RuntimeError: mat1 and mat2 shapes\ncannot be multiplied (1x2 and 3x4)",
        "RuntimeError: ERROR: Could not detect model type of: /models/checkpoints/sd15.safetensors",
    ]),
    ("model-gated", "ask: model vae/ae.safetensors = https://…", "models", [
        "vae/ae.safetensors: access refused; accept its licence and set HF_TOKEN",
        "huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-66f4b037;5601)\n\nCannot access gated repo for url https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors.\nAccess to model black-forest-labs/FLUX.1-dev is restricted. You must have access to it and be authenticated to access it. Please log in.",
        "vae/ae.safetensors: Client error '401 Unauthorized' for url 'https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors'",
        "403 Client Error. (Request ID: x)\n\nCannot access gated repo for url https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors.\nAccess to model black-forest-labs/FLUX.1-dev is restricted and you are not in the authorized list.",
    ]),
    ("model-gated", "ask: Hugging Face gives google/gemma-2-2b-it only to accounts that have agreed to its licence, and the app has no token of one.", "test", [
        "Cannot access gated repo for url https://huggingface.co/google/gemma-2-2b-it/resolve/299a/.gitattributes.",
        "OSError: You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/google/gemma-2-2b-it.",
        "18:57:53-195282 ERROR    Load model: 401 Client Error. (Request ID:\n                         Root=1-6876)\n                         Cannot access gated repo for url\n                         https://huggingface.co/api/models/google/gemma-2-2b-it/auth-check.",
    ]),
    ("partner-key-missing", "ask: A node of the workflow calls a paid service through Comfy's account, and the app has no key of one, or one without credits.", "test", [
        "Exception: Unauthorized: Please login first to use this node.",
        "[ERROR] API Exception: Unauthorized: Please login first to use this node.",
        "!!! Exception during processing !!! Payment Required: Please add credits to your account to use this node.",
        "Node 9 (Kling) failed: Exception: Unauthorized: Please login first\nto use this node.",
    ]),
    ("engine-not-reachable", "set-timeouts 1200 None", "boot", [
        "ComfyUI did not answer within 600 s of its start",
        "worker-comfyui - ComfyUI server (127.0.0.1:8188) not reachable after multiple retries.",
        "ComfyUI server (http://127.0.0.1:8000) not reachable\nafter multiple retries",
        "the app did not start within 120 s",
        "Container startup timed out",
    ]),
    ("job-timed-out", "set-timeouts None 1200", "test", [
        "the job did not end within 1800 s (last: running, 40%)",
        "POST /generate answered 504 Gateway Timeout: The job took too long; it ran for 600 s",
        "Task's current input in-01ABC hit its timeout of 900s",
        "modal.exception.FunctionTimeoutError: Task's current input hit its timeout of 600s",
    ]),
    ("redirected-after-150-seconds", "again", "test", [
        "POST /generate answered 303 See Other: ",
        "HTTP/1.1 303 See Other\nlocation: https://x--y.modal.run/generate?__modal_function_call_id=fc-01ABC",
        "got 303 after 150 s",
    ]),
    ("model-not-as-locked", "again checkpoints/sd15.safetensors", "models", [
        "shared.models.ModelUnavailable: checkpoints/sd15.safetensors: the download is not the file that the lock names (sha256 differs)",
        "checkpoints/sd15.safetensors: the download is not the file that the lock names (size differs)",
        "2025-01-01 10:00:00 ERROR checkpoints/sd15.safetensors: expected SHA256 abc, checksum mismatch",
    ]),
    ("model-without-address", "ask: model checkpoints/sd15.safetensors = https://…", "models", [
        "checkpoints/sd15.safetensors: no url; add one to app.lock.json",
        "ModelUnavailable: checkpoints/sd15.safetensors: Client error '404 Not Found' for url 'https://huggingface.co/x'; the next call goes on where this one stopped",
        "requests.exceptions.HTTPError: 404 Client Error: Not Found for url: https://huggingface.co/someone/sd15/resolve/main/sd15.safetensors",
    ]),
    ("network", "again", "models", [
        "checkpoints/sd15.safetensors: [Errno -3] Temporary failure in name resolution; the next call goes on where this one stopped",
        "httpx.ReadTimeout: The read operation timed out",
        "urllib3.exceptions.ProtocolError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "peer closed connection without sending complete message body (received 10 bytes, expected 20)",
    ]),
    ("server-failed", "again", "models", [
        "checkpoints/sd15.safetensors: Server error '503 Service Unavailable' for url 'https://huggingface.co/x'",
        "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: https://huggingface.co/x",
        "GRPCError: (<Status.UNAVAILABLE: 14>, 'upstream connect error')",
    ]),
    ("busy", "again", "models", [
        "429 Client Error: Too Many Requests for url: https://huggingface.co/x",
        "httpx.HTTPStatusError: Client error '429 Too Many Requests' for url",
        "error: rate limit exceeded",
    ]),
    ("modal-secret-missing", "ask: The lock names the Secret huggingface, which the Modal workspace does not have.", "build", [
        "modal.exception.NotFoundError: Secret 'huggingface' not found in environment 'main'",
        "NotFoundError: No secret named 'huggingface'",
    ]),
    ("engine-ended", "stop: ComfyUI ends while it starts or works, and its log says nothing that is known here", "boot", [
        "ComfyUI ended while starting: exit code 1",
        "Fatal Python error: Segmentation fault",
        "the app ended while starting (exit status 1)",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "remedy", "stage", "text"),
    [(signature, remedy, stage, text) for signature, remedy, stage, texts in CASES for text in texts],
)
def test_a_failure_has_its_remedy(signature: str, remedy: str, stage: Stage, text: str):
    diagnosis = found(text, stage)
    assert diagnosis
    assert diagnosis.signature == signature
    assert told(diagnosis.remedy) == remedy


OOM = "torch.OutOfMemoryError: Allocation on device"


class TestGpus:
    def test_the_next_larger_is_the_cheapest_that_has_more(self):
        steps = []
        gpu = "T4"
        while gpu:
            diagnosis = found(OOM, "test", of=plan(gpu=gpu))
            assert diagnosis
            steps.append(gpu)
            gpu = told(diagnosis.remedy).removeprefix("set-gpu ") if told(diagnosis.remedy).startswith("set") else None
        assert steps == ["T4", "L4", "L40S", "A100-80GB", "RTX-PRO-6000", "H200", "B200"]

    def test_on_the_largest_people_are_asked_to_make_it_smaller(self):
        diagnosis = found(OOM, "test", of=B200)
        assert diagnosis
        assert told(diagnosis.remedy).startswith("ask: B200 has not enough memory")

    def test_blackwell_without_code_for_it_becomes_another(self):
        diagnosis = found("CUDA error: no kernel image is available for execution on the device", "test", of=B200)
        assert diagnosis
        assert told(diagnosis.remedy) == "set-gpu H200"

    def test_a_t4_has_no_flash_attention(self):
        diagnosis = found("RuntimeError: FlashAttention only supports Ampere GPUs or newer.", "test", of=plan(gpu="T4"))
        assert diagnosis
        assert told(diagnosis.remedy) == "set-gpu L4"

    @pytest.mark.parametrize(
        "text",
        [
            "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
            "AssertionError: Torch not compiled with CUDA enabled",
            "RuntimeError: No CUDA GPUs are available",
        ],
    )
    def test_an_app_without_one_that_needs_one_gets_one(self, text: str):
        diagnosis = found(text, "test", of=plan(gpu=None))
        assert diagnosis
        assert told(diagnosis.remedy) == "set-gpu L4"
        assert found(text, "test", of=A100) is None


def test_the_damaged_file_is_the_one_that_is_named():
    text = "Loading /root/comfy/ComfyUI/models/checkpoints/sd15.safetensors\nsafetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge"
    diagnosis = found(text, "test")
    assert diagnosis
    assert told(diagnosis.remedy) == "again checkpoints/sd15.safetensors"
    assert [told(one) for one in diagnosis.otherwise] == ["ask: model checkpoints/sd15.safetensors = https://…"]


def test_partner_nodes_are_named():
    of = plan({"9": node("KlingTextToVideoNode")})
    diagnosis = found("Unauthorized: Please login first to use this node.", "test", of=of)
    assert diagnosis
    assert "KlingTextToVideoNode calls a paid service" in told(diagnosis.remedy)
