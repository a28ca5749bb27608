"""One large file from the network to the disk: gone on with where it was cut off, and in its place only when verified.

A token goes to the very host it is for, never to where that redirects; only `https` addresses that are public are
asked (`addresses.PublicTransport`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from pathlib import Path

WRITE_BYTES = 4 * 1024 * 1024
"""Written and hashed at a time, in a thread."""
LONGEST_PAUSE = 60.0
"""That a server may ask for."""
BUSY = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers that may be others a moment later."""
RESUME = "the next call goes on where this one stopped"


@dataclass(frozen=True)
class Limits:
    """How much patience a download gets."""

    parallel: int = 4
    """Files at once: more do not come faster to one machine."""
    tries: int = 6
    """In a row that bring nothing new."""
    pauses: tuple[float, ...] = (1.0, 2.0, 5.0, 15.0, 30.0)
    """Seconds between them; the last one repeats."""
    silence_seconds: float = 60.0
    """Without a byte."""
    window_seconds: float = 120.0
    """A connection that brings less than `window_bytes` in this time is given up for another."""
    window_bytes: int = 8 * 1024 * 1024
    most_bytes: int = 400 * 1024**3
    """Of a file whose size the lock does not know; no model in use is as large."""
    redirects: int = 5
    spare_bytes: int = 256 * 1024 * 1024
    """That a download leaves free on the disk."""


class DownloadFailed(RuntimeError):  # noqa: N818 - reads as the sentence that is shown
    """The file cannot be had, or is another one; trying again does not help."""


