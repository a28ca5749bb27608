"""Files on Hugging Face.

A HEAD of a file answers with a redirect to where its bytes are, and with `X-Linked-Size`, `X-Linked-ETag` (the SHA-256
of what Git LFS or Xet holds) and, where it is refused, `X-Error-Code` (huggingface_hub, `file_download.py` and
`utils/_http.py`). Licence and gate are facts of the repository: `GET /api/models/{owner}/{repo}`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from codegen.facts import ModelFacts
from codegen.json_values import as_object

if TYPE_CHECKING:
    from runner.lookups.web import Web

HUB: Final = "https://huggingface.co"
_FILE = re.compile(
    r"https://huggingface\.co/(?P<repo>[\w.-]+/[\w.-]+)/(?:resolve|blob)/(?P<revision>[\w.%-]+)/(?P<path>[^?#]+)"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .+-]{0,99}")
GATED = "GatedRepo"
OK, NO_AUTH, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404


class HuggingFace:
    """Asks the hub, or a mirror of it."""

    def __init__(self, web: Web, hub: str = HUB) -> None:
        self._web = web
        self._hub = hub.rstrip("/")

    def file(self, url: str) -> ModelFacts | None:
        """Facts of a file by its address; `None` if the address is of no file on the hub.

        Raises:
            runner.lookups.web.Unreachable: the hub does not answer.
        """
        match = _FILE.match(url)
        if match is None:
            return None
        path = quote(unquote(match["path"]))
        head = self._web.head(f"{self._hub}/{match['repo']}/resolve/{match['revision']}/{path}")
        about = as_object(self._web.json(f"{self._hub}/api/models/{match['repo']}"))
        licence = _licence(as_object(about.get("cardData")).get("license"))
        gated = about.get("gated") not in (None, False) or head.headers.get("x-error-code") == GATED
        if head.status_code in {NO_AUTH, FORBIDDEN}:
            return ModelFacts(url=url, state="gated" if gated else "missing", licence=licence)
        if head.status_code == NOT_FOUND:
            return ModelFacts(url=url, state="missing", licence=licence)
        if head.is_client_error:
            return None
        size = head.headers.get("x-linked-size") or (head.status_code == OK and head.headers.get("content-length"))
        digest = head.headers.get("x-linked-etag", "").strip('"').lower()
        return ModelFacts(
            url=url,
            state="gated" if gated else "found",
            bytes=int(size) if size and str(size).isascii() and str(size).isdigit() else None,
            sha256=digest if _SHA256.fullmatch(digest) else None,
            licence=licence,
        )


def _licence(stated: object) -> str | None:
    first = stated[0] if isinstance(stated, list) and stated else stated  # pyright: ignore[reportUnknownVariableType] - JSON
    return first if isinstance(first, str) and _LICENCE.fullmatch(first) else None
