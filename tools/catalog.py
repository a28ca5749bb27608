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

from codegen.definition_facts import facts_of
from codegen.json_values import as_object

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "catalog"
TIMEOUT_SECONDS = 60
"""A server with hundreds of packs takes tens of seconds to list its nodes."""


def read(source: str) -> dict[str, Any]:
    """The answer of a server, or the same saved as a file (plain or gzip)."""
    if source.startswith(("http://", "https://")):
        return httpx.get(source.rstrip("/") + "/object_info", timeout=TIMEOUT_SECONDS).raise_for_status().json()
    data = Path(source).read_bytes()
    return json.loads(gzip.decompress(data) if source.endswith(".gz") else data)


def named(class_type: str, node: dict[str, Any], names: dict[str, Any]) -> dict[str, str]:
    """The name that the editor shows, where it is another than the class."""
    name = names.get(class_type) or node.get("display_name")
    return {"display_name": name} if isinstance(name, str) and name != class_type else {}


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
        name: named(name, node, names) | facts_of(node)
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
