"""Every test of an endpoint passes on a good one, and fails on the fault it is there for."""

from __future__ import annotations

import io
import json
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from PIL import Image

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files
from runner.endpoint_tests import Wanted, run_endpoint_tests
from runner.endpoint_tests.requests import right_inputs, varied
from runner.errors import EndpointUnreachable, RunCancelled
from shared.service import Service
from shared.settings import Settings
from tests.engine import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Spoil = Callable[[str, int, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]

EXAMPLES = Path(__file__).parents[2] / "examples"
ALL = [
    "health",
    "root",
    "schema",
    "bad input",
    "generate",
    "output validity",
    "response time",
    "cost headers",
    "two at once",
    "quality",
]


class Spoilt:
    """Lets an app answer, and changes the answer on its way out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.how: Spoil | None = None
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.how is None:
            await self._app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        status, headers, content = self.how(scope["path"], start["status"], headers, bytes(body))
        headers["content-length"] = str(len(content))
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


class Endpoint:
    """An app that is served, whose answers a test can spoil."""

    def __init__(self, url: str, interface: dict[str, Any], prompt: dict[str, Any], spoilt: Spoilt) -> None:
        self.url = url
        self.interface = interface
        self._wanted = Wanted(prompt=prompt)
        self._spoilt = spoilt

    def outcome(self, how: Spoil | None = None) -> Any:
        self._spoilt.how = how
        return run_endpoint_tests(self.url, self.interface, progress=lambda _: None, wanted=self._wanted)

    def failures(self, how: Spoil) -> dict[str, str]:
        return {test.name: test.detail for test in self.outcome(how).tests if not test.passed}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with stand_in("0.3.64") as url:
        yield url


@contextmanager
def served(example: Path, engine: str, folder: Path) -> Iterator[Endpoint]:
    plan = make_plan(parse_workflow(example.read_bytes(), filename=example.name), filename=example.name)
    for name, data in app_files(plan).items():
        (folder / name).write_bytes(data)
    service = Service.from_folder(folder, Settings(engine_url=engine, work_dir=folder))
    service.start()
    spoilt = Spoilt(service.asgi())
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(spoilt, loop="asyncio", log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}", plan.interface, plan.prompt, spoilt)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        service.stop()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def endpoint(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with served(EXAMPLES / "text-to-image.json", engine, tmp_path_factory.mktemp("app")) as running:
        yield running


def test_a_good_endpoint_passes_and_leaves_a_sample(endpoint: Endpoint) -> None:
    outcome = endpoint.outcome()
    assert [(test.name, test.passed, test.detail if not test.passed else "") for test in outcome.tests] == [
        (name, True, "") for name in ALL
    ]
    (one,) = outcome.quality
    measures = {each.name: each.detail for each in one.measures}
    assert (one.output, one.kind, one.passed) == ("image", "image", True)
    assert measures["size"] == "512 × 768 pixels where 512 × 768 were asked for"
    assert outcome.tests[-1].detail == f"image: {one.score:.1f} of 10, {measures['same-seed']}"
    assert "byte for byte" in measures["same-seed"]
    assert outcome.seed == 1
    assert outcome.engine_version == "0.3.64"
    assert outcome.warm_seconds > 0
    assert outcome.cost.usd == pytest.approx(outcome.cost.execution_seconds * outcome.cost.usd_per_second, abs=1e-7)
    assert outcome.sample.file == "sample.png"
    sample = Image.open(io.BytesIO(outcome.sample.data))
    assert sample.size == (512, 768)
    assert sample.info == {}, "ComfyUI's metadata, with the whole workflow, must not be committed again"


def test_a_workflow_that_needs_a_picture_gets_one(engine: str, tmp_path: Path) -> None:
    with served(EXAMPLES / "image-to-image.json", engine, tmp_path) as endpoint:
        outcome = endpoint.outcome()
    assert [test.detail for test in outcome.tests if not test.passed] == []


def of_job(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Changes the JSON of a job that has succeeded."""

    def spoil(path: str, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/generate" and status == 200:
            job = json.loads(body)
            change(job)
            body = json.dumps(job).encode()
        return status, headers, body

    return spoil


def of_header(name: str, value: str | None) -> Spoil:
    def spoil(path: str, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/generate" and status == 200:
            headers = {key: old for key, old in headers.items() if key != name} | ({name: value} if value else {})
        return status, headers, body

    return spoil


def at(wanted: str, *, status: int | None = None, body: bytes | None = None, **json_changes: Any) -> Spoil:
    def spoil(path: str, was: int, headers: dict[str, str], content: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == wanted:
            content = json.dumps({**json.loads(content), **json_changes}).encode() if json_changes else content
            return status or was, headers, content if body is None else body
        return was, headers, content

    return spoil


def output_as(data: bytes) -> Spoil:
    """Other bytes for every output, announced with their true length."""

    def spoil(path: str, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if "/outputs/" in path:
            return status, headers, data
        return of_job(lambda job: job["outputs"][0].update(bytes=len(data)))(path, status, headers, body)

    return spoil


def picture(colour: object, size: tuple[int, int] = (512, 768), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("how", "test", "words"),
    [
        (at("/health", status=503, body=b'{"title": "ComfyUI is starting"}'), "health", "503"),
        (at("/health", engine="something else"), "health", "'something else'"),
        (at("/health", body=b"[]"), "health", "no object"),
        (at("/", name="another-app"), "root", "'another-app'"),
        (at("/", lock_sha256="abc"), "root", "lock_sha256"),
        (at("/playground", status=404), "root", "playground"),
        (at("/schema", properties={}), "schema", "not the app's interface.json"),
        (of_job(lambda job: job.update(state="failed")), "generate", "'failed'"),
        (of_job(lambda job: job.update(seed=7)), "generate", "the seed 1 was sent, and 7 was used"),
        (of_job(lambda job: job.update(outputs=[])), "generate", "no output image"),
        (output_as(b""), "output validity", "is empty"),
        (output_as(b"not a picture"), "output validity", "no picture"),
        (output_as(picture("black")), "output validity", "blank"),
        (output_as(picture((9, 9, 9, 0), mode="RGBA")), "output validity", "blank"),
        (output_as(picture("red", (64, 64))), "output validity", "64 × 64 pixels where 512 × 768 were announced"),
        (of_job(lambda job: job["outputs"][0].update(bytes=1)), "output validity", "where 1 were announced"),
        (of_job(lambda job: job["outputs"][0].update(kind="video")), "output validity", "video"),
        (of_header("x-flowberth-cost-usd", "99"), "cost headers", "X-Flowberth-Cost-Usd is 99"),
        (of_header("x-flowberth-cost-usd", None), "cost headers", "not a number"),
        (of_header("x-flowberth-cost-usd", "nan"), "cost headers", "not a number"),
        (of_header("x-flowberth-cold-start-seconds", "inf"), "cost headers", "not a number"),
        (of_job(lambda job: job.pop("cost")), "generate", "cost: Field required"),
        (of_job(lambda job: job["seconds"].update(execution="fast")), "generate", "seconds.execution"),
        (of_job(lambda job: job["outputs"][0].pop("name")), "generate", "outputs.0.name"),
        (of_job(lambda job: job["outputs"][0].update(url="https://else.test/")), "output validity", "no path of the"),
        (of_job(lambda job: job["outputs"][0].update(url="//else.test/")), "output validity", "no path of the"),
        (at("/", links=["none"]), "root", "'None' is no path"),
        (at("/", links={"health": "http://169.254.169.254/"}), "root", "is no path of the endpoint"),
        (at("/health", status=500, body=b'{"errors": ["text", 1]}'), "health", "500"),
        (of_header("x-flowberth-execution-seconds", "1e9"), "cost headers", "X-Flowberth"),
        (of_header("x-flowberth-seed", "3"), "cost headers", "X-Flowberth-Seed"),
        (of_header("x-flowberth-cost-basis", "guess"), "cost headers", "'guess'"),
        (of_header("x-flowberth-gpu", "H100"), "cost headers", "'H100'"),
        (of_job(lambda job: job.update(job="same")), "two at once", "the same job"),
    ],
)
def test_a_fault_fails_the_test_it_is_for(endpoint: Endpoint, how: Spoil, test: str, words: str) -> None:
    failures = endpoint.failures(how)
    assert words in failures[test]


def test_a_long_job_is_followed_to_its_end(endpoint: Endpoint) -> None:
    answered: set[str] = set()

    def at_first_accepted(
        path: str, status: int, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if path == "/generate" and status == 200 and (job := json.loads(body)["job"]) not in answered:
            answered.add(job)
            return 202, {**headers, "location": f"/jobs/{job}"}, body
        return status, headers, body

    assert endpoint.failures(at_first_accepted) == {}
    assert len(answered) == 4


def refusals(change: Callable[[dict[str, str], bytes], tuple[int, dict[str, str], bytes]]) -> Spoil:
    return lambda path, status, headers, body: (
        change(headers, body) if path == "/generate" and status == 422 else (status, headers, body)
    )


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (refusals(lambda headers, body: (200, headers, body)), "an unknown input was answered 200"),
        (refusals(lambda headers, body: (422, {**headers, "content-type": "text/html"}, body)), "text/html"),
        (refusals(lambda headers, body: (422, headers, body + b"Traceback (most recent call last)")), "stack trace"),
        (refusals(lambda headers, body: (422, headers, b'{"errors": []}')), "without naming"),
    ],
)
def test_refusals_that_do_not_help_are_faults(endpoint: Endpoint, how: Spoil, words: str) -> None:
    assert words in endpoint.failures(how)["bad input"]


def test_after_a_failed_call_the_rest_says_so_and_nothing_is_a_sample(endpoint: Endpoint) -> None:
    outcome = endpoint.outcome(of_job(lambda job: job.update(state="failed")))
    words = "not tested, because the call before failed"
    assert [test.detail for test in outcome.tests[-5:-3]] == [
        words,
        words,
    ]
    assert outcome.sample is None
    assert outcome.cost.usd == 0


def test_hostile_words_of_an_endpoint_are_one_short_line(endpoint: Endpoint) -> None:
    (detail,) = (
        endpoint.failures(at("/health", status=500, body=b"\x1b[31m\n" + b"x" * 100_000))[name] for name in ["health"]
    )
    assert len(detail) < 500
    assert "\n" not in detail


def test_an_endpoint_that_is_gone_is_an_error_of_its_own(endpoint: Endpoint) -> None:
    with pytest.raises(EndpointUnreachable, match="GET /health"):
        run_endpoint_tests("http://127.0.0.1:9", endpoint.interface, progress=lambda _: None)


def test_a_cancelled_run_stops_between_tests(endpoint: Endpoint) -> None:
    told: list[str] = []

    def progress(name: str) -> None:
        told.append(name)
        if name == "schema":
            raise RunCancelled("enough")

    with pytest.raises(RunCancelled):
        run_endpoint_tests(endpoint.url, endpoint.interface, progress=progress)
    assert told == ["health", "root", "schema"]


def declared(**kinds: str) -> dict[str, Any]:
    """An interface with inputs of these kinds, each with a default."""
    defaults: dict[str, Any] = {"text": "a cat", "number": 0.5, "integer": 3, "boolean": True}
    return {
        "properties": {
            name: {"default": defaults.get(kind), "maximum": 3, "x-flowberth": {"kind": kind}}
            if kind in {"number", "integer"}
            else {"default": defaults.get(kind), "x-flowberth": {"kind": kind}}
            for name, kind in kinds.items()
        },
        "required": [],
    }


@pytest.mark.parametrize(
    ("interface", "name", "values"),
    [
        (declared(seed="seed", prompt="text"), None, {"seed": 2}),
        (declared(width="integer", prompt="text"), "prompt", {"prompt": "a cat (1)"}),
        (declared(expression="text", strength="number"), "strength", {"strength": 0.51}),
        (declared(width="integer", strength="number"), "strength", {"strength": 0.51}),
        (declared(width="integer"), "width", {"width": 2}),
        (declared(expression="text", flag="boolean"), None, {}),
    ],
)
def test_two_calls_differ_in_something_that_may_differ(
    interface: dict[str, Any], name: str | None, values: dict[str, Any]
) -> None:
    assert varied(interface) == name
    assert right_inputs(interface, 1) == values


def test_another_picture_is_another_picture() -> None:
    interface = declared(image="image", width="integer")
    assert varied(interface) == "image"
    first, second = (right_inputs(interface, variant)["image"] for variant in (0, 1))
    assert first != second


def noise() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((512, 768), 90).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def test_noise_is_a_valid_picture_and_no_good_one(endpoint: Endpoint) -> None:
    failures = endpoint.failures(output_as(noise()))
    assert set(failures) == {"quality"}
    assert "image: noise has 0.0 of 10, below 2" in failures["quality"]
