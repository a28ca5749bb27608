"""Make the packaged node definitions of one ComfyUI version from the answer of its `GET /object_info`.

    uv run python tools/catalog.py http://127.0.0.1:8188 --version 0.33.0
    uv run python tools/catalog.py object_info.json.gz --version 0.33.0

Only facts are kept (names, types, order, defaults, bounds, options, outputs); descriptions and tooltips are prose of
others and stay out. Lists of files are emptied: they say what lies on the disk of that server. The same input gives the
same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import httpx

from codegen.json_values import is_list, is_object

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


def main() -> None:
    """Write `codegen/data/catalog/<version>.json.gz`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="URL of a running ComfyUI, or a saved /object_info")
    parser.add_argument("--version", required=True)
    parser.add_argument("--only-core", action="store_true", help="leave out classes of custom nodes")
    arguments = parser.parse_args()
    nodes = {
        name: {key: facts(node[key]) for key in KEPT if key in node}
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
