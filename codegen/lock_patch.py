"""A fix is a change to the lock: proposed as a `LockPatch`, and applied whole or not at all.

Pure. Every refusal names the field and a way out. Who proposes is trusted differently: a *rule* of ours reads logs,
which may hold anything, a *model* reads them more freely, a *person* knows what they want.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from codegen import lock_changes as to
from codegen.catalog import packaged_versions
from codegen.core_version import core_facts
from codegen.errors import PatchRefused
from codegen.hardware import PRICES, Prices, price_per_second
from codegen.lock import ComfyPin, InputOverride, Lock, PackPin
from codegen.lock_changes import Change
from codegen.lock_models import target_of, with_model, with_renamed_model
from codegen.lock_packages import check_bound, project, replaced, with_dependencies, with_package, without_package
from codegen.lock_rules import Author, Rules, shown
from codegen.model import Frozen, JsonObject
from codegen.packs.known import known_packs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from codegen.lock import Argument, Gpu

MOST_CHANGES = 10
"""Of one patch: it has one cause."""
LONGEST_REASON = 500
PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13")
"""Those with wheels of torch, and with an image of Modal's."""
FIRST_DAY: Final = date(2023, 1, 1)
"""ComfyUI is no older."""
EXCLUSIVE: Final[tuple[frozenset[Argument], ...]] = (
    frozenset({"--highvram", "--normalvram", "--lowvram", "--novram"}),
    frozenset({"--force-fp16", "--force-fp32"}),
    frozenset({"--fp16-vae", "--fp32-vae", "--bf16-vae"}),
    frozenset({"--force-upcast-attention", "--dont-upcast-attention"}),
    frozenset(
        {
            "--use-split-cross-attention",
            "--use-quad-cross-attention",
            "--use-pytorch-cross-attention",
            "--use-sage-attention",
            "--use-flash-attention",
        }
    ),
)
"""Of each group ComfyUI takes one (comfy/cli_args.py)."""


class LockPatch(Frozen):
    """Changes that are made together, or not at all."""

    changes: Annotated[tuple[Change, ...], Field(min_length=1, max_length=MOST_CHANGES)]
    because: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
    """One sentence for people; may quote hostile text, so whoever shows it escapes it."""

    @classmethod
    def schema_for_model(cls) -> dict[str, Any]:
        """The JSON Schema of what a language model answers with; `apply` holds it to more than that."""
        return cls.model_json_schema()


def apply(
    lock: Lock,
    patch: LockPatch,
    *,
    author: Author = "rule",
    gpus: Collection[Gpu] | None = None,
    prompt: JsonObject | None = None,
    commits: Collection[str] = (),
    prices: Prices = PRICES,
) -> Lock:
    """The lock with all changes of the patch.

    With the workflow's `prompt`, inputs of nodes that it does not have are refused. `commits` are those that were
    looked up (such as those of the plan's packs): a model must not make one up, for a repository's host also gives
    commits that only a fork of it has.

    Raises:
        PatchRefused: a change cannot be made, must not be made by this author, or the patch changes nothing.
    """
    rules = Rules(
        author=author,
        gpus=None if gpus is None else frozenset(gpus),
        prompt=prompt,
        commits=frozenset(commits),
        because=patch.because,
    )
    _check_one_change_each(patch.changes)
    changed = lock
    for change in patch.changes:
        changed = _made(changed, change, rules)
    if changed == lock:
        raise PatchRefused("changes", "nothing would change: the lock says so already")
    return _priced(changed, prices)


