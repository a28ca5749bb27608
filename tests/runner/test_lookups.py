"""Questions to Hugging Face, Civitai, GitHub and the registry, over real HTTP to a small double of all four."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

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
from runner.lookups.live import Endpoints, LiveLookups
from runner.lookups.offline import Offline
from runner.lookups.web import LARGEST_ANSWER
from tests.lookups import Internet, internet

SD15 = "https://huggingface.co/a/sd15/resolve/main/v1%205.safetensors"
SHA = "ab" * 32
PACK = "https://github.com/someone/ComfyUI-Pack"


@pytest.fixture
def world() -> Iterator[Internet]:
    with internet() as one:
        yield one


@pytest.fixture
def lookups(world: Internet, tmp_path: Path) -> LiveLookups:
    return looking(world, tmp_path)


def looking(world: Internet, folder: Path, **tokens: str) -> LiveLookups:
    url = world.url
    endpoints = Endpoints(hugging_face=url, civitai=url, github=url, registry=url)
    return LiveLookups(folder / "cache.db", endpoints, {url: tokens["token"]} if tokens else None)


def files(*urls: str) -> Wanted:
    return Wanted(model_urls=urls)


def packs(*wanted: WantedPack) -> Wanted:
    return Wanted(packs=wanted)


class TestHuggingFace:
    def test_size_hash_and_licence_of_a_file(self, world, lookups):
        world.answer(
            "/a/sd15/resolve/main/v1%205.safetensors",
            status=302,
            Location="https://cdn.example/file",
            X_Linked_Size="4265146304",
            X_Linked_ETag=f'"{SHA}"',
        )
        world.answer("/api/models/a/sd15", {"gated": False, "cardData": {"license": "creativeml-openrail-m"}})
        assert lookups.look_up(files(SD15)).models == (
            ModelFacts(url=SD15, state="found", bytes=4265146304, sha256=SHA, licence="creativeml-openrail-m"),
        )
        assert sorted(world.paths()) == [
            "GET /api/models/a/sd15",
            "HEAD /a/sd15/resolve/main/v1%205.safetensors",
        ], "the bytes themselves are not fetched"

    def test_a_gated_file_is_refused_and_said_to_be_gated(self, world, lookups):
        world.answer("/a/sd15/resolve/main/v1%205.safetensors", status=401, X_Error_Code="GatedRepo")
        world.answer("/api/models/a/sd15", {"gated": "auto", "cardData": {"license": ["other"]}})
        assert lookups.look_up(files(SD15)).models == (ModelFacts(url=SD15, state="gated", licence="other"),)

    def test_a_gated_file_that_the_token_may_see_is_still_gated_for_the_app(self, world, tmp_path):
        world.answer("/a/sd15/resolve/main/v1%205.safetensors", status=302, X_Linked_Size="5", Location="https://cdn/x")
        world.answer("/api/models/a/sd15", {"gated": "manual"})
        (facts,) = looking(world, tmp_path, token="hf_secret").look_up(files(SD15)).models
        assert (facts.state, facts.bytes) == ("gated", 5)
        assert {one.token for one in world.asked} == {"Bearer hf_secret"}

    def test_a_file_that_is_not_there_is_missing(self, lookups):
        assert lookups.look_up(files(SD15)).models == (ModelFacts(url=SD15, state="missing"),)

    def test_a_repository_that_was_renamed_leads_on(self, world, lookups):
        world.answer(
            "/a/sd15/resolve/main/v1%205.safetensors", status=307, Location="/b/new/resolve/main/v1.safetensors"
        )
        world.answer("/b/new/resolve/main/v1.safetensors", b"123", X_Linked_Size="3")
        (facts,) = lookups.look_up(files(SD15)).models
        assert (facts.state, facts.bytes) == ("found", 3)

    @pytest.mark.parametrize("headers", [{"X_Linked_Size": "many"}, {"X_Linked_Size": "-1"}, {"X_Linked_ETag": "zz"}])
    def test_senseless_headers_are_no_facts(self, world, lookups, headers):
        world.answer("/a/sd15/resolve/main/v1%205.safetensors", status=302, Location="https://cdn/x", **headers)
        world.answer("/api/models/a/sd15", {"cardData": {"license": "x\n<script>"}, "gated": False})
        assert lookups.look_up(files(SD15)).models == (ModelFacts(url=SD15, state="found"),)

    @pytest.mark.parametrize(
        "url",
        [
            "https://169.254.169.254/latest/meta-data.safetensors",
            "https://huggingface.co.evil.example/a/b/resolve/main/x.ckpt",
            "https://huggingface.co/a/resolve/main/x.ckpt",
            "https://localhost/x.ckpt",
        ],
    )
    def test_any_other_address_is_asked_nothing(self, world, lookups, url):
        assert lookups.look_up(files(url)) == Facts()
        assert world.asked == []


VERSION = {
    "id": 7,
    "files": [
        {"name": "x.vae.pt", "type": "VAE", "sizeKB": 1, "hashes": {}},
        {"name": "x.safetensors", "type": "Model", "primary": True, "sizeKB": 2.5, "hashes": {"SHA256": SHA.upper()}},
    ],
}


class TestCivitai:
    def test_a_version_by_its_address(self, world, lookups):
        world.answer("/api/v1/model-versions/7", VERSION)
        url = "https://civitai.com/api/download/models/7"
        assert lookups.look_up(files(url)).models == (ModelFacts(url=url, state="found", bytes=2560, sha256=SHA),)

    def test_the_file_that_the_address_asks_for(self, world, lookups):
        world.answer("/api/v1/model-versions/7", VERSION)
        url = "https://civitai.com/api/download/models/7?type=VAE"
        assert lookups.look_up(files(url)).models == (ModelFacts(url=url, state="found", bytes=1024),)

    def test_one_that_was_taken_down_is_missing(self, lookups):
        url = "https://civitai.com/models/1?modelVersionId=7"
        assert lookups.look_up(files(url)).models == (ModelFacts(url=url, state="missing"),)

    def search(self, world: Internet, lookups: LiveLookups, *found: dict[str, Any]) -> tuple[ModelAddress, ...]:
        world.answer("/api/v1/models?query=epic+photo+v2&limit=20", {"items": [{"modelVersions": list(found)}]})
        wanted = WantedModel(folder="checkpoints", file="mine/epic_photo-v2.safetensors")
        return lookups.look_up(Wanted(models=(wanted,))).addresses

    def test_a_file_that_nobody_locates_is_found_by_its_very_name(self, world, lookups):
        named = {"name": "Epic_Photo-v2.safetensors", "hashes": {"SHA256": SHA}}
        other = {"name": "epic_photo-v3.safetensors", "hashes": {"SHA256": "cd" * 32}}
        assert self.search(world, lookups, {"id": 9, "files": [other, named]}) == (
            ModelAddress(
                folder="checkpoints",
                file="mine/epic_photo-v2.safetensors",
                url="https://civitai.com/api/download/models/9",
                sha256=SHA,
                source="civitai",
            ),
        )

    def test_two_different_files_of_that_name_are_a_question(self, world, lookups):
        versions = [
            {"id": number, "files": [{"name": "epic_photo-v2.safetensors", "hashes": {"SHA256": digest * 32}}]}
            for number, digest in ((1, "ab"), (2, "cd"))
        ]
        assert self.search(world, lookups, *versions) == ()

    def test_a_file_without_a_hash_is_not_taken_on_its_name(self, world, lookups):
        assert self.search(world, lookups, {"id": 1, "files": [{"name": "epic_photo-v2.safetensors"}]}) == ()

    def test_a_file_whose_hash_is_known_is_found_by_that_alone(self, world, lookups):
        world.answer(f"/api/v1/model-versions/by-hash/{SHA}", VERSION)
        wanted = WantedModel(folder="loras", file="renamed.pt", sha256=SHA)
        (address,) = lookups.look_up(Wanted(models=(wanted,))).addresses
        assert (address.url, address.sha256) == ("https://civitai.com/api/download/models/7", SHA)
        assert lookups.look_up(Wanted(models=(wanted.model_copy(update={"sha256": "cd" * 32}),))).addresses == ()

    def test_a_version_that_holds_another_file_is_not_believed(self, world, lookups):
        world.answer(f"/api/v1/model-versions/by-hash/{'cd' * 32}", VERSION)
        wanted = WantedModel(folder="loras", file="x.pt", sha256="cd" * 32)
        assert lookups.look_up(Wanted(models=(wanted,))).addresses == ()


class TestGitHub:
    def test_the_newest_commit_where_no_version_is_known(self, world, lookups):
        world.repository("someone/ComfyUI-Pack", stargazers_count=12)
        assert lookups.look_up(packs(WantedPack(repository=PACK))).packs == (
            PackFacts(repository=PACK, commit="c" * 40, commit_of="main", stars=12),
        )

    def test_a_version_of_the_registry_is_a_tag(self, world, lookups):
        world.repository("someone/ComfyUI-Pack")
        world.answer("/repos/someone/ComfyUI-Pack/commits/1.2.0", {"sha": "d" * 40})
        (facts,) = lookups.look_up(packs(WantedPack(repository=PACK, version="1.2.0"))).packs
        assert (facts.commit, facts.commit_of) == ("d" * 40, "1.2.0")
        assert "GET /repos/someone/ComfyUI-Pack/commits/v1.2.0" in world.paths()

    @pytest.mark.parametrize("status", ["behind", "identical"])
    def test_a_commit_of_its_default_branch_is_kept(self, world, lookups, status):
        world.repository("someone/ComfyUI-Pack")
        world.answer(f"/repos/someone/ComfyUI-Pack/compare/main...{'e' * 40}?per_page=1", {"status": status})
        (facts,) = lookups.look_up(packs(WantedPack(repository=PACK, version="e" * 40))).packs
        assert facts.commit == "e" * 40

    @pytest.mark.parametrize("status", ["ahead", "diverged"])
    def test_a_commit_that_only_a_fork_has_is_not_taken_for_its_own(self, world, lookups, status):
        world.repository("someone/ComfyUI-Pack")
        world.answer(f"/repos/someone/ComfyUI-Pack/commits/{'e' * 40}", {"sha": "e" * 40})
        world.answer(f"/repos/someone/ComfyUI-Pack/compare/main...{'e' * 40}?per_page=1", {"status": status})
        (facts,) = lookups.look_up(packs(WantedPack(repository=PACK, version="e" * 40))).packs
        assert (facts.commit, facts.commit_of) == ("c" * 40, "main")

    def test_a_commit_that_is_gone_gives_the_newest_and_says_so(self, world, lookups):
        world.repository("someone/ComfyUI-Pack")
        (facts,) = lookups.look_up(packs(WantedPack(repository=PACK, version="e" * 40))).packs
        assert (facts.commit, facts.commit_of) == ("c" * 40, "main")

    def test_renames_forks_and_archives_are_followed_and_told(self, world, lookups):
        world.answer("/repos/someone/ComfyUI-Pack", status=301, Location="/repositories/5")
        world.answer(
            "/repositories/5",
            {
                "full_name": "other/Pack",
                "default_branch": "dev",
                "archived": True,
                "license": {"spdx_id": "GPL-3.0"},
                "fork": True,
                "source": {"full_name": "first/Pack"},
            },
        )
        world.answer("/repos/other/Pack/commits/dev", {"sha": "c" * 40})
        assert lookups.look_up(packs(WantedPack(repository=PACK))).packs == (
            PackFacts(
                repository=PACK,
                moved_to="https://github.com/other/Pack",
                archived=True,
                fork_of="https://github.com/first/Pack",
                commit="c" * 40,
                commit_of="dev",
                licence="GPL-3.0",
            ),
        )

    def test_a_repository_that_is_gone_is_missing(self, lookups):
        assert lookups.look_up(packs(WantedPack(repository=PACK))).packs == (
            PackFacts(repository=PACK, state="missing"),
        )

    def test_a_used_up_limit_is_no_answer(self, world, lookups):
        world.answer("/repos/someone/ComfyUI-Pack", status=403, X_RateLimit_Remaining="0")
        facts = lookups.look_up(packs(WantedPack(repository=PACK)))
        assert facts == Facts(unreachable=(world.url,))

    def test_other_hosts_are_not_asked(self, world, lookups):
        assert lookups.look_up(packs(WantedPack(repository="https://gitlab.com/a/b"))) == Facts()
        assert world.asked == []


class TestRegistry:
    def test_whose_a_class_is(self, world, lookups):
        world.answer("/comfy-nodes/Odd%20%2F%20Node/node", {"id": "odd-pack", "repository": f"{PACK}.git/"})
        assert lookups.look_up(Wanted(classes=("Odd / Node", "Nobody's"))).classes == (
            PackOfClass(class_type="Odd / Node", repository=PACK, registry_id="odd-pack"),
        )

    @pytest.mark.parametrize("repository", [None, "", "git@github.com:a/b", "https://user:pw@github.com/a/b", 5, ["x"]])
    def test_an_address_that_no_lock_takes_is_none(self, world, lookups, repository):
        world.answer("/comfy-nodes/X/node", {"id": "x", "repository": repository})
        assert lookups.look_up(Wanted(classes=("X",))) == Facts()


class TestTheWeb:
    def test_asked_again_it_costs_no_more_than_the_etag(self, world, tmp_path):
        world.repository("someone/ComfyUI-Pack")
        first, second = (looking(world, tmp_path).look_up(packs(WantedPack(repository=PACK))) for _ in range(2))
        assert first == second
        assert [one.answered for one in world.asked] == [200, 200, 304, 304]

    def test_what_has_changed_is_seen(self, world, tmp_path):
        world.answer("/comfy-nodes/X/node", {"id": "one", "repository": PACK})
        world.answer("/comfy-nodes/X/node", {"id": "two", "repository": PACK})
        found = [looking(world, tmp_path).look_up(Wanted(classes=("X",))).classes[0].registry_id for _ in range(2)]
        assert found == ["one", "two"]

    def test_a_server_that_is_not_well_for_a_moment_is_asked_twice(self, world, lookups):
        world.answer("/comfy-nodes/X/node", status=502)
        world.answer("/comfy-nodes/X/node", {"id": "x", "repository": PACK})
        assert len(lookups.look_up(Wanted(classes=("X",))).classes) == 1

    def test_a_host_that_is_not_there_is_named_and_not_asked_again(self, tmp_path):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
            endpoints = Endpoints(hugging_face=nowhere, civitai=nowhere, github=nowhere, registry=nowhere)
            facts = LiveLookups(tmp_path / "cache.db", endpoints).look_up(
                Wanted(model_urls=(SD15,), packs=(WantedPack(repository=PACK),), classes=("X",) * 50)
            )
        assert facts == Facts(unreachable=(nowhere,))

    @pytest.mark.parametrize(
        "body", [b"<html>", b"[1,", b'{"a": NaN}', b"\xff\xfe", b"[" * 5000, b'"' + b"x" * LARGEST_ANSWER + b'"']
    )
    def test_an_answer_that_cannot_be_understood_is_none(self, world, lookups, body):
        world.answer("/comfy-nodes/X/node", body)
        assert lookups.look_up(Wanted(classes=("X",))) == Facts(unreachable=(world.url,))

    @pytest.mark.parametrize("body", [[], "text", 7, None, {"repository": {"a": 1}}, {"id": []}])
    def test_json_of_another_shape_is_no_fact(self, world, lookups, body):
        world.answer("/comfy-nodes/X/node", body)
        world.answer("/repos/someone/ComfyUI-Pack", body)
        world.answer("/api/v1/model-versions/7", body)
        wanted = Wanted(
            model_urls=("https://civitai.com/api/download/models/7",),
            packs=(WantedPack(repository=PACK),),
            classes=("X",),
        )
        facts = lookups.look_up(wanted)
        assert facts.classes == ()
        assert all(model.bytes is None for model in facts.models)
        assert all(pack.commit is None for pack in facts.packs)

    def test_a_circle_of_redirects_ends(self, world, lookups):
        world.answer("/repos/someone/ComfyUI-Pack", status=302, Location="/repos/someone/ComfyUI-Pack")
        assert lookups.look_up(packs(WantedPack(repository=PACK))) == Facts(unreachable=(world.url,))

    def test_a_redirect_to_another_host_does_not_get_the_token(self, world, tmp_path):
        with internet() as elsewhere:
            world.answer("/repos/someone/ComfyUI-Pack", status=302, Location=f"{elsewhere.url}/steal")
            facts = looking(world, tmp_path, token="secret").look_up(packs(WantedPack(repository=PACK)))
            assert elsewhere.asked == []
        assert facts == Facts(unreachable=(world.url,))

    def test_a_cache_that_cannot_be_written_is_done_without(self, world, tmp_path):
        (tmp_path / "cache.db").mkdir()
        world.repository("someone/ComfyUI-Pack")
        facts = looking(world, tmp_path).look_up(packs(WantedPack(repository=PACK)))
        assert facts.packs[0].commit == "c" * 40

    def test_a_cache_that_is_no_database_is_done_without(self, world, tmp_path):
        (tmp_path / "cache.db").write_bytes(b"not a database" * 100)
        world.repository("someone/ComfyUI-Pack")
        facts = looking(world, tmp_path).look_up(packs(WantedPack(repository=PACK)))
        assert facts.packs[0].commit == "c" * 40


class TestRounds:
    def test_what_was_found_is_asked_about_in_turn(self):
        url = "https://civitai.com/api/download/models/9"
        address = ModelAddress(folder="loras", file="x.pt", url=url, source="civitai")

        class Found:
            asked: ClassVar[list[Wanted]] = []

            def look_up(self, wanted: Wanted) -> Facts:
                self.asked.append(wanted)
                return (
                    Facts(addresses=(address,))
                    if wanted.models
                    else Facts(models=(ModelFacts(url=url, state="found"),))
                )

        def wanted(facts: Facts) -> Wanted:
            if facts.addresses:
                return Wanted(model_urls=(url,))
            return Wanted(models=(WantedModel(folder="loras", file="x.pt"),))

        facts = gather(Found(), wanted)
        assert (facts.addresses, len(facts.models)) == ((address,), 1)
        assert len(Found.asked) == 2

    def test_offline_is_said_only_if_there_was_a_question(self):
        assert gather(Offline(), lambda _: Wanted()) == Facts()
        assert gather(Offline(), lambda _: Wanted(classes=("X",))) == Facts(offline=True)
