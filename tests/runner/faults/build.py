"""What keeps an image from being built."""

from __future__ import annotations

from tests.runner.faults.fault import (
    Fault,
    asks,
    core_is_not,
    either,
    has_system,
    keeps_out,
    lacks_system,
    lets_in,
    python_below,
    stops,
    without_package,
    worded,
)
from tests.runner.faults.world import SPARE_COMMIT, with_packages, with_system

PYTHON: tuple[Fault, ...] = worded(
    "python-too-new",
    "build",
    gone=python_below(12),
    known=("ERROR: Package 'mmcv-lite' requires a different Python: 3.12.11 not in '<3.12,>=3.8'\n",),
    unseen=(
        """\
Resolving packs…
  × No solution found when resolving dependencies:
  ╰─▶ Because the current Python version (3.12.11) does not satisfy
      Python>=3.8,<3.12 and taming-utils==0.4.2 depends on Python>=3.8,<3.12,
      we can conclude that taming-utils==0.4.2 cannot be used.
      And because you require taming-utils==0.4.2, we can conclude that your
      requirements are unsatisfiable.
""",
        """\
error: Failed to fetch distribution metadata for `numba==0.57.1`
  Caused by: Build backend failed to determine requirements with `build_wheel()` (exit status: 1)
  RuntimeError: Cannot install on Python version 3.12.11; only versions >=3.8,<3.12 are supported.
""",
    ),
)
NO_SUCH_PACKAGE = worded(
    "no-such-package",
    "build",
    gone=without_package("imath"),
    known=(
        """\
ERROR: Could not find a version that satisfies the requirement Imath>=3.1.0 (from versions: none)
ERROR: No matching distribution found for Imath>=3.1.0
""",
    ),
    unseen=(
        """\
 \x1b[31m×\x1b[0m No solution found when resolving dependencies:
\x1b[31m  ╰─▶ \x1b[0mBecause imath was not found in the package registry and you require
\x1b[31m      \x1b[0mimath>=3.1.0, we can conclude that your requirements are unsatisfiable.
""",
        """\
  × No solution found when resolving dependencies:
  ╰─▶ Because there are no versions of imath and comfyui-wanvideowrapper
      depends on imath>=3.1, we can conclude that the requirements are unsatisfiable.
""",
    ),
)
CONFLICT = worded(
    "dependency-conflict",
    "build",
    gone=either(lets_in("huggingface-hub", "0.34.4"), lets_in("huggingface-hub", "0.35.0")),
    known=(
        """\
ERROR: Cannot install diffusers==0.35.1 and huggingface-hub==0.23.4 because these package versions have conflicting dependencies.

The conflict is caused by:
    The user requested huggingface-hub==0.23.4
    diffusers 0.35.1 depends on huggingface-hub>=0.34.0

To fix this you could try to:
1. loosen the range of package versions you've specified
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
""",
    ),
    unseen=(
        """\
  × No solution found when resolving dependencies:
  ╰─▶ Because transformers==4.57.1 depends on huggingface-hub>=0.34.0,<1.0 and
      pulid-flux==1.2 depends on huggingface-hub<0.24, we can conclude that
      transformers==4.57.1 and pulid-flux==1.2 are incompatible.
      And because you require pulid-flux==1.2 and transformers==4.57.1, we can
      conclude that your requirements are unsatisfiable.
""",
        """\
ERROR: pip's dependency resolver does not currently take into account all the packages that are installed. \
This behaviour is the source of the following dependency conflicts.
diffusers 0.35.1 requires huggingface-hub>=0.34.0, but you have huggingface-hub 0.23.4 which is incompatible.
""",
    ),
)
COMPILER = worded(
    "compiler-missing",
    "build",
    gone=has_system("build-essential", "g++", "gcc"),
    known=(
        """\
  error: subprocess-exited-with-error
  × Building wheel for insightface (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [12 lines of output]
      building 'insightface.thirdparty.face3d.mesh.cython.mesh_core_cython' extension
      error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory
      [end of output]
ERROR: Failed building wheel for insightface
""",
    ),
    unseen=(
        """\
  × Failed to build `pycocotools==2.0.7`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)

      [stderr]
      error: command 'g++' failed: No such file or directory

      hint: This usually indicates a problem with the package or the build environment.
""",
    ),
)
CMAKE = worded(
    "cmake-missing",
    "build",
    gone=has_system("cmake"),
    unseen=(
        """\
  × Failed to build `dlib==19.24.6`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)

      [stderr]
      ================================================================================
      CMake is not installed on your system!
      Or it is possible some broken copy of cmake is installed on your system.
""",
        "CMake Error: CMAKE_C_COMPILER not set\n/bin/sh: 1: cmake: not found\nERROR: Failed building wheel for llama-cpp-python\n",
    ),
)
SCRIPT = worded(
    "install-script",
    "build",
    end=stops("install"),
    known=("comfy node install comfyui-spare\nAn error occurred while installing 'comfyui-spare'.\n",),
    unseen=(
        (
            "comfy ended as if all were well, but said: ERROR: An error occurred while installing 'ComfyUI-Spare'.\n"
            "install.py of ComfyUI-Spare returned 1\n"
        ),
    ),
)
COMMIT_GONE = worded(
    "commit-gone",
    "build",
    end=asks("ComfyUI-Spare"),
    known=(
        f"Cloning into '/root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare'...\nfatal: reference is not a tree: {SPARE_COMMIT}\n",
    ),
    unseen=(
        f"fatal: remote error: upload-pack: not our ref {SPARE_COMMIT}\n",
        f"error: pathspec '{SPARE_COMMIT}' did not match any file(s) known to git\n",
        f"no branch or tag of https://github.com/someone/ComfyUI-Spare has {SPARE_COMMIT}\n",
    ),
)
REPOSITORY_GONE = worded(
    "repository-gone",
    "build",
    end=asks("ComfyUI-Spare"),
    known=("remote: Repository not found.\nfatal: repository 'https://github.com/someone/ComfyUI-Spare/' not found\n",),
    unseen=(
        """\
Cloning into '/root/comfy/ComfyUI/custom_nodes/ComfyUI-Spare'...
fatal: could not read Username for 'https://github.com': No such device or address
""",
        """\
remote: Access to this repository has been disabled by GitHub staff.
fatal: unable to access 'https://github.com/someone/ComfyUI-Spare/': The requested URL returned error: 403
""",
    ),
)
PRIVATE_PACKAGE = worded(
    "private-package",
    "build",
    end=asks("asks for an account"),
    unseen=(
        """\
  × Failed to download and build `secretlib @ git+https://github.com/acme/secretlib`
  ├─▶ Git operation failed
  ╰─▶ process didn't exit successfully: `git fetch --force` (exit status: 128)
      --- stderr
      fatal: could not read Username for 'https://github.com': terminal prompts disabled
""",
        """Running command git clone --filter=blob:none --quiet ssh://git@github.com/acme/x /tmp/pip-req-build-1
git@github.com: Permission denied (publickey).
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
""",
    ),
)
CORE_GONE = worded(
    "core-gone",
    "build",
    gone=core_is_not("0.33.0"),
    known=("error: pathspec 'v0.33.0' did not match any file(s) known to git\n",),
    unseen=(
        (
            "Cloning into '/root/comfy/ComfyUI'...\nwarning: Could not find remote branch v0.33.0 to clone.\n"
            "fatal: Remote branch v0.33.0 not found in upstream origin\n"
        ),
    ),
)
DEBIAN = worded(
    "debian-renamed",
    "build",
    gone=lacks_system("libgl1-mesa-glx"),
    start=with_system("libgl1-mesa-glx"),
    known=("Reading package lists...\nE: Package 'libgl1-mesa-glx' has no installation candidate\n",),
    unseen=(
        "Building dependency tree...\nReading state information...\nE: Unable to locate package libgl1-mesa-glx\n",
        """\
Package libgl1-mesa-glx is not available, but is referred to by another package.
This may mean that the package is missing, has been obsoleted, or
is only available from another source
""",
    ),
)
DISK = worded(
    "disk-full",
    "build",
    end=stops("disk"),
    known=("OSError: [Errno 28] No space left on device\n",),
    unseen=(
        "E: You don't have enough free space in /var/cache/apt/archives/.\n",
        (
            "error: Failed to install: torch-2.9.1-cp312.whl\n  Caused by: failed to write to file `libtorch_cuda.so`: "
            "No space left on device (os error 28)\n"
        ),
    ),
)
SIGNED_OUT = worded(
    "not-signed-in",
    "build",
    end=asks("token"),
    known=(
        "modal.exception.AuthError: Token missing. Could not authenticate client. If you have token credentials,\n",
    ),
    unseen=("AuthError: Token validation failed: the token ID is malformed or does not exist\n",),
)
SECRET = worded(
    "secret-missing",
    "build",
    end=asks("hf-token"),
    known=("modal.exception.NotFoundError: Secret 'hf-token' not found in environment 'main'\n",),
    unseen=("NotFoundError: No secret named 'hf-token' found. You can create it at https://modal.com/secrets\n",),
)
LIMIT = worded(
    "workspace-limit",
    "build",
    end=stops("Modal"),
    unseen=(
        "modal.exception.ResourceExhaustedError: Workspace billing cycle spend limit reached\n",
        "PermissionDeniedError: Reached limit of 8 deployed apps on your current plan. Upgrade at modal.com/settings/plans\n",
    ),
)
PINNED_WRONG = worded(
    "pinned-version-gone",
    "build",
    gone=either(without_package("rembg"), lets_in("rembg", "2.0.67")),
    start=with_packages("rembg==2.0.999"),
    unseen=(
        """\
  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of rembg==2.0.999 and you require
      rembg==2.0.999, we can conclude that your requirements are unsatisfiable.
""",
        (
            "ERROR: Could not find a version that satisfies the requirement rembg==2.0.999 (from versions: 2.0.1, 2.0.65, 2.0.67)\n"
            "ERROR: No matching distribution found for rembg==2.0.999\n"
        ),
    ),
)
NUMPY_HELD = worded(
    "two-numpys",
    "build",
    gone=either(keeps_out("numpy", "1.26.4"), keeps_out("numpy", "2.3.4")),
    unseen=(
        """\
  × No solution found when resolving dependencies:
  ╰─▶ Because opencv-python==4.12.0.88 depends on numpy>=2,<2.3.0 and
      mediapipe==0.10.21 depends on numpy<2, we can conclude that
      mediapipe==0.10.21 and opencv-python==4.12.0.88 are incompatible.
""",
    ),
)
UNKNOWN = worded(
    "nobody-knows-build",
    "build",
    end=stops(),
    unseen=("Step 9: the quantum linker returned 7\nmake: *** [Makefile:12: all] Error 7\n",),
)
BUILD = (
    *PYTHON, *NO_SUCH_PACKAGE, *CONFLICT, *COMPILER, *CMAKE, *SCRIPT, *COMMIT_GONE, *REPOSITORY_GONE, *CORE_GONE,
    *PRIVATE_PACKAGE, *DEBIAN, *DISK, *SIGNED_OUT, *SECRET, *LIMIT, *PINNED_WRONG, *NUMPY_HELD, *UNKNOWN,
)  # fmt: skip
