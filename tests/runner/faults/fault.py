"""What an injected fault is, and when it is really gone. Wordings are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from codegen.hardware import GPU_MEMORY_GB

if TYPE_CHECKING:
    from codegen.lock import Gpu, Lock, PackPin
    from runner.model import Answer

Stage: TypeAlias = Literal["build", "models", "boot", "preflight", "test"]
Group: TypeAlias = Literal["build", "models", "boot", "preflight", "test", "passing", "answered", "traps", "combined"]


@dataclass(frozen=True)
class App:
    """What is deployed, as the files say that are there, and how often it was tried."""

    lock: Lock
    prompt: dict[str, Any]
    attempt: int = 1


Truth: TypeAlias = Callable[[App], bool]


@dataclass(frozen=True)
class Symptom:
    """A cause, as it shows: there in each attempt until `gone` is true of what is deployed."""

    stage: Stage
    text: str
    """The log of the stage; of `test` the app's, whose last line is what the endpoint answers."""
    gone: Truth
    found: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of a preflight: fields of `runner.protocols.Preflight`."""


@dataclass(frozen=True)
class End:
    """How it has to end."""

    kind: Literal["repaired", "asks", "stops"]
    about: str = ""
    """What people are told has this in it, whatever the case of its letters."""


REPAIRED = End("repaired")


def asks(about: str) -> End:
    """With a question, which says what to answer."""
    return End("asks", about)


def stops(about: str = "") -> End:
    """With a reason, or a question: only people can go on."""
    return End("stops", about)


@dataclass(frozen=True)
class Fault:
    """One injected failure, of one cause or of several, one after the other."""

    id: str
    group: Group
    symptoms: tuple[Symptom, ...]
    end: End
    held_out: bool
    """Worded without a look at the signatures."""
    inputs: frozenset[tuple[str, str]] = frozenset()
    """`(node, input)` of the prompt that may become others by the repair. All else has to stay."""
    start: Callable[[Lock], Lock] | None = None
    """What is special about the lock at the beginning."""
    gpus: tuple[Gpu, ...] | None = None
    """Those that the repository's settings allow; `None`: all."""
    budget_usd: float | None = None
    """The most that the run may spend; `None`: the default."""
    answer: Answer | None = None
    """What people say when they are asked, in the comment that starts another run."""


@dataclass(frozen=True)
class Wording:
    """One way in which a cause shows."""

    text: str
    found: dict[str, Any] = field(default_factory=dict[str, Any])


def worded(
    name: str,
    stage: Stage,
    *,
    gone: Truth | None = None,
    end: End = REPAIRED,
    known: tuple[str | Wording, ...] = (),
    unseen: tuple[str | Wording, ...] = (),
    inputs: frozenset[tuple[str, str]] = frozenset(),
    start: Callable[[Lock], Lock] | None = None,
    group: Group | None = None,
    gpus: tuple[Gpu, ...] | None = None,
    budget_usd: float | None = None,
    answer: Answer | None = None,
) -> tuple[Fault, ...]:
    """A fault for each wording: `known` are close to those that signatures were written from, `unseen` are not."""
    every = [(each, False) for each in known] + [(each, True) for each in unseen]
    return tuple(
        Fault(
            id=f"{name}-{number}",
            group=group or stage,
            symptoms=(_symptom(stage, said, gone or never),),
            end=end,
            held_out=held_out,
            inputs=inputs,
            start=start,
            gpus=gpus,
            budget_usd=budget_usd,
            answer=answer,
        )
        for number, (said, held_out) in enumerate(every, 1)
    )


def _symptom(stage: Stage, said: str | Wording, gone: Truth) -> Symptom:
    wording = Wording(said) if isinstance(said, str) else said
    return Symptom(stage, wording.text, gone, wording.found)


def never(_app: App) -> bool:
    """No change of the lock helps."""
    return False


def either(*truths: Truth) -> Truth:
    """Each of them is a right change."""
    return lambda app: any(truth(app) for truth in truths)


def after(attempts: int) -> Truth:
    """It passes by itself."""
    return lambda app: app.attempt > attempts


