"""Model files: damaged, not what the lock says, or not for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.repair.diagnosis import Question, Transient
from runner.repair.families.common import REDEPLOY, ask_for_model, model_in
from runner.repair.found import Found, Outcome, Step, outcome, shown

if TYPE_CHECKING:
    from codegen.lock import ModelPin

AGAIN_SECONDS: Final = 5.0


def damaged(found: Found) -> Outcome | None:
    """Fetched anew; if it is the same again, the address does not give the file."""
    pins = _meant(found)
    files = tuple(f"{pin.folder}/{pin.file}" for pin in pins)
    name = files[0] if files else "a model file"
    steps: list[Step] = [Transient(seconds=AGAIN_SECONDS, discard=files)]
    if pins:
        text = f"What {shown(pins[0].url or 'its address')} gives for {shown(name)} is damaged. Where is the file?"
        steps.append(ask_for_model(pins[0].folder, pins[0].file, text))
    else:
        text = "A model file that the app loads is damaged, and nothing says which."
        steps.append(Question(text=text, answer=f"Check the addresses of the models in app.lock.json, {REDEPLOY}."))
    return outcome(*steps, subject=name, file=name)


def _meant(found: Found) -> list[ModelPin]:
    """The file that is named near the message; else those that nobody can check, for they have no hash; else all."""
    for text in (
        str(found.evidence.details.get("file") or ""),
        found.line,
        found.text[found.end : found.end + 1500],
        found.before[-6000:],
    ):
        pin = model_in(text, found.lock)
        if pin is not None:
            return [pin]
    unchecked = [pin for pin in found.lock.models if pin.sha256 is None]
    return unchecked or list(found.lock.models)


def not_the_file(found: Found) -> Outcome | None:
    """The address gives another file than the one that the lock names: people say which is meant."""
    pin = _named(found)
    if pin is None:
        return None
    key = f"{pin.folder}/{pin.file}"
    text = f"{shown(pin.url or 'The address')} gives another file for {shown(key)} than locked. Where is the right one?"
    return outcome(
        Transient(seconds=AGAIN_SECONDS, discard=(key,)),
        ask_for_model(pin.folder, pin.file, text),
        subject=key,
        file=key,
    )


def missing(found: Found) -> Outcome | None:
    """A file that has no address, or that is not at its address any more."""
    pin = _named(found)
    if pin is None:
        return None
    key = f"{pin.folder}/{pin.file}"
    text = (
        f"The file {shown(key)} is not where it was: {shown(pin.url)}."
        if pin.url
        else f"Nothing says where {shown(key)} is."
    )
    return outcome(ask_for_model(pin.folder, pin.file, f"{text} Where is it?"), subject=key, file=key)


def not_fetched(found: Found) -> Outcome | None:
    """A file that was not brought to the app is brought."""
    pin = _named(found)
    if pin is None:
        return None
    key = f"{pin.folder}/{pin.file}"
    steps: list[Step] = [Transient(seconds=AGAIN_SECONDS, discard=(key,))] if pin.url else []
    text = f"The app does not have the file {shown(key)}. Where is it?"
    return outcome(*steps, ask_for_model(pin.folder, pin.file, text), subject=key, file=key)


def _named(found: Found) -> ModelPin | None:
    places = {f"{pin.folder}/{pin.file}": pin for pin in found.lock.models}
    named = found.groups.get("file", "").strip()
    return places.get(named) or model_in(named, found.lock) or model_in(found.line, found.lock)


def not_for_each_other(found: Found) -> Outcome | None:
    """Models of different families are wired to each other: nobody but people knows which one was meant."""
    files = ", ".join(shown(f"{pin.folder}/{pin.file}") for pin in found.lock.models[:8]) or "none that is known"
    text = (
        "Two of the workflow's models do not fit each other, such as a text encoder, a LoRA or a VAE of another family "
        f"than the diffusion model. They are: {files}."
    )
    answer = (
        "Choose models of one family in the editor, save the workflow and submit it again; or name the right file for "
        "one of them in a line: model <folder/file> = https://…"
    )
    return outcome(Question(text=text, answer=answer), subject="", unsure=True)
