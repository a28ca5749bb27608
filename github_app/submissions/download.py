"""One file from the web, without credentials, with bounds on its size, its time and where it may come from."""

from __future__ import annotations

import ipaddress
import socket
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import httpx

from codegen.strict_json import MAX_BYTES
from github_app.github.errors import Busy, Unavailable
from github_app.submissions.refusal import Refusal

if TYPE_CHECKING:
    from github_app.submissions.site import Site

MAX_REDIRECTS: Final = 5
"""An attachment takes one or two."""
TIMEOUT_SECONDS: Final = 10.0
"""To connect, and between two pieces of a body."""
TOTAL_SECONDS: Final = 60.0
"""For a whole file, so that a slow drip holds no worker."""
PAUSE_SECONDS: Final = 60
"""When GitHub asks for patience and does not say how long; its documentation asks for a minute."""
_HEADERS: Final = {"User-Agent": "flowberth", "Accept-Encoding": "identity"}
"""Not compressed: a body must not grow when it is unpacked."""
_LAST_SUCCESS, _LAST_REDIRECT, _FIRST_FAILURE = 299, 399, 500


def download(url: str, *, site: Site, accept: str = "*/*", seconds: float = TOTAL_SECONDS) -> bytes:
    """The bytes at an address, if they have come after so many seconds.

    Raises:
        Refusal: it is not there, too large, or not on the site.
        Unavailable: no answer in time, or a failure of the other side.
        Busy: too many requests.
    """
    ends = time.monotonic() + seconds
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, headers=_HEADERS | {"Accept": accept}) as http:
            for _ in range(MAX_REDIRECTS + 1):
                _check(url, site)
                with http.stream("GET", url) as response:
                    target = _redirect(response, url)
                    if target is None:
                        _check_status(response)
                        return _body(response, ends)
                url = target
                http.cookies.clear()
    except httpx.InvalidURL:
        raise Refusal("refused", "it leads to an address that is none") from None
    except httpx.HTTPError as error:
        raise Unavailable(f"{urlsplit(url).hostname} did not answer: {type(error).__name__}") from None
    raise Refusal("refused", f"it is redirected more than {MAX_REDIRECTS} times")


def _check(url: str, site: Site) -> None:
    if not site.is_own(url):
        raise Refusal("refused", f"it leads away from {site.host}")
    if not site.is_configured(url) and not is_public_host(urlsplit(url).hostname or ""):
        raise Refusal("refused", "it leads to a private address")


def is_public_host(host: str) -> bool:
    """Whether every address of a host is on the internet. A second line of defence: the names are GitHub's already.

    A name that does not resolve here may do so for a proxy, which then has to decide.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True
    return all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found)


def _redirect(response: httpx.Response, url: str) -> str | None:
    if not _LAST_SUCCESS < response.status_code <= _LAST_REDIRECT:
        return None
    try:
        target = urljoin(url, response.headers.get("location", ""))
        is_login = urlsplit(target).path == "/login"
    except ValueError:
        raise Refusal("refused", "it leads to an address that is none") from None
    if is_login:
        raise Refusal("missing", "it is not there, or only for people who are logged in")
    return target


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    spent = response.headers.get("x-ratelimit-remaining") == "0"
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and spent):
        raise Busy(f"{response.url.host} asks for patience", until=_until(response))
    if status >= _FIRST_FAILURE:
        raise Unavailable(f"{response.url.host} answered {status}")
    if status != HTTPStatus.OK:
        raise Refusal("missing", f"it is not there, or not for apps: the answer is {status}")


def _until(response: httpx.Response) -> datetime:
    reset = response.headers.get("x-ratelimit-reset", "")
    now = datetime.now(UTC)
    if reset.isdecimal() and len(reset) <= len("9999999999"):
        return max(now, datetime.fromtimestamp(int(reset), UTC))
    return now + timedelta(seconds=PAUSE_SECONDS)


def _body(response: httpx.Response, ends: float) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal("refused", "it comes compressed, though it was asked for as it is")
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > MAX_BYTES:
            raise Refusal("too-large", f"it has more than {MAX_BYTES // 1024**2} MiB")
        if time.monotonic() > ends:
            raise Unavailable(f"{response.url.host} took too long for a file")
    return bytes(data)
