"""What people are told of the models of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.model import Finding
from codegen.questions import about_model

if TYPE_CHECKING:
    from codegen.facts import ModelAddress, ModelFacts
    from codegen.lock import ModelPin
    from codegen.models.loaders import NamedFile

_WHO = {
    "note": "the notes have",
    "index": "as many official templates have",
    "manager-list": "ComfyUI-Manager's list has",
}


def about(pin: ModelPin, facts: ModelFacts, node: str | None) -> list[Finding]:
    """What the server that has the file says of it, as far as it keeps the app from having it."""
    shown = f"{_shown(pin.file)} ({pin.folder})"
    findings: list[Finding] = []
    if facts.state == "missing":
        findings.append(
            Finding(
                code="missing-model",
                severity="error",
                message=f"there is no file at the address of {shown}: {_shown(pin.url or '')}",
                node=node,
                hint="put an address that works into app.lock.json",
                questions=about_model(pin.folder, pin.file, f"Where is {shown} today?"),
            )
        )
    if facts.state == "gated":
        findings.append(
            Finding(
                code="gated-model",
                severity="error",
                message=f"{shown} is given only to those who have agreed to its terms: {_shown(pin.url or '')}",
                node=node,
                hint="agree on its page, and give the app a token that may download it",
                questions=about_model(pin.folder, pin.file, f"Is there a copy of {shown} that needs no agreement?"),
            )
        )
    if pin.sha256 and facts.sha256 and pin.sha256 != facts.sha256:
        findings.append(
            Finding(
                code="other-model",
                severity="error",
                message=f"the file at the address of {shown} is not the one that the workflow was made with: "
                f"its SHA-256 is {facts.sha256[:12]}…, not {pin.sha256[:12]}…",
                node=node,
                hint="find the file that was meant, or put the new hash into app.lock.json",
                questions=about_model(pin.folder, pin.file, f"Where is the {shown} that was meant?"),
            )
        )
    return findings


def moved(pin: ModelPin, found: ModelAddress, node: str) -> Finding:
    """The file was found elsewhere, by its hash."""
    return Finding(
        code="moved-model",
        severity="info",
        message=f"nothing is at {_shown(pin.url or '')} any more; the same file, by its SHA-256, is at {found.url}",
        node=node,
    )


def found_by_name(pin: ModelPin, node: str) -> Finding:
    """Nothing but a search by name says where the file is."""
    return Finding(
        code="model-found-by-name",
        severity="warning",
        message=f"{_shown(pin.file)} ({pin.folder}) is taken from {pin.url}, where a file of that name is",
        node=node,
        hint="nothing else says so: make sure that it is the one, or put another address into app.lock.json",
    )


def known(pin: ModelPin, node: str) -> Finding:
    """An entry of the knowledge base says where the file is."""
    return Finding(
        code="known-model",
        severity="info",
        message=f"{_shown(pin.file)} ({pin.folder}) is {pin.source}: it was had from {_shown(pin.url or '')} there",
        node=node,
    )


def unusable(named: NamedFile) -> Finding:
    """The name is none of a file below `models/`."""
    return Finding(
        code="unusable-model-name",
        severity="error",
        message=f"{_shown(named.class_type)}.{_shown(named.input)} names {_shown(named.file)}, which is no path below "
        "models/",
        node=named.node,
        hint="choose the file again in the editor, and save the workflow",
    )


def elsewhere(pin: ModelPin, usual: str, node: str) -> Finding:
    """The workflow has the file from another address than official templates."""
    return Finding(
        code="unusual-model-address",
        severity="warning",
        message=f"official templates have {_shown(pin.file)} from {_shown(usual)}; this workflow names "
        f"{_shown(pin.url or '')}",
        node=node,
        hint="make sure that it is the same file, or put the usual address into app.lock.json",
    )


def homeless(named: NamedFile) -> Finding:
    """Nobody knows which folder the file belongs to."""
    return Finding(
        code="unknown-model-folder",
        severity="warning",
        message=f"{_shown(named.class_type)}.{_shown(named.input)} names {_shown(named.file)}, "
        "and nothing says which folder of models/ it lists",
        node=named.node,
        hint="add the file with its folder and url to the models in app.lock.json",
        questions=about_model(
            "<folder>", named.file, f"Which folder of models/ has {_shown(named.file)}, and where is it?"
        ),
    )


def unknown(folder: str, file: str, node: str) -> Finding:
    """Nobody knows where the file can be had."""
    return Finding(
        code="unknown-model-url",
        severity="warning",
        message=f"nothing says where {_shown(file)} ({folder}) can be downloaded",
        node=node,
        hint=f"add its url to app.lock.json, or put the file into the models volume under {folder}/",
        questions=about_model(folder, file, f"Where can {_shown(file)} ({folder}) be downloaded?"),
    )


def ambiguous(file: str, pin: ModelPin, others: list[str], node: str) -> Finding:
    """Several addresses have as much behind them."""
    rest = " or ".join(_shown(url) for url in others)
    return Finding(
        code="ambiguous-model",
        severity="warning",
        message=f"{_WHO[pin.source]} {_shown(file)} from {rest} as from {_shown(pin.url or '')}",
        node=node,
        hint="the last one is in app.lock.json; if another was meant, put its url there",
        questions=about_model(pin.folder, pin.file, f"From where is {_shown(file)} meant to be?", others[0]),
    )


def answered(pin: ModelPin, meant: str | None, facts: ModelFacts | None, node: str) -> Finding:
    """The address is what a person has answered; `meant` is the hash of the file that the workflow was made with."""
    message = f"{_shown(pin.file)} ({pin.folder}) is taken from {_shown(pin.url or '')}, as a person answered"
    there = pin.sha256 or (facts.sha256 if facts else None)
    if meant and there and meant != there:
        return Finding(
            code="answered-model",
            severity="warning",
            message=f"{message}; its SHA-256 is {there[:12]}…, that of the file that the workflow was made with is "
            f"{meant[:12]}…",
            node=node,
            hint="make sure that results are as they should be",
        )
    return Finding(code="answered-model", severity="info", message=message, node=node)


def unused(name: str) -> Finding:
    """An answer to what nobody asks."""
    return Finding(
        code="unused-answer",
        severity="warning",
        message=f"nobody asks for the model {_shown(name)}: no node of the workflow loads it",
        hint="name it as the workflow does, with its folder; upper and lower case count",
    )


def _shown(text: str) -> str:
    return ascii(text)[1:-1][:120]
