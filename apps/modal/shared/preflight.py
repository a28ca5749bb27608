"""What can be found out without a GPU: whether ComfyUI starts with its packs, and whether it would take the prompt.

ComfyUI is started on the CPU with its queue held (`held.py`), and asked over HTTP as ever: for the definitions of the
classes that the prompt uses, and what `POST /prompt` says of it. What was found is one JSON document, bounded in size,
whatever a log or a definition holds; everything in it is text of other people. On Modal the function `preflight` of
`app.py` returns it as text; on a laptop it is written to a file: `python -m shared.preflight FOLDER FILE`.
"""

from __future__ import annotations

import copy
import io
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

import httpx
from PIL import Image

from shared.command import held_on_cpu, is_script, with_arguments
from shared.definition import MEDIA_KINDS, Definition, DefinitionError, InputField
from shared.engine import Engine, EngineFailed, EngineProcess, RemoteEngine
from shared.json_values import JsonObject, as_object, is_object, loads
from shared.models import ModelUnavailable, link_models
from shared.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Generator

ANSWER_BYTES = 16 * 1024 * 1024
"""Of one answer of ComfyUI. A refusal quotes whole lists of models; a definition has them too."""
ANSWER_SECONDS = 60.0
"""For one. Validation reads no models, but a pack's own checks may read a disk."""
ASKING_SECONDS = 240.0
"""For all of them."""
DEATH_SECONDS = 2.0
"""After a connection broke: whether ComfyUI has died shows within this."""
DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of definitions in the document; those that do not fit are left out, the largest first."""
TEXT_CHARS = 20_000
"""Of any text in the document, such as a stack trace."""
LIST_ITEMS = 2000
"""Of any list in it."""
NESTING = 30
"""ComfyUI's definitions have seven levels."""
LOG_LINES = 300
LOG_CHARS = 40_000
MOST_CLASSES = 1000
"""That are asked for. The largest workflows have a tenth of that."""
MOST_PACKS = 500
MARGIN_SECONDS = 300
"""What the whole takes at most beside the start of ComfyUI: asking, and ending it."""
PLACEHOLDERS = {"image": ".png", "mask": ".png", "video": ".mp4", "audio": ".wav", "mesh": ".glb", "file": ".bin"}
"""Files that callers bring are there under such a name, because ComfyUI refuses a prompt whose files are missing."""


@dataclass
class Found:
    """What was found out so far."""

    engine_version: str = ""
    missing_classes: list[str] = field(default_factory=list[str])
    definitions: JsonObject = field(default_factory=dict[str, Any])
    prompt: JsonObject | None = None
    """How the prompt was refused; `None` when it was taken, and when nobody was asked."""
    versions: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Failure:
    """Why there is nothing to find out."""

    stage: Literal["models", "boot", "preflight"]
    """What would have to be better: the models, the start of ComfyUI, or what it answers."""
    message: str


def report(folder: Path, store: Path | None = None, models: Path | None = None) -> str:
    """The document of an app's folder, as JSON text. With `store`, its models are linked into `models` first.

    What goes wrong is in the document, too.
    """
    try:
        if store is not None and models is not None:
            link_models(folder / "app.lock.json", store, models)
        document = preflight(folder, Settings.from_environment())
    except ModelUnavailable as error:
        document = _document(Found(), failure=Failure("models", str(error)), engine=None, seconds=0.0)
    except (DefinitionError, SettingsError) as error:
        document = _document(Found(), failure=Failure("preflight", str(error)), engine=None, seconds=0.0)
    return json.dumps(document, allow_nan=False)


def preflight(folder: Path, settings: Settings) -> JsonObject:
    """Start ComfyUI, ask it, end it.

    Raises:
        DefinitionError: the folder is not one this runtime can serve.
    """
    began = time.monotonic()
    definition = Definition.from_folder(folder)
    found, failure = Found(), None
    with tempfile.TemporaryDirectory(prefix="flowberth-preflight-", ignore_cleanup_errors=True) as scratch:
        facts = Path(scratch) / "facts.json"
        engine = _engine(definition, settings, facts)
        try:
            engine.start()
            with _server(engine.status().url) as server:
                _ask(server, definition, found, _read_facts(facts))
        except EngineFailed as error:
            failure = Failure("boot", str(error).partition("\n")[0])
        except httpx.HTTPError as error:
            reason = engine.wait_change(engine.status().generation, DEATH_SECONDS).reason
            failure = Failure("preflight", reason or f"ComfyUI does not answer: {error}")
        except (ValueError, RecursionError) as error:
            failure = Failure("preflight", f"ComfyUI gave an answer that is not understood: {error}")
        finally:
            engine.stop()
        found.versions = _versions(_read_facts(facts), settings) | found.versions
    needed = frozenset(pack.name.casefold() for pack in definition.lock.packs)
    return _document(found, failure=failure, engine=engine, seconds=time.monotonic() - began, needed=needed)


