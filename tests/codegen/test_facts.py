"""A plan with what was looked up: sizes, licences and commits go in, and what is wrong is said."""

from __future__ import annotations

import pytest

from codegen.facts import (
    Facts,
    ModelAddress,
    ModelFacts,
    PackFacts,
    PackOfClass,
    Wanted,
    WantedModel,
    WantedPack,
    gather,
)
from codegen.plan import Plan, make_plan
from tests.codegen.canvas import Canvas, empty_image, save, text_to_image

URL = "https://huggingface.co/a/b/resolve/main/sd15.safetensors"
SHA = "ab" * 32
PACK = "https://github.com/ltdrdata/ComfyUI-Impact-Pack"


def located(**other: str) -> Canvas:
    canvas = text_to_image()
    canvas.nodes[0]["properties"]["models"] = [{"name": "sd15.safetensors", "url": URL, **other}]
    return canvas


def planned(canvas: Canvas, facts: Facts | None = None) -> Plan:
    return make_plan(canvas.workflow(), filename="fox.json", facts=facts or Facts())


def of_a_pack(kind: str = "ImpactWildcardProcessor") -> Canvas:
    canvas = Canvas()
    save(canvas, canvas.add(kind, image=empty_image(canvas)))
    return canvas


class TestModels:
    def test_size_hash_and_licence_go_into_the_lock_and_decide_the_hardware(self):
        facts = Facts(models=(ModelFacts(url=URL, state="found", bytes=30_000_000_000, sha256=SHA, licence="mit"),))
        plan = planned(located(), facts)
        (pin,) = plan.lock.models
        assert (pin.bytes, pin.sha256, pin.licence, pin.gated) == (30_000_000_000, SHA, "mit", False)
        assert plan.lock.hardware.gpu == "L40S"
        assert "has 30.0 GB" in plan.lock.hardware.reason
        assert plan.wanted.model_urls == ()

    @pytest.mark.parametrize(
        ("answer", "code", "message"),
        [
            (
                {"state": "missing"},
                "missing-model",
                f"at the address of sd15.safetensors (checkpoints): {URL}",
            ),
            (
                {"state": "gated"},
                "gated-model",
                f"sd15.safetensors (checkpoints) is given only to those who have agreed to its terms: {URL}",
            ),
            (
                {"state": "found", "sha256": "cd" * 32},
                "other-model",
                "its SHA-256 is cdcdcdcdcdcd…, not abababababab…",
            ),
        ],
    )
    def test_what_cannot_be_had_is_an_error(self, answer, code, message):
        canvas = located(hash=SHA, hash_type="SHA256")
        plan = planned(canvas, Facts(models=(ModelFacts(url=URL, **answer),)))
        (finding,) = (finding for finding in plan.findings if finding.code == code)
        assert (finding.severity, finding.node) == ("error", "1")
        assert finding.message.endswith(message)
        assert plan.lock.models[0].sha256 == SHA, "what the workflow was made with stays"

    def test_an_address_that_was_found_is_taken_and_asked_about_in_turn(self):
        canvas = text_to_image()
        canvas.nodes[0]["widgets_values"] = ["nobody-has-this.safetensors"]
        first = planned(canvas)
        assert first.wanted == Wanted(models=(WantedModel(folder="checkpoints", file="nobody-has-this.safetensors"),))
        address = ModelAddress(
            folder="checkpoints",
            file="nobody-has-this.safetensors",
            url="https://civitai.com/api/download/models/1",
            source="civitai",
        )
        second = planned(canvas, Facts(addresses=(address,)))
        assert (second.lock.models[0].url, second.lock.models[0].source) == (address.url, "civitai")
        assert second.wanted == Wanted(model_urls=(address.url,))
        assert "model-found-by-name" in {finding.code for finding in second.findings}

    def test_a_file_that_is_gone_is_taken_from_where_the_same_one_is(self):
        canvas = located(hash=SHA, hash_type="SHA256")
        gone = ModelFacts(url=URL, state="missing")
        first = planned(canvas, Facts(models=(gone,)))
        assert first.wanted.models == (WantedModel(folder="checkpoints", file="sd15.safetensors", sha256=SHA),)
        elsewhere = "https://civitai.com/api/download/models/7"
        address = ModelAddress(
            folder="checkpoints", file="sd15.safetensors", url=elsewhere, sha256=SHA, source="civitai"
        )
        plan = planned(canvas, Facts(models=(gone,), addresses=(address,)))
        assert (plan.lock.models[0].url, plan.lock.models[0].source) == (elsewhere, "civitai")
        assert [finding.code for finding in plan.findings if "model" in finding.code] == ["moved-model"]
        other = address.model_copy(update={"sha256": "cd" * 32})
        assert planned(canvas, Facts(models=(gone,), addresses=(other,))).lock.models[0].url == URL


class TestPacks:
    def test_the_commit_is_pinned(self):
        plan = planned(of_a_pack())
        assert plan.wanted == Wanted(packs=(WantedPack(repository=PACK),))
        assert plan.lock.packs == ()
        found = planned(of_a_pack(), Facts(packs=(PackFacts(repository=PACK, commit="c" * 40, commit_of="Main"),)))
        assert [(pin.repository, pin.commit) for pin in found.lock.packs] == [(PACK, "c" * 40)]
        assert found.wanted == plan.wanted, "what was asked is not asked in other words"

    def test_a_class_that_only_the_registry_knows_is_not_run_unread(self):
        canvas = of_a_pack("NobodyListsThisNode")
        assert planned(canvas).wanted == Wanted(classes=("NobodyListsThisNode",))
        owner = PackOfClass(
            class_type="NobodyListsThisNode", repository="https://github.com/stranger/pack", registry_id="pack"
        )
        plan = planned(canvas, Facts(classes=(owner,)))
        assert plan.lock.packs == ()
        assert "unlisted-pack" in {finding.code for finding in plan.findings}


class TestSaying:
    def test_silence_is_not_taken_for_an_answer(self):
        offline = planned(located(), Facts(offline=True))
        assert offline.findings[0].code == "offline"
        silent = planned(located(), Facts(unreachable=("https://huggingface.co",)))
        assert silent.findings[0].message == (
            "no answer from https://huggingface.co: what is known there of the workflow's models and packs is missing"
        )

    def test_asking_ends_though_every_answer_raises_questions(self):
        class Endless:
            asked = 0

            def look_up(self, wanted: Wanted) -> Facts:
                self.asked += 1
                return Facts(unreachable=(str(self.asked),))

        lookups = Endless()
        gather(lookups, lambda facts: Wanted(classes=(f"X{len(facts.unreachable)}",)))
        assert lookups.asked == 2