def _bounds(lock: Lock, project: str) -> list[Requirement]:
    """Those that count: an override takes the place of what is asked for."""

    def of_project(bounds: tuple[str, ...]) -> list[Requirement]:
        wanted = map(Requirement, bounds)
        return [one for one in wanted if canonicalize_name(one.name) == canonicalize_name(project)]

    there = lock.dependencies
    return [*(of_project(there.overrides) or of_project(there.packages)), *of_project(there.constraints)]


def has_package(project: str) -> Truth:
    """The lock asks for it."""
    return lambda app: any(
        canonicalize_name(Requirement(one).name) == canonicalize_name(project) for one in app.lock.dependencies.packages
    )


def keeps_out(project: str, version: str) -> Truth:
    """That version cannot be installed."""
    return lambda app: any(not one.specifier.contains(version) for one in _bounds(app.lock, project))


def lets_in(project: str, version: str) -> Truth:
    """The lock says something of it, and that version fits."""

    def truth(app: App) -> bool:
        bounds = _bounds(app.lock, project)
        return bool(bounds) and all(one.specifier.contains(version) for one in bounds)

    return truth


def without_package(project: str) -> Truth:
    """It is not installed, whoever asks for it."""
    return lambda app: canonicalize_name(project) in app.lock.dependencies.excluded


def has_system(*names: str) -> Truth:
    """One of these packages of Debian is installed."""
    return lambda app: any(name in app.lock.dependencies.system for name in names)


def lacks_system(name: str) -> Truth:
    """Nobody asks Debian for it."""
    return lambda app: name not in app.lock.dependencies.system


def python_below(minor: int) -> Truth:
    """Python 3.x with a smaller x."""
    return lambda app: int(app.lock.dependencies.python.split(".")[1]) < minor


def gpu_memory_over(gigabytes: int) -> Truth:
    """A GPU with more than that."""
    return lambda app: app.lock.hardware.gpu is not None and GPU_MEMORY_GB[app.lock.hardware.gpu] > gigabytes


def gpu_is_not(*names: str) -> Truth:
    """There is one, and another."""
    return lambda app: app.lock.hardware.gpu is not None and app.lock.hardware.gpu not in names


def memory_over(mebibytes: int) -> Truth:
    """Of the machine."""
    return lambda app: app.lock.hardware.memory_mib > mebibytes


def starts_within(seconds: int) -> Truth:
    """The app has at least that long to start."""
    return lambda app: app.lock.timeouts.startup_seconds >= seconds


def runs_within(seconds: int) -> Truth:
    """A job has at least that long."""
    return lambda app: app.lock.timeouts.execution_seconds >= seconds


def core_is_not(version: str) -> Truth:
    """Another ComfyUI."""
    return lambda app: app.lock.comfyui.version != version


def pack(lock: Lock, name: str) -> PackPin | None:
    """Of that name."""
    return next((one for one in lock.packs if one.name == name), None)


def pack_is_at(name: str, commit: str) -> Truth:
    """The pack is pinned to that commit."""
    return lambda app: (pin := pack(app.lock, name)) is not None and pin.commit == commit


def model_is_from(file: str, url: str) -> Truth:
    """The file has that address."""
    return lambda app: any(model.file == file and model.url == url for model in app.lock.models)


def is_library(name: str) -> Truth:
    """The pack is installed as a library."""
    return lambda app: (pin := pack(app.lock, name)) is not None and pin.layout == "library"


def value_is(node: str, name: str, *values: object) -> Truth:
    """The prompt's input is one of these, in kind too."""
    return lambda app: any(
        type(value) is type(given := app.prompt[node]["inputs"].get(name)) and value == given for value in values
    )


def value_is_not(node: str, name: str, value: object) -> Truth:
    """The prompt's input has become another, or is left out."""
    return lambda app: app.prompt[node]["inputs"].get(name) != value


def lacks_argument(argument: str) -> Truth:
    """ComfyUI is started without it."""
    return lambda app: argument not in app.lock.comfyui.arguments
