"""The values that travel through the pipeline."""

from __future__ import annotations

from typing import Any, Literal, NewType, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

AppName = NewType("AppName", str)
"""Name of an app: folder, branch suffix and Modal app in one. Made only by `codegen.naming.app_name`."""

ClassType = NewType("ClassType", str)
"""A ComfyUI node class, such as `KSampler`."""

NodeId = NewType("NodeId", str)
"""Id of a node in an API prompt; `host:inner` for nodes inside a subgraph."""

JsonObject: TypeAlias = dict[str, Any]


class Frozen(BaseModel):
    """Base of our values: immutable, and strict about fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(Frozen):
    """What a person can settle with one line in a comment."""

    about: Literal["pack", "model"]
    name: str
    """The node class, or `folder/file` of the model."""
    text: str
    """One sentence, fit for people; names of the workflow in it are shortened and printable."""
    example_answer: str
    """The line to answer with, complete but for what only the person knows: `pack KSampler+ = https://…`."""


class Finding(Frozen):
    """Something a reader of the pull request should know about the workflow."""

    code: str
    """Stable kebab-case identifier, such as `unknown-class` or `needs-preflight`."""
    severity: Literal["info", "warning", "error"]
    message: str
    """One sentence, fit for people; hostile text in it is quoted with `repr`-like care by whoever renders it."""
    node: str | None = None
    hint: str | None = None
    """What to do about it."""
    questions: tuple[Question, ...] = Field(default=(), exclude_if=lambda questions: not questions)
    """Whose answers would settle it."""


class Workflow(Frozen):
    """A parsed submission. `document` is the UI graph or the API prompt, already unwrapped."""

    kind: Literal["ui", "api"]
    document: JsonObject
    source: bytes
    """The JSON text as submitted, byte for byte (for a picture: the text embedded in it)."""
    title: str | None = None
    """A human title found in the file, if any."""


class PromptNode(Frozen):
    """One node of an API prompt."""

    class_type: str | None
    """`None` when the frontend itself does not know the type; the server refuses such a prompt."""
    inputs: JsonObject
    title: str | None = None


class Conversion(Frozen):
    """What `graphToPrompt` would send, and what had to be decided on the way."""

    prompt: JsonObject
    """`{node id: {"class_type", "inputs", "_meta": {"title"}}}`, in the frontend's order."""
    findings: tuple[Finding, ...] = ()
