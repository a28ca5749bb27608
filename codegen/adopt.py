"""What is committed on a branch counts: a plan with the lock, the prompt and the interface that people have edited."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codegen.answered import with_answers
from codegen.answers import NO_ANSWERS, Answers
from codegen.committed import INTERFACE, LOCK, PROMPT, read_interface, read_lock, read_prompt
from codegen.errors import InvalidLock
from codegen.facts import NOTHING_LOOKED_UP, Facts
from codegen.hardware import PRICES, Prices, price_per_second
from codegen.model import Finding
from codegen.models import FoundModel, completed
from codegen.overrides import with_inputs
from codegen.vendored import runtime_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codegen.lock import Lock, ModelPin
    from codegen.plan import Plan


def adopt(
    plan: Plan,
    files: Mapping[str, bytes],
    *,
    facts: Facts = NOTHING_LOOKED_UP,
    answers: Answers = NO_ANSWERS,
    prices: Prices = PRICES,
) -> Plan:
    """The plan with what is committed in the place of what the workflow alone would give.

    `files` are those of the app's folder by name. A lock there must be; without prompt or interface those of the plan
    stand, so that deleting them has them made again. Of the lock everything counts but the price, which is worked out
    anew, and what belongs to the runtime, if that is a newer one. A model that a person has put there is completed with
    what was looked up, and a question that the lock settles is none any more.

    `answers` are those that people have given since the lock was committed: of what they are about, the plan counts,
    which was made with them. Earlier ones are in the lock already, unless people have changed their minds there.

    Raises:
        InvalidLock: one of the files cannot be used; names file, line and field.
    """
    if LOCK not in files:
        raise InvalidLock(f"{LOCK} is missing from the app's folder; take it back from an earlier commit")
    committed = read_lock(files[LOCK])
    if committed.name != plan.name:
        raise InvalidLock(f"{LOCK}: name: must stay {plan.name}, as the app's folder is called")
    prompt = read_prompt(files[PROMPT]) if PROMPT in files else plan.prompt
    interface = read_interface(files[INTERFACE], prompt) if INTERFACE in files else plan.interface
    lock = with_answers(_today(committed, plan.lock, prices), plan.lock, answers)
    known = {_key(model.pin): model for model in plan.models}
    models, told = _models(lock, known, facts)
    lock = lock.model_copy(update={"models": tuple(model.pin for model in models)})
    kept = tuple(finding for finding in plan.findings if not _is_settled(finding, plan.lock, lock))
    return plan.model_copy(
        update={
            "lock": lock,
            "prompt": prompt,
            "interface": interface,
            "models": models,
            "findings": (
                *_about(plan, lock, prompt, interface),
                *kept,
                *(finding for finding in told if finding not in kept),
            ),
            "unknown_classes": tuple(kind for kind in plan.unknown_classes if kind not in _classes(lock)),
        }
    )


def _models(
    lock: Lock, known: Mapping[str, FoundModel], facts: Facts
) -> tuple[tuple[FoundModel, ...], tuple[Finding, ...]]:
    models: list[FoundModel] = []
    told: list[Finding] = []
    for pin in lock.models:
        planned = known.get(_key(pin))
        if planned is not None and planned.pin == pin:
            models.append(planned)
        else:
            model, findings = completed(pin, planned.nodes if planned else (), facts)
            models.append(model)
            told.extend(findings)
    return tuple(models), tuple(told)


def _today(committed: Lock, planned: Lock, prices: Prices) -> Lock:
    hardware = committed.hardware
    price = price_per_second(hardware.gpu, hardware.cpu, hardware.memory_mib, prices)
    changes: dict[str, object] = {"hardware": hardware.model_copy(update={"usd_per_second": price})}
    if _version(committed.runtime) < _version(runtime_version()):
        ours = planned.dependencies.packages
        brought = {_project(package) for package in ours}
        added = tuple(one for one in committed.dependencies.packages if _project(one) not in brought)
        changes["runtime"] = runtime_version()
        changes["dependencies"] = committed.dependencies.model_copy(update={"packages": (*ours, *added)})
    return committed.model_copy(update=changes)


def _is_settled(finding: Finding, planned: Lock, lock: Lock) -> bool:
    """Whether a person has answered all its questions by editing the lock."""
    return bool(finding.questions) and all(
        _has_class(question.name, planned, lock)
        if question.about == "pack"
        else _has_model(question.name, planned, lock)
        for question in finding.questions
    )


def _has_class(name: str, planned: Lock, lock: Lock) -> bool:
    return name in _classes(lock) - _classes(planned)


def _has_model(name: str, planned: Lock, lock: Lock) -> bool:
    before = {_key(pin): pin.url for pin in planned.models}
    now = {_key(pin): pin.url for pin in lock.models}
    if name in before:
        return name not in now or now[name] not in {None, before[name]}
    return any(key.endswith(f"/{name.partition('/')[2]}") for key in now)  # the folder was the question


def _about(plan: Plan, lock: Lock, prompt: object, interface: object) -> Iterator[Finding]:
    before, now = (one.model_dump(mode="json") for one in (plan.lock, lock))
    different = [field for field in now if now[field] != before.get(field) and field != "runtime"]
    if different:
        yield Finding(
            code="committed-lock",
            severity="info",
            message=f"{LOCK} of the branch has other {', '.join(different)} than the workflow alone "
            "would give; it counts",
        )
    rendered = with_inputs(plan.prompt, plan.interface, lock.inputs)
    of_the_workflow = (
        (PROMPT, prompt in (plan.prompt, rendered[0])),
        (INTERFACE, interface in (plan.interface, rendered[1])),
    )
    for file, same in of_the_workflow:
        if not same:
            yield Finding(
                code="committed-file",
                severity="info",
                message=f"{file} of the branch is not what the workflow alone would give; it counts",
                hint=f"delete {file} and deploy again to have it made anew",
            )


def _key(pin: ModelPin) -> str:
    return f"{pin.folder}/{pin.file}"


def _classes(lock: Lock) -> frozenset[str]:
    return frozenset(kind for pack in lock.packs for kind in pack.classes)


def _project(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
