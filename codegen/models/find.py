"""The models of a workflow: one pin for each file that a loader names, and what is left to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from codegen.answers import NO_ANSWERS, Answers
from codegen.facts import NOTHING_LOOKED_UP, Facts, ModelFacts
from codegen.lock import ModelPin, is_model_path
from codegen.model import Finding, Frozen, JsonObject, Workflow
from codegen.models import told
from codegen.models.embedded import EmbeddedModel, embedded_models
from codegen.models.index import ModelIndex, model_index
from codegen.models.loaders import NamedFile, named_files
from codegen.models.notes import LinkedModel, linked_models
from codegen.models.sizes import guess_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


PINNED: Final = "pinned from "
"""How the source of a pin begins that an entry of the knowledge base gave."""


class FoundModel(Frozen):
    """A pin with what planning needs beside it."""

    pin: ModelPin
    about_bytes: int | None
    """The size: exact if the pin has it, else what a note, the index or the name says; `None` if nothing does."""
    nodes: tuple[str, ...]
    """Which nodes of the prompt load it."""
    missing: bool = False
    """Nothing is at its address."""


class Models(Frozen):
    """All of one workflow, by folder and file."""

    found: tuple[FoundModel, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def nodes(self) -> frozenset[str]:
        """All that load a file."""
        return frozenset(node for model in self.found for node in model.nodes)

    @property
    def pins(self) -> tuple[ModelPin, ...]:
        """What goes into the lock."""
        return tuple(model.pin for model in self.found)


def find_models(
    workflow: Workflow,
    prompt: JsonObject,
    *,
    facts: Facts = NOTHING_LOOKED_UP,
    answers: Answers = NO_ANSWERS,
    index: Callable[[], ModelIndex] = model_index,
) -> Models:
    """Every file that a loader of the prompt names.

    Its address is the one that a person has answered; else the one that the file itself gives, in its nodes or else in
    its notes; then that of the index; then one that was looked up.
    """
    files = tuple(named_files(prompt))
    if not files:
        return Models(findings=tuple(map(told.unused, answers.models)))
    sources = _Sources(workflow, facts, index(), answers)
    named: dict[tuple[str, str], list[NamedFile]] = {}
    findings: list[Finding] = []
    for one in files:
        folder = sources.folder(one)
        if not is_model_path(one.file):
            findings.append(told.unusable(one))
        elif folder is not None:
            named.setdefault((folder, one.file), []).append(one)
        else:
            findings.append(told.homeless(one))
    findings.extend(
        told.unused(name) for name in answers.models if name not in {f"{folder}/{file}" for folder, file in named}
    )
    found: list[FoundModel] = []
    for (folder, file), uses in sorted(named.items()):
        model, said = sources.model(folder, file, uses)
        found.append(model)
        findings.extend(said)
    return Models(found=tuple(found), findings=tuple(findings))


def completed(pin: ModelPin, nodes: tuple[str, ...], facts: Facts) -> tuple[FoundModel, list[Finding]]:
    """A pin that a person has put into the lock, with what was looked up of it."""
    looked_up = facts.model(pin.url)
    about_bytes = pin.bytes or guess_bytes(pin.folder, pin.file)
    if looked_up is None:
        return FoundModel(pin=pin, about_bytes=about_bytes, nodes=nodes), []
    whole = _completed(pin, looked_up)
    return FoundModel(
        pin=whole, about_bytes=whole.bytes or about_bytes, nodes=nodes, missing=looked_up.state == "missing"
    ), told.about(pin, looked_up, nodes[0] if nodes else None)


class _Sources:
    """Who says what of a file."""

    def __init__(self, workflow: Workflow, facts: Facts, index: ModelIndex, answers: Answers) -> None:
        self._embedded = _first(embedded_models(workflow))
        self._notes: dict[str, dict[str, LinkedModel]] = {}
        for link in linked_models(workflow):
            self._notes.setdefault(link.file, {}).setdefault(link.url, link)
        self._facts = facts
        self._index = index
        self._answers = answers

    def folder(self, named: NamedFile) -> str | None:
        """What the file says of itself, else its loader, else the index where one folder alone has such a file.

        What people answer counts where all of them are silent.
        """
        embedded = self._of(named.file)
        if embedded and embedded.folder:
            return embedded.folder
        indexed = self._index.find(named.folder, named.file)
        return (indexed[0].folder if indexed else named.folder) or self._answers.folder_of(named.file)

    def model(self, folder: str, file: str, uses: list[NamedFile]) -> tuple[FoundModel, list[Finding]]:
        node = uses[0].node
        pin, others = self._pin(folder, file)
        usual = [model.url for model in self._index.find(folder, file) if model.templates]
        looked_up = self._facts.model(pin.url)
        findings = [told.ambiguous(file, pin, others, node)] if others else []
        if pin.source in {"civitai", "hugging-face"}:
            findings.append(told.found_by_name(pin, node))
        if pin.source.startswith(PINNED):
            findings.append(told.known(pin, node))
        found = self._facts.address(folder, file)
        if looked_up and looked_up.state == "missing" and found and found.sha256 == pin.sha256 is not None:
            findings.append(told.moved(pin, found, node))
            pin = pin.model_copy(update={"url": found.url, "source": found.source})
            looked_up = self._facts.model(pin.url)
        if pin.source == "answer":
            findings.append(told.answered(pin, self._meant(folder, file), looked_up, node))
        if looked_up:
            findings.extend(told.about(pin, looked_up, node))
            pin = _completed(pin, looked_up)
        elif pin.url is None:
            findings.append(told.unknown(folder, file, node))
        elif usual and pin.source in {"properties.models", "note"} and _bare(pin.url) not in map(_bare, usual):
            findings.append(told.elsewhere(pin, usual[0], node))
        return FoundModel(
            pin=pin,
            about_bytes=pin.bytes or self._about(folder, file),
            nodes=tuple(dict.fromkeys(use.node for use in uses)),
            missing=looked_up is not None and looked_up.state == "missing",
        ), findings

    def _pin(self, folder: str, file: str) -> tuple[ModelPin, list[str]]:
        """With the addresses that might be meant as well."""
        embedded = self._of(file)
        answered = self._answers.models.get(f"{folder}/{file}")
        if answered:
            same = embedded.sha256 if embedded and _bare(embedded.url) == _bare(answered) else None
            return _pinned(folder, file, answered, same or self._digest(folder, file, answered), "answer"), []
        if embedded:
            known = embedded.sha256 or self._digest(folder, file, embedded.url)
            return _pinned(folder, file, embedded.url, known, "properties.models"), []
        linked = list(self._links(file).values())
        indexed = self._index.find(folder, file)
        addresses = {model.url for model in indexed}
        if linked:
            best = next((link for link in linked if link.url in addresses), linked[0])
            others = [link.url for link in linked if link.url != best.url] if best.url not in addresses else []
            return _pinned(folder, file, best.url, self._digest(folder, file, best.url), "note"), others
        if indexed:
            first, *rest = indexed
            source = "index" if first.templates else "manager-list"
            return _pinned(folder, file, first.url, first.sha256, source), [model.url for model in rest]
        found = self._facts.address(folder, file)
        if found:
            return _pinned(folder, file, found.url, found.sha256, found.source), []
        return ModelPin(folder=folder, file=file, source="unknown"), []

    def _of(self, file: str) -> EmbeddedModel | None:
        return self._embedded.get(file) or self._embedded.get(_name(file))

    def _links(self, file: str) -> dict[str, LinkedModel]:
        return self._notes.get(_name(file), {})

    def _digest(self, folder: str, file: str, url: str) -> str | None:
        return next((one.sha256 for one in self._index.find(folder, file) if one.url == url), None)

    def _meant(self, folder: str, file: str) -> str | None:
        """Hash of the file that the workflow was made with, if it or an official template says it."""
        embedded = self._of(file)
        indexed = self._index.find(folder, file)
        return (embedded.sha256 if embedded else None) or (indexed[0].sha256 if len(indexed) == 1 else None)

    def _about(self, folder: str, file: str) -> int | None:
        noted = max((link.about_bytes or 0 for link in self._links(file).values()), default=0)
        return self._index.about(folder, file) or noted or guess_bytes(folder, file)


def _first(models: Iterable[EmbeddedModel]) -> dict[str, EmbeddedModel]:
    found: dict[str, EmbeddedModel] = {}
    for model in models:
        found.setdefault(model.file, model)
    return found


def _pinned(folder: str, file: str, url: str, sha256: str | None, source: str) -> ModelPin:
    return ModelPin(folder=folder, file=file, url=url, sha256=sha256, source=source)


def _completed(pin: ModelPin, facts: ModelFacts) -> ModelPin:
    """What the workflow says of the hash stays: it is what its author meant, and a difference must show."""
    return pin.model_copy(
        update={
            "sha256": pin.sha256 or facts.sha256,
            "bytes": facts.bytes,
            "gated": facts.state == "gated" if facts.state != "missing" else None,
            "licence": facts.licence,
        }
    )


def _bare(url: str) -> str:
    return url.partition("?")[0]


def _name(file: str) -> str:
    return file.rsplit("/", 1)[-1]
