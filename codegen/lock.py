"""`app.lock.json`: every pin of a generated app. The lock *is* the app; a fix is a change to it."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from codegen.model import Frozen

SafeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
GitHttpsUrl = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/-]+$", max_length=300)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){1,3}$")]
Requirement = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9,_-]+\])?(==[A-Za-z0-9.+_-]+)?$", max_length=200
    ),
]
"""Pinned, unless ComfyUI decides the version. They end in shell commands of the image build, so the letters are few,
and none is taken for an option."""
Bound = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
        r"((==|!=|<=|>=|<|>|~=)[A-Za-z0-9][A-Za-z0-9.+*_-]*(,(==|!=|<=|>=|<|>|~=)[A-Za-z0-9][A-Za-z0-9.+*_-]*)*)?$",
        max_length=200,
    ),
]
"""A package with the versions that it may have, such as `numpy<2` or `huggingface-hub>=0.34,<1.0`. It has letters that
mean something to a shell: it goes into a file that uv reads, or is quoted."""
ProjectName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
"""Of a Python package, normalised: in lower case, with dashes."""
SystemPackage = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$", max_length=100)]

_left_out_if_empty = Field(exclude_if=lambda value: not value)
"""Fields that most locks do not need are not in them."""

LOCK_FORMAT = 1
"""Raised when a reader of an older lock would misunderstand a newer one."""

Gpu = Literal["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200"]
"""Modal's GPU names (https://modal.com/docs/guide/gpu); `None` in a lock means CPU only."""


Argument = Literal[
    "--bf16-vae", "--cache-none", "--cpu-vae", "--disable-cuda-malloc", "--disable-smart-memory",
    "--disable-xformers", "--dont-upcast-attention", "--force-fp16", "--force-fp32", "--force-upcast-attention",
    "--fp16-vae", "--fp32-vae", "--fp8_e4m3fn-text-enc", "--highvram", "--lowvram", "--normalvram", "--novram",
    "--use-flash-attention", "--use-pytorch-cross-attention", "--use-quad-cross-attention", "--use-sage-attention",
    "--use-split-cross-attention",
]  # fmt: skip
"""What ComfyUI may be started with: how it spends memory and computes, and nothing of where it listens or what it reads
(comfy/cli_args.py). Each is in every version that ships."""


class ComfyPin(Frozen):
    """The ComfyUI core the app runs."""

    version: Version
    reason: str
    """What forced this version, in words."""
    arguments: Annotated[tuple[Argument, ...], _left_out_if_empty] = ()
    """What it is started with beside what the runtime gives it."""


class PackPin(Frozen):
    """A custom-node repository at a commit."""

    name: SafeName
    repository: GitHttpsUrl
    commit: Commit
    classes: tuple[str, ...]
    source: str
    """Where the attribution came from: `answer` of a person, `properties`, `registry`, `manager-map`; `pinned from
    patterns/<name>.md` if an entry of the knowledge base gave the commit."""
    layout: Annotated[Literal["nodes", "library"], Field(exclude_if=lambda layout: layout == "nodes")] = "nodes"
    """`library`: it has no nodes of its own. It is on Python's path for the other packs, not in `custom_nodes`."""


LONGEST_PATH = 1000
LONGEST_PART = 255
"""Bytes of a file's name, on every file system in use."""


def is_model_path(path: str) -> bool:
    """Whether a path below `models/` stays there, on any system, and is one that a file system takes."""
    if not path.isprintable() or len(path) > LONGEST_PATH or "\\" in path:
        return False
    return all(part not in {"", ".", ".."} and len(part.encode()) <= LONGEST_PART for part in path.split("/"))


def _model_path(path: str) -> str:
    if not is_model_path(path):
        raise ValueError("is no path that stays below models/")
    return path


ModelPath = Annotated[str, AfterValidator(_model_path)]
ModelUrl = Annotated[str, Field(pattern=r"^https://[^\s\"'<>\\@/?#]+(/[^\s\"'<>\\]*)?$", max_length=2000)]
"""Without credentials: the lock is public. Those of a host are a secret of the app."""


