"""Builds that fail: uv, pip, apt, git and Modal, as they word it."""

import pytest

from tests.runner.repair.world import COMMIT, found, told

TRIO = "constrain-package torch==2.9.0; constrain-package torchvision==0.24.0; constrain-package torchaudio==2.9.0"
UV = """  × No solution found when resolving dependencies:
  ╰─▶ Because pandas-stubs==2.0.3.230814 depends on numpy>=1.25.0 and you
      require numpy==1.24.4, we can conclude that your requirements and
      pandas-stubs==2.0.3.230814 are incompatible.
      And because you require pandas-stubs==2.0.3.230814, we can conclude that
      your requirements are unsatisfiable.
"""
PIP = r"""2025-05-12T22:07:39,290 ERROR: Cannot install -r E:\ComfyUI\custom_nodes\Tagger\requirements.txt (line 1) and huggingface_hub==0.23.4 because these package versions have conflicting dependencies.
2025-05-12T22:07:39,291
2025-05-12T22:07:39,291 The conflict is caused by:
2025-05-12T22:07:39,291     The user requested huggingface_hub==0.23.4
2025-05-12T22:07:39,291     transformers 4.49.0 depends on huggingface-hub<1.0 and >=0.26.0

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts
"""
FLASH = """Resolved 95 packages in 31ms
  × Failed to build `flash-attn==2.8.2`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)

      [stderr]
      Traceback (most recent call last):
        File "<string>", line 22, in <module>
      ModuleNotFoundError: No module named 'torch'
"""
CASES = [
    ("dependency-conflict", "override-package numpy>=1.25.0", [UV, UV.replace("numpy==1.24.4", "numpy<1.25"), "\x1b[31m" + UV.replace("\n", "\r\n")]),
    ("dependency-conflict", "override-package huggingface-hub<1.0,>=0.26.0", [PIP]),
    ("dependency-conflict", "override-package tokenizers<0.20,>=0.19", [
        "The conflict is caused by:\n    The user requested tokenizers==0.13.2\n    transformers 4.42.4 depends on tokenizers<0.20 and >=0.19\n",
    ]),
    ("dependency-conflict", "override-package click>=8.1.3", [
        "× No solution found when resolving dependencies:\n╰─▶ Because flask==3.0.2 depends on click>=8.1.3 and you require click==7.0.0, we can conclude that the requirements are unsatisfiable.",
    ]),
    ("dependency-conflict", TRIO, [
        "× No solution found when resolving dependencies:\n  ╰─▶ Because xformers==0.0.29 depends on torch==2.5.1 and torchvision==0.24.0 depends on torch==2.9.0, we can conclude that they are incompatible.",
    ]),
    ("dependency-conflict", "set-exclude-newer 2026-05-02", [
        "  × No solution found when resolving dependencies:\n  ╰─▶ Because only aiobotocore<=3.5.0 is available and your project depends on aiobotocore>=3.6,<4.dev0, we can conclude that your project's requirements are unsatisfiable.\n\n      hint: `aiobotocore` was filtered by `exclude-newer` to only include packages uploaded before 2026-04-27T23:32:22.438447Z. The latest version satisfying the requirement is v3.6.0, published at\n      2026-05-01T20:33:29.213Z. Consider using `exclude-newer-package`",
    ]),
    ("package-not-found", "remove-package imath; add-package openexr", [
        "ERROR: Could not find a version that satisfies the requirement Imath>=3.1.0 (from versions: none)\nERROR: No matching distribution found for Imath>=3.1.0",
        "ERROR: No matching distribution found for Imath",
        "  × No solution found when resolving dependencies:\n  ╰─▶ Because imath was not found in the package registry and you require imath>=3.1.0, we can conclude that your requirements are unsatisfiable.",
        "\x1b[1;31mERROR\x1b[0m: Could not find a version that satisfies the requirement imath>=3.1.0 (from versions: none)",
    ]),
    ("package-not-found", "remove-package sklearn; add-package scikit-learn", [
        "ERROR: No matching distribution found for sklearn",
    ]),
    ("package-not-found", "remove-package pathlib", ["ERROR: No matching distribution found for pathlib==1.0"]),
    ("package-not-found", "override-package onnxruntime==1.22.0", [
        "ERROR: Could not find a version that satisfies the requirement onnxruntime==1.15.1 (from versions: 1.17.0, 1.18.1, 1.22.0)",
    ]),
    ("package-not-found", "override-package wobble>=0", [
        "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of wobble==9.9 and you require wobble==9.9, we can conclude that your requirements are unsatisfiable.",
    ]),
    ("network", "again", [
        "fatal: unable to access 'https://github.com/kijai/ComfyUI-WanVideoWrapper/': Could not resolve host: github.com",
        "error: RPC failed; curl 56 GnuTLS recv error (-9): Error decoding the received TLS packet.\nfatal: early EOF",
        "error: Failed to fetch: `https://pypi.org/simple/torch/`\n  Caused by: error sending request for url",
    ]),
    ("python-not-supported", "set-python 3.11", [
        "ERROR: Package 'mediapipe' requires a different Python: 3.12.3 not in '>=3.8,<3.12'",
        "╰─▶ Because the current Python version (3.12.4) does not satisfy Python<3.12 and foo==1 depends on Python<3.12",
        "Because the requested Python version (>=3.12) does not satisfy Python>=3.9,<3.12 and x depends on it",
    ]),
    ("package-build-failed", "remove-package flash-attn", [
        FLASH,
        "error: Failed to prepare distributions\n  Caused by: Failed to fetch wheel: flash-attn==2.6.1\n  Caused by: Build backend failed to determine extra requires with `build_wheel()` with exit status: 1",
        "ERROR: Failed building wheel for flash_attn",
        "Collecting flash_attn\n  Using cached flash_attn-2.7.4.post1.tar.gz (6.0 MB)\n  × Getting requirements to build wheel did not run successfully.\n  │ exit code: 1",
    ]),
    ("package-build-failed", "add-system-package build-essential", [
        "  × Failed to build `insightface==0.7.3`\n  ├─▶ The build backend returned an error\n      error: command 'gcc' failed: No such file or directory",
        "ERROR: Failed building wheel for insightface\n  unable to execute 'x86_64-linux-gnu-gcc': No such file or directory\n  error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
        "error: command 'g++' failed: No such file or directory\nERROR: Could not build wheels for insightface, which is required to install pyproject.toml-based projects",
    ]),
    ("package-build-failed", "add-system-package portaudio19-dev", [
        "Failed to build `pyaudio==0.2.14`\n      src/pyaudio/device_api.c:9:10: fatal error: portaudio.h: No such file or directory",
    ]),
    ("pack-commit-gone", "ask: pack WanVideoModelLoader = https://github.com/kijai/ComfyUI-WanVideoWrapper@<commit, 40 characters>", [
        f"fatal: reference is not a tree: {COMMIT}",
        f"fatal: unable to read tree ({COMMIT})",
        f"fatal: remote error: upload-pack: not our ref {COMMIT}",
        f"error: pathspec '{COMMIT}' did not match any file(s) known to git",
    ]),
    ("pack-repository-gone", "ask: pack WanVideoModelLoader = https://github.com/owner/repository@<commit>", [
        "Cloning into '/root/comfy/ComfyUI/custom_nodes/ComfyUI-WanVideoWrapper'...\nremote: Repository not found.\nfatal: repository 'https://github.com/kijai/ComfyUI-WanVideoWrapper/' not found",
        "git clone https://github.com/kijai/ComfyUI-WanVideoWrapper\nfatal: could not read Username for 'https://github.com': No such device or address",
        "fatal: unable to access 'https://github.com/kijai/ComfyUI-WanVideoWrapper/': The requested URL returned error: 403",
    ]),
    ("package-in-private-repository", "ask: Something that is installed is fetched from a git repository that asks for an account; the log shows which. The build has none, and must not have one.", [
        "  × Failed to download and build `secretlib @ git+https://github.com/acme/secretlib`\n  ├─▶ Git operation failed\n  fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
        "Running command git clone --filter=blob:none --quiet ssh://git@github.com/acme/x /tmp/pip-req-build-1\nHost key verification failed.",
        "remote: Invalid username or token. Password authentication is not supported for Git operations.\nfatal: Authentication failed for 'https://github.com/acme/x.git/'",
    ]),
    ("system-package-renamed", "remove-system-package libglib2.0-0; add-system-package libglib2.0-0t64", [
        "E: Unable to locate package libglib2.0-0",
        "E: Package 'libglib2.0-0' has no installation candidate",
        "Package libglib2.0-0 is not available, but is referred to by another package.",
    ]),
    ("image-build-timed-out", "again", [
        "Image build for im-01ABC timed out. Please try again with a larger `timeout` parameter.",
        "modal.exception.RemoteError: Image build for im-8xYz timed out.\nPlease try again with a larger `timeout` parameter.",
    ]),
    ("image-build-interrupted", "again", [
        "Image build for im-01ABC terminated due to external shut-down. Please try again.",
    ]),
    ("image-build-failed", "stop: the image cannot be built, and nothing in the build log is known here: read it by the image's id", [
        "Image build for im-DEHjPnPEudJASdtbmWLtgW failed.\nView the build logs:\n  modal image logs im-DEHjPnPEudJASdtbmWLtgW",
        "modal.exception.RemoteError: Image build for im-1 failed with the exception:\n''",
        'Terminating task due to error: failed to run builder command "uv pip install": container exit status: 1',
    ]),
    ("install-script-failed", "ask: pack WanVideoModelLoader = https://github.com/kijai/ComfyUI-WanVideoWrapper@<commit, 40 characters>", [
        "An error occurred while installing 'ComfyUI-WanVideoWrapper'.",
        "\x1b[31mERROR: An error occurred while installing 'comfyui-wanvideowrapper'.\x1b[0m\nExit code 0",
    ]),
    ("install-script-failed", "stop: an installation failed: see the build log", [
        "ERROR: An error occurred while installing 'some-other-pack'.",
    ]),
    ("disk-full", "stop: the disk is full: the workflow's models or packages are larger than what an image or a volume takes", [
        "OSError: [Errno 28] No space left on device",
        "error: failed to copy file: No space left on device (os error 28)",
        "write error: no space left on device",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "remedy", "text"), [(signature, remedy, text) for signature, remedy, texts in CASES for text in texts]
)
def test_a_build_log_has_its_remedy(signature: str, remedy: str, text: str):
    diagnosis = found(text, "build")
    assert diagnosis
    assert diagnosis.signature == signature
    assert told(diagnosis.remedy) == remedy


def test_the_cause_comes_before_what_modal_says_of_the_whole():
    text = f"{FLASH}\nmodal.exception.RemoteError: Image build for im-1 failed."
    diagnosis = found(text, "build")
    assert diagnosis
    assert diagnosis.signature == "package-build-failed"
