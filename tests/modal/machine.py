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

SITE = f"""\
import sys

sys.path[:] = [entry for entry in sys.path if entry != {str(REPOSITORY)!r}]  # the container has what was uploaded, not us
"""
COMFYUI = """\
import runpy
import sys

arguments = dict(zip(sys.argv[1:], sys.argv[2:]))
sys.path.insert(0, {repository!r})
sys.argv = ["main.py", "--port", arguments["--port"], "--core", {version!r}]
runpy.run_module("runner.stand_in", run_name="__main__", alter_sys=True)
"""
"""`main.py` of the ComfyUI in the image: the stand-in engine. `{version}` and `{repository}` are filled in."""


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
            text = comfyui.format(version=found["version"], repository=str(REPOSITORY))
            _write(root / found["folder"].lstrip("/") / "main.py", text.encode(), places)
    _upload(workspace, function.mount_ids, root, places)
    for path, text in extra.items():
        _write(root / path.lstrip("/"), text.encode(), places)
    (root / "site").mkdir()
    (root / "site/sitecustomize.py").write_text(SITE)
    for secret in function.secret_ids:
        environment |= workspace.secrets[secret].values
    paths = f"{root / 'root'}:{root / 'site'}"
    mapped = {name: _mapped(value, places) for name, value in environment.items()}
    return Machine(root, mapped | {"HOME": str(root / "root"), "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"})


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