class ModelPin(Frozen):
    """A file that a loader node names. Unknown facts are `None`, never guessed."""

    folder: ModelPath
    """Below ComfyUI's `models/`, such as `checkpoints`."""
    file: ModelPath
    url: ModelUrl | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    bytes: int | None = None
    gated: bool | None = None
    licence: Annotated[str, Field(max_length=100)] | None = None
    """As the server that has the file states it."""
    source: str
    """Where the URL came from: `answer` of a person, `properties.models`, `note`, `index`, `manager-list`, `civitai`,
    `hugging-face`, `language-model` in a repair, `pinned from patterns/<name>.md` if an entry of the knowledge base has
    it; `unknown` when it is a question for people."""


class Hardware(Frozen):
    """What the app asks Modal for."""

    gpu: Gpu | None
    cpu: Annotated[float, Field(gt=0, le=64)]
    """Cores."""
    memory_mib: Annotated[int, Field(ge=128, le=336 * 1024)]
    """Up to what Modal gives a container."""
    usd_per_second: Annotated[float, Field(ge=0)]
    """GPU, CPU and memory together, from the dated table in `codegen.hardware`."""
    reason: str


class Scaling(Frozen):
    """How many containers, and for how long they idle. Defaults keep a forgotten preview cheap."""

    min_containers: Annotated[int, Field(ge=0)] = 0
    max_containers: Annotated[int, Field(ge=1)] = 1
    scaledown_window_seconds: Annotated[int, Field(ge=2, le=3600)] = 60
    concurrent_inputs: Annotated[int, Field(ge=1, le=1000)] = 100
    """Requests one container holds at once, those that only listen included. ComfyUI runs one prompt at a time; the app
    queues the rest and says so, which Modal's own queue in front of it would not."""


class Timeouts(Frozen):
    """Seconds; Modal ends whatever takes longer than a day."""

    startup_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    execution_seconds: Annotated[int, Field(ge=1, le=86_400)] = 900


class Access(Frozen):
    """Who may call the app."""

    proxy_auth: bool = True
    """Modal asks for a proxy token of the workspace, before a container starts. Without it the runtime refuses to
    start unless it has a key of its own, `FLOWBERTH_API_KEY`."""
    secrets: tuple[SafeName, ...] = ()
    """Modal Secrets whose variables the app gets: keys of the runtime, of a bucket, of partners."""


class Dependencies(Frozen):
    """Python and system packages of the image beside those of ComfyUI itself."""

    python: Version = "3.12"
    exclude_newer: date
    """Nothing published after this day is installed: an old lock builds the same image years later."""
    packages: tuple[Requirement, ...] = ()
    overrides: Annotated[tuple[Bound, ...], _left_out_if_empty] = ()
    """Whatever the packs ask for, these versions are installed (`uv --override`)."""
    constraints: Annotated[tuple[Bound, ...], _left_out_if_empty] = ()
    """If a package is installed at all, then in one of these versions (`uv --constraint`): torch and what is built
    against it are held so."""
    excluded: Annotated[tuple[ProjectName, ...], _left_out_if_empty] = ()
    """Packages that are not installed though packs ask for them, as names that are no package's: an override that is
    never true, such as `imath ; python_version < "0"`, keeps them out."""
    system: tuple[SystemPackage, ...] = ()


LONGEST_VALUE = 10_000
Scalar: TypeAlias = (
    Annotated[str, Field(max_length=LONGEST_VALUE)] | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None
)


class InputOverride(Frozen):
    """One input of the prompt with another value than the workflow gives it, so that it runs."""

    node: Annotated[str, Field(min_length=1, max_length=200)]
    """Its id in the prompt."""
    input: Annotated[str, Field(min_length=1, max_length=200)]
    value: Annotated[Scalar, Field(union_mode="smart")]
    """`None`: the input, or the link in it, is left out."""
    because: Annotated[str, Field(max_length=500)]
    """For people."""


class Lock(Frozen):
    """The whole lock. As bytes it is sorted and indented, with a newline at the end."""

    format: Literal[1] = LOCK_FORMAT
    name: SafeName
    runtime: Version
    """Version stamp of `apps/modal/shared` this lock was made for."""
    comfyui: ComfyPin
    dependencies: Dependencies
    packs: tuple[PackPin, ...] = ()
    models: tuple[ModelPin, ...] = ()
    inputs: Annotated[tuple[InputOverride, ...], _left_out_if_empty] = ()
    """Laid over the prompt when it is rendered."""
    hardware: Hardware
    scaling: Scaling = Scaling()
    timeouts: Timeouts = Timeouts()
    access: Access = Access()

    def dumps(self) -> bytes:
        """The bytes of `app.lock.json`."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
