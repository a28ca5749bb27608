"""What goes wrong once the app is called, and what passes by itself."""

from __future__ import annotations

from tests.runner.faults.fault import (
    after,
    asks,
    gpu_memory_over,
    memory_over,
    runs_within,
    stops,
    worded,
)
from tests.runner.faults.world import with_gpu

OUT_OF_GPU = worded(
    "gpu-memory",
    "test",
    gone=gpu_memory_over(24),
    start=with_gpu("L4"),
    known=(
        (
            "torch.OutOfMemoryError: Allocation on device\nGot an OOM, unloading all loaded models.\n"
            "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have "
            "accidentally set the batch_size to a large number.\n"
        ),
    ),
    unseen=(
        """\
!!! Exception during processing !!! CUDA out of memory. Tried to allocate 9.38 GiB. GPU 0 has a total capacity of 21.95 GiB
of which 5.12 GiB is free. Including non-PyTorch memory, this process has 16.83 GiB memory in use.
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.38 GiB.
""",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`\n",
        "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED\n",
    ),
)
OUT_OF_GPU_TWICE = worded(
    "gpu-memory-much",
    "test",
    gone=gpu_memory_over(40),
    start=with_gpu("L4"),
    unseen=(("torch.AcceleratorError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some "
            "other API call, so the stacktrace below might be incorrect.\n"),),
)  # fmt: skip
OUT_OF_MEMORY = worded(
    "memory",
    "test",
    gone=memory_over(40_000),
    known=(("RuntimeError: [enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
           "to allocate 8589934592 bytes. Error code 12 (Cannot allocate memory)\n"),),
    unseen=(
        "Runner terminated: the container was killed because it exceeded its memory limit (OOMKilled, exit code 137)\n",
        "Loading checkpoint shards: 100%|##########| 3/3\nKilled\nComfyUI ended with signal 9\n",
    ),
)  # fmt: skip
DAMAGED = worded(
    "model-damaged",
    "test",
    gone=after(1),
    known=(
        (
            "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge\n"
            "  while loading /root/comfy/ComfyUI/models/checkpoints/sd15.safetensors\n"
        ),
    ),
    unseen=(
        """\
  File "/root/comfy/ComfyUI/comfy/utils.py", line 55, in load_torch_file
    with safetensors.safe_open(ckpt, framework="pt", device=device.type) as f:
ValueError: Error while deserializing header: incomplete metadata, file not fully covered

File path: /root/comfy/ComfyUI/models/checkpoints/sd15.safetensors

The safetensors file is corrupt or invalid. Make sure this is actually a safetensors file and not a ckpt or pt or other filetype.
""",
        "_pickle.UnpicklingError: invalid load key, '<'.\nFile path: /root/comfy/ComfyUI/models/checkpoints/sd15.safetensors\n",
    ),
)
MISMATCH = worded(
    "models-do-not-fit",
    "test",
    end=stops(),
    known=("RuntimeError: mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)\n",),
    unseen=(
        (
            "RuntimeError: Given groups=1, weight of size [320, 4, 3, 3], expected input[2, 16, 128, 128] to have 4 channels, but "
            "got 16 channels instead\n"
        ),
        (
            "RuntimeError: Error(s) in loading state_dict for AutoencoderKL:\n\tsize mismatch for encoder.conv_out.weight: copying a "
            "param with shape torch.Size([32, 512, 3, 3]) from checkpoint, the shape in current model is torch.Size([8, 512, 3, 3]).\n"
        ),
    ),
)
NO_VAE = worded(
    "checkpoint-without-parts",
    "test",
    end=stops("sd15"),
    unseen=(
        (
            "RuntimeError: ERROR: clip input is invalid: None\n\nIf the clip is from a checkpoint loader node your checkpoint does "
            "not contain a valid clip or text encoder model.\n"
        ),
    ),
)
SLOW = worded(
    "job-too-slow",
    "test",
    gone=runs_within(1000),
    known=("500 The job took too long: The job was stopped after 630 s.\n",),
    unseen=(
        "modal.exception.FunctionTimeoutError: Task's current input in-01K hit its timeout of 600s\n",
        "job 8c41: stopped after 600 seconds: execution timeout\n",
    ),
)
HELD = worded(
    "redirected",
    "test",
    gone=after(1),
    unseen=("the app answered 303 See Other to POST /generate after 150 s\n",),
)
BLANK = worded(
    "blank-output",
    "test",
    gone=lambda app: bool({"--fp32-vae", "--bf16-vae"} & set(app.lock.comfyui.arguments)),
    known=("image is blank: all pixels are the same\n",),
    unseen=(("/root/comfy/ComfyUI/nodes.py:1605: RuntimeWarning: invalid value encountered in cast\n"
            "  img = Image.fromarray(np.clip(i, 0, 255).astype(np.uint8))\nimage is blank: every pixel is black\n"),),
)  # fmt: skip
PRECISION = worded(
    "precisions-differ",
    "test",
    gone=lambda app: "--force-fp32" in app.lock.comfyui.arguments,
    known=("RuntimeError: Input type (float) and bias type (c10::Half) should be the same\n",),
    unseen=(
        "RuntimeError: expected mat1 and mat2 to have the same dtype, but got: c10::BFloat16 != float\n",
        "NotImplementedError: \"upsample_bicubic2d_out_frame\" not implemented for 'BFloat16'\n",
    ),
)
ASSERTED = worded(
    "device-side-assert",
    "test",
    end=stops("index"),
    known=("RuntimeError: CUDA error: device-side assert triggered\n",),
    unseen=(
        (
            "../aten/src/ATen/native/cuda/ScatterGatherKernel.cu:144: operator(): block: [0,0,0], thread: [3,0,0] Assertion "
            '`idx_dim >= 0 && idx_dim < index_size && "index out of bounds"` failed.\n'
        ),
    ),
)
NOTHING = worded(
    "nothing-made",
    "test",
    end=asks("output"),
    known=("no output at all\n",),
    unseen=("The workflow ran, and gave no outputs.\n",),
)
DRIVER = worded(
    "driver-too-old",
    "test",
    end=stops("driver"),
    unseen=(
        (
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update your GPU driver by "
            "downloading and installing a new version\n"
        ),
    ),
)
PORT = worded(
    "port-in-use",
    "test",
    gone=after(1),
    known=("OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8188): address already in use\n",),
    unseen=(("[ERROR] Port 8188 is already in use on address 127.0.0.1. Please close the other application or use a different "
            "port with --port.\n"),),
)  # fmt: skip
UNKNOWN = worded(
    "nobody-knows-test",
    "test",
    end=stops(),
    unseen=(
        "!!! Exception during processing !!! the moon is in the wrong phase\nLunarError: the moon is in the wrong phase\n",
    ),
)
SERVING = (
    *OUT_OF_GPU, *OUT_OF_GPU_TWICE, *OUT_OF_MEMORY, *DAMAGED, *MISMATCH, *NO_VAE, *SLOW, *HELD, *BLANK, *NOTHING, *PRECISION, *ASSERTED, *DRIVER,
    *PORT, *UNKNOWN,
)  # fmt: skip

LIMITED = worded(
    "rate-limit",
    "build",
    group="passing",
    gone=after(1),
    known=("urllib.error.HTTPError: HTTP Error 429: Too Many Requests\n",),
    unseen=(
        "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429\nfatal: expected flush after ref listing\n",
        "remote: You have exceeded a secondary rate limit. Please wait a few minutes before you try again.\n",
    ),
)
BROKEN = worded(
    "connection",
    "build",
    group="passing",
    gone=after(2),
    known=(("pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.pythonhosted.org', port=443): "
           "Read timed out.\n"),),
    unseen=(
        ("error: Failed to fetch: `https://pypi.org/simple/torchsde/`\n  Caused by: error sending request for url "
        "(https://pypi.org/simple/torchsde/)\n  Caused by: operation timed out\n"),
        "fatal: unable to access 'https://github.com/kijai/ComfyUI-WanVideoWrapper/': Could not resolve host: github.com\n",
        "fatal: the remote end hung up unexpectedly\nfatal: early EOF\nfatal: index-pack failed\n",
        "Err:1 http://deb.debian.org/debian bookworm InRelease\n  Temporary failure resolving 'deb.debian.org'\n",
    ),
)  # fmt: skip
SERVER = worded(
    "server-fails",
    "models",
    group="passing",
    gone=after(1),
    known=(
        "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: https://huggingface.co/api/models\n",
    ),
    unseen=("urllib.error.HTTPError: HTTP Error 502: Bad Gateway\n", "huggingface.co answered 504\n"),
)
BUILD_STOPPED = worded(
    "build-interrupted",
    "build",
    group="passing",
    gone=after(1),
    known=(
        "modal.exception.RemoteError: Image build for im-4Xc2 terminated due to external shut-down. Please try again.\n",
        "modal.exception.RemoteError: Image build for im-4Xc2 timed out. Please try again with a larger `timeout` parameter.\n",
    ),
    unseen=("RemoteError: Image build for im-Zq19 failed: builder preempted, please retry\n",),
)
NOT_YET = worded(
    "endpoint-wakes",
    "test",
    group="passing",
    gone=after(1),
    unseen=("modal-http: app for invoked web endpoint is stopped\n", "modal-http: internal error: status Terminated\n"),
)
FOREVER = worded(
    "never-passes",
    "build",
    group="passing",
    end=stops("again"),
    unseen=("urllib.error.HTTPError: HTTP Error 429: Too Many Requests\n",
            "error: Failed to fetch: `https://pypi.org/simple/`\n  Caused by: dns error: failed to lookup address information\n"),
)  # fmt: skip
PASSING = (*LIMITED, *BROKEN, *SERVER, *BUILD_STOPPED, *NOT_YET, *FOREVER)
