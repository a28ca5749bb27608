"""What worked is taken from the knowledge base before anybody is asked; hostile entries get nothing in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from codegen.facts import Facts, ModelFacts, PackFacts, Wanted, WantedModel, WantedPack, gather
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from runner.knowledge.entry import ModelUsed, PackUsed
from runner.knowledge.library import Library
from runner.knowledge.recall import Recall
from runner.lookups.live import Endpoints, LiveLookups
from runner.lookups.offline import Offline
from tests.lookups import internet
from tests.runner.knowledge.test_learnings import entry

if TYPE_CHECKING:
    from pathlib import Path

    from runner.knowledge.entry import Entry

OLD, NEW = "a" * 40, "b" * 40
GGUF = "https://github.com/city96/ComfyUI-GGUF"
URL = "https://huggingface.co/someone/things/resolve/main/fox.safetensors"
MODEL = ModelUsed(
    folder="checkpoints", file="fox.safetensors", url=URL, sha256="1" * 64, bytes=5 * 10**9, source="answer"
)
PACK = PackUsed(name="ComfyUI-GGUF", repository=GGUF, commit=OLD, source="manager-map")
FOX = entry("fox", models=(MODEL,), packs=(PACK,))
WANTED = Wanted(
    models=(WantedModel(folder="checkpoints", file="fox.safetensors"),), packs=(WantedPack(repository=GGUF),)
)
WORKFLOW = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "fox.safetensors"}},
    "2": {"class_type": "UnetLoaderGGUF", "inputs": {"unet_name": "fox.gguf"}},
    "3": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
}


@dataclass
class Hosts:
    """A network in which each repository has one newest commit, and its default branch those in `has`."""

    has: tuple[str, ...] = (NEW, OLD)
    asked: list[Wanted] = field(default_factory=list)

    def look_up(self, wanted: Wanted) -> Facts:
        self.asked.append(wanted)
        return Facts(
            packs=tuple(
                PackFacts(repository=one.repository, commit=one.version, commit_of=one.version)
                if one.version in self.has
                else PackFacts(repository=one.repository, commit=NEW, commit_of="v2.0" if one.version else "main")
                for one in wanted.packs
            ),
            models=tuple(ModelFacts(url=url, state="found", bytes=7, sha256="1" * 64) for url in wanted.model_urls),
        )


def plan_with(lookups: Any) -> Plan:
    def plan(facts: Facts) -> Plan:
        return make_plan(
            parse_workflow(json.dumps(WORKFLOW).encode(), filename="f.json"), filename="f.json", facts=facts
        )

    return plan(gather(lookups, lambda facts: plan(facts).wanted))


def test_a_second_workflow_gets_the_commit_and_the_address_that_worked() -> None:
    hosts = Hosts()
    plan = plan_with(Recall(Library((FOX,)), hosts))
    (pack,) = plan.lock.packs
    model = next(one for one in plan.lock.models if one.file == "fox.safetensors")
    assert (pack.commit, pack.source) == (OLD, "pinned from patterns/fox.md")
    assert (model.url, model.sha256, model.bytes) == (URL, "1" * 64, 7)
    assert model.source == "pinned from patterns/fox.md"
    assert {"known-pack", "known-model"} <= {finding.code for finding in plan.findings}
    assert "newest-pack" not in {finding.code for finding in plan.findings}
    assert WANTED.models[0] not in [model for wanted in hosts.asked for model in wanted.models]
    assert len([pack for wanted in hosts.asked for pack in wanted.packs]) == 1  # nobody is asked twice


def test_without_it_the_newest_commit_is_taken_and_the_model_is_a_question() -> None:
    plan = plan_with(Hosts())
    assert [pack.commit for pack in plan.lock.packs] == [NEW]
    assert "unknown-model-url" in {finding.code for finding in plan.findings}


def test_without_a_network_what_is_known_is_enough() -> None:
    facts = Recall(Library((FOX,)), Offline()).look_up(WANTED)
    assert (facts.pack(GGUF) or PackFacts(repository=GGUF)).commit == OLD
    assert facts.model(URL) == ModelFacts(url=URL, state="found", bytes=MODEL.bytes, sha256=MODEL.sha256)
    assert facts.offline


def test_github_is_asked_whether_the_commit_is_of_the_default_branch(tmp_path: Path) -> None:
    with internet() as world:
        world.repository("city96/ComfyUI-GGUF", commit=NEW)
        world.answer(f"/repos/city96/ComfyUI-GGUF/compare/main...{OLD}?per_page=1", {"status": "behind"})
        live = LiveLookups(tmp_path / "cache.db", Endpoints(github=world.url, civitai=world.url))
        facts = Recall(Library((FOX,)), live).look_up(WANTED)
        assert not [path for path in world.paths() if "models" in path]  # Civitai is not asked for the file
    assert (facts.packs[0].commit, facts.packs[0].known_from) == (OLD, "pinned from patterns/fox.md")


@pytest.mark.parametrize("version", [None, "2.0"])
def test_a_commit_that_the_default_branch_lacks_is_not_taken(version: str | None) -> None:
    evil = PACK.model_copy(update={"commit": "e" * 40, "version": version})
    hosts = Hosts()
    recall = Recall(Library((entry("fox", packs=(evil,)),)), hosts)
    facts = recall.look_up(Wanted(packs=(WantedPack(repository=GGUF, version=version),)))
    assert [(one.commit, one.known_from) for one in facts.packs] == [(NEW, None)]
    assert hosts.asked[-1].packs[0].version == version
    (told,) = recall.findings
    assert (told.code, told.severity, "e" * 40 in told.message) == ("knowledge-refused", "warning", True)


@pytest.mark.parametrize(
    "other",
    [
        entry("fox", models=(MODEL,), packs=(PACK,), simulated=True),
        entry("fox", models=(MODEL,), packs=(PACK,), passed=False),
        entry("fox", models=(MODEL,), packs=(PACK,), engine="stand-in"),
        entry("fox", models=(MODEL.model_copy(update={"url": None}),)),
        entry("fox", models=(MODEL.model_copy(update={"url": "https://evil.example/fox.safetensors"}),)),
        entry("fox", models=(MODEL.model_copy(update={"url": f"{URL}?token=hf_x"}),)),
        entry("fox", models=(MODEL.model_copy(update={"url": "https://huggingface.co.evil.example/x"}),)),
        entry("fox", models=(MODEL.model_copy(update={"folder": "loras"}),)),
    ],
    ids=["simulated", "failed", "stand-in", "no address", "another host", "a key", "a host like", "folder"],
)
def test_nothing_is_taken_from_what_did_not_work_or_is_no_answer(other: Entry) -> None:
    hosts = Hosts()
    facts = Recall(Library((other,)), hosts).look_up(WANTED)
    assert (hosts.asked, facts.addresses) == ([WANTED], ())
    assert [one.known_from for one in facts.packs] == [None]


def test_of_two_files_with_one_name_the_hash_decides_or_nobody() -> None:
    elk = entry("elk", models=(MODEL.model_copy(update={"sha256": "2" * 64, "url": f"{URL}2"}),))
    recall = Recall(Library((FOX, elk)), Hosts())
    assert recall.look_up(Wanted(models=WANTED.models)).addresses == ()
    exact = WantedModel(folder="checkpoints", file="fox.safetensors", sha256="2" * 64)
    assert [one.url for one in recall.look_up(Wanted(models=(exact,))).addresses] == [f"{URL}2"]


def test_the_newest_that_worked_counts() -> None:
    later = entry("zebra", packs=(PACK.model_copy(update={"commit": NEW}),), day=9)
    facts = Recall(Library((FOX, later)), Hosts()).look_up(Wanted(packs=WANTED.packs))
    assert (facts.packs[0].commit, facts.packs[0].known_from) == (NEW, "pinned from patterns/zebra.md")


def test_nothing_wanted_is_nothing_asked() -> None:
    hosts = Hosts()
    assert (Recall(Library((FOX,)), hosts).look_up(Wanted()), hosts.asked) == (Facts(), [])
