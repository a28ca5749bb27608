"""Make the packaged snapshot of custom-node packs from the lists that ComfyUI-Manager publishes on PyPI.

    uv pip install --no-deps --target /tmp/manager "comfyui-manager==4.*"
    uv run python tools/packs.py /tmp/manager

Only facts are kept: which repository has which node classes, how the names of its classes begin or end, the Manager's
short id of it, stars, the day of the last update, other addresses of it, and for which classes the Manager gives it
precedence. Titles, authors and descriptions are prose of others and stay out. Left out too is what cannot be cloned
(single files, archives) and what the Manager maps but does not list. What `packs.toml` says is added. The same input
gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tomllib
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from codegen.json_values import as_list, as_object, objects
from codegen.lock import GitHttpsUrl, SafeName

TARGET = Path(__file__).parents[1] / "codegen" / "data" / "packs.json.gz"
MORE = Path(__file__).with_name("packs.toml")
CORE = ("https://github.com/comfyanonymous/comfyui", "https://github.com/comfy-org/comfyui")
"""ComfyUI itself is in the Manager's map; its classes are nobody else's."""
COPIED_CLASSES = 2
"""One class of the same name may be chance."""
COPIED_PART = 0.5
MOST_HOLDERS = 100
"""What more have, such as `Example`, says nothing; and pairs are many."""
COPIED_STARS = 3
"""Below that nobody can tell from outside who took over from whom."""
_URL = TypeAdapter(GitHttpsUrl)
_NAME = TypeAdapter(SafeName)
_SPECIAL = re.compile(r"(?<!\\)[.*+?|()\[\]{}^$]|\\[A-Za-z0-9]")
"""What makes an expression more than a literal."""
_REPOSITORY = re.compile(r"https://github\.com/[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
"""The Manager's references may be pages of all kinds."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def snapshot(folder: Path, more: Path) -> dict[str, Any]:
    """The facts of an installed `comfyui-manager`, and those of a file such as `packs.toml`."""
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
    core = {name for url, entry in mapped.items() if url.lower() in CORE for name in classes(as_list(entry))}
    add(repositories, tomllib.loads(more.read_text("utf-8"))["pack"])
    keep_unique_aliases(repositories)
    for copy, originals in copies(repositories, core).items():
        repositories[copy]["copies"] = [repositories[original]["url"] for original in originals]
    ordered = [repositories[key] for key in sorted(repositories)]
    return {
        "source": next(path.name for path in folder.glob("comfyui_manager-*.dist-info")).removesuffix(".dist-info"),
        "day": max(entry["updated"] for entry in ordered if "updated" in entry),
        "core": sorted(core),
        "repositories": ordered,
    }


def add(repositories: dict[str, dict[str, Any]], more: list[dict[str, Any]]) -> None:
    """Add facts; a repository that is not there yet is one that the Manager does not list."""
    for entry in more:
        url = clonable(entry["url"])
        if url is None:
            raise ValueError(f"nobody could clone {entry['url']!r}")
        repository = repositories.setdefault(url.lower(), {"url": url, "listed": False})
        for name in ("classes", "removed", "aliases", "replaces"):
            together = {*repository.get(name, ()), *entry.get(name, ())}
            if name == "removed":
                together -= {*repository.get("classes", ())}
            if together:
                repository[name] = sorted(together)
        if "fork_of" in entry:
            repository["fork_of"] = entry["fork_of"]


def keep_unique_aliases(repositories: dict[str, dict[str, Any]]) -> None:
    """Forget addresses that are of another pack, or claimed by two."""
    claims = Counter(alias.lower() for entry in repositories.values() for alias in entry.get("aliases", ()))
    for entry in repositories.values():
        kept = [one for one in entry.pop("aliases", ()) if one.lower() not in repositories and claims[one.lower()] == 1]
        if kept:
            entry["aliases"] = kept


def copies(repositories: dict[str, dict[str, Any]], core: set[str]) -> dict[str, list[str]]:
    """Key of a repository → keys of those whose classes it seems to have taken over.

    Those are better known ones, of whose classes it has most; for a pack that bundles others there are several.
    """
    own = {key: {*entry.get("classes", ())} - core for key, entry in repositories.items()}
    holders: dict[str, list[str]] = {}
    for key, names in own.items():
        for name in names:
            holders.setdefault(name, []).append(key)
    shared = Counter(pair for keys in holders.values() if len(keys) <= MOST_HOLDERS for pair in permutations(keys, 2))
    found: dict[str, list[str]] = {}
    for (copy, original), count in sorted(shared.items()):
        stars, copy_stars = (repositories[key].get("stars") or 0 for key in (original, copy))
        enough = max(COPIED_CLASSES, COPIED_PART * len(own[original]))
        if count >= enough and stars >= COPIED_STARS * max(copy_stars, 1):
            found.setdefault(copy, []).append(original)
    return found


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
        "aliases": aliases(url, entry),
    }
    return {key: value for key, value in kept.items() if value or value == 0}


def aliases(url: str, entry: dict[str, Any]) -> list[str]:
    """Other addresses that the Manager gives for it, such as `reference2` of one that was renamed."""
    others = {clonable(entry.get(name)) for name in ("reference", "reference2")}
    repositories = {one for one in others if one and _REPOSITORY.fullmatch(one) and one.lower() != url.lower()}
    return sorted(repositories, key=str.lower)


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
    parser.add_argument("--more", type=Path, default=MORE, help="facts that are added")
    arguments = parser.parse_args()
    made = snapshot(arguments.folder, arguments.more)
    packed = gzip.compress(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)
    TARGET.write_bytes(packed)
    print(f"{made['source']}: {len(made['repositories'])} repositories, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
