"""More wordings of what happens often, and of what the others have in one wording only."""

from __future__ import annotations

from tests.runner.faults.boot import NODES, imported
from tests.runner.faults.fault import (
    after,
    asks,
    either,
    gpu_memory_over,
    has_package,
    has_system,
    keeps_out,
    memory_over,
    python_below,
    starts_within,
    stops,
    value_is,
    value_is_not,
    without_package,
    worded,
)
from tests.runner.faults.preflight import logged
from tests.runner.faults.world import with_gpu, with_inputs

BUILD = (
    *worded(
        "package-unknown",
        "build",
        gone=without_package("comfy-utils-extra"),
        known=(
            (
                "error: Because comfy-utils-extra was not found in the package registry and you require comfy-utils-extra,\n"
                "       we can conclude that your requirements are unsatisfiable.\n"
            ),
            "ERROR: Could not find a version that satisfies the requirement comfy_utils_extra (from versions: none)\n",
        ),
    ),
    *worded(
        "needs-older-python",
        "build",
        gone=python_below(12),
        known=(
            (
                "ERROR: Ignored the following versions that require a different python version: 0.9.0 Requires-Python >=3.7,<3.12\n"
                "ERROR: Could not find a version that satisfies the requirement basicsr-fixed==0.9.0 (from versions: none)\n"
            ),
            (
                "  × Failed to build `gfpgan-old==1.3.8`\n  ├─▶ The build backend returned an error\n"
                "  ╰─▶ Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)\n\n      [stderr]\n"
                "      AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?\n"
            ),
        ),
    ),
    *worded(
        "header-missing",
        "build",
        gone=has_system("portaudio19-dev"),
        known=(
            (
                "      src/pyaudio/device_api.c:9:10: fatal error: portaudio.h: No such file or directory\n"
                "      compilation terminated.\n      error: command '/usr/bin/gcc' failed with exit code 1\n"
                "ERROR: Failed building wheel for pyaudio\n"
            ),
            (
                "  × Failed to build `pyaudio==0.2.14`\n  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)\n\n"
                "      [stderr]\n      src/pyaudio/main.c:31:10: fatal error: portaudio.h: No such file or directory\n"
                '         31 | #include "portaudio.h"\n            |          ^~~~~~~~~~~~~\n'
            ),
        ),
    ),
    *worded(
        "torch-for-building",
        "build",
        end=stops("built"),
        known=(
            (
                "error: subprocess-exited-with-error\n× Getting requirements to build wheel did not run successfully.\n"
                "ModuleNotFoundError: No module named 'torch'\n"
            ),
            (
                "  × Failed to build `kernels-of-somebody==0.1`\n  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed\n"
                "      ModuleNotFoundError: No module named 'torch'\n"
            ),
        ),
    ),
    *worded(
        "builder-fails",
        "build",
        end=stops(),
        known=(
            "modal.exception.RemoteError: Image build for im-8sK2 failed. See build logs for more details.\n",
            'Terminating task due to error: failed to run builder command "python -m shared.build packs": exit status 1\n',
        ),
    ),
    *worded(
        "build-too-long",
        "build",
        gone=after(1),
        known=("RemoteError: Image build for im-1a timed out. Please try again with a larger `timeout` parameter.\n",),
    ),
)
BOOT = (
    *worded(
        "sound-again",
        "preflight",
        gone=has_system("libsndfile1"),
        known=(imported("ComfyUI-Spare", "sndfile library not found"),),
    ),
    *worded(
        "portaudio-again",
        "boot",
        gone=has_system("libportaudio2"),
        known=(f"Cannot import {NODES}/ComfyUI-Spare module for custom nodes: PortAudio library not found\n",),
    ),
    *worded(
        "openexr",
        "boot",
        gone=has_package("OpenEXR"),
        known=(
            f"Cannot import {NODES}/ComfyUI-Spare module for custom nodes: No module named 'OpenEXR'\n",
            "    import Imath\nModuleNotFoundError: No module named 'Imath'\n",
        ),
    ),
    *worded(
        "scikit",
        "boot",
        gone=has_package("scikit-image"),
        known=(
            (
                "\x1b[1;31m[ERROR]\x1b[0m An error occurred while retrieving information for the 'SpareSharpen' node.\n"
                "ModuleNotFoundError: No module named 'skimage.filters'\n"
            ),
            f"2026-11-20T09:00:01Z {NODES}/ComfyUI-Spare/nodes.py:7: ModuleNotFoundError: No module named 'skimage'\n",
        ),
    ),
    *worded(
        "basicsr",
        "boot",
        gone=either(keeps_out("torchvision", "0.24.0"), lambda app: "basicsr-fixed" in app.lock.dependencies.packages),
        known=("ModuleNotFoundError: No module named 'torchvision.transforms.functional_tensor'\n",),
    ),
    *worded(
        "hub-names",
        "boot",
        gone=keeps_out("huggingface-hub", "1.2.0"),
        known=(
            "ImportError: cannot import name 'HfFolder' from 'huggingface_hub' (/usr/lib/python3/site-packages/huggingface_hub/__init__.py)\n",
            "RuntimeError: Failed to import diffusers.loaders.single_file: cannot import name 'HfFolder' from 'huggingface_hub'\n",
        ),
    ),
    *worded(
        "numpy-names",
        "boot",
        gone=keeps_out("numpy", "2.3.4"),
        known=(
            "AttributeError: module 'numpy' has no attribute 'product'\n",
            "AttributeError: `np.Inf` was removed in the NumPy 2.0 release. Use `np.inf` instead.. Did you mean: 'inf'?\n",
        ),
    ),
    *worded(
        "egl",
        "boot",
        gone=has_system("libegl1"),
        known=(
            "ImportError: ('Unable to load EGL library', 'libEGL.so.1: cannot open shared object file: No such file or directory')\n",
            "OSError: libEGL.so.1: cannot open shared object file: No such file or directory\n",
        ),
    ),
    *worded(
        "protobuf",
        "boot",
        gone=keeps_out("protobuf", "5.29.0"),
        known=(
            "TypeError: Descriptors cannot be created directly.\nIf this call came from a _pb2.py file, your code is out of date.\n",
            " 1. Downgrade the protobuf package to 3.20.x or lower.\n 2. Set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python\n",
        ),
    ),
    *worded(
        "numba",
        "boot",
        gone=keeps_out("numpy", "2.3.4"),
        known=(
            "ImportError: Numba needs NumPy 2.2 or less. Got NumPy 2.3.\n",
            f"Cannot import {NODES}/ComfyUI-Spare module for custom nodes: Numba needs NumPy 2.2 or less. Got NumPy 2.3.\n",
        ),
    ),
    *worded(
        "crashes",
        "boot",
        end=stops(),
        known=(
            "/start.sh: line 3:    12 Segmentation fault      (core dumped) python main.py\nComfyUI ended while starting\n",
        ),
    ),
    *worded(
        "slow-again",
        "boot",
        gone=starts_within(900),
        known=(
            "ComfyUI did not answer within 600 s of its start\n",
            "Container startup timed out after 600 seconds\n",
        ),
    ),
)
RUNNING = (
    *worded(
        "memory-of-the-gpu",
        "test",
        gone=gpu_memory_over(24),
        start=with_gpu("L4"),
        known=(
            "HIP out of memory. Tried to allocate 2.00 GiB\n",
            (
                "comfy.model_management.OOM_EXCEPTION: Allocation on device 0 would exceed allowed memory. (out of memory)\n"
                "Currently allocated     : 20.91 GiB\nRequested               : 3.38 GiB\n"
            ),
            "RuntimeError: CUDA driver error: out of memory\n",
        ),
    ),
    *worded(
        "memory-of-the-machine",
        "test",
        gone=memory_over(40_000),
        known=(
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 11.9 GiB for an array with shape (1, 3, 8192)\n",
            "ComfyUI was killed by SIGKILL, most likely for lack of memory\n",
        ),
    ),
    *worded(
        "weights-cut-off",
        "test",
        gone=after(1),
        known=(
            (
                "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory\n"
                "  loading /models/vae/ae.safetensors\n"
            ),
            "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: InvalidHeaderDeserialization\n",
        ),
    ),
    *worded(
        "sage-asked-for",
        "test",
        gone=value_is_not("4", "attention_mode", "sageattn"),
        inputs=frozenset({("4", "attention_mode")}),
        known=(
            "Exception: SageAttention is not installed. Please install it or choose another attention mode\n",
            "ModuleNotFoundError: No module named 'sageattention'\n",
        ),
    ),
    *worded(
        "driver-again",
        "test",
        gone=keeps_out("torch", "2.11.0"),
        known=("CUDA initialization: CUDA driver version is insufficient for CUDA runtime version\n",),
    ),
    *worded(
        "partner-again",
        "test",
        end=asks("key"),
        known=(
            "Exception: Unauthorized: Please login first to use this node.\nPrompt executed in 0.31 seconds\n",
            "401: {'message': 'Please sign in to use this node'}\n",
        ),
    ),
    *worded(
        "redirect-again",
        "test",
        gone=after(1),
        known=("HTTP/1.1 303 See Other\nlocation: https://acme--fox.modal.run/?__modal_function_call_id=fc-01\n",),
    ),
    *worded(
        "not-there-yet",
        "preflight",
        gone=after(1),
        known=("vae/ae.safetensors has not been downloaded; run the app's fetch_models\n",),
    ),
    *worded(
        "refused-and-ignored",
        "preflight",
        end=stops(),
        known=(
            "Failed to validate prompt for output 10:\nOutput will be ignored\n",
            "invalid prompt: prompt outputs failed validation\n",
        ),
    ),
    *worded(
        "bounds-again",
        "preflight",
        gone=value_is("6", "denoise", 1.0),
        start=with_inputs(_6__denoise=1.5),
        inputs=frozenset({("6", "denoise")}),
        known=(
            logged("6", "Value 1.5 bigger than max of 1.0: denoise"),
            "Prompt outputs failed validation: KSampler:\n- Value 1.5 bigger than max of 1.0: denoise\n",
        ),
    ),
    *worded(
        "mentioned",
        "boot",
        gone=has_package("insightface"),
        known=("[ComfyUI-Spare] could not load its face tools: No module named 'insightface' (ComfyUI-Spare stops)\n",),
    ),
)
PASSING = (
    *worded(
        "hosts-break",
        "build",
        group="passing",
        gone=after(1),
        known=(
            "curl: (56) Recv failure: Connection reset by peer\n",
            "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:1007)\n",
            "npm ERR! network request to https://registry.example failed, reason: socket hang up\n",
            "E: Failed to fetch http://deb.debian.org/debian/pool/main/f/ffmpeg.deb  Hash Sum mismatch\n",
            "grpclib.exceptions.GRPCError: (<Status.UNAVAILABLE: 14>, 'connection lost', None)\n",
        ),
    ),
    *worded(
        "hub-is-busy",
        "models",
        group="passing",
        gone=after(1),
        known=(
            "checkpoints/sd15.safetensors: huggingface.co answered 429; the next call goes on where this one stopped\n",
            (
                "huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://huggingface.co/x\n"
                "We had to rate limit your IP.\n"
            ),
            "checkpoints/sd15.safetensors: ReadTimeout; the next call goes on where this one stopped\n",
        ),
    ),
)
LATER = (*BUILD, *BOOT, *RUNNING, *PASSING)
