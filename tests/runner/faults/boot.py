"""What keeps ComfyUI, or a pack of nodes, from starting."""

from __future__ import annotations

from tests.runner.faults.fault import (
    App,
    Wording,
    asks,
    either,
    gpu_is_not,
    has_package,
    has_system,
    is_library,
    keeps_out,
    lacks_argument,
    lets_in,
    starts_within,
    stops,
    value_is_not,
    worded,
)
from tests.runner.faults.world import with_arguments, with_gpu, with_pack

NODES = "/root/comfy/ComfyUI/custom_nodes"


def imported(pack: str, error: str, traceback: str = "", log: str = "") -> Wording:
    """As the preflight finds it."""
    return Wording(log, {"imports": [{"pack": pack, "error": error, "traceback": traceback}]})


MODULE = worded(
    "module-missing",
    "boot",
    gone=has_package("gguf"),
    known=(f"Cannot import {NODES}/ComfyUI-WanVideoWrapper module for custom nodes: No module named 'gguf'\n",),
    unseen=(
        f"""\
\x1b[33m2026-11-20 10:11:12.103 | WARNING\x1b[0m Traceback (most recent call last):
  File "/root/comfy/ComfyUI/nodes.py", line 2129, in load_custom_node
    module_spec.loader.exec_module(module)
  File "{NODES}/ComfyUI-WanVideoWrapper/gguf/gguf.py", line 4, in <module>
    from gguf import GGUFReader
\x1b[31mModuleNotFoundError\x1b[0m: No module named \x1b[32m'gguf'\x1b[0m
""",
        (
            "Import times for custom nodes:\n   0.4 seconds (IMPORT FAILED): "
            f"{NODES}/ComfyUI-WanVideoWrapper\n\nModuleNotFoundError: No module named 'gguf.constants'\n"
        ),
    ),
)
MODULE_LOOKED = worded(
    "module-missing-preflight",
    "preflight",
    group="boot",
    gone=either(has_package("opencv-python-headless"), has_package("opencv-python")),
    known=(imported("ComfyUI-WanVideoWrapper", "No module named 'cv2'"),),
    unseen=(
        imported(
            "ComfyUI-WanVideoWrapper",
            "ModuleNotFoundError: No module named 'cv2'",
            f'Traceback (most recent call last):\n  File "{NODES}/ComfyUI-WanVideoWrapper/nodes.py", line 8, in <module>\n'
            "    import cv2\nModuleNotFoundError: No module named 'cv2'\n",
        ),
        imported(
            "ComfyUI-Spare",
            "ImportError: ComfyUI-Spare needs OpenCV: please `pip install opencv-python`",
            "ModuleNotFoundError: No module named 'cv2'\n\nDuring handling of the above exception, another exception "
            "occurred:\n\nImportError: ComfyUI-Spare needs OpenCV: please `pip install opencv-python`\n",
        ),
    ),
)
METADATA = worded(
    "metadata-missing",
    "boot",
    gone=has_package("imageio-ffmpeg"),
    known=("importlib.metadata.PackageNotFoundError: No package metadata was found for imageio-ffmpeg\n",),
    unseen=(
        "pkg_resources.DistributionNotFound: The 'imageio-ffmpeg' distribution was not found and is required by the application\n",
    ),
)
LIBRARY = worded(
    "pack-is-a-library",
    "preflight",
    group="boot",
    gone=is_library("ComfyUI-Helpers"),
    start=with_pack("ComfyUI-Helpers"),
    known=(
        f"Skip {NODES}/ComfyUI-Helpers module for custom nodes due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one).\n",
    ),
    unseen=(
        (
            f"[2026-11-20 10:11:12.103] Skip {NODES}/ComfyUI-Helpers module for custom nodes due to the lack of\n"
            "NODE_CLASS_MAPPINGS.\n"
        ),
    ),
)
NO_INIT = worded(
    "no-init",
    "boot",
    end=stops("ComfyUI-Spare"),
    known=(f"FileNotFoundError: [Errno 2] No such file or directory: '{NODES}/ComfyUI-Spare/__init__.py'\n",),
    unseen=((f"Cannot import {NODES}/ComfyUI-Spare module for custom nodes: [Errno 2] No such file or directory: "
            f"'{NODES}/ComfyUI-Spare/__init__.py'\n"),),
)  # fmt: skip
LIBGL = worded(
    "library-of-the-system",
    "boot",
    gone=has_system("libsm6"),
    known=("ImportError: libSM.so.6: cannot open shared object file: No such file or directory\n",),
    unseen=(
        (
            f"Cannot import {NODES}/ComfyUI-Spare module for custom nodes: libSM.so.6: cannot open shared object\n"
            "    file: No such file or directory\n"
        ),
        "OSError: libSM.so.6: cannot open shared object file: No such file or directory (required by cv2.abi3.so)\n",
    ),
)
SOUND = worded(
    "sound-library",
    "boot",
    gone=has_system("libsndfile1"),
    known=("OSError: sndfile library not found\n",),
    unseen=(
        (
            "OSError: cannot load library 'libsndfile.so': libsndfile.so: cannot open shared object file: No such file or "
            "directory\n"
        ),
    ),
)
PORTAUDIO = worded(
    "portaudio",
    "boot",
    gone=has_system("libportaudio2", "portaudio19-dev"),
    known=("OSError: PortAudio library not found\n",),
    unseen=("ImportError: libportaudio.so.2: cannot open shared object file: No such file or directory\n",),
)
PROGRAM = worded(
    "program-missing",
    "boot",
    gone=has_system("imagemagick"),
    known=("FileNotFoundError: [Errno 2] No such file or directory: 'convert'\n",),
    unseen=(("/bin/sh: 1: convert: not found\nsubprocess.CalledProcessError: Command 'convert -version' returned non-zero "
            "exit status 127.\n"),),
)  # fmt: skip
NUMPY_1 = worded(
    "numpy-1-libraries",
    "boot",
    gone=keeps_out("numpy", "1.26.4"),
    known=(
        """\
  File "/usr/local/lib/python3.12/site-packages/skimage/_shared/geometry.cpython-312-x86_64-linux-gnu.so", line 1
ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject
""",
    ),
)
NUMPY_2 = worded(
    "numpy-2",
    "boot",
    gone=either(keeps_out("scikit-image", "0.20.0"), keeps_out("numpy", "2.3.4")),
    unseen=(
        """\
A module that was compiled using NumPy 1.x cannot be run in
NumPy 2.3.4 as it may crash. To support both 1.x and 2.x
versions of NumPy, modules must be compiled with NumPy 2.0.

Traceback (most recent call last):  File "/root/comfy/ComfyUI/main.py", line 15, in <module>
  File "/usr/local/lib/python3.12/site-packages/skimage/filters/rank/core_cy.py", line 3, in <module>
AttributeError: _ARRAY_API not found
ImportError: numpy.core.multiarray failed to import
""",
    ),
)
TORCH = worded(
    "torch-replaced",
    "boot",
    gone=either(keeps_out("torchvision", "0.1.0"), keeps_out("torch", "0.1.0")),
    known=("RuntimeError: operator torchvision::nms does not exist\n",),
    unseen=(
        (
            "ImportError: /usr/local/lib/python3.12/site-packages/torchaudio/lib/libtorchaudio.so: undefined symbol: "
            "_ZNK5torch8autograd4Node4nameEv\n"
        ),
        (
            "RuntimeError: Detected that PyTorch and torchvision were compiled with different CUDA major versions. PyTorch has "
            "CUDA Version=13.0 and torchvision has CUDA Version=12.8. Please reinstall the torchvision that matches your "
            "PyTorch install.\n"
        ),
    ),
)
TORCH_OLD = worded(
    "torch-too-old",
    "boot",
    gone=either(keeps_out("transformers", "5.0.0"), keeps_out("torch", "2.5.1")),
    known=("Disabling PyTorch because PyTorch >= 2.6 is required but found 2.5.1\n",),
    unseen=(
        (
            "ValueError: Due to a serious vulnerability issue in `torch.load`, even with `weights_only=True`, we now require "
            "users to upgrade torch to at least v2.6 in order to use the function. See CVE-2025-32434\n"
        ),
    ),
)
REMOVED_NAME = worded(
    "removed-name",
    "boot",
    gone=keeps_out("huggingface-hub", "0.36.0"),
    known=(
        (
            "ImportError: cannot import name 'cached_download' from 'huggingface_hub' "
            "(/usr/local/lib/python3.12/site-packages/huggingface_hub/__init__.py)\n"
        ),
    ),
    unseen=(
        """\
  File "/root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare/vendor/loading.py", line 3, in <module>
    from huggingface_hub import cached_download, hf_hub_url
ImportError: cannot import name
'cached_download' from 'huggingface_hub' (/opt/venv/lib/python3.12/site-packages/huggingface_hub/__init__.py). Did you
mean: 'hf_hub_download'?
""",
    ),
)
REMOVED_TRANSFORMERS = worded(
    "removed-from-transformers",
    "boot",
    gone=keeps_out("transformers", "5.0.0"),
    unseen=(
        (
            "ImportError: cannot import name 'apply_chunking_to_forward' from 'transformers.modeling_utils' "
            "(/usr/local/lib/python3.12/site-packages/transformers/modeling_utils.py)\n"
        ),
        (
            "RuntimeError: Failed to import transformers.models.bert.modeling_bert because of the following error (look up to see "
            "its traceback):\ncannot import name 'apply_chunking_to_forward' from 'transformers.modeling_utils'\n"
        ),
    ),
)
REMOVED_ATTRIBUTE = worded(
    "removed-attribute",
    "boot",
    gone=keeps_out("numpy", "2.3.4"),
    unseen=(
        "AttributeError: module 'numpy' has no attribute 'bool8'. Did you mean: 'bool'?\n",
        "AttributeError: `np.float_` was removed in the NumPy 2.0 release. Use `np.float64` instead.\n",
    ),
)
VERSION = worded(
    "version-required",
    "boot",
    gone=lets_in("huggingface-hub", "0.30.0"),
    known=(
        (
            "ImportError: huggingface-hub>=0.24.0,<1.0 is required for a normal functioning of this module, but found "
            "huggingface-hub==0.23.4.\n"
        ),
    ),
    unseen=(
        (
            "pkg_resources.VersionConflict: (huggingface-hub 0.23.4 (/usr/local/lib/python3.12/site-packages), "
            "Requirement.parse('huggingface-hub>=0.24.0,<1.0'))\n"
        ),
    ),
)
TOKENIZERS = worded(
    "tokenizers-version",
    "boot",
    gone=lets_in("tokenizers", "0.22.1"),
    unseen=(
        (
            "ImportError: tokenizers>=0.22.0,<=0.23.0 is required for a normal functioning of this module, but found "
            "tokenizers==0.19.1.\nTry: `pip install transformers -U` or `pip install -e '.[dev]'`\n"
        ),
    ),
)
ATTENTION = worded(
    "attention-missing",
    "test",
    group="boot",
    gone=either(value_is_not("4", "attention_mode", "sageattn"), has_package("sageattention")),
    inputs=frozenset({("4", "attention_mode")}),
    known=("ValueError: Can't import SageAttention: No module named 'sageattention'\n",),
    unseen=(
        """\
Traceback (most recent call last):
  File "/root/comfy/ComfyUI/custom_nodes/ComfyUI-WanVideoWrapper/wanvideo/modules/attention.py", line 21, in <module>
    from sageattention import sageattn
ModuleNotFoundError: No module named 'sageattention'

During handling of the above exception, another exception occurred:

ImportError: sageattn was selected as attention_mode, but the sageattention package is not installed
""",
    ),
)
ARGUMENT = worded(
    "argument-refused",
    "boot",
    gone=lacks_argument("--use-flash-attention"),
    start=with_arguments("--use-flash-attention"),
    known=("main.py: error: unrecognized arguments: --use-flash-attention\n",),
    unseen=(
        (
            "usage: main.py [-h] [--listen [IP]] [--port PORT]\n               [--cuda-device DEVICE_ID]\n"
            "main.py: error: argument --use-flash-attention: not allowed with argument --use-sage-attention\n"
        ),
    ),
)
FLASH = worded(
    "flash-attention-missing",
    "boot",
    gone=either(lacks_argument("--use-flash-attention"), has_package("flash-attn")),
    start=with_arguments("--use-flash-attention"),
    unseen=(
        (
            "\x1b[91mTo use the `--use-flash-attention` feature, the `flash-attn` package must be installed first.\n"
            "command:\n\tpython -m pip install flash-attn\x1b[0m\n"
        ),
    ),
)
SLOW_START = worded(
    "slow-start",
    "boot",
    gone=starts_within(900),
    known=("ComfyUI server (127.0.0.1:8188) not reachable after multiple retries.\n",),
    unseen=(
        "ComfyUI at http://127.0.0.1:8188 did not answer in 600 s\n",
        "Runner failed: function ComfyUI.start exceeded its startup timeout of 600 seconds\n",
    ),
)
CUDA_MISSING = worded(
    "no-gpu",
    "test",
    group="boot",
    gone=lambda app: app.lock.hardware.gpu is not None,
    start=with_gpu(None),
    known=("RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU\n",),
    unseen=(
        "AssertionError: Torch not compiled with CUDA enabled\n",
        "RuntimeError: No CUDA GPUs are available\n",
    ),
)
KERNEL = worded(
    "no-kernel",
    "test",
    group="boot",
    gone=gpu_is_not("B200"),
    start=with_gpu("B200"),
    known=("torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device\n",),
    unseen=(
        (
            "/usr/local/lib/python3.12/site-packages/torch/cuda/__init__.py:283: UserWarning: \n    NVIDIA B200 with CUDA "
            "capability sm_100 is not compatible with the current PyTorch installation.\n    The current PyTorch install supports "
            "CUDA capabilities sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.\nRuntimeError: CUDA error: invalid device function\n"
        ),
    ),
)


