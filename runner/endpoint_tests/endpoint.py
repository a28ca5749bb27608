"""A deployed endpoint as its callers see it."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, cast

import httpx

from codegen.json_values import as_object, objects
from runner.endpoint_tests.answer import check_shape
from runner.endpoint_tests.errors import CheckFailed, MayGoOn, NotInTime
from runner.engine import trust
from runner.errors import EndpointUnreachable
from runner.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from codegen.model import JsonObject

ANSWER_SECONDS = 30.0
"""For any request but `/generate`: the app may be loading a model into the memory it answers from."""
GENERATE_WAIT_SECONDS = 100.0
"""The runtime's own default: longer requests are answered 202 and looked after by polling."""
GENERATE_MARGIN_SECONDS = 60.0
"""On top of the wait, for uploading inputs and downloading outputs."""
JOB_SECONDS = 1800.0
"""One job on the slowest thing that is supported, a video on a CPU, ends within this or is stuck."""
CANCEL_SECONDS = 30.0
"""For a job that was cancelled to end: ComfyUI lets go of it between two nodes, or two steps of a sampler."""
POLL_SECONDS = 1.0
MAX_OUTPUT_BYTES = 512 << 20
"""Of one output that is looked at; a larger one fails its test instead of filling the memory."""
_DETAIL_CHARACTERS = 400
MOST_REDIRECTS = 600
"""Of one request: each stands for 150 s, and nothing is waited for longer than a day."""
_SHOWN_ERRORS = 3
_ENDED = frozenset({"succeeded", "failed", "cancelled"})


