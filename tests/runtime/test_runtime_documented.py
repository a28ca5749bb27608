"""docs/runtime.md has every endpoint, header, limit, setting, metric and problem that the code has, in the code's words.

`uv run pytest -n0 tests/runtime/test_runtime_documented.py --inline-snapshot=fix` brings its generated part up to date.
"""

from __future__ import annotations

import importlib
import inspect
import re
import time
from pathlib import Path

from inline_snapshot import external_file

from shared import body, bucket, jobs, media, settings, web, webhooks
from shared.metrics import Metrics
from shared.openapi import openapi
from shared.problems import TYPE_BASE, every_problem
from shared.service import Service
from shared.views import RESULT_HEADERS, ProgressView
from shared.webhooks import sign
from tests.runtime.conftest import field, node, write_app

PAGE = Path(__file__).parents[2] / "docs/runtime.md"
GENERATED = "<!-- From here on generated: the test of the documentation compares and updates it. -->\n"
UNITS = {"SECONDS": "s", "BYTES": ""}
LIMITS = {
    "How long `/generate` waits for the result, unless told otherwise": web.DEFAULT_WAIT_SECONDS,
    "The longest `?wait=`": web.MAX_WAIT_SECONDS,
    "Pause that a 202 asks for": web.POLL_AGAIN_SECONDS,
    "Comment that keeps a quiet stream of events open": web.SSE_PING_SECONDS,
    "Characters of an `Idempotency-Key`": web.MAX_KEY_CHARS,
    "Jobs that are kept after their end": jobs.KEEP_JOBS,
    "How long they are kept at most": jobs.KEEP_SECONDS,
    "Outputs that are kept, the newest job's aside": jobs.KEEP_BYTES,
    "The longest pause that a 429 asks for": jobs.MAX_RETRY_AFTER,
    "Between two previews of a job": jobs.PREVIEW_SECONDS,
    "The largest preview that is passed on": jobs.PREVIEW_BYTES,
    "Parts of a form": body.MAX_PARTS,
    "One media input": media.MAX_BYTES,
    "Redirects of a media URL": media.MAX_REDIRECTS,
    "Time to fetch a media URL": media.FETCH_SECONDS,
    "Pauses between the tries of a webhook": webhooks.RETRY_SECONDS,
    "Time for all outputs of a job to reach the bucket": bucket.STORE_SECONDS,
    "Tries after the first of a request to the bucket": bucket.RETRIES,
    "For how long such a request is tried again": bucket.RETRY_SECONDS,
}
INTERNAL = {
    (jobs, "GUESS_SECONDS"),
    (body, "CHUNK_BYTES"),
    (media, "CHUNK_BYTES"),
    (bucket, "PART_BYTES"),
    (bucket, "PARTS_AT_ONCE"),
}
"""Numbers that nobody outside notices."""


