"""Make the packaged node definitions of one ComfyUI version from the answer of its `GET /object_info`.

    uv run python tools/catalog.py http://127.0.0.1:8188 --version 0.33.0
    uv run python tools/catalog.py object_info.json.gz --version 0.33.0 --names names.json

Only facts are kept (names, types, order, defaults, bounds, options, outputs); descriptions and tooltips are prose of
others and stay out. Lists of files that people upload are emptied: they say what lies on the disk of that server (ask
one without models, whose lists of those are empty). `--names` is a JSON object of class → what the editor calls it, for
a source that does not say. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import httpx

from codegen.json_values import as_list, as_object, is_list, is_object

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "catalog"
KEPT = (
    "input",
    "input_order",
    "is_input_list",
    "output",
    "output_is_list",
    "output_name",
    "output_matchtypes",
    "output_node",
    "python_module",
    "category",
    "deprecated",
    "experimental",
    "api_node",
)
UPLOADS = ("image_upload", "animated_image_upload", "video_upload", "audio_upload", "mesh_upload", "file_upload")
PROSE = ("tooltip", "placeholder", "description")
TIMEOUT_SECONDS = 60
"""A server with hundreds of packs takes tens of seconds to list its nodes."""


def read(source: str) -> dict[str, Any]:
    """The answer of a server, or the same saved as a file (plain or gzip)."""
    if source.startswith(("http://", "https://")):
        return httpx.get(source.rstrip("/") + "/object_info", timeout=TIMEOUT_SECONDS).raise_for_status().json()
    data = Path(source).read_bytes()
    return json.loads(gzip.decompress(data) if source.endswith(".gz") else data)


def facts(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Without prose, at every depth."""
    if is_object(value):
        return {key: facts(inner) for key, inner in value.items() if key not in PROSE or not isinstance(inner, str)}
    if is_list(value):
        return [facts(inner) for inner in value]
    return value


def without_uploads(inputs: dict[str, Any]) -> dict[str, Any]:
    """An `input` object whose combos with an upload button list no files; "none" is a choice everywhere."""
    return {section: {name: _emptied(spec) for name, spec in entries.items()} for section, entries in inputs.items()}


def _emptied(spec: Any) -> Any:  # noqa: ANN401 - any JSON value
    parts = as_list(spec)
    options = as_object(parts[1]) if len(parts) > 1 else {}
    if not any(options.get(flag) for flag in UPLOADS):
        return spec
    if is_list(parts[0]):
        return [_constant(parts[0]), *parts[1:]]
    listed = {"options": _constant(options["options"])} if is_list(options.get("options")) else {}
    return [parts[0], {**options, **listed}]


def named(class_type: str, node: dict[str, Any], names: dict[str, Any]) -> dict[str, str]:
    """The name that the editor shows, where it is another than the class."""
    name = names.get(class_type) or node.get("display_name")
    return {"display_name": name} if isinstance(name, str) and name != class_type else {}


def _kept(key: str, value: Any) -> Any:  # noqa: ANN401
    return without_uploads(facts(value)) if key == "input" else facts(value)


def _constant(choices: list[Any]) -> list[Any]:
    return [choice for choice in choices if choice == "none"]


def main() -> None:
    """Write `codegen/data/catalog/<version>.json.gz`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="URL of a running ComfyUI, or a saved /object_info")
    parser.add_argument("--version", required=True)
    parser.add_argument("--only-core", action="store_true", help="leave out classes of custom nodes")
    parser.add_argument("--names", help="JSON file: class → display name")
    arguments = parser.parse_args()
    names = as_object(read(arguments.names)) if arguments.names else {}
    nodes = {
        name: named(name, node, names) | {key: _kept(key, node[key]) for key in KEPT if key in node}
        for name, node in sorted(read(arguments.source).items())
        if not (arguments.only_core and str(node.get("python_module", "")).startswith("custom_nodes"))
    }
    text = json.dumps(nodes, separators=(",", ":"), ensure_ascii=False).encode()
    packed = gzip.compress(text, compresslevel=9, mtime=0)
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / f"{arguments.version}.json.gz").write_bytes(packed)
    print(f"{len(nodes)} classes, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
