"""Python packages of a lock: more, less, other versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.errors import PatchRefused
from codegen.vendored import runtime_files

if TYPE_CHECKING:
    from codegen.lock import Lock
    from codegen.lock_rules import Rules

TORCH: Final = frozenset({"torch", "torchvision", "torchaudio"})
"""They fit only together, so they are held by constraints, whoever asks for them."""


def _check_package(requirement: str, rules: Rules) -> None:
    name = project(requirement)
    if name in runtime_projects():
        raise PatchRefused("requirement", f"{name} belongs to the runtime, which decides its version")
    if name in TORCH and rules.author != "person":
        raise PatchRefused("requirement", f"{name} comes with ComfyUI; hold its version with constrain-package")


def with_package(lock: Lock, requirement: str, rules: Rules) -> Lock:
    """The lock with a package more, or in another version.

    Raises:
        PatchRefused: says what is wrong with it.
    """
    _check_package(requirement, rules)
    excluded = tuple(one for one in lock.dependencies.excluded if one != project(requirement))
    return with_dependencies(lock, packages=replaced(lock.dependencies.packages, requirement), excluded=excluded)


def without_package(lock: Lock, name: str) -> Lock:
    """The lock with a package less, whoever asks for it.

    Raises:
        PatchRefused: says what is wrong with it.
    """
    wanted = project(name)
    if wanted in runtime_projects() or wanted in TORCH:
        raise PatchRefused(
            "name", f"{name} is needed by the runtime or by ComfyUI itself; hold it with constrain-package"
        )
    packages = tuple(one for one in lock.dependencies.packages if project(one) != wanted)
    excluded = tuple(sorted({*lock.dependencies.excluded, wanted}))
    return with_dependencies(lock, packages=packages, excluded=excluded)


def check_bound(bound: str) -> None:
    """That it says of a package which versions, and of one that may be held.

    Raises:
        PatchRefused: says what is wrong with it.
    """
    name = project(bound)
    if bound == re.split(r"[=!<>~]", bound)[0]:
        raise PatchRefused("requirement", f"{name} is given without versions; add some, as {name}==1.2.3")
    if runtime_projects().get(name):
        raise PatchRefused("requirement", f"{name} belongs to the runtime, which decides its version")


def with_dependencies(lock: Lock, **changes: object) -> Lock:
    """The lock with these fields of its dependencies."""
    return lock.model_copy(update={"dependencies": lock.dependencies.model_copy(update=changes)})


def replaced(requirements: tuple[str, ...], new: str) -> tuple[str, ...]:
    """With the new one in the place of another for the same project, else at the end."""
    if not any(project(one) == project(new) for one in requirements):
        return (*requirements, new)
    return tuple(new if project(one) == project(new) else one for one in requirements)


def project(requirement: str) -> str:
    """The project's name as all spellings of it have it: `Foo_Bar[x]==1` is `foo-bar`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=!<>~]", requirement)[0]).lower()


def runtime_projects() -> dict[str, bool]:
    """What the runtime in the image needs, and whether it says in which version."""
    lines = runtime_files()["shared/requirements.txt"].decode().split()
    return {project(line): "==" in line for line in lines}
