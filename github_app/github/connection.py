"""Requests to GitHub's API with one credential: paced, conditional, and with our errors."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from githubkit import GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import GitHubException

from github_app.github.errors import Busy, Unavailable
from github_app.github.graphql import document
from github_app.github.translation import Moved, translated

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterator, Mapping
    from datetime import datetime

    import httpx
    from githubkit.auth import BaseAuthStrategy
    from githubkit.response import Response

    from github_app.github.graphql import Mutation

P = ParamSpec("P")
T = TypeVar("T")

API_VERSION = "2022-11-28"
"""Every GitHub Enterprise Server knows it, and its pull requests have `merge_commit_sha`: 2026-03-10 dropped that."""
USER_AGENT = "flowberth"
PAGE = 100
"""Entries of a list in one request: the most that GitHub gives."""
MAX_PAGES = 100
"""Of one list. Ten thousand entries are more than anything that Flowberth looks for is behind."""
REMEMBERED_ANSWERS = 512
"""For conditional requests, per credential: asking again for what is unchanged costs nothing of the hourly limit."""
LARGEST_REMEMBERED_BYTES = 256 * 1024


class Gate(Protocol):
    """Who says whether a request may be made now; each may raise `Busy`."""

    def admit_read(self) -> None:
        """Before a request that changes nothing."""
        ...

    def admit_write(self, *, creates: bool) -> None:
        """Before one that does."""
        ...

    def admit_mutation(self) -> None:
        """Before one of GraphQL, which GitHub counts apart."""
        ...

    def block(self, until: datetime) -> None:
        """GitHub has asked to wait."""
        ...


class OpenGate:
    """For the App itself, whose few requests are counted apart from those of its installations."""

    def admit_read(self) -> None:
        """Always."""

    def admit_write(self, *, creates: bool) -> None:
        """Always."""

    def admit_mutation(self) -> None:
        """Always."""

    def block(self, until: datetime) -> None:
        """Whoever asked has been told."""


class _Client(GitHub["BaseAuthStrategy"]):
    """githubkit's, which opens an HTTP client for every request, with one that stays open, for all threads."""

    def __init__(self, auth: BaseAuthStrategy, *, api_url: str, timeout: float, verify: ssl.SSLContext) -> None:
        super().__init__(
            auth,
            base_url=api_url,
            user_agent=USER_AGENT,
            timeout=timeout,
            ssl_verify=verify,
            follow_redirects=False,  # a POST would come out as a GET
            http_cache=False,  # grows without bound
            cache_strategy=MemCacheStrategy(),  # the one by default shares tokens between servers
            auto_retry=False,  # repeats a POST that may have had its effect
            rest_api_validate_body=False,  # pyright has done that, and models take seconds to load
        )
        self._http = self._create_sync_client()

    @contextmanager
    def get_sync_client(self) -> Generator[httpx.Client]:
        yield self._http

    def close(self) -> None:
        self._http.close()


@dataclass(frozen=True)
class _Remembered:
    etag: str
    content: bytes
    links: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    status: int
    content: bytes
    links: Mapping[str, str]
    """Addresses of neighbouring pages by `next`, `prev`, `last`."""

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """What it says.

        Raises:
            Unavailable: it is no JSON, as that of a proxy.
        """
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            raise Unavailable("GitHub's answer makes no sense: it is no JSON") from None


