"""The stand-in over real HTTP and a real socket, as ComfyUI's clients use ComfyUI."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from runner.endpoint_tests.validity import check_output
from tests.engine import Client, node, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator


def colour(rgb: int = 0xFF0000, **more: Any) -> dict[str, Any]:
    return {
        "1": node("EmptyImage", **{"width": 32, "height": 16, "batch_size": 1, "color": rgb, **more}),
        "2": node("SaveImage", images=["1", 0], filename_prefix="colour"),
    }


def sampled(seed: int = 1, text: str = "a cat") -> dict[str, Any]:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=f"{text}.safetensors"),
        "2": node("CLIPTextEncode", text=text, clip=["1", 1]),
        "3": node("EmptyLatentImage", width=320, height=192, batch_size=1),
        "4": node(
            "KSampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["2", 0],
            latent_image=["3", 0],
            seed=seed,
            steps=20,
            cfg=7,
            sampler_name="euler",
            scheduler="normal",
            denoise=1,
        ),
        "5": node("VAEDecode", samples=["4", 0], vae=["1", 2]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="sub/cat"),
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[Client]:
    with stand_in() as url:
        client = Client(url)
        yield client
        client.http.close()


def test_it_never_passes_for_the_real_thing(engine: Client) -> None:
    stats = engine.http.get("/system_stats")
    assert stats.json()["system"]["flowberth_stand_in"] is True
    assert stats.json()["system"]["comfyui_version"] == "0.33.0"
    for path in ("/", "/prompt", "/nowhere", "/view?filename=none.png"):
        assert engine.http.get(path).headers["x-flowberth-engine"] == "stand-in"


def test_a_picture_that_needs_no_model_is_really_made(engine: Client) -> None:
    picture = engine.picture(colour(0x3366CC), "2")
    assert picture.size == (32, 16)
    assert picture.convert("RGB").getcolors() == [(512, (0x33, 0x66, 0xCC))]
    assert json.loads(picture.info["prompt"])["1"]["class_type"] == "EmptyImage"


def test_what_needs_a_model_is_simulated_in_the_right_size_and_differs_with_the_seed(engine: Client) -> None:
    first, again, other = (engine.outputs(sampled(seed), "6")[0] for seed in (1, 1, 2))
    assert Image.open(io.BytesIO(first)).size == (320, 192)
    assert first == again
    assert first != other


def test_everything_is_told_in_the_servers_words_and_order(engine: Client) -> None:
    told = engine.events({**sampled(text="a dog"), "3": node("EmptyLatentImage", width=64, height=64, batch_size=1)})
    kinds = [kind for kind, _ in told]
    assert kinds[:4] == ["execution_start", "execution_cached", "progress_state", "executing"]
    assert kinds[-4:] == ["executed", "progress_state", "execution_success", "executing"]
    assert [data["node"] for kind, data in told if kind == "executing"] == ["1", "2", "3", "4", "5", "6", None]
    progress = [(data["value"], data["max"]) for kind, data in told if kind == "progress" and data["node"] == "4"]
    assert progress[-1][0] == progress[-1][1]
    (executed,) = (data for kind, data in told if kind == "executed")
    assert executed["output"]["images"][0] | {"filename": ""} == {"filename": "", "subfolder": "sub", "type": "output"}


def test_the_same_again_is_answered_from_the_cache_and_still_has_outputs(engine: Client) -> None:
    engine.run(sampled(seed=5))
    told = engine.events(sampled(seed=5))
    assert dict(told)["execution_cached"]["nodes"] == ["1", "2", "3", "4", "5", "6"]
    assert [data["node"] for kind, data in told if kind == "executing"] == [None]
    assert "executed" in [kind for kind, _ in told]
    changed = dict(engine.events(sampled(seed=6)))
    assert changed["execution_cached"]["nodes"] == ["1", "2", "3"]


def test_an_upload_that_is_replaced_is_another_input(engine: Client) -> None:
    prompt = {"1": node("LoadImage", image="photo.png"), "2": node("PreviewImage", images=["1", 0])}
    seen = []
    for shade in ("red", "blue"):
        file = io.BytesIO()
        Image.new("RGB", (8, 8), shade).save(file, "PNG")
        answer = engine.http.post(
            "/upload/image", files={"image": ("photo.png", file.getvalue())}, data={"overwrite": "true"}
        )
        assert answer.json() == {"name": "photo.png", "subfolder": "", "type": "input"}
        seen.append(engine.picture(prompt, "2").convert("RGB").getpixel((0, 0)))
    assert seen == [(255, 0, 0), (0, 0, 255)]


def test_a_second_file_of_a_name_gets_a_number(engine: Client) -> None:
    contents = (b"x", b"y", b"x", b"z", b"y")
    names = [engine.http.post("/upload/image", files={"image": ("twice.png", x)}).json()["name"] for x in contents]
    assert names == ["twice.png", "twice (1).png", "twice.png", "twice (2).png", "twice (1).png"]


def test_waiting_prompts_are_listed_and_deleted(engine: Client) -> None:
    slow = engine.submit(colour(1, batch_size=3000)).json()["prompt_id"]
    waiting = [engine.submit(colour(color)).json()["prompt_id"] for color in (2, 3)]
    queue = engine.http.get("/queue").json()
    assert [entry[1] for entry in queue["queue_pending"]][-2:] == waiting
    engine.http.post("/queue", json={"delete": waiting})
    engine.http.post("/interrupt", json={"prompt_id": slow})
    engine.until(lambda: engine.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 0)
    assert engine.http.get(f"/history/{waiting[0]}").json() == {}
    messages = [event for event, _ in engine.http.get(f"/history/{slow}").json()[slow]["status"]["messages"]]
    assert messages[-1] == "execution_interrupted"


@pytest.mark.parametrize(
    ("class_types", "output", "media_type"),
    [
        ({"1": node("EmptyAceStepLatentAudio", seconds=3.0, batch_size=1)}, "SaveAudioMP3", "audio"),
        ({"1": node("EmptyHunyuanLatentVideo", width=64, height=64, length=9, batch_size=1)}, "SaveVideo", "video"),
    ],
)
def test_sounds_and_videos_are_playable(engine: Client, class_types: Any, output: str, media_type: str) -> None:
    prompt = {**class_types, "9": node("VAELoader", vae_name="x.safetensors")}
    if media_type == "audio":
        prompt["2"] = node("VAEDecodeAudio", samples=["1", 0], vae=["9", 0])
        prompt["3"] = node(output, audio=["2", 0], filename_prefix="a", quality="V0")
    else:
        prompt["2"] = node("VAEDecode", samples=["1", 0], vae=["9", 0])
        prompt["4"] = node("CreateVideo", images=["2", 0], fps=24, bit_depth=8)
        prompt["3"] = node(output, video=["4", 0], filename_prefix="v", format="auto", **{"format.codec": "auto"})
    (data,) = engine.outputs(prompt, "3")
    assert check_output({"kind": media_type, "bytes": len(data)}, data)


def test_a_mesh_is_binary_gltf(engine: Client) -> None:
    prompt = {
        "1": node("EmptyLatentHunyuan3Dv2", resolution=3072, batch_size=1),
        "2": node("VAELoader", vae_name="x.safetensors"),
        "3": node("VAEDecodeHunyuan3D", samples=["1", 0], vae=["2", 0], num_chunks=8000, octree_resolution=256),
        "4": node("VoxelToMesh", voxel=["3", 0], algorithm="surface net", threshold=0.6),
        "5": node("SaveGLB", mesh=["4", 0], filename_prefix="m"),
    }
    (data,) = engine.outputs(prompt, "5")
    assert check_output({"kind": "mesh", "bytes": len(data), "filename": "m.glb"}, data) == "glTF, 1 mesh"


HUGE = [
    colour(batch_size=4096, width=16384, height=16384),
    {
        "1": node("EmptyImage", width=16384, height=16384, batch_size=64, color=1),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("PreviewImage", images=["2", 0]),
    },
    {
        "1": node("EmptyImage", width=64, height=64, batch_size=1, color=1),
        "2": node("ImageScale", image=["1", 0], upscale_method="bilinear", width=16384, height=16384, crop="disabled"),
        "3": node("PreviewImage", images=["2", 0]),
    },
]


@pytest.mark.parametrize("prompt", HUGE)
def test_what_would_not_fit_into_memory_ends_its_prompt_only(engine: Client, prompt: dict[str, Any]) -> None:
    assert "at most" in engine.failure(prompt)["exception_message"]
    assert engine.picture(colour(), "2").size == (32, 16)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "x\0y"])
def test_no_name_leaves_its_folder(engine: Client, path: str) -> None:
    assert engine.http.get("/view", params={"filename": path}).status_code in {400, 404}
    assert engine.http.get("/view", params={"filename": "x", "subfolder": path}).status_code in {403, 404}
    assert (
        engine.http.post("/upload/image", files={"image": ("x.png", b"")}, data={"subfolder": f"../{path}"}).status_code
        == 400
    )
    failure = engine.failure({**colour(4), "2": node("SaveImage", images=["1", 0], filename_prefix=f"../{path}")})
    assert failure["node_type"] == "SaveImage"


@pytest.mark.parametrize(
    "body",
    [
        b"{nope",
        b"[]",
        b"1",
        b'{"prompt": 3}',
        b"[" * 100_000,
        b'{"prompt": {"1": null}}',
        b'{"prompt": {"1": {"class_type": []}}}',
    ],
)
def test_a_body_that_is_none_is_refused_and_nothing_breaks(engine: Client, body: bytes) -> None:
    assert engine.http.post("/prompt", content=body).status_code in {400, 500}
    assert engine.picture(colour(), "2").size == (32, 16)


def test_a_long_chain_is_no_problem(engine: Client) -> None:
    prompt = {"0": node("EmptyImage", width=2, height=2, batch_size=1, color=0)}
    prompt |= {str(i): node("ImageInvert", image=[str(i - 1), 0]) for i in range(1, 10_000)}
    prompt["end"] = node("PreviewImage", images=["9999", 0])
    assert engine.picture(prompt, "end").convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_definitions_are_those_of_the_version(engine: Client) -> None:
    every = engine.http.get("/api/object_info").json()
    assert every["KSampler"] == engine.http.get("/object_info/KSampler").json()["KSampler"]
    assert engine.http.get("/object_info/None").json() == {}
    assert every["SaveImage"]["output_node"] is True


def test_it_ends_when_it_is_told_to_and_leaves_no_files(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "runner.stand_in", "--port", "0", "--core", "9.9.9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"TMPDIR": str(tmp_path)}) as process:
        assert process.stdout
        assert process.stdout.readline()
        assert list(tmp_path.iterdir())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in {0, -signal.SIGTERM}
    assert list(tmp_path.iterdir()) == []
