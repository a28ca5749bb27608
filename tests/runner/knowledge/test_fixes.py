"""Fixes that worked are tried first, and before anything fails where the packs are the same; no file gets more in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from codegen.lock_changes import AddPackage, OverridePackage, PinModel, PinPack, SetComfyUI, SetInput
from codegen.lock_patch import LockPatch
from runner.failure import Failure
from runner.knowledge.entry import Issue, PackUsed
from runner.knowledge.fixes import Foreseen, fix_file, fix_of, foreseen, held_fixes, with_foreseen
from runner.knowledge.library import Library
from runner.repair import Evidence, LearnedFix, PackAt
from runner.repair.diagnose import diagnose
from tests.runner.faults.world import WORKFLOW, request
from tests.runner.knowledge.test_learnings import entry

if TYPE_CHECKING:
    from codegen.plan import Plan

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Two packs, which people have answered."""
    from runner.intake import intake  # noqa: PLC0415

    return intake(request(tmp_path_factory.mktemp("repo"), "fox"))


def patch_of(*changes: Any) -> LockPatch:
    return LockPatch(changes=changes, because="gguf is not installed")


def fix(plan: Plan, patch: LockPatch, *packs: int) -> LearnedFix:
    about = tuple(PackAt(repository=plan.lock.packs[i].repository, commit=plan.lock.packs[i].commit) for i in packs)
    return LearnedFix(signature="missing-module", details="gguf", patch=patch, packs=about)


ADD = patch_of(AddPackage(requirement="gguf"))


def known(plan: Plan, one: LearnedFix, **facts: Any) -> tuple[Foreseen, ...]:
    """What is foreseen of a fix that an entry names, for a workflow with the packs of `plan`."""
    name, _ = fix_file(one)
    packs = tuple(
        PackUsed(name=pin.name, repository=pin.repository, commit=pin.commit, source="answer")
        for pin in plan.lock.packs
    )
    issue = Issue(signature="missing-module", subject="gguf", cause="gguf is missing", fix="add gguf", file=name)
    there = entry("owl", issue, **({"packs": packs} | facts))
    return foreseen({name: one}, Library((there,)), plan, TODAY)


def failed(text: str) -> Failure:
    return Failure(words="it failed", evidence=(Evidence(stage="boot", text=text),))


def test_a_fix_is_about_the_packs_that_the_log_names_or_about_all(plan: Plan) -> None:
    pins = plan.lock.packs
    wan = next(pin for pin in pins if "Wan" in pin.name)
    named = failed(f"ImportError: /root/comfy/ComfyUI/custom_nodes/{wan.name}/nodes.py: No module named 'gguf'")
    dotted = failed(f"ModuleNotFoundError in custom_nodes.{wan.name}.nodes")
    silent = failed("No module named 'gguf'")
    about = [fix_of(None, one, ADD, pins) for one in (named, dotted)]
    assert [len(one.packs) for one in about if one] == [1, 1]
    told = diagnose(silent.evidence, plan=plan)
    remembered = fix_of(told, silent, ADD, pins)
    assert remembered is not None
    assert len(remembered.packs) == len(pins) == 2


def test_the_same_packs_get_the_fix_before_anything_fails(plan: Plan) -> None:
    (one,) = known(plan, fix(plan, ADD, 0))
    lock = with_foreseen(plan.lock, [one])
    assert "gguf" in lock.dependencies.packages
    assert "patterns/owl.md" in one.finding.message
    assert (one.issue.foreseen, one.issue.file) == (True, fix_file(fix(plan, ADD, 0))[0])
    with_it = plan.model_copy(update={"lock": lock})
    assert known(with_it, fix(plan, ADD, 0)) == ()  # there already


OTHER = PackAt(repository="https://github.com/someone/else", commit="d" * 40)


@pytest.mark.parametrize("packs", [(), (OTHER,)], ids=["no packs", "other packs"])
def test_other_packs_do_not(plan: Plan, packs: tuple[PackAt, ...]) -> None:
    assert known(plan, fix(plan, ADD).model_copy(update={"packs": packs})) == ()


def test_the_same_pack_at_another_commit_does_not(plan: Plan) -> None:
    one = fix(plan, ADD, 0)
    moved = one.packs[0].model_copy(update={"commit": "d" * 40})
    assert known(plan, one.model_copy(update={"packs": (moved,)})) == ()


@pytest.mark.parametrize(
    "facts",
    [{"simulated": True}, {"passed": False}, {"packs": ()}, {"issues": ()}],
    ids=lambda facts: next(iter(facts)),
)
def test_only_an_entry_that_worked_vouches_for_it(plan: Plan, facts: dict[str, Any]) -> None:
    assert known(plan, fix(plan, ADD, 0), **facts) == ()


@pytest.mark.parametrize(
    "changes",
    [
        [AddPackage(requirement="evil-package")],
        [AddPackage(requirement="torch")],
        [OverridePackage(requirement="fastapi==0.1")],
        [SetComfyUI(version="0.3.64")],
        [SetInput(node="2", input="text", value="https://evil.example")],
        [
            PinPack(
                name="evil", repository="https://github.com/evil/evil", commit="e" * 40, classes=("X",), source="answer"
            )
        ],
    ],
    ids=["unknown package", "torch", "runtime", "another core", "input", "pack"],
)
def test_what_is_no_need_of_packs_or_nobody_knows_is_never_done_unasked(plan: Plan, changes: list[Any]) -> None:
    assert known(plan, fix(plan, patch_of(*changes), 0)) == ()


def test_a_file_that_somebody_has_edited_is_held_to_what_a_language_model_is(plan: Plan) -> None:
    pin = plan.lock.packs[0]
    evil_commit = PinPack(name=pin.name, repository=pin.repository, commit="e" * 40, classes=(), source="answer")
    evil_model = PinModel(
        folder="vae", file="ae.safetensors", url="https://huggingface.co/evil/x/resolve/main/ae.safetensors", source="x"
    )
    hostile = [
        fix(plan, patch_of(change)) for change in (evil_commit, evil_model, AddPackage(requirement="evil-package"))
    ]
    assert held_fixes(hostile, plan, TODAY) == ()
    assert held_fixes([fix(plan, ADD)], plan, TODAY) == (fix(plan, ADD),)


def test_what_one_workflow_alone_needs_is_not_remembered(plan: Plan) -> None:
    inputs = patch_of(SetInput(node="2", input="text", value="x"))
    assert fix_of(None, failed("No module named 'gguf'"), inputs, plan.lock.packs) is None
    assert WORKFLOW
