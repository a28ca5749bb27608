"""What can be changed in a lock, as values; `codegen.lock_patch` makes the changes.

These kinds are all that a repair may do: none reaches who may call the app, its secrets, or how many containers it has.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from codegen.lock import (
    Argument,
    Bound,
    Commit,
    GitHttpsUrl,
    Gpu,
    ModelPath,
    ModelUrl,
    Requirement,
    SafeName,
    Scalar,
    SystemPackage,
    Version,
)
from codegen.model import Frozen

NodeClass = Annotated[str, Field(min_length=1, max_length=300)]


class SetComfyUI(Frozen):
    """Another core; the date bound of the Python packages goes with it."""

    kind: Literal["set-comfyui"] = "set-comfyui"
    version: Version


class PinPack(Frozen):
    """A pack at a commit; takes the place of the pin of that name or repository, and of others for its classes."""

    kind: Literal["pin-pack"] = "pin-pack"
    name: SafeName
    repository: GitHttpsUrl
    commit: Commit
    classes: Annotated[tuple[NodeClass, ...], Field(max_length=2000)] = ()
    source: Annotated[str, Field(max_length=40)]


class RemovePack(Frozen):
    """A pack less. Classes that only it has are missing then."""

    kind: Literal["remove-pack"] = "remove-pack"
    name: SafeName


class SetPackLayout(Frozen):
    """Where a pack is put: among the nodes, or as a library that others import."""

    kind: Literal["set-pack-layout"] = "set-pack-layout"
    name: SafeName
    layout: Literal["nodes", "library"]


class AddPackage(Frozen):
    """A Python package more, or another version of one."""

    kind: Literal["add-package"] = "add-package"
    requirement: Requirement


class RemovePackage(Frozen):
    """A Python package less, whether the lock asks for it or a pack does; those of the runtime stay."""

    kind: Literal["remove-package"] = "remove-package"
    name: SafeName


class OverridePackage(Frozen):
    """A version that counts, whatever the packs ask for."""

    kind: Literal["override-package"] = "override-package"
    requirement: Bound


class ConstrainPackage(Frozen):
    """Versions that a package has if it is installed at all."""

    kind: Literal["constrain-package"] = "constrain-package"
    requirement: Bound


class AddSystemPackage(Frozen):
    """A package of Debian more."""

    kind: Literal["add-system-package"] = "add-system-package"
    name: SystemPackage


class RemoveSystemPackage(Frozen):
    """A package of Debian less, such as one that Debian has no longer."""

    kind: Literal["remove-system-package"] = "remove-system-package"
    name: SystemPackage


class SetPython(Frozen):
    """Another Python."""

    kind: Literal["set-python"] = "set-python"
    version: Annotated[str, Field(pattern=r"^3\.\d{1,2}$")]


class SetExcludeNewer(Frozen):
    """Another date bound of the Python packages."""

    kind: Literal["set-exclude-newer"] = "set-exclude-newer"
    date: date


class PinModel(Frozen):
    """Where a model file is, and what it must be."""

    kind: Literal["pin-model"] = "pin-model"
    folder: ModelPath
    file: ModelPath
    url: ModelUrl
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None
    source: Annotated[str, Field(max_length=40)]


class RenameModel(Frozen):
    """The same file at another place below `models/`, where its loader looks for it."""

    kind: Literal["rename-model"] = "rename-model"
    folder: ModelPath
    file: ModelPath
    to_folder: ModelPath
    to_file: ModelPath


class SetInput(Frozen):
    """Another value for one input of the prompt; `None` leaves the input, or the link in it, out."""

    kind: Literal["set-input"] = "set-input"
    node: Annotated[str, Field(min_length=1, max_length=200)]
    input: Annotated[str, Field(min_length=1, max_length=200)]
    value: Annotated[Scalar, Field(union_mode="smart")]


class SetGpu(Frozen):
    """Another GPU, or none."""

    kind: Literal["set-gpu"] = "set-gpu"
    gpu: Gpu | None


class SetMemory(Frozen):
    """Another size of the machine's memory."""

    kind: Literal["set-memory"] = "set-memory"
    mib: Annotated[int, Field(ge=128, le=336 * 1024)]


class SetTimeouts(Frozen):
    """Seconds; what is `None` stays."""

    kind: Literal["set-timeouts"] = "set-timeouts"
    startup: Annotated[int, Field(ge=1, le=86_400)] | None = None
    execution: Annotated[int, Field(ge=1, le=86_400)] | None = None


class SetArguments(Frozen):
    """What ComfyUI is started with. Of those that exclude each other, one that is added takes the other's place."""

    kind: Literal["set-arguments"] = "set-arguments"
    add: Annotated[tuple[Argument, ...], Field(max_length=10)] = ()
    remove: Annotated[tuple[Argument, ...], Field(max_length=10)] = ()


Change: TypeAlias = Annotated[
    SetComfyUI
    | PinPack
    | RemovePack
    | SetPackLayout
    | AddPackage
    | RemovePackage
    | OverridePackage
    | ConstrainPackage
    | AddSystemPackage
    | RemoveSystemPackage
    | SetPython
    | SetExcludeNewer
    | PinModel
    | RenameModel
    | SetInput
    | SetGpu
    | SetMemory
    | SetTimeouts
    | SetArguments,
    Field(discriminator="kind"),
]
"""One change; `kind` says which."""