def _made(lock: Lock, change: Change, rules: Rules) -> Lock:  # noqa: C901, PLR0911, PLR0912 - one case for each kind
    match change:
        case to.SetComfyUI():
            return _with_core(lock, change.version, rules)
        case to.PinPack():
            return _with_pack(lock, change, rules)
        case to.RemovePack(name=name):
            _pack(lock, name)
            return lock.model_copy(update={"packs": tuple(pin for pin in lock.packs if pin.name != name)})
        case to.SetPackLayout(name=name, layout=layout):
            pin = _pack(lock, name)
            laid = pin.model_copy(update={"layout": layout})
            return lock.model_copy(update={"packs": tuple(laid if one is pin else one for one in lock.packs)})
        case to.AddPackage(requirement=requirement):
            return with_package(lock, requirement, rules)
        case to.RemovePackage(name=name):
            return without_package(lock, name)
        case to.OverridePackage(requirement=bound):
            check_bound(bound)
            return with_dependencies(lock, overrides=replaced(lock.dependencies.overrides, bound))
        case to.ConstrainPackage(requirement=bound):
            check_bound(bound)
            return with_dependencies(lock, constraints=replaced(lock.dependencies.constraints, bound))
        case to.AddSystemPackage(name=name):
            return with_dependencies(lock, system=tuple(dict.fromkeys((*lock.dependencies.system, name))))
        case to.RemoveSystemPackage(name=name):
            if name not in lock.dependencies.system:
                raise PatchRefused("name", f"the lock has no package {name} of the system")
            kept = tuple(one for one in lock.dependencies.system if one != name)
            return with_dependencies(lock, system=kept)
        case to.SetPython(version=version):
            if version not in PYTHONS:
                raise PatchRefused("version", f"there is no image with Python {version}; take {', '.join(PYTHONS)}")
            return with_dependencies(lock, python=version)
        case to.SetExcludeNewer(date=day):
            if day < FIRST_DAY:
                raise PatchRefused("date", f"ComfyUI is younger than {day}; take a day after {FIRST_DAY}")
            return with_dependencies(lock, exclude_newer=day)
        case to.PinModel():
            return with_model(lock, change, rules)
        case to.RenameModel():
            return with_renamed_model(lock, change)
        case to.SetInput():
            return _with_input(lock, change, rules)
        case to.SetGpu(gpu=gpu):
            if rules.gpus is not None and gpu is not None and gpu not in rules.gpus:
                allowed = ", ".join(sorted(rules.gpus)) or "none"
                raise PatchRefused("gpu", f"the repository's settings do not allow {gpu}; they allow: {allowed}")
            return _with_hardware(lock, rules, gpu=gpu)
        case to.SetMemory(mib=mib):
            return _with_hardware(lock, rules, memory_mib=mib)
        case to.SetTimeouts(startup=startup, execution=execution):
            if startup is None and execution is None:
                raise PatchRefused("startup", "neither timeout is given; give one of startup and execution, in seconds")
            seconds = {"startup_seconds": startup, "execution_seconds": execution}
            given = {field: value for field, value in seconds.items() if value is not None}
            return lock.model_copy(update={"timeouts": lock.timeouts.model_copy(update=given)})
        case to.SetArguments():
            return _with_arguments(lock, change)


def _check_one_change_each(changes: Iterable[Change]) -> None:
    seen: set[tuple[str, str]] = set()
    for change in changes:
        for subject in _subjects(change):
            if subject in seen:
                raise PatchRefused(
                    "changes", f"two of them are about {shown(subject[1])}; say at once what it is to become"
                )
            seen.add(subject)


def _subjects(change: Change) -> tuple[tuple[str, str], ...]:  # noqa: PLR0911 - one case for each kind
    """What a change is about. Two changes of one patch are never about the same."""
    match change:
        case to.PinPack(name=name) | to.RemovePack(name=name) | to.SetPackLayout(name=name):
            return (("pack", name.lower()),)
        case to.AddPackage(requirement=requirement):
            return (("package", project(requirement)),)
        case to.RemovePackage(name=name):
            return (("package", project(name)),)
        case to.OverridePackage(requirement=bound) | to.ConstrainPackage(requirement=bound):
            return ((change.kind, project(bound)),)
        case to.AddSystemPackage(name=name) | to.RemoveSystemPackage(name=name):
            return (("system package", name),)
        case to.PinModel(folder=folder, file=file):
            return (("model", f"{folder}/{file}"),)
        case to.RenameModel():
            return tuple(("model", key) for key in {f"{change.folder}/{change.file}", target_of(change)})
        case to.SetInput(node=node, input=name):
            return (("input", f"{name} of node {node}"),)
        case _:
            return ((change.kind, change.kind),)


def _with_core(lock: Lock, version: str, rules: Rules) -> Lock:
    if version == lock.comfyui.version:
        return lock
    ships = packaged_versions()
    if version not in ships:
        if rules.author != "person":
            raise PatchRefused(
                "version", f"nothing is known of ComfyUI {version}; take one that ships: {', '.join(ships)}"
            )
        return lock.model_copy(update={"comfyui": _pin(lock, version, rules)})
    before = core_facts(lock.comfyui.version) if lock.comfyui.version in ships else None
    after = core_facts(version)
    day, python = lock.dependencies.exclude_newer, lock.dependencies.python
    if (before and day == before.exclude_newer) or day < after.exclude_newer:
        day = after.exclude_newer
    if before and python == before.python:
        python = after.python
    moved = with_dependencies(lock, exclude_newer=day, python=python)
    return moved.model_copy(update={"comfyui": _pin(lock, version, rules)})


