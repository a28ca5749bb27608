"""The input, output and temp folder, and the names in them."""

from __future__ import annotations

import re
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from runner.stand_in.errors import UnsafeName

if TYPE_CHECKING:
    from collections.abc import Mapping

FileType = Literal["input", "output", "temp"]
FILE_TYPES: tuple[FileType, ...] = ("input", "output", "temp")
MAX_NAME = 200
"""Characters of a file name: file systems take 255 bytes, and a counter is added."""
_ANNOTATION = re.compile(r"^(?P<name>.*?)\s*\[(?P<type>input|output|temp)\]$")
_COUNTED = re.compile(r"_(\d+)_\.")


class Files:
    """One data folder of the stand-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in FILE_TYPES:
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, type_: str, subfolder: str, filename: str) -> Path:
        """Where a file is or would be.

        Raises:
            UnsafeName: that is outside of its folder.
        """
        if type_ not in FILE_TYPES:
            raise UnsafeName(f"there is no folder {type_!r}")
        root = (self._folder / type_).resolve()
        if "\0" in filename + subfolder or not filename:
            raise UnsafeName("a file name is empty or has a zero in it")
        path = (root / subfolder / filename).resolve()
        if not path.is_relative_to(root) or path == root:
            raise UnsafeName(f"{filename!r} is outside of the {type_} folder")
        return path

    def given(self, name: str) -> Path | None:
        """The file that a loader node names, as in `photo.png`, `sub/photo.png` or `photo.png [output]`."""
        found = _ANNOTATION.match(name)
        type_, plain = (found["type"], found["name"]) if found else ("input", name)
        try:
            path = self.path(type_, "", plain)
        except UnsafeName:
            return None
        return path if path.is_file() else None

    def listing(self) -> list[str]:
        """Names of the input files."""
        root = self._folder / "input"
        return sorted(path.name for path in root.iterdir() if path.is_file())

    def next(
        self, type_: FileType, prefix: str, extension: str, facts: Mapping[str, object]
    ) -> tuple[Path, dict[str, str]]:
        """A free path for an output, and what history says of it; `facts` fill `%width%` and the like.

        Raises:
            UnsafeName: the prefix leaves the folder, which ComfyUI refuses too.
        """
        filled = _filled(prefix, facts)
        pure = PurePosixPath(filled.replace("\\", "/"))
        stem, subfolder = pure.name[:MAX_NAME], "" if str(pure.parent) == "." else str(pure.parent)
        if not stem or pure.is_absolute() or ".." in pure.parts:
            raise UnsafeName(f"Saving image outside the output folder is not allowed: {filled[:MAX_NAME]!r}")
        folder = self.path(type_, subfolder, "x").parent
        folder.mkdir(parents=True, exist_ok=True)
        taken = [
            int(found[1])
            for path in folder.iterdir()
            if path.name.startswith(f"{stem}_") and (found := _COUNTED.match(path.name, len(stem)))
        ]
        name = f"{stem}_{max(taken, default=0) + 1:05}_.{extension}"
        return folder / name, {"filename": name, "subfolder": subfolder, "type": type_}


def _filled(prefix: str, facts: Mapping[str, object]) -> str:
    """Placeholders as `folder_paths.get_save_image_path` knows them."""
    now = time.localtime()
    values = {
        **facts,
        "year": now.tm_year,
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for name, value in values.items():
        prefix = prefix.replace(f"%{name}%", str(value))
    return prefix
