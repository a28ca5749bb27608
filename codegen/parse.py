"""From the bytes that somebody sent to a `Workflow`."""

from __future__ import annotations

from typing import Any

from codegen import media, strict_json
from codegen.errors import NotAWorkflow, WorkflowError
from codegen.json_values import as_object, is_list, is_object
from codegen.model import JsonObject, Workflow

ACCEPTED = (
    "accepted are: ComfyUI's workflow file (an object with a list `nodes`), its API export (an object of nodes with "
    '`class_type`), an API export wrapped as {"prompt": …}, or a PNG saved by ComfyUI'
)
WRAPPERS = ("prompt", "workflow", "output")
"""Keys under which requests to `POST /prompt`, histories and other tools put a workflow."""
_SIGNATURES = {
    b"\xff\xd8\xff": "a JPEG picture (ComfyUI embeds workflows in PNG files)",
    b"GIF8": "a GIF picture",
    b"PK\x03\x04": "a zip archive; send the JSON file inside it",
    b"RIFF": "a RIFF file (WebP, WAV or AVI)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive; send the JSON file inside it",
    b"<": "HTML or XML; if it was downloaded from a web page, use its raw or download link",
}


def parse_workflow(data: bytes, *, filename: str) -> Workflow:
    """Understand a submission. `filename` only serves the messages.

    Raises:
        NotAWorkflow: says what was found and what is accepted.
        MalformedJson: says where the JSON breaks, or which limit it passes.
    """
    try:
        return _understand(data)
    except WorkflowError as error:
        raise type(error)(f"{ascii(filename)[1:-1][:SHOWN_NAME]}: {error}") from None


def _understand(data: bytes) -> Workflow:
    if data.startswith(media.PNG_SIGNATURE):
        data = media.workflow_text(data)
    stripped = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not stripped:
        raise NotAWorkflow(f"the file is empty; {ACCEPTED}")
    for signature, what in _SIGNATURES.items():
        if stripped.startswith(signature):
            raise NotAWorkflow(f"found {what}; {ACCEPTED}")
    return _recognise(strict_json.loads(data), data)


def _recognise(value: Any, source: bytes) -> Workflow:  # noqa: ANN401 - any JSON value
    found = as_object(value)
    for document in (found, *(as_object(found.get(key)) for key in WRAPPERS)):
        if is_list(document.get("nodes")):
            return Workflow(kind="ui", document=document, source=source, title=_title(document))
        if _is_prompt(document):
            return Workflow(kind="api", document=document, source=source)
    raise NotAWorkflow(f"found {_describe(value)}; {ACCEPTED}")


def _is_prompt(document: JsonObject) -> bool:
    """Every entry is a node: a stray key would be an unknown node to the server, which refuses such a prompt whole."""
    return bool(document) and all(
        is_object(node) and "class_type" in node and is_object(node.get("inputs", {})) for node in document.values()
    )


def _title(document: JsonObject) -> str | None:
    extra = as_object(document.get("extra"))
    info = as_object(extra.get("info"))
    candidates = (document.get("title"), document.get("name"), extra.get("title"), extra.get("name"), info.get("name"))
    return next((text.strip() for text in candidates if isinstance(text, str) and text.strip()), None)


SHOWN_NAME = 80
"""Characters of a file's name in a message."""
SHOWN_KEYS = 6
"""Of a JSON object that is no workflow, in the message."""


def _describe(value: Any) -> str:  # noqa: ANN401
    if is_object(value):
        keys = [ascii(key)[:30] for key in value]
        more = ", …" if len(keys) > SHOWN_KEYS else ""
        return f"a JSON object with the keys {', '.join(keys[:SHOWN_KEYS])}{more}" if keys else "an empty JSON object"
    match value:
        case list():
            return "a JSON list"
        case None:
            return "null"
        case bool() | int() | float():
            return "a single JSON value"
        case _:
            return "a JSON text"