class _TryAgain(Exception):  # noqa: N818
    """This try is over."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True)
class Wanted:
    """A file, and what is known of it."""

    url: str
    sha256: str | None
    size: int | None
    token_name: str | None = None
    """What people would have to set, if the host asks for a token."""


@dataclass
class Download:
    """A download under way. `part` is written by nobody else."""

    http: httpx.AsyncClient
    wanted: Wanted
    part: Path
    tokens: Mapping[str, str]
    """Host, with its port where it is not the usual one → bearer token."""
    limits: Limits
    tell: Callable[[int, int | None], None]
    """Told how many bytes are there, of how many."""

    def __post_init__(self) -> None:
        """Nothing is there yet."""
        self._done = 0
        self._etag: str | None = None
        self._from_earlier = False
        self._digest = hashlib.sha256()

    async def bring(self, target: Path) -> None:
        """Bring it, verify it, and put it in its place at once.

        Raises:
            DownloadFailed: it is not to be had, or is not the one.
        """
        with _locked(self.part) as (path, file):
            self.part = path
            await self._begin(file)
            while True:
                await self._receive_all(file)
                fault = self._fault()
                if fault is None:
                    break
                if not self._from_earlier:
                    path.unlink()
                    raise DownloadFailed(f"the download is not the file that the lock names ({fault})")
                await self._anew(file)  # what an earlier call has left may be to blame
            file.flush()
            path.replace(target)

    async def _begin(self, file: BinaryIO) -> None:
        """Go on with what an earlier call has left, if in the end it shows that this was right."""
        file.seek(0)
        if self.wanted.sha256 is None:
            await self._anew(file)
            return
        while chunk := await asyncio.to_thread(file.read, WRITE_BYTES):
            self._digest.update(chunk)
            self._done += len(chunk)
        self._from_earlier = self._done > 0

    async def _anew(self, file: BinaryIO) -> None:
        await asyncio.to_thread(file.truncate, 0)
        file.seek(0)
        self._done, self._digest, self._etag, self._from_earlier = 0, hashlib.sha256(), None, False

    async def _receive_all(self, file: BinaryIO) -> None:
        failures = 0
        while True:
            before = self._done
            try:
                await self._receive(file)
            except (httpx.TransportError, _TryAgain) as error:
                failures = failures + 1 if self._done <= before else 1
                if failures >= self.limits.tries:
                    raise DownloadFailed(f"{str(error) or type(error).__name__}; {RESUME}") from error
                asked = error.pause if isinstance(error, _TryAgain) else 0.0
                pause = self.limits.pauses[min(failures, len(self.limits.pauses)) - 1]
                await asyncio.sleep(max(pause, min(asked, LONGEST_PAUSE)))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise DownloadFailed(f"no space is left; {RESUME}") from error
            else:
                return

    async def _receive(self, file: BinaryIO) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
            if self._etag:
                headers["If-Range"] = self._etag
        async with self._opened(headers) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                if answer.headers.get("Content-Range") == f"bytes */{self._done}":
                    return  # all of it is there
                await self._anew(file)
                raise _TryAgain("the file has become shorter")
            self._check(answer)
            if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                await self._anew(file)
            elif not answer.headers.get("Content-Range", "").startswith(f"bytes {self._done}-"):
                await self._anew(file)
                raise _TryAgain("the host answers another part than the one asked for")
            etag = answer.headers.get("ETag", "")
            self._etag = etag if etag.startswith('"') else None  # a weak one does not say that bytes are the same
            await self._write_all(answer, file, self._total(answer))

    def _check(self, answer: httpx.Response) -> None:
        """Whether it is the file at all."""
        status, host = answer.status_code, answer.url.host
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            gated = " (gated)" if answer.headers.get("X-Error-Code") == "GatedRepo" else ""
            raise DownloadFailed(
                f"access refused by {host} with {status}{gated}; accept its licence and set "
                f"{self.wanted.token_name or 'a token'}"
            )
        if status in BUSY:
            asked = answer.headers.get("Retry-After", "")
            raise _TryAgain(f"{host} answered {status}", float(asked) if asked.isdecimal() else 0.0)
        if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise DownloadFailed(f"{host} answered {status}")
        if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html":
            raise DownloadFailed(
                f"{host} answered a web page instead of the file; open it in a browser, it may ask for a login "
                f"({self.wanted.token_name or 'a token'})"
            )

    def _total(self, answer: httpx.Response) -> int | None:
        length = answer.headers.get("Content-Length", "")
        total = self._done + int(length) if length.isdecimal() else None
        size = self.wanted.size
        if total is not None and size is not None and total != size:
            raise DownloadFailed(f"the host has {total} bytes, the lock names {size} (size differs)")
        missing = (total or size or self._done) - self._done
        disk = shutil.disk_usage(self.part.parent)
        if disk.total and disk.free < missing + self.limits.spare_bytes:  # some file systems do not say
            raise DownloadFailed(f"it needs {missing} bytes, and {disk.free} are free; make room in the volume")
        return total or size

    async def _write_all(self, answer: httpx.Response, file: BinaryIO, total: int | None) -> None:
        buffer = bytearray()
        most = self.wanted.size or self.limits.most_bytes
        began, received = time.monotonic(), 0
        try:
            async for chunk in answer.aiter_raw():
                buffer += chunk
                received += len(chunk)
                if self._done + len(buffer) > most:
                    raise DownloadFailed(f"it is longer than {most} bytes (size differs)")
                if len(buffer) >= WRITE_BYTES:
                    await self._write(file, buffer, total)
                if time.monotonic() - began > self.limits.window_seconds:
                    if received < self.limits.window_bytes:
                        raise _TryAgain(f"{answer.url.host} sends too slowly")
                    began, received = time.monotonic(), 0
        finally:
            await self._write(file, buffer, total)

    async def _write(self, file: BinaryIO, buffer: bytearray, total: int | None) -> None:
        data = bytes(buffer)
        buffer.clear()

        def write() -> None:
            file.write(data)
            self._digest.update(data)

        await asyncio.to_thread(write)
        self._done += len(data)
        self.tell(self._done, total)

    def _fault(self) -> str | None:
        if self.wanted.sha256 is not None and self._digest.hexdigest() != self.wanted.sha256:
            return f"sha256 differs: it is {self._digest.hexdigest()}"
        if self.wanted.size is not None and self._done != self.wanted.size:
            return f"size differs: it has {self._done} bytes"
        return None

    @asynccontextmanager
    async def _opened(self, headers: dict[str, str]) -> AsyncGenerator[httpx.Response]:
        """The answer behind all redirects."""
        try:
            url = httpx.URL(self.wanted.url)
            for _ in range(self.limits.redirects + 1):
                token = self.tokens.get(url.netloc.decode("ascii", "replace"))
                more = {"Authorization": f"Bearer {token}"} if token else {}
                timeout = httpx.Timeout(self.limits.silence_seconds)
                async with self.http.stream("GET", url, headers=headers | more, timeout=timeout) as answer:
                    if not answer.is_redirect:
                        yield answer
                        return
                    following = url.join(answer.headers["Location"])
                if url.scheme == "https" and following.scheme != "https":
                    raise DownloadFailed(f"{url.host} redirects to an address without https")
                url = following
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise DownloadFailed(f"the address is none: {error}") from None
        raise DownloadFailed(f"more than {self.limits.redirects} redirects")


@contextlib.contextmanager
def _locked(part: Path) -> Generator[tuple[Path, BinaryIO]]:
    """The file to write to; another one when somebody writes to that already."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            if _is_at(file, part):
                yield part, file
                return
    own = part.with_name(f"{part.stem}.{secrets.token_hex(4)}{part.suffix}")
    with own.open("x+b") as file:
        yield own, file


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether it is still that path's: who had it before us may have put it in its place meanwhile."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
