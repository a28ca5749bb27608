"""From what is loaded at once to the smallest hardware that holds it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from codegen.catalog import load_catalog
from codegen.hardware import GPU_MEMORY_GB, PRICES, Load, choose_hardware, choose_timeouts, loaded_files
from codegen.lock import ModelPin
from codegen.models.find import FoundModel
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.stages import MOST_FILES, Stage, find_stages, unnamed_loaders
from tests.codegen.canvas import text_to_image

IMAGE = frozenset({"image"})
VIDEO = frozenset({"video"})


def model(gigabytes: float | None, file: str = "m.safetensors", *, exact: bool = True) -> Load:
    size = None if gigabytes is None else int(gigabytes * 1e9)
    pin = ModelPin(folder="checkpoints", file=file, source="unknown", bytes=size if exact else None)
    (load,) = loaded_files([FoundModel(pin=pin, about_bytes=size, nodes=("1",))], [])
    return load


def alone(models: Sequence[Load]) -> list[Stage]:
    return [Stage(node=str(number), files=frozenset({number})) for number in range(len(models))]


class TestHardware:
    def test_no_model_needs_no_gpu(self):
        hardware = choose_hardware((), (), IMAGE)
        assert (hardware.gpu, hardware.reason) == (None, "no node loads a model, so no GPU is needed")

    @pytest.mark.parametrize(
        ("gigabytes", "gpu"), [(2, "T4"), (12, "L4"), (30, "L40S"), (50, "A100-80GB"), (75, "RTX-PRO-6000")]
    )
    def test_the_cheapest_that_holds_the_largest_stage(self, gigabytes, gpu):
        models = [model(gigabytes, "big.safetensors"), model(1)]
        hardware = choose_hardware(models, alone(models), IMAGE)
        assert hardware.gpu == gpu
        assert hardware.reason == (
            f"the largest stage, big.safetensors, has {gigabytes:.1f} GB; with buffers and 4 GB to work in that makes "
            f"{gigabytes * 1.15 + 4:.1f} GB"
        )

    def test_what_works_together_has_to_fit_together(self):
        models = [model(20, "a.safetensors"), model(20, "b.safetensors")]
        together = [Stage(node="9", files=frozenset({0, 1}))]
        assert choose_hardware(models, alone(models), IMAGE).gpu == "L40S"
        hardware = choose_hardware(models, together, IMAGE)
        assert hardware.gpu == "A100-80GB"
        assert "a.safetensors and 1 more file, has 40.0 GB" in hardware.reason

    def test_memory_holds_all_of_them(self):
        models = [model(20) for _ in range(5)]
        assert choose_hardware(models, alone(models), IMAGE).memory_mib >= 100e9 / 2**20 + 8 * 1024

    def test_a_size_that_is_only_about_known_is_given_room(self):
        models = [model(12, exact=False)]
        hardware = choose_hardware(models, alone(models), IMAGE)
        assert "has about 13.2 GB" in hardware.reason

    def test_a_size_that_nobody_knows_is_said(self):
        models = [model(None, "mystery.ckpt"), model(2)]
        image, video = (choose_hardware(models, alone(models), kinds) for kinds in (IMAGE, VIDEO))
        assert (image.gpu, video.gpu) == ("L4", "L40S")
        assert "the largest stage, mystery.ckpt, is of unknown size and counts 28.0 GB" in video.reason

    def test_a_video_is_not_made_on_the_slowest(self):
        models = [model(1)]
        assert choose_hardware(models, alone(models), VIDEO).gpu == "L4"

    def test_what_fits_nowhere_gets_the_largest_and_is_told(self):
        models = [model(500)]
        hardware = choose_hardware(models, alone(models), IMAGE)
        assert hardware.gpu == "B200"
        assert hardware.reason.endswith("more than any has: parts of it wait in the machine's memory")

    def test_what_is_asked_for_is_taken(self):
        assert choose_hardware((), (), frozenset(), "H100").gpu == "H100"

    def test_a_name_is_shown_as_letters(self):
        models = loaded_files([], ["\x1b[31m\u202e" * 50])
        assert r"what node \x1b[31m\u202e" in choose_hardware(models, alone(models), IMAGE).reason


class TestPrices:
    def test_the_price_is_that_of_all_parts(self):
        hardware = choose_hardware((), (), frozenset(), "T4")
        parts = PRICES.gpus["T4"] + 4 * PRICES.cpu_core + hardware.memory_mib / 1024 * PRICES.memory_gib
        assert hardware.usd_per_second == pytest.approx(parts)
        assert set(PRICES.gpus) == set(GPU_MEMORY_GB)

    def test_those_of_an_account_decide_what_is_cheapest(self):
        live = PRICES.model_copy(update={"as_of": date(2026, 11, 1), "gpus": {**PRICES.gpus, "A10": 0.0001}})
        models = [model(12)]
        assert choose_hardware(models, alone(models), IMAGE, prices=live).gpu == "A10"


class TestTimeouts:
    def test_more_to_load_and_more_to_make_take_longer(self):
        small, large = (choose_timeouts([model(size)], IMAGE).execution_seconds for size in (2, 60))
        film = choose_timeouts([model(60)], VIDEO).execution_seconds
        assert 600 <= small < large < film <= 3600


CATALOG = load_catalog("0.33.0")


def prompt(**nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def staged(document: dict[str, Any], *loaders: str) -> dict[str, set[str]]:
    found = find_stages(document, CATALOG, [[loader] for loader in loaders])
    return {stage.node: {loaders[number] for number in stage.files} for stage in found}


class TestStages:
    def test_encoding_sampling_and_decoding_follow_each_other(self):
        graph = prompt(
            unet=("UNETLoader", {}),
            clip=("DualCLIPLoader", {}),
            vae=("VAELoader", {}),
            lora=("LoraLoaderModelOnly", {"model": ["unet", 0]}),
            text=("CLIPTextEncode", {"clip": ["clip", 0]}),
            latent=("EmptyLatentImage", {}),
            sample=("KSampler", {"model": ["lora", 0], "positive": ["text", 0], "latent_image": ["latent", 0]}),
            decode=("VAEDecode", {"samples": ["sample", 0], "vae": ["vae", 0]}),
            save=("SaveImage", {"images": ["decode", 0]}),
        )
        assert staged(graph, "unet", "clip", "vae", "lora") == {
            "text": {"clip"},
            "sample": {"unet", "lora"},
            "decode": {"vae"},
        }

    def test_a_control_net_comes_along_with_the_conditioning(self):
        graph = prompt(
            one=("CheckpointLoaderSimple", {}),
            net=("ControlNetLoader", {}),
            text=("CLIPTextEncode", {"clip": ["one", 1]}),
            apply=("ControlNetApply", {"conditioning": ["text", 0], "control_net": ["net", 0]}),
            sample=("KSampler", {"model": ["one", 0], "positive": ["apply", 0]}),
        )
        assert staged(graph, "one", "net")["sample"] == {"one", "net"}

    def test_a_guider_hands_the_model_on(self):
        graph = prompt(
            unet=("UNETLoader", {}),
            guider=("BasicGuider", {"model": ["unet", 0]}),
            sample=("SamplerCustomAdvanced", {"guider": ["guider", 0]}),
        )
        assert staged(graph, "unet") == {"sample": {"unet"}}

    def test_a_node_that_nobody_knows_may_need_all_that_reaches_it(self):
        graph = prompt(unet=("UNETLoader", {}), odd=("NobodyKnows", {"what": ["unet", 0]}))
        assert staged(graph, "unet") == {"odd": {"unet"}}

    def test_circles_dead_links_and_odd_inputs_end(self):
        graph = prompt(
            a=("NobodyKnows", {"x": ["b", 0], "y": ["gone", 0], "z": ["a", "0"], "w": [1, 2, 3]}),
            b=("NobodyKnows", {"x": ["a", 0]}),
        )
        assert staged(graph, "a") == {"a": {"a"}}

    def test_a_chain_of_thousands_is_no_recursion(self):
        nodes = {f"n{i}": ("LoraLoaderModelOnly", {"model": [f"n{i - 1}", 0]}) for i in range(1, 5000)}
        graph = prompt(n0=("UNETLoader", {}), **nodes, end=("KSampler", {"model": ["n4999", 0]}))
        assert staged(graph, "n0", "n2500") == {"end": {"n0", "n2500"}}

    def test_more_files_than_a_person_uses_are_one_stage(self):
        graph = prompt(**{f"n{i}": ("UNETLoader", {}) for i in range(MOST_FILES + 1)})
        (stage,) = find_stages(graph, CATALOG, [[name] for name in graph])
        assert len(stage.files) == MOST_FILES + 1


def test_a_small_checkpoint_gets_a_small_gpu():
    canvas = text_to_image()
    plan = make_plan(parse_workflow(canvas.workflow().source, filename="x.json"), filename="x.json")
    assert plan.lock.hardware.gpu == "T4"
    assert plan.lock.hardware.reason == (
        "the largest stage, sd15.safetensors, has about 2.4 GB; with buffers and 4 GB to work in that makes 6.7 GB"
    )


class TestWhatIsLoadedUnnamed:
    def test_a_loader_whose_file_cannot_be_read_still_needs_a_gpu(self):
        canvas = text_to_image()
        canvas.nodes[0]["widgets_values"] = [4096]
        plan = make_plan(canvas.workflow(), filename="x.json")
        assert plan.lock.models == ()
        assert plan.lock.hardware.gpu == "L4"
        assert "what node 1 loads, is of unknown size and counts 16.0 GB" in plan.lock.hardware.reason

    def test_a_workflow_without_weights_needs_none(self):
        graph = prompt(image=("EmptyImage", {}), save=("SaveImage", {"images": ["image", 0]}))
        assert unnamed_loaders(graph, CATALOG, ()) == ()

    def test_what_gets_weights_loads_none(self):
        graph = prompt(unet=("UNETLoader", {}), lora=("LoraLoaderModelOnly", {"model": ["unet", 0]}))
        assert unnamed_loaders(graph, CATALOG, ()) == ("unet",)
        assert unnamed_loaders(graph, CATALOG, {"unet"}) == ()