class Connection:
    """Safe to use from several threads. githubkit's typed methods are given as they are, with their arguments."""

    def __init__(
        self, auth: BaseAuthStrategy, *, api_url: str, timeout: float, verify: ssl.SSLContext, gate: Gate
    ) -> None:
        self._client = _Client(auth, api_url=api_url, timeout=timeout, verify=verify)
        self._gate = gate
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._guard = threading.Lock()
        self.rest = self._client.rest
        """githubkit's methods. Their models are not used: loading them takes seconds, and they reject real answers."""

    def read(
        self, parse: Callable[[Any], T], method: Callable[P, Response[Any, Any]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Ask for something, and make a value of it."""
        return parsed(parse, self._get(method, args, kwargs).json())

    def pages(
        self,
        parse: Callable[[Any], T],
        method: Callable[P, Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """The entries of a list, asked for page by page as they are consumed."""
        for page in range(1, MAX_PAGES + 1):
            answer = self._get(method, args, {**kwargs, "per_page": PAGE, "page": page})
            yield from parsed(lambda said: [parse(entry) for entry in _entries(said)], answer.json())
            if "next" not in answer.links:
                return

    def answer(self, method: Callable[P, Response[Any, Any]], *args: P.args, **kwargs: P.kwargs) -> Answer:
        """Ask for something, as it comes."""
        return self._get(method, args, kwargs)

    def change(
        self, parse: Callable[[Any], T], method: Callable[P, Response[Any, Any]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Change something, once. After `Unavailable` nobody knows whether it has happened."""
        return self._write(False, parse, method, *args, **kwargs)

    def create(
        self, parse: Callable[[Any], T], method: Callable[P, Response[Any, Any]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for what people are notified of, which GitHub limits more narrowly."""
        return self._write(True, parse, method, *args, **kwargs)

    def mutate(self, *mutations: Mutation) -> None:
        """Carry out some mutations in their order, as one request; one that fails keeps none from being carried out.

        Nobody is notified of them: what creates something is `create`.
        """
        self.graphql(*document(mutations))

    def graphql(self, query: str, variables: Mapping[str, object]) -> Any:  # noqa: ANN401
        """Carry out a mutation; its data."""
        self._gate.admit_mutation()
        try:
            return self._client.graphql.request(query, dict(variables))
        except GitHubException as error:
            raise self._told(error) from None
        except ValueError:
            raise Unavailable("GitHub's answer makes no sense") from None

    def repository_by_id(
        self, repository: int, *, headers: Mapping[str, str] | None = None
    ) -> Response[Any, Any]:  # where GitHub's redirects lead to; its reference, and so githubkit, has no such method
        """A method as those of `rest`."""
        request = cast("Callable[..., Response[Any, Any]]", self._client.request)  # pyright: ignore[reportUnknownMemberType] - a bare `dict` in githubkit
        return request("GET", f"/repositories/{repository}", headers=headers)

    def close(self) -> None:
        """Close the HTTP client."""
        self._client.close()

    def _write(
        self,
        creates: bool,  # noqa: FBT001 - the keywords are the method's
        parse: Callable[[Any], T],
        method: Callable[P, Response[Any, Any]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        self._gate.admit_write(creates=creates)
        return parsed(parse, _answer(self._send(method, args, kwargs)).json())

    def _get(self, method: Callable[..., Response[Any, Any]], args: Any, kwargs: Mapping[str, Any]) -> Answer:  # noqa: ANN401
        self._gate.admit_read()
        key = repr((getattr(method, "__qualname__", repr(method)), args, sorted(kwargs.items())))
        with self._guard:
            known = self._remembered.get(key)
        response = self._send(method, args, kwargs, {"If-None-Match": known.etag} if known else {})
        if known and response.status_code == HTTPStatus.NOT_MODIFIED:
            answer = Answer(HTTPStatus.OK, known.content, known.links)
        else:
            answer = _answer(response)
            self._remember(key, response, answer)
        return answer

    def _remember(self, key: str, response: Response[Any, Any], answer: Answer) -> None:
        etag = response.headers.get("etag")
        with self._guard:
            self._remembered.pop(key, None)
            if etag and len(answer.content) <= LARGEST_REMEMBERED_BYTES:
                self._remembered[key] = _Remembered(etag, answer.content, dict(answer.links))
            while len(self._remembered) > REMEMBERED_ANSWERS:
                self._remembered.popitem(last=False)

    def _send(
        self,
        method: Callable[..., Response[Any, Any]],
        args: Any,  # noqa: ANN401 - the method's own
        kwargs: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Response[Any, Any]:
        try:
            response = method(*args, **kwargs, headers={"X-GitHub-Api-Version": API_VERSION, **(headers or {})})
        except GitHubException as error:
            raise self._told(error) from None
        except ValueError:  # in a header that githubkit reads
            raise Unavailable("GitHub's answer makes no sense") from None
        if response.raw_response.has_redirect_location:
            raise Moved(response.headers.get("location", ""))
        return response

    def _told(self, error: GitHubException) -> Exception:
        ours = translated(error)
        if isinstance(ours, Busy):
            self._gate.block(ours.until)
        return ours


def _answer(response: Response[Any, Any]) -> Answer:
    links = {name: str(link.get("url", "")) for name, link in response.raw_response.links.items() if name}
    return Answer(response.status_code, response.content, links)


def _entries(said: Any) -> list[Any]:  # noqa: ANN401 - JSON is anything
    """A list, or the one in `{"total_count": …, "check_runs": […]}`."""
    if isinstance(said, list):
        return cast("list[Any]", said)
    return next(cast("list[Any]", value) for value in said.values() if isinstance(value, list))


def parsed(parse: Callable[[Any], T], said: Any) -> T:  # noqa: ANN401 - JSON is anything
    """A value made of an answer.

    Raises:
        Unavailable: it is none of what GitHub answers.
    """
    try:
        return parse(said)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Unavailable(f"GitHub's answer makes no sense: {type(error).__name__}") from None


def nothing(_said: object) -> None:
    """For answers of which only the success counts."""
