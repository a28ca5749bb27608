"""A committed lock with what people have answered since: of what an answer is about, the plan's pin counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.packs import folder_name

if TYPE_CHECKING:
    from codegen.answers import Answers
    from codegen.lock import Lock, ModelPin, PackPin


def with_answers(lock: Lock, planned: Lock, answers: Answers) -> Lock:
    """`planned` was made with the answers, and has pins for those that are clear."""
    return lock.model_copy(update={"packs": _packs(lock, planned, answers), "models": _models(lock, planned, answers)})


def _packs(lock: Lock, planned: Lock, answers: Answers) -> tuple[PackPin, ...]:
    """A class that was answered leaves the pack that has it; a pack that loses its last one goes."""
    chosen = {pin.repository: pin for pin in planned.packs if set(pin.classes) & set(answers.packs)}
    moving = {kind for pin in chosen.values() for kind in pin.classes if kind in answers.packs}
    kept: list[PackPin] = []
    for pin in lock.packs:
        answered = chosen.pop(pin.repository, None)
        others = tuple(kind for kind in pin.classes if kind not in moving)
        if answered is not None:
            kept.append(_moved(pin, answered, answers))
        elif others or not pin.classes:
            kept.append(pin.model_copy(update={"classes": others}))
    for pin in chosen.values():
        name = folder_name(pin.repository, taken={one.name.lower() for one in kept})
        kept.append(pin.model_copy(update={"name": name}))
    return tuple(kept)


def _moved(pin: PackPin, answered: PackPin, answers: Answers) -> PackPin:
    """To the commit that was answered; an answer without one leaves it where it is."""
    commits = (answers.packs[kind].commit for kind in answered.classes if kind in answers.packs)
    return pin.model_copy(
        update={
            "commit": next(filter(None, commits), pin.commit),
            "classes": tuple(dict.fromkeys((*pin.classes, *answered.classes))),
            "source": answered.source,
        }
    )


def _models(lock: Lock, planned: Lock, answers: Answers) -> tuple[ModelPin, ...]:
    answered = {_key(pin): pin for pin in planned.models if _key(pin) in answers.models}
    there = {_key(pin) for pin in lock.models}
    return (
        *(answered.get(_key(pin), pin) for pin in lock.models),
        *(pin for key, pin in answered.items() if key not in there),
    )


def _key(pin: ModelPin) -> str:
    return f"{pin.folder}/{pin.file}"
