"""Packs and libraries that cannot be imported, in the words of several versions and terminals."""

from datetime import date

import pytest

from tests.runner.repair.world import found, plan, told

T4 = plan()
OLD = plan(dependencies={"exclude_newer": date(2026, 11, 20)})
PACK = "/root/comfy/ComfyUI/custom_nodes/ComfyUI-WanVideoWrapper"
WINDOWS = r"C:\ComfyUI\custom_nodes\ComfyUI-WanVideoWrapper"
TRACE = f"""Traceback (most recent call last):
  File "/root/comfy/ComfyUI/nodes.py", line 2131, in load_custom_node
    module_spec.loader.exec_module(module)
  File "<frozen importlib._bootstrap_external>", line 995, in exec_module
  File "{PACK}/__init__.py", line 12, in <module>
    from .nodes import NODE_CLASS_MAPPINGS
  File "{PACK}/nodes.py", line 3, in <module>
"""

MODULES = [
    ("cv2", "opencv-python-headless"),
    ("Imath", "OpenEXR"),
    ("skimage.transform", "scikit-image"),
    ("yaml", "pyyaml"),
    ("einops", "einops"),
    ("frobnicate_me", "frobnicate-me"),
]
SHAPES = [
    "Cannot import {pack} module for custom nodes: No module named '{module}'",
    "2024-11-12 11:02:30,449 - root - WARNING - Cannot import {pack} module for custom nodes: No module named '{module}'",
    "\x1b[33m[WARNING]\x1b[0m Cannot import {pack} module for custom nodes: No module named \x1b[1m'{module}'\x1b[0m",
    "[ComfyUI] Cannot import {pack} module for custom nodes:\nNo module named '{module}'",
    TRACE + "    import x\nModuleNotFoundError: No module named '{module}'\n\nImport times for custom nodes:\n",
    TRACE.replace("\n", "\r\n") + "    import x\r\nModuleNotFoundError: No module named '{module}'\r\n",
    "2025-01-01T10:00:00.123456 - ImportError: No module named \u2018{module}\u2019\nCannot import {pack} module for custom nodes: x",
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("module", "package"), MODULES)
def test_the_distribution_of_a_missing_module_is_added(module: str, package: str, shape: str):
    diagnosis = found(shape.format(pack=PACK, module=module))
    assert diagnosis
    assert (diagnosis.signature, diagnosis.subject) == ("missing-module", module)
    assert told(diagnosis.remedy) == f"add-package {package}"
    assert told(diagnosis.otherwise[-1]).startswith("ask: pack WanVideoModelLoader = https://github.com/kijai/")


def test_the_preflight_says_it_as_data():
    failure = {"pack": "ComfyUI-WanVideoWrapper", "error": "No module named 'gguf'", "traceback": TRACE}
    diagnosis = found("", "preflight", imports=[failure])
    assert diagnosis
    assert told(diagnosis.remedy) == "add-package gguf"


def test_what_no_pack_of_the_lock_asks_for_is_not_installed_unless_it_is_known():
    assert found("ModuleNotFoundError: No module named 'left_padder'") is None
    known = found("ModuleNotFoundError: No module named 'einops'", "preflight")
    assert known
    assert told(known.remedy) == "add-package einops"


