"""Files on Civitai, by version, by hash and by name (https://developer.civitai.com/site/reference/model-versions)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from codegen.facts import ModelAddress, ModelFacts, WantedModel
from codegen.json_values import as_object, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.model import JsonObject
    from runner.lookups.web import Web

SITE: Final = "https://civitai.com"
_DOWNLOAD = re.compile(r"https://civitai\.com/api/download/models/(?P<version>\d{1,12})(?:[?#]|$)")
_PAGE = re.compile(r"https://civitai\.com/models/\d+[^?#]*\?(?:[^#]*&)?modelVersionId=(?P<version>\d{1,12})(?:[&#]|$)")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
KIB: Final = 1024
LARGEST_KIB: Final = 2**40
FOUND_AT_MOST: Final = "20"
"""Models of one search that are looked through; the name of a file is mostly that of its model."""


class Civitai:
    """Asks the site."""

    def __init__(self, web: Web, site: str = SITE) -> None:
        self._web = web
        self._site = site.rstrip("/")

    def file(self, url: str) -> ModelFacts | None:
        """Facts of a file by its address; `None` if the address is of no version of a model there.

        Raises:
            runner.lookups.web.Unreachable: the site does not answer.
        """
        match = _DOWNLOAD.match(url) or _PAGE.match(url)
        if match is None:
            return None
        version = self._web.json(f"{self._site}/api/v1/model-versions/{match['version']}")
        if version is None:
            return ModelFacts(url=url, state="missing")
        one = _chosen(as_object(version), url)
        size, digest = one.get("sizeKB"), _digest(one)
        known = round(size * KIB) if isinstance(size, int | float) and 0 < size < LARGEST_KIB else None
        return ModelFacts(url=url, state="found", bytes=known, sha256=digest)

    def search(self, wanted: WantedModel) -> ModelAddress | None:
        """Where the file is, by its hash or else its very name; `None` if nobody has it, or several have others.

        Raises:
            runner.lookups.web.Unreachable: the site does not answer.
        """
        if wanted.sha256:
            return self._by_hash(wanted, wanted.sha256)
        name = wanted.file.rsplit("/", 1)[-1]
        words = re.sub(r"[_\W]+", " ", name.rsplit(".", 1)[0]).strip()
        if not words:
            return None
        answer = self._web.json(f"{self._site}/api/v1/models", {"query": words, "limit": FOUND_AT_MOST})
        digests: dict[str, str] = {}
        for version, one in _files(as_object(answer)):
            digest, number = _digest(one), version.get("id")
            if str(one.get("name", "")).lower() == name.lower() and digest and isinstance(number, int):
                digests.setdefault(digest, f"{SITE}/api/download/models/{number}")
        if len(digests) != 1:
            return None
        ((digest, url),) = digests.items()
        return ModelAddress(folder=wanted.folder, file=wanted.file, url=url, sha256=digest, source="civitai")

    def _by_hash(self, wanted: WantedModel, sha256: str) -> ModelAddress | None:
        version = as_object(self._web.json(f"{self._site}/api/v1/model-versions/by-hash/{sha256}"))
        number = version.get("id")
        if not isinstance(number, int) or sha256 not in map(_digest, objects(version.get("files"))):
            return None
        url = f"{SITE}/api/download/models/{number}"
        return ModelAddress(folder=wanted.folder, file=wanted.file, url=url, sha256=sha256, source="civitai")


def _files(answer: JsonObject) -> Iterator[tuple[JsonObject, JsonObject]]:
    for model in objects(answer.get("items")):
        for version in objects(model.get("modelVersions")):
            for one in objects(version.get("files")):
                yield version, one


def _chosen(version: JsonObject, url: str) -> JsonObject:
    """The file that a download without further wishes gives; some addresses ask for a type or a format."""
    files = objects(version.get("files"))
    wishes = parse_qs(urlsplit(url).query)
    kind = wishes.get("type", [None])[0]
    form = wishes.get("format", [None])[0]
    fitting = [
        one
        for one in files
        if (kind is None or one.get("type") == kind)
        and (form is None or as_object(one.get("metadata")).get("format") == form)
    ]
    primary = [one for one in fitting if one.get("primary") is True]
    return (primary or fitting or [{}])[0]


def _digest(one: dict[str, Any]) -> str | None:
    digest = as_object(one.get("hashes")).get("SHA256")
    return digest.lower() if isinstance(digest, str) and _SHA256.fullmatch(digest) else None
