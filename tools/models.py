"""Make the packaged index of models, from ComfyUI's official templates and from the list of ComfyUI-Manager.

    uv pip install --no-deps --target /tmp/manager "comfyui-manager==4.*"
    uv run python tools/models.py /tmp/manager

The templates are those of the development environment. Only facts are kept: for each model file its folder, its name,
the addresses that are given for it, how many templates give each, its SHA-256 where one says it, and about how large
it is where a note or the Manager says that. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from codegen.errors import NotAWorkflow
from codegen.json_values import as_object, objects
from codegen.models.embedded import embedded_models
from codegen.models.notes import linked_models
from codegen.parse import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.model import Workflow

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "models.json.gz"
PACKAGE = "comfyui-workflow-templates-json"
ASKS_FOR_A_FILE = "?download=true"
"""What Hugging Face's download button adds to an address; the file is the same without it."""
DEFAULT_FOLDERS = {
    "checkpoint": "checkpoints", "unclip": "checkpoints", "clip": "text_encoders", "clip_vision": "clip_vision",
    "controlnet": "controlnet", "diffusion_model": "diffusion_models", "embedding": "embeddings", "gligen": "gligen",
    "lora": "loras", "upscale": "upscale_models", "VAE": "vae", "vae": "vae",
}  # fmt: skip
"""Where the Manager puts what its list says is in the `default` folder (ComfyUI-Manager, `model_dir_name_map`)."""
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"([\d.]+) ?(B|KB|MB|GB)")
_PLAIN_URL = re.compile(r"https://[^\s<>\"'\\]+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_. -]+)*")


def index(workflows: Iterable[Workflow], listed: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """One row for each address of each file. A template that names one several times counts once.

    What the Manager lists is taken where no template has the file.
    """
    templates: Counter[tuple[str, str, str]] = Counter()
    digests: dict[tuple[str, str, str], str] = {}
    sizes: dict[tuple[str, str, str], int] = {}
    noted: dict[str, int] = {}
    for workflow in workflows:
        named: set[tuple[str, str, str]] = set()
        for model in embedded_models(workflow):
            if model.folder is None:
                continue
            row = (model.folder, model.file, model.url.removesuffix(ASKS_FOR_A_FILE))
            named.add(row)
            if model.sha256:
                digests.setdefault(row, model.sha256)
        templates.update(named)
        for link in linked_models(workflow):
            noted[link.file] = max(noted.get(link.file, 0), link.about_bytes or 0)
    known = {(folder, file) for folder, file, _ in templates}
    for row, size in filter(None, map(manager_row, listed)):
        if row[:2] not in known:
            templates.setdefault(row, 0)
            sizes[row] = size
    for row in templates:
        sizes[row] = sizes.get(row) or noted.get(row[1], 0)
    return [
        {"folder": row[0], "file": row[1], "url": row[2], "templates": templates[row]}
        | ({"sha256": digests[row]} if row in digests else {})
        | ({"about_bytes": sizes[row]} if sizes[row] else {})
        for row in sorted(templates)
    ]


def manager_row(entry: dict[str, Any]) -> tuple[tuple[str, str, str], int] | None:
    """Folder, file and address of an entry of the Manager's list, with its size; `None` for what is no single file."""
    path, file, url = (str(entry.get(key)) for key in ("save_path", "filename", "url"))
    folder = DEFAULT_FOLDERS.get(str(entry.get("type")), "") if path == "default" else path
    whole = f"{folder}/{file}"
    if not _PLAIN_PATH.fullmatch(whole) or ".." in whole or not _PLAIN_URL.fullmatch(url) or "." not in file:
        return None
    size = _SIZE.fullmatch(str(entry.get("size")))
    parts = PurePosixPath(whole).parts
    return (parts[0], parts[-1], url), round(float(size[1]) * _UNITS[size[2]]) if size else 0


def official() -> Iterable[Workflow]:
    """The templates by name; what else lies beside them, such as lists of them, is no workflow."""
    folder = files(PACKAGE.replace("-", "_")) / "templates"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".json"):
            try:
                yield parse_workflow(entry.read_bytes(), filename=entry.name)
            except NotAWorkflow:
                continue


def main() -> None:
    """Write `codegen/data/models.json.gz`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where comfyui-manager is installed")
    folder = parser.parse_args().folder
    listed = objects(as_object(json.loads((folder / "comfyui_manager" / "model-list.json").read_bytes())).get("models"))
    manager = next(path.name for path in folder.glob("comfyui_manager-*.dist-info")).removesuffix(".dist-info")
    made = {"source": f"{PACKAGE} {version(PACKAGE)}, {manager}", "models": index(official(), listed)}
    packed = gzip.compress(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)
    TARGET.write_bytes(packed)
    print(f"{made['source']}: {len(made['models'])} addresses of models, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
