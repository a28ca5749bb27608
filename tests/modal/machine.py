"""The file system of a container: a fresh folder with what was uploaded, and what the image's steps would have put there.

It is no root directory of its own. Absolute paths that the app's sources name (`/root/…`, and where its volumes are) are turned into
paths below the folder when the sources are laid down, and so are those in the image's environment.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.modal import steps
from tests.modal.packages import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modal_proto import api_pb2

    from tests.modal.steps import Checkout
    from tests.modal.world import Workspace

REPOSITORY = Path(__file__).parents[2]
EMPTY_PACK = {"__init__.py": "NODE_CLASS_MAPPINGS = {}\n"}
"""Of a repository that the test says nothing of."""
SITE = """\
import errno
import os
import sys
from importlib.machinery import PathFinder


class InTheImage(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name in MISSING else super().find_spec(name, path, target)


def refuse(event, arguments):
    if event == "open":
        changed = arguments[:1] if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else ()
    elif event in CHANGES:
        changed = arguments[1:2] if event in ("os.link", "os.symlink") else arguments[:2]
    else:
        return
    for path in changed:
        if isinstance(path, (str, os.PathLike)) and f"{os.fspath(path)}/".startswith(READ_ONLY):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


CHANGES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
READ_ONLY = {read_only}
MISSING = {missing}
if READ_ONLY:
    sys.addaudithook(refuse)
sys.path[:] = [entry for entry in sys.path if entry != {repository}]
sys.meta_path[:] = [InTheImage if finder is PathFinder else finder for finder in sys.meta_path]
"""
"""What every Python of the container does first: it has what was uploaded and what its image names, not what is here; and
Volumes that are mounted to be read are not written to."""
COMFYUI = f"""\
import runpy

runpy.run_path({str(Path(__file__).with_name("comfyui.py"))!r})["main"]({{version}}, {{repository}}, __file__)
"""
"""`main.py` of the ComfyUI in the image."""


@dataclass(frozen=True)
class Machine:
    """A container's folder, laid out."""

    root: Path
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.root / "root"


@dataclass(frozen=True)
class Contents:
    """What images would have that are never built."""

    comfyui: str
    """The text of ComfyUI's `main.py`; `{version}` and `{repository}` in it are filled in."""
    repositories: Mapping[str, Mapping[str, str]]
    """Address of a git repository → its files."""


def assemble(
    root: Path,
    workspace: Workspace,
    function: api_pb2.Function,
    volumes: Mapping[str, Path],
    contents: Contents,
) -> Machine:
    """Lay out the container of a function; `volumes` are folders by mount path."""
    layers = workspace.layers(function.image_id)
    places = {"/root": root / "root", **{path: root / path.lstrip("/") for path in volumes}}
    (root / "root").mkdir(parents=True)
    for path, folder in volumes.items():
        places[path].parent.mkdir(parents=True, exist_ok=True)
        places[path].symlink_to(folder, target_is_directory=True)
    named = steps.texts(layers)
    for checkout in steps.checkouts(layers):
        named += _check_out(root, checkout, contents, places)
    for mount, folder in steps.copies(layers):
        _upload(workspace, [mount], root / folder.lstrip("/"), places)
    _upload(workspace, function.mount_ids, root, places)
    (root / "site").mkdir()
    hidden = sorted(missing(named))
    read_only = tuple(f"{places[mount.mount_path]}/" for mount in function.volume_mounts if mount.read_only)
    site = _filled(SITE, missing=hidden, read_only=read_only, repository=str(REPOSITORY))
    (root / "site/sitecustomize.py").write_text(site)
    environment = steps.environment(layers)
    for secret in function.secret_ids:
        environment |= workspace.secrets[secret].values
    libraries = [f"{folder}{inner}" for folder in steps.libraries(layers) for inner in ("", "/src", "/..")]
    paths = ":".join(str(root / path.lstrip("/")) for path in ("root", "site", *libraries))
    mapped = {name: _mapped(value, places) for name, value in environment.items()}
    return Machine(root, mapped | {"HOME": str(root / "root"), "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"})


def _check_out(root: Path, checkout: Checkout, contents: Contents, places: Mapping[str, Path]) -> list[str]:
    """The text of its requirements: what they name is installed by a step that nobody carries out."""
    if checkout.is_comfyui:
        files = {"main.py": _filled(contents.comfyui, version=checkout.version, repository=str(REPOSITORY))}
    else:
        files = {**contents.repositories.get(checkout.url, EMPTY_PACK), ".git/HEAD": f"{checkout.ref}\n"}
    for path, text in files.items():
        _write(root / checkout.folder.lstrip("/") / path, text.encode(), places)
    return [files["requirements.txt"]] if "requirements.txt" in files else []


def _filled(text: str, **values: object) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", repr(value))
    return text


def _upload(workspace: Workspace, mounts: Iterable[str], folder: Path, places: Mapping[str, Path]) -> None:
    for mount in mounts:
        for file in workspace.mounts[mount]:
            _write(folder / file.filename.lstrip("/"), workspace.files[file.sha256_hex], places, file.mode or 0o644)


def _write(path: Path, content: bytes, places: Mapping[str, Path], mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".py":
        content = _mapped(content.decode(errors="surrogateescape"), places).encode(errors="surrogateescape")
    path.write_bytes(content)
    path.chmod(mode)


def _mapped(text: str, places: Mapping[str, Path]) -> str:
    for path, place in places.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])", str(place), text)
    return text


def python() -> str:
    """The container's: that of the tests."""
    return sys.executable