def quantity(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(quantity(name, item) for item in value)
    assert isinstance(value, int | float)
    if name.endswith("BYTES"):
        return f"{value / 1024**2:g} MiB" if value >= 1024**2 else f"{value / 1024:g} KiB"
    return f"{value:g} s" if "SECONDS" in name or name == "MAX_RETRY_AFTER" else f"{value:g}"


def constants() -> dict[tuple[object, str], object]:
    """Every bound of the modules that callers meet, with what it is."""
    return {
        (module, name): value
        for module in (web, jobs, body, media, webhooks, bucket)
        for name, value in vars(module).items()
        if re.fullmatch(r"(MAX|KEEP|DEFAULT)_\w+|\w+_(SECONDS|BYTES|CHARS|PARTS)|RETRIES|PARTS_AT_ONCE", name)
        and isinstance(value, int | float | tuple)
    }


def endpoints(tmp_path: Path) -> list[str]:
    service = Service.from_folder(write_app(tmp_path / "app", {"1": node("Say", text="x")}))
    document = openapi(service.asgi(), service.definition)
    lines = ["| endpoint | what it does | parameters |", "|---|---|---|"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = [
                f"`{entry['name']}` ({entry['in']}): {entry['description']}"
                for entry in operation.get("parameters", [])
                if entry["in"] != "path"
            ]
            lines.append(f"| `{method.upper()} {path}` | {operation['summary']} | {'<br>'.join(found)} |")
    pages = [route.path for route in service.asgi().routes if not getattr(route, "include_in_schema", True)]
    words = {
        "/docs": "The reference, as a page",
        "/playground": "A form to try it, as a page",
        "/assets/{name}": "What the pages load",
        "/openapi.json": "The OpenAPI document",
    }
    assert set(pages) == words.keys(), "every page is told"
    return lines + [f"| `GET {path}` | {text} | |" for path, text in words.items()]


def limits() -> list[str]:
    names = constants()
    told = [*LIMITS.values()]
    for key, value in names.items():
        assert key in INTERNAL or value in told, f"{key[1]} of {key[0].__name__} is in no line of LIMITS"
    lines = ["| what | limit |", "|---|---|"]
    for words, value in LIMITS.items():
        name = next(name for (_, name), found in names.items() if found is value or found == value)
        lines.append(f"| {words} | {quantity(name, value)} |")
    return lines


def problems() -> list[str]:
    lines: list[str] = []
    for problem in sorted(every_problem(), key=lambda problem: (problem.status, problem.kind)):
        meaning = inspect.cleandoc(problem.__doc__ or "").splitlines()[0]
        if problem.kind == "internal":
            meaning = "What nobody foresaw."
        hint = f" {problem.default_hint}" if problem.default_hint else ""
        lines += [
            f"### `{problem.kind}` ({problem.status})",
            "",
            f"`{TYPE_BASE}{problem.kind}`",
            "",
            f"{meaning}{hint}",
            "",
        ]
    return lines[:-1]


def variables() -> list[str]:
    lines: list[str] = []
    for model, names in (
        (settings.Settings, settings.ENVIRONMENT),
        (settings.BucketSettings, settings.BUCKET_ENVIRONMENT),
    ):
        assert set(model.model_fields) - {"bucket"} == names.keys(), "every setting has its variable"
        for name, variable in names.items():
            about = model.model_fields[name]
            shown = (
                ""
                if about.is_required() or about.default in {None, ""}
                else f" Default: {default(name, about.default)}."
            )
            words = " ".join((about.description or "").split())
            assert words, name
            lines += [f"### `{variable}`", "", f"{words}{shown}", ""]
    return lines[:-1]


def default(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return f"`{' '.join(['python', *value[1:]])}`"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return quantity(name.upper(), value) if name.endswith(("bytes", "seconds")) else f"`{value}`"


def metrics() -> list[str]:
    page = Metrics().render(waiting=0, engine_ready=True, engine_starts=1)
    told = re.findall(r"^# HELP (\S+) (.+)$", page, re.MULTILINE)
    samples = {name: re.findall(rf'^{name}{{\w+="(\w+)"}}', page, re.MULTILINE) for name, _ in told}
    return [
        f"* `{name}`: {words}" + (f" ({', '.join(samples[name])})" if samples[name] else "") for name, words in told
    ]


def test_the_page_has_everything(tmp_path):
    sections = {
        "Endpoints": endpoints(tmp_path),
        "Headers of a result": [f"* `{name}`: {words}" for name, words in RESULT_HEADERS.items()],
        "Limits": limits(),
        "Problems": [
            "Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) documents with `type`, `title`, `status`, `detail`,",
            "mostly a `hint`, and where it applies `errors` (a list of `field` and `message`), the end of ComfyUI's `log`, and the",
            "`job`. Programs tell them apart by `type`. A job's problem has the status that `/generate` answers with.",
            "",
            *problems(),
        ],
        "Settings": ["Environment variables. An empty one counts as not set.", "", *variables()],
        "Metrics": metrics(),
    }
    generated = "\n".join(f"## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items())
    page = PAGE.read_text().partition(GENERATED)[0] + GENERATED + "\n" + generated
    assert page == external_file(PAGE, format=".txt")


def test_every_header_of_a_result_is_told(app):
    served = app({"1": node("Picture", width=8, height=8)}, {"seed": field("seed", ("1", "seed"))})
    sent = {name for name in served.generate().headers if name.startswith("x-flowberth-")}
    assert sent == {name.lower() for name in RESULT_HEADERS}


def test_every_event_and_its_parts_are_told():
    page = PAGE.read_text()
    source = inspect.getsource(web)
    for event in {"queued", "running", *re.findall(r'"event": "(\w+)"', source)}:
        assert f"| `{event}` |" in page, event
    for name in ProgressView.model_fields:
        assert name in page


def test_the_receiver_of_a_webhook_can_copy_its_check():
    (code,) = re.findall(r"```python\n(import base64.*?)```", PAGE.read_text(), re.DOTALL)
    space: dict[str, object] = {}
    exec(code, space)
    is_genuine = space["is_genuine"]
    assert callable(is_genuine)
    now = int(time.time())
    headers = {
        "Webhook-Id": "job_1",
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": sign(b"s" * 24, "job_1", now, b"{}"),
    }
    assert is_genuine(headers, b"{}", b"s" * 24)
    assert not is_genuine(headers, b"{ }", b"s" * 24)
    assert not is_genuine(headers, b"{}", b"t" * 24)
    old = {**headers, "Webhook-Timestamp": "1", "Webhook-Signature": sign(b"s" * 24, "job_1", 1, b"{}")}
    assert not is_genuine(old, b"{}", b"s" * 24)


def test_the_numbers_of_the_snapshot_name_settings_that_exist():
    assert "FLOWBERTH_SNAPSHOT_TORCH" in settings.ENVIRONMENT.values()
    assert importlib.import_module("shared.process").TORCH_ARGUMENTS == ("--disable-cuda-malloc",)
