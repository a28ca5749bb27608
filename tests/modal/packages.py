"""Which of the packages here a container does not have, because no step of its image ever names them."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import distributions, packages_distributions
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ALWAYS = ("modal", "pip", "setuptools", "wheel", "uv", "packaging")
"""In every container, with what they need."""
COMFYUI = (  # https://github.com/comfyanonymous/ComfyUI/blob/v0.3.64/requirements.txt, as far as it is installed here
    *("aiohttp", "alembic", "av", "einops", "kornia", "numpy", "pillow", "psutil", "pydantic", "pydantic-settings"),
    *(
        "pyyaml",
        "safetensors",
        "scipy",
        "sentencepiece",
        "sqlalchemy",
        "tokenizers",
        "torch",
        "tqdm",
        "transformers",
        "yarl",
    ),
)
_COMFYUI_FILE = "ComfyUI/requirements.txt"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")


def missing(texts: Iterable[str]) -> frozenset[str]:
    """Top-level modules that are here and are not in an image whose steps are `texts`."""
    whole = "\n".join(texts)
    named = {canonicalize_name(word) for word in _WORD.findall(whole)} | set(ALWAYS)
    if _COMFYUI_FILE in whole:
        named |= set(COMFYUI)
    present = _with_what_they_need(named)
    return frozenset(module for module, owners in _modules().items() if not owners & present)


def _with_what_they_need(names: Iterable[str]) -> set[str]:
    needs, found, left = _needs(), set[str](), list(names)
    while left:
        name = left.pop()
        if name not in found and name in needs:
            found.add(name)
            left += needs[name]
    return found


@cache
def _modules() -> dict[str, set[str]]:
    return {module: {canonicalize_name(name) for name in names} for module, names in packages_distributions().items()}


@cache
def _needs() -> dict[str, set[str]]:
    """What each distribution here needs, without its extras."""
    needs: dict[str, set[str]] = {}
    for distribution in distributions():
        required = [Requirement(text) for text in distribution.requires or ()]
        here = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
        needs[canonicalize_name(distribution.name)] = {canonicalize_name(one.name) for one in here}
    return needs
