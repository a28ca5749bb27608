"""The two pages for people.

They are static files that know nothing of the workflow: scripts fetch `/schema` and `/openapi.json` and put every word
of them in as text. The policy allows no script but ours, and no other host.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import Response

from shared.problems import NotFound

if TYPE_CHECKING:
    from fastapi import FastAPI

FOLDER = Path(__file__).parent / "ui"
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
"""The charset, UTF-8, is added by the response."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data: blob:; media-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_pages(app: FastAPI) -> None:
    """Add `/docs`, `/playground` and what they load."""
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_api_route("/playground", _playground, include_in_schema=False)
    app.add_api_route("/assets/{name}", _asset, include_in_schema=False)


async def _docs() -> Response:
    return _page("docs.html")


async def _playground() -> Response:
    return _page("playground.html")


async def _asset(name: str) -> Response:
    return _page(name)


def _page(name: str) -> Response:
    files = _files()
    if name not in files:
        raise NotFound("This app has no such file.")
    return Response(files[name], media_type=MEDIA_TYPES[Path(name).suffix], headers=HEADERS)


@cache
def _files() -> dict[str, bytes]:
    """All of them, some 30 KiB; only what is in here can be asked for."""
    return {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
