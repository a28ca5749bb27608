"""A fix is a change to the lock: proposed as a `LockPatch`, and applied whole or not at all.

Pure. Every refusal names the field and a way out. Who proposes is trusted differently: a *rule* of ours reads logs,
which may hold anything, a *model* reads them more freely, a *person* knows what they want.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field

from codegen import lock_changes as to
from codegen.addresses import public_url
from codegen.catalog import packaged_versions
from codegen.core_version import core_facts
from codegen.errors import PatchRefused
from codegen.hardware import PRICES, Prices, price_per_second
from codegen.lock import ComfyPin, InputOverride, Lock, ModelPin, PackPin
from codegen.lock_changes import Change
from codegen.model import Frozen, JsonObject
from codegen.packs.known import known_packs
from codegen.vendored import runtime_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from codegen.lock import Argument, Gpu

Author: TypeAlias = Literal["rule", "model", "person"]

MOST_CHANGES = 10
"""Of one patch: it has one cause."""
LONGEST_REASON = 500
MODEL_HOSTS: Final = (
    "huggingface.co",
    "github.com",
    "civitai.com",
    "dl.fbaipublicfiles.com",
    "download.pytorch.org",
    "storage.googleapis.com",
    "openaipublic.azureedge.net",
)
"""Where model files are taken from without a person's word: those that the lists which ship here name, too."""
PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13")
"""Those with wheels of torch, and with an image of Modal's."""
FIRST_DAY: Final = date(2023, 1, 1)
"""ComfyUI is no older."""
TORCH: Final = frozenset({"torch", "torchvision", "torchaudio"})
"""They fit only together, so they are held by constraints, whoever asks for them."""
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


class Rules(Frozen):
    """What a change is held to, beside its own form."""

    author: Author
    gpus: frozenset[str] | None
    """Those that the repository's settings allow; `None`: all."""
    prompt: JsonObject | None
    commits: frozenset[str]
    """Commits that somebody looked up; a model may pin no others."""
    because: str


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
            return _with_package(lock, requirement, rules)
        case to.RemovePackage(name=name):
            return _without_package(lock, name)
        case to.OverridePackage(requirement=bound):
            _check_bound(bound)
            return _with_dependencies(lock, overrides=_replaced(lock.dependencies.overrides, bound))
        case to.ConstrainPackage(requirement=bound):
            _check_bound(bound)
            return _with_dependencies(lock, constraints=_replaced(lock.dependencies.constraints, bound))
        case to.AddSystemPackage(name=name):
            return _with_dependencies(lock, system=tuple(dict.fromkeys((*lock.dependencies.system, name))))
        case to.RemoveSystemPackage(name=name):
            if name not in lock.dependencies.system:
                raise PatchRefused("name", f"the lock has no package {name} of the system")
            kept = tuple(one for one in lock.dependencies.system if one != name)
            return _with_dependencies(lock, system=kept)
        case to.SetPython(version=version):
            if version not in PYTHONS:
                raise PatchRefused("version", f"there is no image with Python {version}; take {', '.join(PYTHONS)}")
            return _with_dependencies(lock, python=version)
        case to.SetExcludeNewer(date=day):
            if day < FIRST_DAY:
                raise PatchRefused("date", f"ComfyUI is younger than {day}; take a day after {FIRST_DAY}")
            return _with_dependencies(lock, exclude_newer=day)
        case to.PinModel():
            return _with_model(lock, change, rules)
        case to.RenameModel():
            return _with_renamed_model(lock, change)
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
                    "changes", f"two of them are about {_shown(subject[1])}; say at once what it is to become"
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
            return tuple(("model", key) for key in {f"{change.folder}/{change.file}", _target(change)})
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
    moved = _with_dependencies(lock, exclude_newer=day, python=python)
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


def _check_package(requirement: str, rules: Rules) -> None:
    name = project(requirement)
    if name in runtime_projects():
        raise PatchRefused("requirement", f"{name} belongs to the runtime, which decides its version")
    if name in TORCH and rules.author != "person":
        raise PatchRefused("requirement", f"{name} comes with ComfyUI; hold its version with constrain-package")


def _with_package(lock: Lock, requirement: str, rules: Rules) -> Lock:
    _check_package(requirement, rules)
    excluded = tuple(one for one in lock.dependencies.excluded if one != project(requirement))
    return _with_dependencies(lock, packages=_replaced(lock.dependencies.packages, requirement), excluded=excluded)