def _core_or_requests(app: App) -> bool:
    """The module is there, or the packages are of the core's own days."""
    return has_package("requests")(app) or app.lock.dependencies.exclude_newer.year < 2026


OLD_CORE = worded(
    "old-core-drifts",
    "boot",
    gone=_core_or_requests,
    known=(
        ('Traceback (most recent call last):\n  File "/root/comfy/ComfyUI/main.py", line 11, in <module>\n    import '
        'app.user_manager\n  File "/root/comfy/ComfyUI/app/frontend_management.py", line 14, in <module>\n    import requests\n'
        "ModuleNotFoundError: No module named 'requests'\n"),
    ),
)  # fmt: skip
ENDED = worded(
    "ends-by-itself",
    "boot",
    end=stops(),
    unseen=(
        (
            "ComfyUI ended with code 139\nFatal Python error: Segmentation fault\n\nThread 0x00007f (most recent call first):\n"
            '  File "/root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare/fast.py", line 9 in warm_up\n'
        ),
    ),
)
PACK_BROKEN = worded(
    "pack-broken",
    "preflight",
    group="boot",
    end=stops("ComfyUI-Spare"),
    known=(imported("ComfyUI-Spare", "KeyError: 'NODE_COLOURS'"),),
    unseen=(
        imported(
            "ComfyUI-Spare",
            "invalid syntax (nodes.py, line 14)",
            f'Traceback (most recent call last):\n  File "{NODES}/ComfyUI-Spare/nodes.py", line 14\n    match\n         ^\n'
            "SyntaxError: invalid syntax\n",
        ),
    ),
)
PARTNER = worded(
    "partner-key",
    "test",
    group="boot",
    end=asks("key"),
    known=("Exception: Unauthorized: Please login first to use this node.\n",),
    unseen=(
        "Exception: Payment Required: Please add credits to your account to use this node.\n",
        "comfy_api_nodes.util.client.ProcessingInterrupted: Unauthorized: Invalid API key was given for api.comfy.org\n",
    ),
)
BOOT = (
    *MODULE, *MODULE_LOOKED, *METADATA, *LIBRARY, *NO_INIT, *LIBGL, *SOUND, *PORTAUDIO, *PROGRAM, *NUMPY_1, *NUMPY_2, *TORCH, *TORCH_OLD,
    *REMOVED_NAME, *REMOVED_TRANSFORMERS, *REMOVED_ATTRIBUTE, *VERSION, *TOKENIZERS, *ATTENTION, *ARGUMENT, *FLASH,
    *SLOW_START, *CUDA_MISSING, *KERNEL, *OLD_CORE, *ENDED, *PACK_BROKEN, *PARTNER,
)  # fmt: skip
