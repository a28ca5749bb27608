"""`app.lock.json`: every pin of a generated app. The lock *is* the app; a fix is a change to it."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from codegen.model import Frozen

SafeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
GitHttpsUrl = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+/[A-Za-z0-9._~/-]+$", max_length=300)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){1,3}$")]
Requirement = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]+(\[[A-Za-z0-9,_-]+\])?(==[A-Za-z0-9.+_-]+)?$", max_length=200)
]
"""Pinned, unless ComfyUI decides the version. They end in shell commands of the image build, so the letters are few."""
SystemPackage = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$", max_length=100)]

LOCK_FORMAT = 1
"""Raised when a reader of an older lock would misunderstand a newer one."""

Gpu = Literal["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200"]
"""Modal's GPU names (https://modal.com/docs/guide/gpu); `None` in a lock means CPU only."""


class ComfyPin(Frozen):
    """The ComfyUI core the app runs."""

    version: Version
    reason: str
    """What forced this version, in words."""


class PackPin(Frozen):
    """A custom-node repository at a commit."""

    name: SafeName
    repository: GitHttpsUrl
    commit: Commit
    classes: tuple[str, ...]
    source: str
    """Where the attribution came from: `answer` of a person, `properties`, `registry`, `manager-map`."""


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
    `hugging-face`; `unknown` when it is a question for people."""


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
    system: tuple[SystemPackage, ...] = ()


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
    hardware: Hardware
    scaling: Scaling = Scaling()
    timeouts: Timeouts = Timeouts()
    access: Access = Access()

    def dumps(self) -> bytes:
        """The bytes of `app.lock.json`."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
