"""The file system of a container: a fresh folder with what was uploaded, and what the image's steps would have put there.

It is no root directory of its own. Absolute paths that the app's sources name (`/root/…`, and where its volumes are) are turned into
paths below the folder when the sources are laid down, and so are those in the image's environment.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.modal.packages import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modal_proto import api_pb2

    from tests.modal.world import Image, Workspace

REPOSITORY = Path(__file__).parents[2]
CLONE = re.compile(r"git clone .*?--branch v?(?P<version>[\w.]+) .*?/ComfyUI(?:\.git)? (?P<folder>/\S+)")
"""The step that puts ComfyUI into the image."""
COPY = re.compile(r"COPY \. (?P<folder>/\S*)")
ENV = re.compile(r"ENV (?P<assignments>.+)")
_ASSIGNMENT = re.compile(r"(\w+)=")

SITE = """\
import sys
from importlib.machinery import PathFinder


class InTheImage(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name in MISSING else super().find_spec(name, path, target)


MISSING = {missing}
sys.path[:] = [entry for entry in sys.path if entry != {repository}]
sys.meta_path[:] = [InTheImage if finder is PathFinder else finder for finder in sys.meta_path]
"""
"""What every Python of the container does first: it has what was uploaded and what its image names, not what is here."""
COMFYUI = """\
import runpy
import sys
from importlib.machinery import PathFinder

arguments = dict(zip(sys.argv[1:], sys.argv[2:]))
sys.meta_path.append(PathFinder)
sys.path.insert(0, {repository})
sys.argv = ["main.py", "--port", arguments["--port"], "--core", {version}]
runpy.run_module("runner.stand_in", run_name="__main__", alter_sys=True)
"""
"""`main.py` of the ComfyUI in the image: the stand-in engine."""


@dataclass(frozen=True)
class Machine:
    """A container's folder, laid out."""

    root: Path
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.root / "root"


def assemble(
    root: Path,
    workspace: Workspace,
    function: api_pb2.Function,
    *,
    volumes: Mapping[str, Path],
    comfyui: str,
    extra: Mapping[str, str],
) -> Machine:
    """Lay out the container of a function: `volumes` are folders by mount path, `comfyui` is its main.py, `extra` other files."""
    layers = workspace.layers(function.image_id)
    places = {"/root": root / "root", **{path: root / path.lstrip("/") for path in volumes}}
    (root / "root").mkdir(parents=True)
    for path, folder in volumes.items():
        place = places[path]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder, target_is_directory=True)
    environment = _environment(layers)
    for layer in layers:
        copied = COPY.search("\n".join(layer.commands))
        if layer.request.image.context_mount_id and copied:
            _upload(workspace, [layer.request.image.context_mount_id], root / copied["folder"].lstrip("/"), places)
        for found in CLONE.finditer("\n".join(layer.commands)):
            text = _filled(comfyui, version=found["version"], repository=str(REPOSITORY))
            _write(root / found["folder"].lstrip("/") / "main.py", text.encode(), places)
    _upload(workspace, function.mount_ids, root, places)
    for path, text in extra.items():
        _write(root / path.lstrip("/"), text.encode(), places)
    (root / "site").mkdir()
    hidden = sorted(missing(_steps(layers)))
    (root / "site/sitecustomize.py").write_text(_filled(SITE, missing=hidden, repository=str(REPOSITORY)))
    for secret in function.secret_ids:
        environment |= workspace.secrets[secret].values
    paths = f"{root / 'root'}:{root / 'site'}"
    mapped = {name: _mapped(value, places) for name, value in environment.items()}
    return Machine(root, mapped | {"HOME": str(root / "root"), "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"})


def _filled(text: str, **values: object) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", repr(value))
    return text


def _steps(layers: Iterable[Image]) -> list[str]:
    files = [file.data.decode(errors="replace") for layer in layers for file in layer.request.image.context_files]
    return [*files, *(command for layer in layers for command in layer.commands)]


def _upload(workspace: Workspace, mounts: Iterable[str], folder: Path, places: Mapping[str, Path]) -> None:
    for mount in mounts:
        for file in workspace.mounts[mount]:
            _write(folder / file.filename.lstrip("/"), workspace.files[file.sha256_hex], places, file.mode or 0o644)


def _write(path: Path, content: bytes, places: Mapping[str, Path], mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_mapped(content.decode(), places).encode() if path.suffix == ".py" else content)
    path.chmod(mode)


def _mapped(text: str, places: Mapping[str, Path]) -> str:
    for path, place in places.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", str(place), text)
    return text


def _environment(layers: Iterable[Image]) -> dict[str, str]:
    """What `Image.env` and its like say."""
    values: dict[str, str] = {}
    for layer in layers:
        for command in layer.commands:
            found = ENV.fullmatch(command.strip())
            if found and _ASSIGNMENT.match(found["assignments"]):
                values |= dict(one.split("=", 1) for one in shlex.split(found["assignments"]) if "=" in one)
    return values


def python() -> str:
    """The container's: that of the tests."""
    return sys.executable