CASES = [
    ("pack-without-nodes", "set-pack-layout ComfyUI-WanVideoWrapper library", [
        f"Skip {PACK} module for custom nodes due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one).",
        f"Skip {PACK} module for custom nodes due to the lack of NODE_CLASS_MAPPINGS.",
        f"2024-11-12 11:02:31,321 - root - WARNING - Skip {WINDOWS} module for custom nodes due to the lack of\nNODE_CLASS_MAPPINGS.",
        f"\x1b[93mSkip {PACK} module for custom nodes due to the lack of NODE_CLASS_MAPPINGS or comfy_entrypoint.\x1b[0m",
    ]),
    ("pack-without-init", "set-pack-layout ComfyUI-WanVideoWrapper library", [
        f"FileNotFoundError: [Errno 2] No such file or directory: '{PACK}/__init__.py'",
        f"Cannot import {PACK} module for custom nodes: [Errno 2] No such file or directory: '{PACK}/__init__.py'",
        r"Cannot import ...\ComfyUI-WanVideoWrapper module for custom nodes: [Errno 2] No such file or directory: 'C:\\ComfyUI\\custom_nodes\\ComfyUI-WanVideoWrapper\\__init__.py'",
    ]),
    ("library-of-the-system", "add-system-package libglu1-mesa", [
        "ImportError: libGLU.so.1: cannot open shared object file: No such file or directory",
        f"Cannot import {PACK} module for custom nodes: libGLU.so.1: cannot open shared object file: No such file or directory",
        "OSError: \x1b[31mlibGLU.so.1\x1b[0m: cannot open shared object file:\n  No such file or directory",
    ]),
    ("library-of-the-system", "remove-package opencv-python; add-package opencv-python-headless", [
        "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
        f"Cannot import {PACK} module for custom nodes: libGL.so.1: cannot open shared object file: No such file or directory",
        "ERROR:root:libGL.so.1: cannot open shared object file",
    ]),
    ("numpy-1-libraries", "override-package numpy>=2", [
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject",
        f"Cannot import {PACK} module for custom nodes: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject",
        '  File "numpy/__init__.pxd", line 942, in init skimage.graph._spath\nValueError: numpy.dtype size changed, may indicate binary\nincompatibility. Expected 96 from C header, got 88 from PyObject',
    ]),
    ("numpy-1-libraries", "override-package scipy>=1.13", [
        '  File "/usr/lib/python3.12/site-packages/scipy/x.py", line 1\nValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 88 from C header, got 96 from PyObject',
    ]),
    ("numpy-1-libraries", "override-package opencv-python>=4.10.0.84; override-package opencv-python-headless>=4.10.0.84; override-package opencv-contrib-python>=4.10.0.84; override-package opencv-contrib-python-headless>=4.10.0.84", [
        "    import cv2\nAttributeError: _ARRAY_API not found\nOpenCV not installed",
        "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.2 as it may crash. To support both 1.x and 2.x\nversions of NumPy, modules must be compiled with NumPy 2.0.",
        "ImportError: numpy.core.multiarray failed to import\n",
        "ImportError: numpy._core.multiarray failed to import",
    ]),
    ("torch-replaced", "constrain-package torch==2.9.0; constrain-package torchvision==0.24.0; constrain-package torchaudio==2.9.0", [
        "RuntimeError: operator torchvision::nms does not exist",
        f"Cannot import {PACK} module for custom nodes: operator torchvision::nms does not exist",
        "RuntimeError: Detected that PyTorch and torchvision were compiled with different CUDA major versions. PyTorch has CUDA Version=12.8 and torchvision has CUDA Version=12.4.",
        "OSError: /usr/local/lib/python3.12/site-packages/torchaudio/lib/libtorchaudio.so: undefined symbol: _ZNK5torch8autograd4Node4nameEv",
        "AttributeError: partially initialized module 'torchvision' has no attribute 'extension' (most likely due to a circular import)",
    ]),
    ("torch-too-old", "constrain-package torch==2.9.0; constrain-package torchvision==0.24.0; constrain-package torchaudio==2.9.0", [
        "Disabling PyTorch because PyTorch >= 2.6 is required but found 2.5.1",
        "Disabling PyTorch because PyTorch>=2.1 is required but found 2.0.1+cu118",
        "[transformers] \x1b[33mDisabling PyTorch because PyTorch >= 2.4 is required but\nfound 2.3.0a0+git\x1b[0m",
    ]),
    ("removed-name", "constrain-package diffusers>=0.31", [
        "ImportError: cannot import name 'cached_download' from 'huggingface_hub' (/usr/lib/python3.12/site-packages/huggingface_hub/__init__.py)",
        f"Cannot import {PACK} module for custom nodes: cannot import name 'cached_download' from 'huggingface_hub' (D:\\x\\__init__.py)",
        "2025-02-01 10:00:00,000 - root - WARNING - RuntimeError: Failed to import diffusers.loaders because of the following error (look up to see its traceback):\ncannot import name 'cached_download' from\n'huggingface_hub'",
    ]),
    ("version-required", "constrain-package huggingface-hub>=0.24.0,<1.0", [
        "ImportError: huggingface-hub>=0.24.0,<1.0 is required for a normal functioning of this module, but found huggingface-hub==0.23.4.",
        f"Cannot import {PACK} module for custom nodes: huggingface-hub>=0.24.0,<1.0 is required for a normal functioning of this module, but found huggingface-hub==0.23.4.\nTry: `pip install transformers -U`",
        "\x1b[31mImportError\x1b[0m: huggingface_hub>=0.24.0,<1.0 is required for a normal functioning of this\nmodule, but found huggingface-hub==1.0.1.",
    ]),
    ("attention-missing", "set-input 50 attention_mode sdpa", [
        "ValueError: Can't import SageAttention: No module named 'sageattention'",
        "!!! Exception during processing !!! Can't import SageAttention: No module named 'sageattention'",
        "ModuleNotFoundError: No module named 'sageattention'",
        "ImportError: sageattention is not installed",
    ]),
    ("removed-attribute", "override-package setuptools>=69", [
        f"2024-11-12 11:02:30,449 - root - WARNING - Cannot import {PACK} module for custom nodes: module 'pkgutil' has no attribute 'ImpImporter'",
    ]),
    ("missing-module", "set-python 3.11", [f"Cannot import {PACK} module for custom nodes: No module named 'imp'"]),
    ("missing-module", "set-comfyui 0.33.0", [
        f"Cannot import {PACK} module for custom nodes: No module named 'comfy_api.latest'",
        TRACE + "    import comfy.ldm.new\nModuleNotFoundError: No module named 'comfy.ldm.new'",
    ]),
    ("missing-module", "remove-package basicsr; add-package basicsr-fixed", [
        f"Cannot import {PACK} module for custom nodes: No module named 'torchvision.transforms.functional_tensor'",
    ]),
    ("program-missing", "add-system-package espeak-ng", [
        "FileNotFoundError: [Errno 2] No such file or directory: 'espeak'",
        "RuntimeError: espeak not installed on your system",
        "/bin/sh: 1: espeak-ng: not found",
    ]),
    ("pack-import-failed", "remove-pack ComfyUI-Spare", [
        "Cannot import /root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare module for custom nodes: the moon is in the wrong house",
        "   0.3 seconds (IMPORT FAILED): /root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare",
        "2024-11-12 11:02:32,191 - root - INFO -    0.0 seconds (IMPORT FAILED): C:\\ComfyUI\\custom_nodes\\ComfyUI-Spare",
    ]),
    ("pack-import-failed", "ask: pack WanVideoModelLoader = https://github.com/kijai/ComfyUI-WanVideoWrapper@<commit, 40 characters>", [
        f"Cannot import {PACK} module for custom nodes: name 'wobble' is not defined",
        f"   0.3 seconds (IMPORT FAILED): {PACK}",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "remedy", "text"), [(signature, remedy, text) for signature, remedy, texts in CASES for text in texts]
)
def test_what_comfyui_logs_has_its_remedy(signature: str, remedy: str, text: str):
    diagnosis = found(text)
    assert diagnosis
    assert diagnosis.signature == signature
    assert told(diagnosis.remedy) == remedy


class TestAnOldCore:
    """Nothing is pinned by ComfyUI itself: what was published since does not fit."""

    @pytest.mark.parametrize(
        "text",
        [
            "Traceback (most recent call last):\n  File \"/root/comfy/ComfyUI/main.py\", line 11, in <module>\nModuleNotFoundError: No module named 'requests'",
            "ModuleNotFoundError: No module named 'requests'\n",
            '2026-01-01 00:00:00 ERROR ModuleNotFoundError: No module named "requests"',
            "Disabling PyTorch because PyTorch >= 2.6 is required but found 2.5.1",
        ],
    )
    def test_packages_are_as_of_its_day(self, text: str):
        diagnosis = found(text, of=OLD)
        assert diagnosis
        assert told(diagnosis.remedy) == "set-exclude-newer 2025-10-22"

    def test_when_they_are_already_the_package_is_added(self):
        diagnosis = found("ModuleNotFoundError: No module named 'requests'")
        assert diagnosis
        assert told(diagnosis.remedy) == "add-package requests"


def test_without_a_node_that_says_which_attention_the_package_is_installed():
    of = plan({"50": {"class_type": "WanVideoModelLoader", "inputs": {}}})
    diagnosis = found("Can't import SageAttention: No module named 'sageattention'", of=of)
    assert diagnosis
    assert told(diagnosis.remedy) == "add-package sageattention"


def test_an_argument_of_ours_that_asks_for_it_goes():
    of = plan({"50": {"class_type": "X", "inputs": {}}})
    lock = of.lock.model_copy(
        update={"comfyui": of.lock.comfyui.model_copy(update={"arguments": ("--use-sage-attention",)})}
    )
    diagnosis = found("No module named 'sageattention'", of=of.model_copy(update={"lock": lock}))
    assert diagnosis
    assert told(diagnosis.remedy) == "set-arguments [] ['--use-sage-attention']"
