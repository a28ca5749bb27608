"""What fails is found out, the lock is changed, and it is tried again: the target fails as told, all else is real."""

from __future__ import annotations

import json

import pytest

from tests.runner.bench import POSTER, git
from tests.runner.test_preflight import SHARPEN, WORKFLOW

WIDE = POSTER.replace('"width": 64', '"width": 64000')
TOO_WIDE = {
    "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""},
    "node_errors": {
        "1": {
            "errors": [
                {
                    "type": "value_bigger_than_max",
                    "message": "Value 64000 bigger than max of 16384",
                    "details": "width",
                    "extra_info": {
                        "input_name": "width",
                        "input_config": ["INT", {"default": 512, "min": 1, "max": 16384, "step": 1}],
                        "received_value": 64000,
                    },
                }
            ],
            "dependent_outputs": ["2"],
            "class_type": "EmptyImage",
        }
    },
}
REFUSED = {"stage": "preflight", "found": {"prompt": TOO_WIDE}}
NO_MODULE = "Cannot import /root/comfy/ComfyUI/custom_nodes/ComfyUI-Some module for custom nodes: No module named '{}'"
GATED = """\
huggingface_hub.errors.GatedRepoError: 401 Client Error.
Cannot access gated repo for url https://huggingface.co/black-forest-labs/FLUX.1-dev/resolve/main/ae.safetensors.
Access to model black-forest-labs/FLUX.1-dev is restricted. You must have access to it and be authenticated to access it.
"""


def missing(module: str) -> dict[str, str]:
    return {"stage": "boot", "log": NO_MODULE.format(module)}


def lock_of(bench) -> dict:
    return json.loads(git(bench.repo, "show", "flowberth/poster:apps/modal/poster/app.lock.json"))


def test_what_comfyui_refuses_is_changed_in_the_lock_and_tried_again(bench):
    result = bench.do("up", workflow=WIDE, faults=[REFUSED], drafts=True)
    assert (result["state"], result["attempts"]) == ("succeeded", 2), result["reason"]
    (override,) = lock_of(bench)["inputs"]
    assert (override["node"], override["input"], override["value"]) == ("1", "width", 16384)
    prompt = json.loads(git(bench.repo, "show", "flowberth/poster:apps/modal/poster/prompt.json"))
    assert prompt["1"]["inputs"]["width"] == 16384
    repair = bench.commits("flowberth/poster")[2]
    assert repair.startswith("Repair poster")
    attempts = git(bench.repo, "log", "--format=%(trailers:key=Flowberth-Attempt,valueonly)", "main..flowberth/poster")
    assert attempts.split() == ["2", "2", "1", "1"]
    (pull,) = bench.pulls()
    assert "### Repaired: 2 attempts" in pull["body"]
    assert "16384" in pull["body"]
    told = bench.runs()[0]["progress"]["attempts"]
    assert [attempt["number"] for attempt in told] == [1, 2]
    commits = git(bench.repo, "log", "--format=%H", "main..flowberth/poster").split()
    assert [attempt["commit"] for attempt in told] == [commits[2], commits[1]]


@pytest.mark.long
def test_each_attempt_repairs_one_cause(bench):
    modules = ["gguf", "insightface", "piexif"]
    result = bench.do("up", faults=[missing(module) for module in modules], target="elsewhere")
    assert (result["state"], result["attempts"]) == ("succeeded", 4), result["reason"]
    packages = {package.partition("==")[0] for package in lock_of(bench)["dependencies"]["packages"]}
    assert set(modules) <= packages


def test_what_only_people_can_settle_is_asked(bench):
    result = bench.do("up", faults=[{"stage": "models", "log": GATED}], target="elsewhere", drafts=True)
    assert (result["state"], result["attempts"]) == ("failed", 1)
    (asked,) = [finding for finding in result["findings"] if finding["severity"] == "error"]
    assert "FLUX.1-dev" in asked["message"]
    assert asked["hint"]
    assert bench.leftovers() == []


@pytest.mark.long
def test_a_failure_that_a_repair_does_not_help_ends_the_run(bench):
    result = bench.do("up", faults=[missing("gguf")] * 3, target="elsewhere", drafts=True)
    assert (result["state"], result["attempts"]) == ("failed", 2)
    assert result["findings"][0]["code"] == "not-repaired"


def test_a_failure_that_nobody_knows_ends_the_run_with_its_log(bench):
    unknown = {"stage": "build", "log": "step 7 said: the flux capacitor is cold"}
    result = bench.do("up", faults=[unknown], target="elsewhere")
    assert (result["state"], result["attempts"]) == ("failed", 1)
    assert "the flux capacitor is cold" in result["reason"]


@pytest.mark.long
def test_on_this_machine_no_packages_are_changed_for_a_comfyui_that_is_not_ours(bench):
    result = bench.do("up", faults=[missing("gguf")])
    assert (result["state"], result["attempts"]) == ("failed", 1)
    assert "on Modal it would be tried" in result["findings"][0]["message"]


EVENTS = [
    f"{step} {when}" for step in ("preflight", "diagnose", "repair") for when in ("started", "detail", "finished")
]


