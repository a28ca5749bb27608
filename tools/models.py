"""Make the packaged index of models from ComfyUI's official templates, as the development environment has them.

    uv run python tools/models.py

Only facts are kept: for each model file its folder, its name, the addresses that templates give for it, how many
templates give each, and its SHA-256 where one says it. The same templates give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.embedded_models import embedded_models
from codegen.errors import NotAWorkflow
from codegen.parse import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.model import Workflow

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "models.json.gz"
PACKAGE = "comfyui-workflow-templates-json"
ASKS_FOR_A_FILE = "?download=true"
"""What Hugging Face's download button adds to an address; the file is the same without it."""


def index(workflows: Iterable[Workflow]) -> list[dict[str, Any]]:
    """One row for each address of each file. A template that names one several times counts once."""
    templates: Counter[tuple[str, str, str]] = Counter()
    digests: dict[tuple[str, str, str], str] = {}
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
    return [
        {"folder": row[0], "file": row[1], "url": row[2], "templates": templates[row]}
        | ({"sha256": digests[row]} if row in digests else {})
        for row in sorted(templates)
    ]


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
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    made = {"source": f"{PACKAGE} {version(PACKAGE)}", "models": index(official())}
    packed = gzip.compress(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)
    TARGET.write_bytes(packed)
    print(f"{made['source']}: {len(made['models'])} addresses of models, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
