"""The plan: everything that follows from a workflow alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.answers import NO_ANSWERS, Answers
from codegen.core_version import choose_core, core_facts, foreign_classes, unknown_class
from codegen.errors import InvalidGraph
from codegen.facts import NOTHING_LOOKED_UP, Facts, Wanted, WantedPack, about_lookups, wanted_models
from codegen.hardware import PRICES, Prices, choose_hardware, choose_timeouts, loaded_files
from codegen.interface import build_interface
from codegen.interface.outputs import find_outputs
from codegen.lock import Dependencies, Gpu, Lock
from codegen.model import AppName, Finding, Frozen, JsonObject, Question, Workflow
from codegen.models import FoundModel, find_models
from codegen.naming import app_name, derive_name
from codegen.packs import PackUse, find_packs
from codegen.partners import about_partners
from codegen.stages import find_stages, unnamed_loaders
from codegen.vendored import runtime_files, runtime_version

if TYPE_CHECKING:
    from codegen.catalog import Catalog

SYSTEM_PACKAGES = ("ffmpeg", "git", "libgl1", "libglib2.0-0")
"""What ComfyUI and most packs expect of the system beside Python: video, cloning, OpenCV's libraries."""


class Plan(Frozen):
    """Deterministic: the same file and options give the same plan."""

    name: AppName
    title: str
    workflow: Workflow
    prompt: JsonObject
    interface: JsonObject
    lock: Lock
    models: tuple[FoundModel, ...]
    """As in the lock, with about how large each is."""
    packs: tuple[PackUse, ...]
    """All that is known of the custom-node packs; those whose commit is known too are in the lock."""
    findings: tuple[Finding, ...]
    unknown_classes: tuple[str, ...]
    """Classes of which nobody here knows where they come from."""

    @property
    def wanted(self) -> Wanted:
        """What is worth looking up to make a better plan."""
        lost = (model.pin for model in self.models if model.missing)
        urls, models = wanted_models(self.lock.models, lost)
        return Wanted(
            model_urls=urls,
            models=models,
            packs=tuple(
                WantedPack(repository=use.repository, version=use.wanted_version) for use in self.packs if use.trusted
            ),
            classes=self.unknown_classes,
        )


def make_plan(
    workflow: Workflow,
    *,
    filename: str,
    name: str | None = None,
    core: str | None = None,
    gpu: Gpu | None = None,
    facts: Facts = NOTHING_LOOKED_UP,
    answers: Answers = NO_ANSWERS,
    prices: Prices = PRICES,
    definitions: Catalog | None = None,
) -> Plan:
    """Analyse a workflow, with what was looked up about it and what people have answered.

    `definitions` are those of a server that has the packs: of classes that ComfyUI itself has not they are believed.

    Raises:
        InvalidName: `name` cannot be one.
        CatalogError: no definitions of version `core` ship.
        InvalidGraph: the frontend would refuse the graph, or nothing in it can run.
    """
    chosen = app_name(name) if name else derive_name(workflow.title, filename)
    choice, catalog = choose_core(workflow, core, definitions)
    prompt = choice.conversion.prompt
    if not prompt:
        raise InvalidGraph("nothing in the workflow can run: every node is muted, bypassed, or a note")
    outputs = find_outputs(prompt, catalog)
    if not outputs:
        raise InvalidGraph("the workflow has no output node; add one, such as Save Image, or un-mute it")
    models = find_models(workflow, prompt, facts=facts, answers=answers)
    loads = loaded_files(models.found, unnamed_loaders(prompt, catalog, models.nodes))
    stages = find_stages(prompt, catalog, [load.nodes for load in loads])
    kinds = frozenset(output.kind for output in outputs)
    packs = find_packs(workflow, prompt, foreign_classes(choice.missing), facts=facts, answered=answers.packs)
    unknown = tuple(kind for kind in choice.missing if kind not in packs.attributed)
    image = core_facts(choice.pin.version)
    lock = Lock(
        name=chosen,
        runtime=runtime_version(),
        comfyui=choice.pin,
        dependencies=Dependencies(
            python=image.python,
            exclude_newer=image.exclude_newer,
            packages=tuple(runtime_files()["shared/requirements.txt"].decode().split()),
            system=SYSTEM_PACKAGES,
        ),
        packs=packs.pins,
        models=models.pins,
        hardware=choose_hardware(loads, stages, kinds, gpu, prices),
        timeouts=choose_timeouts(loads, kinds),
    )
    return Plan(
        name=chosen,
        title=workflow.title or chosen.replace("-", " ").capitalize(),
        workflow=workflow,
        prompt=prompt,
        interface=build_interface(chosen, workflow, prompt, catalog),
        lock=lock,
        models=models.found,
        packs=packs.uses,
        findings=(
            *about_lookups(facts),
            *choice.conversion.findings,
            *(unknown_class(kind, choice.pin.version) for kind in unknown),
            *(finding for finding in choice.findings if finding.code != "unknown-class"),
            *packs.findings,
            *models.findings,
            *about_partners(prompt, catalog),
        ),
        unknown_classes=unknown,
    )


def questions(plan: Plan) -> tuple[Question, ...]:
    """What people can settle with a line each, what keeps the app from running first; each once."""
    ordered = sorted(plan.findings, key=lambda finding: finding.severity != "error")
    asked = {(each.about, each.name): each for finding in reversed(ordered) for each in finding.questions}
    return tuple(reversed(asked.values()))
