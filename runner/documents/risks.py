"""What a reviewer should know of what is pinned, from the facts that the plan has; and what nobody knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.documents.markdown import Markdown, code, plain
from runner.knowledge import WORKFLOWS
from runner.model import ReviewedPin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codegen.lock import Lock, ModelPin, PackPin
    from codegen.packs import PackUse
    from codegen.plan import Plan
    from runner.model import Report

_SAID_BY: Final = {
    "answer": "answered by a person",
    "properties": "named by the workflow file",
    "properties.models": "named by the workflow file",
    "note": "named in a note of the workflow",
    "index": "Flowberth's own list",
    "manager-list": "ComfyUI-Manager's list",
    "manager-map": "ComfyUI-Manager's list",
    "registry": "the Comfy registry",
    "civitai": "found on Civitai",
    "hugging-face": "found on Hugging Face",
    "language-model": "proposed by a language model",
    "unknown": "nobody knows",
}
_GUESSED: Final = frozenset({"civitai", "hugging-face", "language-model"})
"""Sources that have looked for a file by its name, or made its address up."""


_RECALLED: Final = re.compile(r"pinned from (patterns/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.md)")


class Risk(NamedTuple):
    """One pin that wants a look, and why."""

    what: Markdown
    notes: str


def said_by(source: str, files_url: str | None = None) -> Markdown:
    """Where a pin comes from, for people.

    Args:
        source: as the lock has it.
        files_url: where the files of the branch are shown, the knowledge base among them.
    """
    known = _RECALLED.fullmatch(source)
    if known is None:
        return plain(_SAID_BY.get(source, source))
    address = f"{files_url}/{WORKFLOWS}/{known[1]}" if files_url else None
    return Markdown(f"[`{known[1]}`]({address})" if address else f"`{known[1]}`")


def of_pack(pack: PackPin, use: PackUse | None) -> str:
    """What a reviewer should know of code that is to run in the app."""
    if use is None:
        return "put into the lock by a person"
    notes = [
        "" if use.listed else "not in ComfyUI-Manager's list",
        "answered by a person" if use.source == "answer" else "",
        "archived" if use.archived else "",
        f"a fork of {use.fork_of}" if use.fork_of else "",
        f"moved from {use.moved_from}" if use.moved_from else "",
        f"given up for {use.replaced_by}" if use.replaced_by else "",
        f"commit of {use.commit_of} as it is now" if use.commit_of and use.commit == pack.commit else "",
        "commit not in the default branch" if use.unseen else "",
        "" if use.commit == pack.commit else "commit put into the lock by a person",
        "" if use.licence else "no licence known",
    ]
    return ", ".join(filter(None, notes))


def of_model(model: ModelPin) -> str:
    """What a reviewer should know of a file that the app downloads."""
    if model.url is None:
        return "nobody knows where it can be downloaded"
    notes = [
        "" if model.sha256 else "no hash: whatever its address serves is taken",
        "gated: its terms have to be agreed to" if model.gated else "",
        _SAID_BY[model.source] if model.source in _GUESSED else "",
        "" if model.licence else "no licence known",
    ]
    return ", ".join(filter(None, notes))


def recalled(lock: Lock) -> tuple[tuple[Markdown, str], ...]:
    """What is pinned as an entry of the knowledge base has it, each with its source."""
    packs = ((Markdown(f"pack {code(pin.name)}"), pin.source) for pin in lock.packs)
    models = ((Markdown(f"model {code(f'{pin.folder}/{pin.file}')}"), pin.source) for pin in lock.models)
    return tuple(each for each in (*packs, *models) if _RECALLED.fullmatch(each[1]))


def reviewed(plan: Plan) -> tuple[ReviewedPin, ...]:
    """Everything pinned that comes from others, packs first, which are code."""
    uses = {use.repository.lower(): use for use in plan.packs}
    packs = ((pin, uses.get(pin.repository.lower())) for pin in plan.lock.packs)
    return (
        *(
            ReviewedPin(kind="pack", name=pin.name, licence=use.licence if use else None, notes=of_pack(pin, use))
            for pin, use in packs
        ),
        *(
            ReviewedPin(kind="model", name=f"{model.folder}/{model.file}", licence=model.licence, notes=of_model(model))
            for model in plan.lock.models
        ),
    )


def of_lock(lock: Lock, packs: Sequence[tuple[PackPin, ReviewedPin | None]]) -> tuple[Risk, ...]:
    """Everything pinned that wants a look; packs first, which are code."""
    return tuple(risk for risk in _all(lock, packs) if risk.notes)


def _all(lock: Lock, packs: Sequence[tuple[PackPin, ReviewedPin | None]]) -> Iterator[Risk]:
    for pin, known in packs:
        yield Risk(Markdown(f"pack {code(pin.name)}"), known.notes if known else "")
    for model in lock.models:
        yield Risk(Markdown(f"model {code(f'{model.folder}/{model.file}')}"), of_model(model))
    for one in lock.inputs:
        yield Risk(
            Markdown(f"input {code(one.input)} of node {code(one.node)}"), f"changed, so that it runs: {one.because}"
        )
    if not lock.access.proxy_auth:
        yield Risk(Markdown("access"), "Modal asks nobody for a token; the app has to ask for a key of its own")
    if lock.scaling.min_containers:
        yield Risk(
            Markdown("scaling"), f"{lock.scaling.min_containers} containers always run, and cost, without a call"
        )


def unknown(lock: Lock, report: Report, *, has_sample: bool) -> tuple[str, ...]:
    """What this pull request cannot say, so that nobody takes silence for an answer."""
    return tuple(_unknown(lock, report, has_sample=has_sample))


def _unknown(lock: Lock, report: Report, *, has_sample: bool) -> Iterator[str]:
    if report.simulated:
        yield "Whether the workflow works: no ComfyUI has run it."
    if not has_sample:
        yield "What comes out looks like: the tests have kept no sample."
    elif not report.quality and not report.simulated:
        yield "How good the output is: only that it is valid was tested, and a person has to look at it."
    if report.warm_seconds is None:
        yield "How long a warm call takes: none got that far."
    if report.target == "local":
        yield (
            "What it takes on Modal: times were measured on the machine that tested it, "
            "and costs are those times at Modal's prices."
        )
    elif report.cost.basis == "estimate":
        yield "What Modal will bill for a call: the price list times the seconds is an estimate."
    sizeless = sum(model.bytes is None for model in lock.models)
    if sizeless:
        yield f"The size of {sizeless} of {len(lock.models)} models, so the GPU was chosen for a guess."