def _engine(definition: Definition, settings: Settings, facts: Path) -> Engine:
    startup = definition.lock.timeouts.startup_seconds
    if settings.engine_url:
        return RemoteEngine(settings.engine_url, startup_seconds=startup)
    command = with_arguments(settings.engine_command, definition.lock.comfyui.arguments)
    return EngineProcess(held_on_cpu(command, facts), cwd=settings.engine_cwd, startup_seconds=startup)


class _Server:
    """ComfyUI's HTTP, with bounds on what is read and on how long it takes."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._ends = time.monotonic() + ASKING_SECONDS

    def json(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:  # noqa: ANN401 - httpx's own
        """Status and body.

        Raises:
            ValueError: the answer is not JSON, or does not end.
            httpx.HTTPError: there is none.
        """
        data = bytearray()
        with self._http.stream(method, path, **arguments) as answer:
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > ANSWER_BYTES or time.monotonic() > self._ends:
                    raise ValueError(f"the answer of {path[:100]} is too long")
        if answer.headers.get("content-type", "").startswith("application/json"):
            return answer.status_code, loads(data.decode("utf-8", "replace"))
        return answer.status_code, data.decode("utf-8", "replace")[:TEXT_CHARS]


@contextmanager
def _server(url: str) -> Generator[_Server]:
    with httpx.Client(base_url=url, timeout=ANSWER_SECONDS, trust_env=False) as http:
        yield _Server(http)


def _ask(server: _Server, definition: Definition, found: Found, facts: JsonObject) -> None:
    system = as_object(as_object(server.json("GET", "/system_stats")[1]).get("system"))
    found.engine_version = _short(system.get("comfyui_version"))
    said = {"comfyui": "comfyui_version", "python": "python_version", "torch": "pytorch_version"}
    # `3.12.1 (main, …)` is too long; torch says what it was built for (`2.9.0+cu128`), which its metadata may not
    found.versions = {name: _short(system.get(key)).partition(" ")[0] for name, key in said.items() if system.get(key)}
    classes = dict.fromkeys(str(as_object(node).get("class_type")) for node in definition.prompt.values())
    for class_type in list(classes)[:MOST_CLASSES]:
        status, body = server.json("GET", f"/object_info/{quote(class_type, safe='')}")
        if is_object(body) and is_object(body.get(class_type)):
            found.definitions[class_type] = bounded(body[class_type])
        elif status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:  # else it is there, and its definition fails
            found.missing_classes.append(class_type)
    # A ComfyUI that somebody else runs would begin to execute what it takes.
    if facts or system.get("flowberth_stand_in"):
        found.prompt = _validated(server, definition)


def _validated(server: _Server, definition: Definition) -> JsonObject | None:
    """How the server refuses the prompt, with files in place of those that callers bring; `None`: it does not."""
    prompt = copy.deepcopy(definition.prompt)
    for brought in definition.inputs:
        if brought.required and brought.kind in MEDIA_KINDS:
            name = _upload(server, brought)
            for node, target in brought.targets:
                prompt[node].setdefault("inputs", {})[target] = name
    status, body = server.json("POST", "/prompt", json={"prompt": prompt})
    answer = as_object(body)
    if isinstance(answer.get("prompt_id"), str):  # the stand-in has begun with it
        server.json("POST", "/queue", json={"delete": [answer["prompt_id"]]})
        server.json("POST", "/interrupt", json={"prompt_id": answer["prompt_id"]})
    error, faults = answer.get("error"), as_object(answer.get("node_errors"))
    if error is None and status != HTTPStatus.OK:
        error = {"type": "server_error", "message": f"/prompt answered {status}", "details": str(body)[:TEXT_CHARS]}
    return {"error": bounded(error), "node_errors": bounded(faults)} if error or faults else None


def _upload(server: _Server, brought: InputField) -> str:
    suffix = PLACEHOLDERS[brought.kind]
    buffer = io.BytesIO(b"a placeholder of the preflight")
    if suffix == ".png":
        Image.new("RGBA", (64, 64)).save(buffer, "PNG")
    files = {"image": (f"flowberth-preflight{suffix}", buffer.getvalue(), "application/octet-stream")}
    _, body = server.json("POST", "/upload/image", files=files, data={"type": "input", "overwrite": "true"})
    return str(as_object(body).get("name"))


def _document(
    found: Found,
    *,
    failure: Failure | None,
    engine: Engine | None,
    seconds: float,
    needed: frozenset[str] = frozenset(),
) -> JsonObject:
    failed = engine.log.failed_imports() if engine else ()
    tail = "\n".join(engine.log.whole_tail(LOG_LINES)) if engine else ""
    return {
        # A pack that is there for other apps may be broken: what this one needs of it would be a missing class.
        "passed": failure is None
        and not found.missing_classes
        and found.prompt is None
        and not any(one.pack.casefold() in needed for one in failed),
        "failure": failure and asdict(failure),
        "engine_version": found.engine_version,
        "imports": [
            {"pack": one.pack, "error": one.reason, "traceback": one.traceback[-TEXT_CHARS:]} for one in failed
        ],
        **{key: value for key, value in asdict(found).items() if key in {"missing_classes", "prompt", "versions"}},
        "definitions": fitting(found.definitions),
        "log_tail": tail[-LOG_CHARS:],
        "seconds": round(seconds, 3),
    }


def fitting(definitions: JsonObject) -> JsonObject:
    """As many as fit into the document, the smallest first; in the order given."""
    sizes = {name: len(json.dumps(value)) for name, value in definitions.items()}
    left, kept = DOCUMENT_BYTES, set[str]()
    for name in sorted(sizes, key=lambda name: sizes[name]):
        left -= sizes[name]
        if left >= 0:
            kept.add(name)
    return {name: value for name, value in definitions.items() if name in kept}


def bounded(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """The value with long texts and lists cut off, and as numbers only those that JSON has."""
    if depth > NESTING:
        return None
    match value:
        case str():
            return value[:TEXT_CHARS]
        case float():
            return value if abs(value) < float("inf") else None
        case list():
            return [bounded(one, depth + 1) for one in cast("list[Any]", value)[:LIST_ITEMS]]
        case dict():
            items = list(cast("JsonObject", value).items())[:LIST_ITEMS]
            return {str(key)[:TEXT_CHARS]: bounded(one, depth + 1) for key, one in items}
        case _:
            return value


def _read_facts(path: Path) -> JsonObject:
    try:
        return as_object(loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _versions(facts: JsonObject, settings: Settings) -> dict[str, str]:
    """Python, its distributions, and the commits of packs, as `custom_nodes/<folder>` and `libraries/<folder>`."""
    if not facts or not is_script(settings.engine_command):
        return {}
    found = {name: _short(version) for name, version in as_object(facts.get("distributions")).items()}
    found["python"] = _short(facts.get("python"))
    comfyui = Path(settings.engine_command[1]).parent
    for folder in (comfyui / "custom_nodes", comfyui.parent / "libraries"):
        packs = sorted(folder.iterdir())[:MOST_PACKS] if folder.is_dir() else []
        found |= {f"{folder.name}/{pack.name}": commit for pack in packs if (commit := _commit(pack))}
    return found


def _commit(pack: Path) -> str:
    """Of a git checkout, read from its files; empty when there is none."""
    git = pack / ".git"
    try:
        head = _beginning(git / "HEAD")
        if head.startswith("ref: "):
            head = _beginning(git / head.removeprefix("ref: "))
    except (OSError, ValueError):
        return ""
    return head if len(head) == 40 and all(letter in "0123456789abcdef" for letter in head) else ""  # noqa: PLR2004 - SHA-1


def _beginning(path: Path) -> str:
    if not path.is_file():  # what others have put there may be a pipe
        return ""
    with path.open() as file:
        return file.read(200).strip()


def _short(value: object) -> str:
    return str(value or "")[:200]


def main(arguments: list[str]) -> None:
    """Write the document of a folder to a file that appears when it is whole."""
    folder, target = map(Path, arguments)
    partial = target.with_suffix(".partial")
    partial.write_text(report(folder))
    partial.replace(target)


if __name__ == "__main__":
    main(sys.argv[1:])
