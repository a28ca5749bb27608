"""Make the packaged snapshot of custom-node packs from the lists that ComfyUI-Manager publishes on PyPI.

    uv pip install --no-deps --target /tmp/manager "comfyui-manager==4.*"
    uv run python tools/packs.py /tmp/manager

Only facts are kept: which repository has which node classes, how the names of its classes begin or end, the Manager's
short id of it, stars, the day of the last update, and for which classes the Manager gives it precedence. Titles,
authors and descriptions are prose of others and stay out. Left out too is what cannot be cloned (single files,
archives) and what the Manager maps but does not list. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from codegen.json_values import as_list, as_object, objects
from codegen.lock import GitHttpsUrl, SafeName

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "packs.json.gz"
CORE = ("https://github.com/comfyanonymous/comfyui", "https://github.com/comfy-org/comfyui")
"""ComfyUI itself is in the Manager's map; its classes are nobody else's."""
_URL = TypeAdapter(GitHttpsUrl)
_NAME = TypeAdapter(SafeName)
_SPECIAL = re.compile(r"(?<!\\)[.*+?|()\[\]{}^$]|\\[A-Za-z0-9]")
"""What makes an expression more than a literal."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def snapshot(folder: Path) -> dict[str, Any]:
    """The facts of an installed `comfyui-manager`."""
    source = folder / "comfyui_manager"
    mapped = as_object(json.loads((source / "extension-node-map.json").read_bytes()))
    listed = objects(as_object(json.loads((source / "custom-node-list.json").read_bytes())).get("custom_nodes"))
    stats = as_object(json.loads((source / "github-stats.json").read_bytes()))
    repositories: dict[str, dict[str, Any]] = {}
    for entry in listed:
        files = as_list(entry.get("files"))
        url = clonable(files[0]) if len(files) == 1 and entry.get("install_type") == "git-clone" else None
        if url and url.lower() not in {*CORE, *repositories}:
            repositories[url.lower()] = facts(url, entry, as_list(mapped.get(files[0])), as_object(stats.get(files[0])))
    ordered = [repositories[key] for key in sorted(repositories)]
    core = {name for url, entry in mapped.items() if url.lower() in CORE for name in classes(as_list(entry))}
    return {
        "source": next(path.name for path in folder.glob("comfyui_manager-*.dist-info")).removesuffix(".dist-info"),
        "day": max(entry["updated"] for entry in ordered if "updated" in entry),
        "core": sorted(core),
        "repositories": ordered,
    }


def clonable(url: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """The address as a lock takes it; `None` for what no lock would take."""
    try:
        checked = _URL.validate_python(str(url).rstrip("/").removesuffix(".git"))
        _NAME.validate_python(checked.rsplit("/", 1)[-1])
    except ValidationError:
        return None
    return checked


def facts(url: str, entry: dict[str, Any], mapped: list[Any], stats: dict[str, Any]) -> dict[str, Any]:
    """One repository; what is not known of it is left out."""
    prefix, suffix = affixes(str(entry.get("nodename_pattern") or ""))
    day = _DAY.match(str(stats.get("last_update")))
    kept = {
        "url": url,
        "id": entry.get("id"),
        "stars": stats.get("stars"),
        "updated": day.group() if day else None,
        "classes": sorted(classes(mapped)),
        "prefix": prefix,
        "suffix": suffix,
        "preempts": sorted(name for name in as_list(entry.get("preemptions")) if isinstance(name, str)),
    }
    return {key: value for key, value in kept.items() if value or value == 0}


def classes(mapped: list[Any]) -> set[str]:
    """The class names of an entry of the map, which is `[[names], {…}]`."""
    return {name for name in as_list(mapped[0]) if isinstance(name, str)} if mapped else set()


def affixes(pattern: str) -> tuple[str | None, str | None]:
    r"""The beginning or end that a pattern such as `^ttN ` or ` \(rgthree\)$` means.

    Expressions of others are not run over names of others, so a pattern that means anything else is left out.
    """
    starts, ends = pattern.startswith("^"), pattern.endswith("$")
    body = pattern.removeprefix("^").removesuffix("$")
    if starts == ends or _SPECIAL.search(body):
        return None, None
    literal = re.sub(r"\\(.)", r"\1", body)
    return (literal, None) if starts else (None, literal)


def main() -> None:
    """Write `codegen/data/packs.json.gz`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where comfyui-manager is installed")
    made = snapshot(parser.parse_args().folder)
    packed = gzip.compress(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)
    TARGET.write_bytes(packed)
    print(f"{made['source']}: {len(made['repositories'])} repositories, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