@pytest.mark.long
@pytest.mark.parametrize("event", EVENTS)
def test_a_run_that_is_killed_while_it_repairs_goes_on_in_the_same_attempt(bench, event):
    bench.do_until_killed("up", workflow=WIDE, faults=[REFUSED], kill_at=event, drafts=True)
    result = bench.do("up", workflow=WIDE, faults=[REFUSED], drafts=True)
    assert (result["state"], result["attempts"]) == ("succeeded", 2), result["reason"]
    assert len(bench.commits("flowberth/poster")) == 4
    assert [pull["state"] for pull in bench.pulls()] == ["open"]
    assert bench.leftovers() == []


@pytest.mark.long
def test_ten_attempts_are_enough(bench):
    modules = ["gguf", "insightface", "piexif", "lark", "rembg", "numba", "matplotlib", "fvcore", "segment_anything",
               "ultralytics", "yapf"]  # fmt: skip
    result = bench.do("up", faults=[missing(module) for module in modules], target="elsewhere")
    assert (result["state"], result["attempts"]) == ("failed", 10)
    assert "all attempts are used up" in result["findings"][0]["message"]


@pytest.mark.long
def test_nothing_is_begun_whose_worst_case_does_not_fit_below_the_limit(bench):
    result = bench.do("up", target="elsewhere", budget_usd=0.5, drafts=True)
    assert result["state"] == "over-budget"
    assert "$0.5" in result["reason"]
    money = bench.do("money", run_id=result["run_id"])
    assert money["lines"] == []


@pytest.mark.long
def test_what_a_run_spends_is_settled_when_it_has_ended(bench):
    result = bench.do("up", target="elsewhere", faults=[missing("gguf")], drafts=True)
    assert result["state"] == "succeeded", result["reason"]
    money = bench.do("money", run_id=result["run_id"])
    assert [(line["key"], line["state"]) for line in money["lines"]] == [
        ("build-1", "spent"), ("build-2", "spent"), ("preflight-2", "spent"), ("test-2", "spent"),
    ]  # fmt: skip
    assert float(money["reserved"]) == 0
    assert 0 < float(money["estimated"]) < float(money["limit"]) == 20


@pytest.mark.long
@pytest.mark.parametrize("event", ["deploy detail", "preflight started", "test detail"])
def test_a_kill_loses_no_line_of_the_ledger(bench, event):
    bench.do_until_killed("up", target="elsewhere", kill_at=event, drafts=True)
    result = bench.do("up", target="elsewhere", drafts=True)
    assert result["state"] == "succeeded", result["reason"]
    lines = bench.do("money", run_id=result["run_id"])["lines"]
    assert {line["key"].partition("~")[0] for line in lines} == {"build-1", "preflight-1", "test-1"}
    assert {line["state"] for line in lines} == {"spent"}


@pytest.mark.long
def test_what_worked_is_remembered_in_the_repository_and_tried_first_the_next_time(bench):
    odd = {"stage": "build", "log": "RuntimeError: the flux capacitor needs 1.21 gigawatts"}
    fixes = "docs/knowledge-base/workflows/learnings/fixes"
    first = bench.do("up", target="elsewhere", faults=[missing("gguf")])
    assert first["attempts"] == 2
    (file,) = git(bench.repo, "ls-tree", "--name-only", "flowberth/poster", f"{fixes}/").splitlines()
    fix = json.loads(git(bench.repo, "show", f"flowberth/poster:{file}"))
    assert (fix["details"], fix["patch"]["changes"][0]["kind"]) == ("gguf", "add-package")

    # Somebody found out by hand what no signature knows, and wrote it down: it is used from then on.
    by_hand = {**fix, "signature": "unmatched", "details": "RuntimeError: the flux capacitor needs _ gigawatts"}
    place = bench.repo / fixes
    place.mkdir(parents=True)
    (place / "by-hand.json").write_text(json.dumps(by_hand))
    (place / "broken.json").write_text("{")
    git(bench.repo, "add", ".")
    git(bench.repo, "commit", "-qm", "Remember")
    second = bench.do("up", name="banner", target="elsewhere", faults=[odd])
    assert (second["state"], second["attempts"]) == ("succeeded", 2), second["reason"]


def test_nothing_is_learned_from_a_simulation(bench):
    result = bench.do("up", workflow=WIDE, faults=[REFUSED])
    assert result["state"] == "succeeded", result["reason"]
    assert "learnings" not in git(bench.repo, "ls-tree", "-r", "--name-only", "flowberth/poster")


@pytest.mark.long
@pytest.mark.parametrize("accepted", [False, True], ids=["refused", "accepted as it was"])
def test_the_definitions_of_a_pack_give_the_prompt_that_the_editor_would_send(bench, accepted):
    found = {"definitions": {"Sharpen+": SHARPEN}, "passed": accepted}
    result = bench.do("up", workflow=json.dumps(WORKFLOW), faults=[{"stage": "preflight", "found": found}], drafts=True)
    assert (result["state"], result["attempts"]) == ("succeeded", 2), result["reason"]
    prompt = json.loads(git(bench.repo, "show", "flowberth/poster:apps/modal/poster/prompt.json"))
    assert prompt["2"]["inputs"] == {"image": ["1", 0], "quality": "high", "seed": 7}
