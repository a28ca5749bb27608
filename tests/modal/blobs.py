"""Payloads that are too large for a call: put and got by HTTP, as from the object store that Modal has for them."""

from __future__ import annotations

import hashlib

from aiohttp import web

LARGEST_BYTES = 1 << 31


class Blobs:
    def __init__(self) -> None:
        self.base = ""
        self._contents: dict[str, bytes] = {}
        self._digests: dict[str, bytes] = {}

    def url(self, blob: str) -> str:
        return f"{self.base}/blobs/{blob}"

    def expect(self, blob: str, *, md5: bytes) -> None:
        self._digests[blob] = md5

    def read(self, blob: str) -> bytes:
        return self._contents[blob]

    def write(self, blob: str, content: bytes) -> None:
        self._contents[blob] = content

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/blobs/{blob}", self._put), web.get("/blobs/{blob}", self._get)]

    async def _put(self, request: web.Request) -> web.Response:
        blob, content = request.match_info["blob"], await request.read()
        digest = hashlib.md5(content)
        if digest.digest() != self._digests.get(blob):
            return web.Response(status=400, text="BadDigest")
        self.write(blob, content)
        return web.Response(headers={"ETag": f'"{digest.hexdigest()}"'})

    async def _get(self, request: web.Request) -> web.Response:
        content = self._contents.get(request.match_info["blob"])
        return web.Response(status=404) if content is None else web.Response(body=content)