class Answer(Frozen):
    """What came back for one `/generate`."""

    seconds: float
    """From sending the request to having the whole answer."""
    headers: dict[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    """The job, as `shared.views.JobView` describes it."""
    polled: bool
    """It took longer than a synchronous answer may, so the job was polled."""

    @property
    def outputs(self) -> list[JsonObject]:
        """The outputs' descriptions."""
        return cast("list[JsonObject]", self.body.get("outputs") or [])


class Endpoint:
    """One deployed app. Calls may come from several threads."""

    def __init__(self, url: str, tell: Callable[[str], None], headers: Mapping[str, str]) -> None:
        """`tell` hears of progress and may raise to end the tests."""
        self._url = url.rstrip("/")
        self._tell = tell
        # No proxy and no .netrc of this machine: the endpoint must answer for itself.
        self._http = httpx.Client(
            base_url=self._url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False, verify=trust()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        """Any answer.

        Raises:
            EndpointUnreachable: there was none.
        """
        return self._request("GET", path)

    def get_json(self, path: str) -> JsonObject:
        """The JSON object at `path`.

        Raises:
            CheckFailed: not a 200 with a JSON object.
            EndpointUnreachable: no answer.
        """
        response = self.get(path)
        if response.status_code != HTTPStatus.OK:
            raise CheckFailed(f"GET {path} answered {failure(response)}")
        return json_object(response)

    def post(self, content: bytes) -> httpx.Response:
        """Any answer of `/generate` to a JSON body, right or wrong; the app must not need long for it."""
        return self._request("POST", "/generate", content=content, headers={"Content-Type": "application/json"})

    def generate(self, inputs: Mapping[str, object], *, key: str | None = None, within: float | None = None) -> Answer:
        """Run the workflow. With the same `key` and inputs again it is the same job, as long as the app knows it.

        Args:
            inputs: of the workflow.
            key: of the job.
            within: seconds that all of it may take, the start of a container included, for which even the first
                answer is waited; by default the container is taken to be there, and the job may take `JOB_SECONDS`.

        Raises:
            MayGoOn: it was given up, and could not be cancelled.
            CheckFailed: it did not succeed; says how the app put it.
            EndpointUnreachable: no answer.
        """
        began = time.monotonic()
        seconds = JOB_SECONDS if within is None else within
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        patience = GENERATE_WAIT_SECONDS + GENERATE_MARGIN_SECONDS
        try:
            response = self._generate(inputs, headers, patience if within is None else within)
        except NotInTime as error:
            raise MayGoOn(str(error)) from None
        polled = response.status_code == HTTPStatus.ACCEPTED
        if polled:
            path = response.headers.get("location", "")
            try:
                self._follow(path, began, seconds)
            except CheckFailed as error:
                self._cancel(path, str(error))
                raise
            response = self._generate(inputs, headers, patience)  # the same key: the same job's result
        if response.status_code != HTTPStatus.OK:
            raise CheckFailed(f"POST /generate answered {failure(response)}")
        body = json_object(response)
        if body.get("state") != "succeeded":
            raise CheckFailed(f"POST /generate answered 200 with the state {body.get('state')!r}")
        check_shape(body)
        return Answer(
            seconds=time.monotonic() - began, headers=dict(response.headers.items()), body=body, polled=polled
        )

    def download(self, output: JsonObject) -> bytes:
        """The bytes of an output.

        Raises:
            CheckFailed: they are not there, or too many.
            EndpointUnreachable: no answer.
        """
        path = _own(str(output.get("url")))
        with _reaching(f"GET {path}"), self._http.stream("GET", path) as response:
            if response.status_code != HTTPStatus.OK:
                response.read()
                raise CheckFailed(f"GET {path} answered {failure(response)}")
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MAX_OUTPUT_BYTES:
                    raise CheckFailed(f"{path} has more than {MAX_OUTPUT_BYTES:,} bytes")
        return bytes(content)

    def _generate(self, inputs: Mapping[str, object], headers: Mapping[str, str], patience: float) -> httpx.Response:
        """Modal lets no request take longer than 150 s: it answers 303 then, with where the answer will be.

        https://modal.com/docs/guide/webhook-timeouts
        """
        deadline = time.monotonic() + patience
        response = self._request(
            "POST",
            "/generate",
            params={"wait": GENERATE_WAIT_SECONDS},
            json=dict(inputs),
            headers={"Accept": "application/json", **headers},
            timeout=httpx.Timeout(patience, connect=ANSWER_SECONDS),
        )
        for _ in range(MOST_REDIRECTS):
            left = deadline - time.monotonic()
            if response.status_code != HTTPStatus.SEE_OTHER:
                return response
            if left <= 0:
                break
            response = self._request("GET", self._redirected(response), timeout=left)
        raise NotInTime(f"POST /generate was not answered within {patience:.0f} s")

    def _redirected(self, response: httpx.Response) -> str:
        here = httpx.URL(self._url)
        try:
            there = here.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            there = None
        if there is None or there.netloc != here.netloc:
            raise CheckFailed("POST /generate was redirected to something that is no address of the endpoint")
        return there.raw_path.decode("ascii")

    def _cancel(self, path: str, why: str) -> None:
        """End a job that nobody waits for any more.

        Raises:
            MayGoOn: it is not known to have ended.
        """
        deadline = time.monotonic() + CANCEL_SECONDS
        try:
            answer = self._request("DELETE", path)
            while (state := json_object(answer).get("state")) not in _ENDED and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                answer = self.get(path)
        except CheckFailed as error:
            raise MayGoOn(f"{why}; cancelling it failed: {error}") from None
        if state not in _ENDED:
            raise MayGoOn(f"{why}; it was cancelled, and did not end")

    def _follow(self, path: str, began: float, seconds: float) -> None:
        last = ""
        while True:
            job = self.get_json(path)
            if job.get("state") not in {"queued", "running"}:
                return
            progress = as_object(job.get("progress"))
            fraction = progress.get("fraction")
            part = f", {fraction:.0%}" if isinstance(fraction, int | float) else ""
            now = _one_line(f"{job.get('state')}{part} {progress.get('title') or ''}")
            if now != last:
                self._tell(now)
                last = now
            if time.monotonic() > began + seconds:
                raise CheckFailed(f"the job did not end within {seconds:.0f} s (last: {now})")
            time.sleep(POLL_SECONDS)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx' own options
        with _reaching(f"{method} {path}"):
            return self._http.request(method, _own(path), **options)


def _own(path: str) -> str:
    """A path of the endpoint itself: what it links must not send us to anybody else.

    Raises:
        CheckFailed: it is something else.
    """
    if path.startswith("/") and not path.startswith("//"):
        with suppress(httpx.InvalidURL, UnicodeError):
            httpx.URL(path)
            return path
    raise CheckFailed(f"{_one_line(path)!a} is no path of the endpoint")


def failure(response: httpx.Response) -> str:
    """One line for what an answer says went wrong, from its problem document if it has one."""
    status = f"{response.status_code} {response.reason_phrase}".strip()
    try:
        problem = json_object(response)
    except CheckFailed:
        return f"{status}: {_one_line(response.text)}"
    words = [str(problem.get(key)) for key in ("title", "detail", "hint") if problem.get(key)]
    errors = objects(problem.get("errors"))
    words += [f"{error.get('field')} {error.get('message')}" for error in errors[:_SHOWN_ERRORS]]
    return f"{status}: {_one_line('; '.join(words))}"


def json_object(response: httpx.Response) -> JsonObject:
    """The body as a JSON object.

    Raises:
        CheckFailed: it is none.
    """
    try:
        value = response.json()
    except ValueError:
        raise CheckFailed(f"{response.request.url.path} answered with something that is no JSON") from None
    if not isinstance(value, dict):
        raise CheckFailed(f"{response.request.url.path} answered with JSON that is no object")
    return cast("JsonObject", value)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DETAIL_CHARACTERS else f"{line[:_DETAIL_CHARACTERS]}…"


@contextmanager
def _reaching(request: str) -> Generator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise NotInTime(f"{request} was not answered in time") from None
    except httpx.HTTPError as error:
        raise EndpointUnreachable(f"{request} was not answered: {error}") from error
