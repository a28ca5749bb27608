"""Models that official templates and ComfyUI-Manager know: a snapshot that ships, made by `tools/models.py`."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class IndexedModel:
    """One address of one file."""

    folder: str
    file: str
    url: str
    templates: int
    """How many templates take the file from there; 0 when only ComfyUI-Manager lists it."""
    sha256: str | None = None
    about_bytes: int | None = None
    """Rounded: as a note of a template or the Manager says it."""


class ModelIndex:
    """Addresses by folder and file name."""

    def __init__(self, models: Iterable[IndexedModel]) -> None:
        self._found: dict[str, dict[str, list[IndexedModel]]] = {}
        for model in sorted(models, key=lambda model: (-model.templates, model.url)):
            self._found.setdefault(model.file, {}).setdefault(model.folder, []).append(model)

    def find(self, folder: str | None, file: str) -> tuple[IndexedModel, ...]:
        """The address that most templates have; several where as many have another, ordered by address.

        A file in a subfolder is looked for by its name alone if need be: people sort their models into folders of
        their own. Without a folder, it is found where only one folder has a file of that name.
        """
        folders = self._found.get(file) or self._found.get(file.rsplit("/", 1)[-1], {})
        if folder is None and len(folders) == 1:
            (folder,) = folders
        models = folders.get(folder or "", [])
        return tuple(model for model in models if model.templates == models[0].templates)

    def about(self, folder: str, file: str) -> int | None:
        """About how large the file is; the largest that anybody says."""
        folders = self._found.get(file) or self._found.get(file.rsplit("/", 1)[-1], {})
        return max((model.about_bytes or 0 for model in folders.get(folder, ())), default=0) or None


@cache
def model_index() -> ModelIndex:
    """The index that ships."""
    packed = (resources.files("codegen") / "data" / "models.json.gz").read_bytes()
    return ModelIndex(IndexedModel(**entry) for entry in json.loads(gzip.decompress(packed))["models"])
