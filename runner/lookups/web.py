"""HTTP for lookups: cached with ETags, bounded, and quick to give up on a host that is not there."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from hishel import CacheOptions, SpecificationPolicy, SyncSqliteStorage
from hishel.httpx import SyncCacheTransport

from codegen.errors import MalformedJson
from codegen.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONNECT_SECONDS: Final = 3.0
"""A host that is there answers in a fraction of it; one that is not must not hold up a run."""
READ_SECONDS: Final = 10.0
"""A slow answer of a busy API."""
WHOLE_SECONDS: Final = 20.0
"""For one that trickles in."""
SECONDS_PER_DAY: Final = 86400
CACHE_DAYS: Final = 30
"""How long an answer is kept to be asked for again by its ETag."""
LARGEST_ANSWER: Final = 8 * 2**20
"""Bytes of an answer; what a repository with thousands of files says of itself is below 2 MB."""
MOST_REDIRECTS: Final = 3
"""On one host: a rename leads to the new name at once."""
TRIES: Final = 3
"""For an answer that says that the server is not well at the moment, or a connection that was cut."""
BUSY: Final = frozenset({429, 500, 502, 503, 504})

log = logging.getLogger(__name__)


class Unreachable(Exception):  # noqa: N818 - reads as the sentence that is logged
    """A host gave no answer that means anything; it is not asked again by the same `Web`."""


class Web:
    """A client for a few hosts. Safe to use from several threads."""

    def __init__(self, cache: Path, tokens: Mapping[str, str] | None = None) -> None:
        """`tokens` are bearer tokens by address, sent to that host and nowhere else."""
        self._client = _client(cache)
        self._tokens = {_origin(url): token for url, token in (tokens or {}).items()}
        self._gone: set[str] = set()
        self._lock = threading.Lock()

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Hosts that were given up."""
        with self._lock:
            return tuple(sorted(self._gone))

    def json(self, url: str, params: Mapping[str, str] | None = None) -> Any | None:  # noqa: ANN401 - any JSON value
        """The answer to a GET; `None` if there is no such thing, it is not for everybody, or the question is no good.

        Raises:
            Unreachable: the host does not answer, or in a way that cannot be understood.
        """
        response = self._ask("GET", url, params)
        if response.is_client_error:
            return None
        host = _origin(url)
        if not response.is_success:
            raise self._given_up(host, f"{response.status_code} to {urlsplit(url).path}")
        try:
            return loads(response.content)
        except MalformedJson as error:
            raise self._given_up(host, str(error)) from None

    def head(self, url: str) -> httpx.Response:
        """The answer to a HEAD, also when it leads to another host; redirects on the same host are followed.

        Raises:
            Unreachable: the host does not answer, or only that it is not well.
        """
        return self._ask("HEAD", url, None)

    def close(self) -> None:
        """Let go of connections and of the cache."""
        self._client.close()

    def _ask(self, method: Literal["GET", "HEAD"], url: str, params: Mapping[str, str] | None) -> httpx.Response:
        origin = _origin(url)
        if origin in self.unreachable:
            raise Unreachable(origin)
        token = self._tokens.get(origin)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            target = httpx.URL(url, params=params) if params else httpx.URL(url)
        except httpx.InvalidURL:
            return httpx.Response(httpx.codes.BAD_REQUEST)  # as its host would say
        for _ in range(MOST_REDIRECTS + 1):
            response = self._once(method, target, headers)
            location = response.headers.get("location", "")
            following = _joined(target, location) if response.is_redirect and location else None
            if following is None or _origin(str(following)) != origin:
                return response
            target = following
        raise self._given_up(origin, "redirects without end")

    def _once(self, method: str, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        origin = _origin(str(url))
        reason = ""
        for _ in range(TRIES):
            try:
                with self._client.stream(method, url, headers=headers) as response:
                    content = _bounded(response, time.monotonic() + WHOLE_SECONDS)
            except sqlite3.Error as error:
                log.warning("lookups are not cached: %s", error)
                self._client = _client(None)
                continue
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if response.status_code not in BUSY and not _limited(response):
                kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
                return httpx.Response(response.status_code, headers=kept, content=content)
            reason = f"HTTP {response.status_code}"
        raise self._given_up(origin, reason)

    def _given_up(self, origin: str, reason: str) -> Unreachable:
        with self._lock:
            self._gone.add(origin)
        log.warning("%s is not asked any more: %s", origin, reason)
        return Unreachable(origin)


def _client(cache: Path | None) -> httpx.Client:
    proxy = getproxies().get("https")
    policy = SpecificationPolicy(CacheOptions(shared=False))
    storage = None
    if cache is not None:
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            storage = SyncSqliteStorage(database_path=cache, default_ttl=CACHE_DAYS * SECONDS_PER_DAY)
        except OSError as error:
            log.warning("lookups are not cached: %s", error)

    def transport(through: str | None = None) -> httpx.BaseTransport:
        plain = httpx.HTTPTransport(proxy=through)
        return plain if storage is None else SyncCacheTransport(plain, storage=storage, policy=policy)

    return httpx.Client(
        transport=transport(),
        mounts={"https://": transport(proxy)} if proxy else None,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        headers={"User-Agent": "flowberth", "Accept": "application/json"},
        trust_env=False,  # or a .netrc would be read, and the cache passed by
    )


def _limited(response: httpx.Response) -> bool:
    """Whether GitHub answers no more questions this hour; it says so with a 403 as well."""
    return response.is_client_error and response.headers.get("x-ratelimit-remaining") == "0"


def _joined(url: httpx.URL, location: str) -> httpx.URL | None:
    try:
        return url.join(location)
    except httpx.InvalidURL:
        return None


def _bounded(response: httpx.Response, ends: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise ValueError("the answer is larger than any should be")
        if time.monotonic() > ends:
            raise ValueError("the answer does not end")
    return bytes(content)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
