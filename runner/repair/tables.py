"""Facts that change with the world, as data: `tables/*.toml`, each with the day it was made."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field

from runner.model import Frozen


class Modules(Frozen):
    """What to install for a module that cannot be imported."""

    day: date
    distributions: dict[str, str]
    """Module, or a package's module such as `google.protobuf`, → distribution where the name is another."""
    same: frozenset[str]
    """Modules whose distribution has their own name."""
    aliases: dict[str, str]
    """Names that people write into requirements, which no distribution has → the distribution; empty: none."""
    removed_from_python: dict[str, str]
    """Module of the standard library → the last Python that has it."""
    removed: dict[str, tuple[str, ...]]
    """Module, or `module:name`, that libraries have dropped or not had yet → versions that have it."""
    removed_from_numpy: frozenset[str]
    """Attributes of numpy that its second version has not any more."""
    optional: frozenset[str]
    """Distributions that only make something faster."""
    shared_objects: dict[str, str]
    """Library that a program loads → package of Debian."""
    headers: dict[str, str]
    """What a compiler or a build script misses → package of Debian."""
    debian_renamed: dict[str, str]
    """Package of an older Debian → that of today."""
    numpy_2: dict[str, str]
    """Distribution → its first version that is built against numpy 2."""


class TorchRelease(Frozen):
    """Versions that fit together."""

    torch: str
    torchvision: str
    torchaudio: str
    day: date


class Torch(Frozen):
    """Releases of torch with what is built against them, from old to new."""

    day: date
    releases: tuple[TorchRelease, ...] = Field(min_length=1)


@cache
def modules() -> Modules:
    """The table of modules."""
    return Modules.model_validate(_table("modules"))


@cache
def torch() -> Torch:
    """The table of torch's releases."""
    return Torch.model_validate(_table("torch"))


def torch_as_of(day: date) -> TorchRelease:
    """The newest release of a day; the oldest that is known on days before it."""
    known = [release for release in torch().releases if release.day <= day]
    return known[-1] if known else torch().releases[0]


def distribution_of(module: str) -> str | None:
    """What has a module, if it is known: the most specific entry counts."""
    table = modules()
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in table.distributions:
            return table.distributions[name]
    return parts[0] if parts[0] in table.same else None


@cache
def known_distributions() -> dict[str, str]:
    """Distributions that the table knows, by `canonical` name, as it writes them."""
    table = modules()
    return {canonical(name): name for name in (*table.same, *table.distributions.values())}


def canonical(name: str) -> str:
    """A distribution's name as all spellings of it have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("runner.repair") / "tables" / f"{name}.toml").read_text("utf-8"))