def _without_package(lock: Lock, name: str) -> Lock:
    wanted = project(name)
    if wanted in runtime_projects() or wanted in TORCH:
        raise PatchRefused(
            "name", f"{name} is needed by the runtime or by ComfyUI itself; hold it with constrain-package"
        )
    packages = tuple(one for one in lock.dependencies.packages if project(one) != wanted)
    excluded = tuple(sorted({*lock.dependencies.excluded, wanted}))
    return _with_dependencies(lock, packages=packages, excluded=excluded)


def _check_bound(bound: str) -> None:
    name = project(bound)
    if bound == re.split(r"[=!<>~]", bound)[0]:
        raise PatchRefused("requirement", f"{name} is given without versions; add some, as {name}==1.2.3")
    if runtime_projects().get(name):
        raise PatchRefused("requirement", f"{name} belongs to the runtime, which decides its version")


def _with_dependencies(lock: Lock, **changes: object) -> Lock:
    return lock.model_copy(update={"dependencies": lock.dependencies.model_copy(update=changes)})


def _replaced(requirements: tuple[str, ...], new: str) -> tuple[str, ...]:
    """With the new one in the place of another for the same project, else at the end."""
    if not any(project(one) == project(new) for one in requirements):
        return (*requirements, new)
    return tuple(new if project(one) == project(new) else one for one in requirements)


def project(requirement: str) -> str:
    """The project's name as all spellings of it have it: `Foo_Bar[x]==1` is `foo-bar`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=!<>~]", requirement)[0]).lower()


def runtime_projects() -> dict[str, bool]:
    """What the runtime in the image needs, and whether it says in which version."""
    lines = runtime_files()["shared/requirements.txt"].decode().split()
    return {project(line): "==" in line for line in lines}


def _with_model(lock: Lock, change: to.PinModel, rules: Rules) -> Lock:
    host = (urlsplit(change.url).hostname or "").lower()
    if public_url(change.url) != change.url:
        raise PatchRefused("url", "it has a key in it, and the lock is public; leave that out")
    if rules.author != "person" and host not in MODEL_HOSTS:
        raise PatchRefused(
            "url",
            f"{_shown(host)} is none of {', '.join(MODEL_HOSTS)}; a person can name it: model <folder/file> = https://…",
        )
    there = next((pin for pin in lock.models if (pin.folder, pin.file) == (change.folder, change.file)), None)
    if there and there.sha256 and change.sha256 not in {None, there.sha256} and rules.author != "person":
        raise PatchRefused("sha256", "the lock has another, so it is another file; only a person decides that")
    facts: dict[str, object] = {"url": change.url, "source": change.source}
    facts |= {name: value for name in ("sha256", "bytes") if (value := getattr(change, name)) is not None}
    if there is None:
        return lock.model_copy(
            update={
                "models": (
                    *lock.models,
                    ModelPin.model_validate({"folder": change.folder, "file": change.file, **facts}),
                )
            }
        )
    if there.url != change.url:
        facts |= {"gated": None, "licence": None}
    if all(getattr(there, name) == value for name, value in facts.items() if name != "source"):
        return lock
    pinned = there.model_copy(update=facts)
    return lock.model_copy(update={"models": tuple(pinned if one is there else one for one in lock.models)})


def _with_renamed_model(lock: Lock, change: to.RenameModel) -> Lock:
    places = [f"{pin.folder}/{pin.file}" for pin in lock.models]
    source, target = f"{change.folder}/{change.file}", _target(change)
    if source not in places:
        raise PatchRefused("file", f"the lock has no model {_shown(source)}; rename one of those that it has")
    if target in places and target != source:
        raise PatchRefused("to_file", f"{_shown(target)} is there already; both would be put in the same place")
    moved = {"folder": change.to_folder, "file": change.to_file}
    models = (
        pin.model_copy(update=moved) if place == source else pin for place, pin in zip(places, lock.models, strict=True)
    )
    return lock.model_copy(update={"models": tuple(models)})


def _target(change: to.RenameModel) -> str:
    return f"{change.to_folder}/{change.to_file}"


def _with_input(lock: Lock, change: to.SetInput, rules: Rules) -> Lock:
    there = next((one for one in lock.inputs if (one.node, one.input) == (change.node, change.input)), None)
    if there is not None and _same(there.value, change.value):
        return lock
    if rules.prompt is not None:
        node = rules.prompt.get(change.node)
        if node is None:
            raise PatchRefused("node", f"the prompt has no node {_shown(change.node)}")
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


def _shown(text: str) -> str:
    return ascii(text)[1:-1][:80]