def _pin(lock: Lock, version: str, rules: Rules) -> ComfyPin:
    return lock.comfyui.model_copy(update={"version": version, "reason": rules.because})


def _pack(lock: Lock, name: str) -> PackPin:
    for pin in lock.packs:
        if pin.name == name:
            return pin
    there = ", ".join(pin.name for pin in lock.packs) or "none"
    raise PatchRefused("name", f"the lock has no pack {name}; it has: {there}")


def _with_pack(lock: Lock, change: to.PinPack, rules: Rules) -> Lock:
    same = next((pin for pin in lock.packs if pin.repository.lower() == change.repository.lower()), None)
    named = next((pin for pin in lock.packs if pin.name.lower() == change.name.lower()), None)
    if same is not None and named is not None and same is not named:
        raise PatchRefused(
            "name", f"{change.name} is the folder of another pack; keep {same.name} for {same.repository}"
        )
    _check_pack(change, same, rules)
    base = same or PackPin(
        name=change.name,
        repository=change.repository,
        commit=change.commit,
        classes=change.classes,
        source=change.source,
    )
    pin = base.model_copy(
        update={
            "name": change.name,
            "commit": change.commit,
            "classes": tuple(dict.fromkeys((*base.classes, *change.classes))),
        }
    )
    kept: list[PackPin] = []
    placed = False
    for one in lock.packs:
        if one in (same, named):
            kept.append(pin)
            placed = True
            continue
        others = tuple(kind for kind in one.classes if kind not in change.classes)
        if others or not one.classes:
            kept.append(one.model_copy(update={"classes": others}))
    return lock.model_copy(update={"packs": tuple(kept if placed else [*kept, pin])})


def _check_pack(change: to.PinPack, there: PackPin | None, rules: Rules) -> None:
    if rules.author == "person":
        return
    known = known_packs().at(change.repository)
    if there is None and not (known and known.listed):
        raise PatchRefused(
            "repository",
            f"ComfyUI-Manager does not list {change.repository}, and a pack is code that runs in the app; "
            "a person can name it: pack <Class> = https://…",
        )
    its_own = there.commit if there else None
    if rules.author == "model" and change.commit != its_own and change.commit not in rules.commits:
        raise PatchRefused("commit", "it is none that was looked up; only a person pins another")


def _with_input(lock: Lock, change: to.SetInput, rules: Rules) -> Lock:
    there = next((one for one in lock.inputs if (one.node, one.input) == (change.node, change.input)), None)
    if there is not None and _same(there.value, change.value):
        return lock
    if rules.prompt is not None:
        node = rules.prompt.get(change.node)
        if node is None:
            raise PatchRefused("node", f"the prompt has no node {shown(change.node)}")
        given: JsonObject = node.get("inputs", {})
        now = given.get(change.input)
        if there is None and _same(now, change.value) and (change.input in given or change.value is None):
            return lock
    override = InputOverride(node=change.node, input=change.input, value=change.value, because=rules.because)
    if there is None:
        return lock.model_copy(update={"inputs": (*lock.inputs, override)})
    return lock.model_copy(update={"inputs": tuple(override if one is there else one for one in lock.inputs)})


def _same(one: object, other: object) -> bool:
    """Equal also in kind: `1`, `1.0` and `True` are different values of JSON."""
    return type(one) is type(other) and one == other


def _with_hardware(lock: Lock, rules: Rules, **changes: object) -> Lock:
    if all(getattr(lock.hardware, field) == value for field, value in changes.items()):
        return lock
    return lock.model_copy(update={"hardware": lock.hardware.model_copy(update={**changes, "reason": rules.because})})


def _priced(lock: Lock, prices: Prices) -> Lock:
    hardware = lock.hardware
    price = price_per_second(hardware.gpu, hardware.cpu, hardware.memory_mib, prices)
    return lock.model_copy(update={"hardware": hardware.model_copy(update={"usd_per_second": price})})


def _with_arguments(lock: Lock, change: to.SetArguments) -> Lock:
    if set(change.add) & set(change.remove):
        raise PatchRefused("add", "an argument is both added and removed; say one of both")
    for group in EXCLUSIVE:
        if len(group & set(change.add)) > 1:
            raise PatchRefused("add", f"ComfyUI takes only one of {', '.join(sorted(group))}")
    gone = set(change.remove).union(*(group for group in EXCLUSIVE if group & set(change.add))) - set(change.add)
    kept = [one for one in lock.comfyui.arguments if one not in gone]
    arguments = tuple(sorted({*kept, *change.add}))
    return lock.model_copy(update={"comfyui": lock.comfyui.model_copy(update={"arguments": arguments})})
