"""What is measured of outputs: good ones pass, and each fault is seen by the measure that is there for it."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.quality import Found, Wanted, assess, verdict
from runner.endpoint_tests.sample import make_sample
from runner.endpoint_tests.sample_media import sample_media
from runner.endpoint_tests.validity import check_output, open_picture
from runner.endpoint_tests.validity import frames as frames_of
from runner.gltf import NotPlain, read_glb, triangles, write_glb
from runner.quality.eight_bits import eight_bits
from runner.quality.expected import Expected, expected
from runner.quality.image import measure_image
from runner.quality.rules import QualityRules
from runner.quality.scoring import Scale, overall, told
from runner.quality.video import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.model import OutputQuality

RANDOM = np.random.default_rng(7)
SCENE = Image.open(io.BytesIO(sample_media("image")[1])).convert("RGB")
TEXT_TO_IMAGE: dict[str, Any] = {
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 768, "height": 512, "batch_size": 1}},
    "5": {"class_type": "KSampler", "inputs": {"latent_image": ["4", 0]}},
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0]}},
    "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0]}},
}


def file_of(picture: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, file_format, **{"compress_level": 1, **options} if file_format == "PNG" else options)
    return stream.getvalue()


def found(content: bytes, kind: str = "image", filename: str = "a.png", **facts: Any) -> Found:
    return Found(name="out", kind=kind, node="7", filename=filename, media_type="", content=content, **facts)


def quality(content: bytes, kind: str = "image", wanted: Wanted | None = None, **facts: Any) -> OutputQuality:
    (one,) = assess([found(content, kind, **facts)], wanted or Wanted())
    return one


def failed(one: OutputQuality) -> set[str]:
    return {each.name for each in one.measures if not each.passed}


def painted(pixels: Any) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def scaled(factor: float, offset: float = 0) -> Image.Image:
    return painted(np.asarray(SCENE, float) * factor + offset)


def with_hole() -> Image.Image:
    pixels = np.array(SCENE)
    pixels[128:384, 256:512] = 0
    return painted(pixels)


def test_a_picture_is_good() -> None:
    one = quality(file_of(SCENE))
    assert one.passed
    assert one.score > 9
    assert [each.name for each in one.measures] == [
        "contrast",
        "brightness",
        "clipping",
        "burnt",
        "extremes",
        "hole",
        "entropy",
        "sharpness",
        "noise",
        "coherence",
        "patches",
        "exposure",
        "size",
    ]


@pytest.mark.parametrize(
    ("picture", "measure"),
    [
        (scaled(0), "contrast"),
        (scaled(0.05, 120), "contrast"),
        (scaled(0.15), "brightness"),
        (scaled(2.2), "clipping"),
        (painted((np.asarray(SCENE, float) - 128) * 12 + 128), "burnt"),
        (with_hole(), "hole"),
        (SCENE.filter(ImageFilter.GaussianBlur(12)), "sharpness"),
        (painted(np.asarray(SCENE, float) + RANDOM.normal(0, 60, (512, 768, 3))), "noise"),
        (painted(RANDOM.integers(0, 256, (64, 96, 3))).resize((768, 512), Image.Resampling.NEAREST), "coherence"),
        (painted(RANDOM.integers(0, 256, (32, 48, 3))).resize((768, 512), Image.Resampling.BICUBIC), "patches"),
    ],
    ids=["black", "washed out", "dark", "over-exposed", "burnt", "hole", "blurred", "noisy", "blocks", "blobs"],
)
def test_a_fault_is_seen_by_the_measure_for_it(picture: Image.Image, measure: str) -> None:
    assert measure in failed(quality(file_of(picture)))


def test_the_size_counts_where_the_workflow_surely_says_it() -> None:
    small = file_of(SCENE.resize((384, 512)))
    wanted = Wanted(prompt=TEXT_TO_IMAGE)
    assert failed(quality(file_of(SCENE), wanted=wanted)) == set()
    assert failed(quality(file_of(SCENE.resize((760, 512))), wanted=wanted)) == set(), "models round"
    assert failed(quality(small, wanted=wanted)) == {"size"}
    upscaled = {**TEXT_TO_IMAGE, "7": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}
    upscaled["8"] = {"class_type": "ImageUpscaleWithModel", "inputs": {"image": ["6", 0]}}
    assert failed(quality(small, wanted=Wanted(prompt=upscaled))) == set()


@pytest.mark.parametrize(
    ("kind", "is_flat"),
    [
        ("MaskToImage", True),
        ("Canny", True),
        ("DepthAnything_V2", True),
        ("mask\n\n# <img src=x>", True),
        ("ImageSharpen", False),
    ],
)
def test_masks_and_maps_may_be_dark_and_flat(kind: str, *, is_flat: bool) -> None:
    prompt = {
        "7": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
        "8": {"class_type": "ImageScale", "inputs": {"image": ["9", 0], "width": 768}},
        "9": {"class_type": kind, "inputs": {"image": ["10", 0]}},
        "10": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    }
    one = quality(file_of(scaled(0.01)), wanted=Wanted(prompt=prompt))
    assert one.passed is is_flat
    assert ("; a product of " in one.measures[0].detail) is is_flat
    assert (kind in one.measures[0].detail) is (is_flat and kind.isidentifier()), "nobody's words but a plain name"


def test_a_cut_out_is_measured_where_it_is_seen() -> None:
    cut = SCENE.convert("RGBA")
    cut.putalpha(Image.radial_gradient("L").resize(SCENE.size).point(lambda level: 255 if level < 90 else 0))
    assert quality(file_of(cut)).passed


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (31, 31), (40, 4000), (16, 16)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16", "1", "LA"])
def test_small_thin_and_odd_pictures_are_measured_all_the_same(size: tuple[int, int], mode: str) -> None:
    one = quality(file_of(Image.new(mode, size)))
    assert all(np.isfinite(each.value) and 0 <= each.score <= 10 for each in one.measures)


@pytest.mark.parametrize(("mode", "white"), [("I;16", 65535), ("I", 65535), ("I", 255), ("F", 1.0), ("F", 40.5)])
def test_grey_of_many_bits_is_seen_as_people_see_it(mode: str, white: float) -> None:
    levels = (np.linspace(0, 1, 64) * np.ones((64, 1)) * white).astype({"I;16": "<u2", "I": "<i4", "F": "<f4"}[mode])
    content = file_of(Image.fromarray(levels), "PNG" if mode == "I;16" else "TIFF")
    output = {"name": "depth", "kind": "image", "bytes": len(content), "width": 64, "height": 64}
    picture = open_picture(content)
    assert (picture.mode, picture.getextrema()) == ("L", (0, 255))
    assert check_output(output, content).endswith("64 × 64")
    sample = make_sample([(output, content)])
    assert sample is not None
    assert Image.open(io.BytesIO(sample.data)).convert("L").getextrema() == (0, 255)
    assert "brightness" not in failed(quality(content))


@pytest.mark.parametrize("levels", [[0, 128], [-3, 9], [70_000, 70_000], [np.nan, np.inf], [-1e38, 3e38], [1e-45, 0]])
def test_levels_of_any_kind_have_a_place_from_black_to_white(levels: list[float]) -> None:
    seen = eight_bits(Image.fromarray(np.array([levels], np.float32)))
    assert list(seen.tobytes()) in ([0, 255], [0, 0])


def on_ground(picture: Image.Image, ground: int) -> Image.Image:
    """In the middle of much white or black, as products and renders are shown."""
    whole = Image.new("RGB", (1024, 1024), (ground, ground, ground))
    whole.paste(picture.resize((400, 400)), (312, 312))
    return whole


def extremes_of(picture: Image.Image) -> tuple[float, bool]:
    (each,) = (each for each in quality(file_of(picture)).measures if each.name == "extremes")
    return each.value, each.passed


@pytest.mark.parametrize("ground", [0, 255], ids=["night", "paper"])
def test_where_every_colour_is_at_a_limit_a_picture_is_burnt_whatever_it_stands_on(ground: int) -> None:
    burnt = painted((np.asarray(SCENE, float) - 128) * 40 + 128)
    assert extremes_of(burnt) == (pytest.approx(1, abs=0.08), False)
    value, _ = extremes_of(on_ground(burnt, ground))
    assert value > 0.8
    assert extremes_of(on_ground(SCENE, ground)) == (pytest.approx(0, abs=0.1), True)


def test_a_drawing_in_black_and_white_may_have_been_meant_so() -> None:
    cells = np.kron(RANDOM.integers(0, 2, (24, 24)), np.ones((16, 16))) * 255
    drawing = painted(np.repeat(cells[..., None], 3, 2))
    assert extremes_of(drawing) == (0.88, True)
    assert extremes_of(Image.new("RGB", (256, 256), "white")) == (0.0, True)


def test_settings_lower_the_limit_and_leave_outputs_out() -> None:
    grey = file_of(scaled(0.05, 120))
    assert failed(quality(grey)) != set()
    assert quality(grey, wanted=Wanted(rules=QualityRules(image=0))).passed
    assert quality(grey, wanted=Wanted(rules=QualityRules(untested=("o*",)))).passed
    assert failed(quality(file_of(SCENE), wanted=Wanted(rules=QualityRules(image=10)))) <= {"clipping", "sharpness"}


def test_the_verdict_says_which_measure_and_why() -> None:
    one = quality(file_of(SCENE.filter(ImageFilter.GaussianBlur(12))))
    with pytest.raises(CheckFailed, match=r"^out: sharpness has \d\.\d of 10, below 2: 0\.\d+; sharp pictures"):
        verdict((one,))
    assert verdict(()) == "nothing that can be measured"


def frames(count: int, step: int) -> list[Image.Image]:
    return [SCENE.crop((at, 0, at + 512, 512)) for at in range(0, count * step, step)] if step else [SCENE] * count


def moving(pictures: list[Image.Image]) -> bytes:
    return file_of(pictures[0], "WEBP", save_all=True, append_images=pictures[1:], duration=62, quality=80)


def test_a_video_that_moves_is_good_and_one_that_does_not_is_frozen() -> None:
    good, frozen = (found(sample_media("video")[1], "video", "a.mp4"), found(_still_video(), "video", "a.mp4"))
    (one, other) = assess([good, frozen], Wanted())
    assert one.passed
    assert {each.name for each in one.measures} >= {"duplicates", "freeze", "continuity", "seconds"}
    assert failed(other) == {"duplicates", "freeze"}


def _still_video() -> bytes:
    from runner.stand_in.media import encode_video  # noqa: PLC0415 - as the stand-in writes them

    frame = np.asarray(SCENE.resize((192, 128)), np.float32) / 255
    return encode_video([frame] * 24, 12, "mp4")


def test_a_picture_that_moves_is_measured_as_a_video() -> None:
    one = quality(moving(frames(6, 16)))
    assert (one.kind, one.passed) == ("video", True)
    unrelated = [painted(RANDOM.integers(0, 256, (256, 256, 3))) for _ in range(6)]
    assert "continuity" in failed(quality(moving(unrelated)))


def large_frames(side: int, count: int) -> bytes:
    """A GIF of a few kB that says it has many pixels."""
    first, *others = (Image.new("L", (16, 16), 2 * index) for index in range(count))
    data = bytearray(file_of(first, "GIF", save_all=True, append_images=others))
    data[6:10] = side.to_bytes(2, "little") * 2
    return bytes(data)


@pytest.mark.parametrize(
    ("side", "count", "words"),
    [
        (8000, 2, "frames of 8000 × 8000 pixels, more than can be looked at; make them smaller"),
        (5900, 90, "more than 2,500,000,000 pixels in its first 240 frames.*make it smaller or shorter"),
    ],
)
def test_what_moves_and_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(
    side: int, count: int, words: str
) -> None:
    content = large_frames(side, count)
    assert len(content) < 20_000
    output = {"name": "out", "kind": "image", "bytes": len(content), "width": side, "height": side}
    with pytest.raises(CheckFailed, match=words):
        check_output(output, content)
    assert assess([found(content)], Wanted()) == ()
    assert make_sample([(output, content)]) is None


def test_a_video_whose_frames_are_too_large_is_refused_before_it_is_decoded() -> None:
    content = raw_video(6400, 6400)
    with pytest.raises(CheckFailed, match="frames of 6400 × 6400 pixels, more than can be looked at"):
        next(frames_of(content))


def raw_video(width: int, height: int) -> bytes:
    """One frame of one colour."""
    stream = io.BytesIO()
    with av.open(stream, "w", "matroska") as container:
        track = container.add_stream("mpeg4", 24)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(track.encode(frame))
        container.mux(track.encode())
    return stream.getvalue()


@pytest.mark.long
def test_of_a_video_small_copies_are_kept_however_large_its_frames_are() -> None:
    watched = Watched(SCENE.resize((1600, 1200)) for _ in range(40))
    assert 8 <= len(watched.sampled) <= 16
    assert watched.middle is not None
    assert max(watched.middle.size) == 512
    assert all(each.pixels.working.nbytes + each.pixels.native.nbytes < 4 << 20 for each in watched.sampled)


def test_length_and_rate_of_a_video_count_where_the_workflow_says_them() -> None:
    prompt = {
        **TEXT_TO_IMAGE,
        "4": {"class_type": "EmptyHunyuanLatentVideo", "inputs": {"width": 384, "height": 256, "length": 49}},
        "7": {"class_type": "SaveVideo", "inputs": {"video": ["8", 0]}},
        "8": {"class_type": "CreateVideo", "inputs": {"images": ["6", 0], "fps": 16.0}},
    }
    assert expected(prompt, "7") == Expected(width=384, height=256, frames=49, fps=16.0)
    video = sample_media("video")[1]
    assert quality(video, "video", Wanted(prompt=prompt)).passed
    prompt["4"]["inputs"]["length"] = 161
    assert failed(quality(video, "video", Wanted(prompt=prompt))) == {"seconds", "frames"}


def wave(samples: Any) -> bytes:
    import wave as waves  # noqa: PLC0415 - the name is wanted here

    stream = io.BytesIO()
    with waves.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return stream.getvalue()


TONE = np.sin(np.arange(32_000) / 16_000 * 2 * np.pi * 330) * 0.3


@pytest.mark.parametrize(
    ("samples", "measures"),
    [
        (TONE, set[str]()),
        (TONE / 2000, {"loudness", "silence"}),
        (np.where(np.arange(32_000) < 200, TONE, 0), {"loudness", "silence"}),
        (TONE * 40, {"clipping"}),
        (RANDOM.uniform(-0.5, 0.5, 32_000), {"noise"}),
        (TONE * 0.1 + 0.6, {"offset"}),
    ],
    ids=["good", "faint", "cut off", "clipped", "noise", "offset"],
)
def test_a_sound(samples: Any, measures: set[str]) -> None:
    assert failed(quality(wave(samples), "audio", filename="a.wav")) == measures


def ball(count: int = 24) -> tuple[Any, Any]:
    turn, rise = np.meshgrid(np.linspace(0, 6.2, count), np.linspace(0.1, 3.0, count))
    points = np.stack([np.sin(rise) * np.cos(turn), np.cos(rise), np.sin(rise) * np.sin(turn)], -1).reshape(-1, 3)
    corner = np.arange(count * count).reshape(count, count)[:-1, :-1].ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + count], 1),
            np.stack([corner + 1, corner + count + 1, corner + count], 1),
        ]
    )
    return points, faces


@pytest.mark.parametrize(
    ("spoil", "measure"),
    [
        (lambda points, faces: (points, faces), None),
        (lambda points, faces: (points, RANDOM.permutation(faces.ravel()).reshape(-1, 3)), "edges"),
        (lambda points, faces: (points * [1, 0, 0], faces), "extent"),
        (lambda points, faces: (np.where(np.arange(len(points))[:, None] % 9 == 0, np.nan, points), faces), "finite"),
        (lambda points, faces: (points, np.where(np.arange(len(faces))[:, None] % 3, 0, faces)), "degenerate"),
    ],
    ids=["good", "mixed up", "flattened", "nowhere", "torn"],
)
def test_a_mesh(spoil: Callable[[Any, Any], tuple[Any, Any]], measure: str | None) -> None:
    one = quality(write_glb(*spoil(*ball()), generator="test"), "mesh", filename="a.glb")
    assert (measure in failed(one)) if measure else one.passed


def test_a_mesh_that_is_damaged_is_unreadable_and_one_that_is_compressed_is_not_looked_into() -> None:
    good = write_glb(*ball(), generator="with some room")
    (damaged,) = assess([found(good.replace(b'"count":576', b'"count":999'), "mesh", "a.glb")], Wanted())
    assert failed(damaged) == {"readable"}
    points = good.replace(b'"POSITION":0}', b'"POSITION":0},"mode":0').replace(b"with some room", b"roomy")
    assert len(points) == len(good)
    assert assess([found(points, "mesh", "a.glb"), found(b"solid", "mesh", "a.stl")], Wanted()) == ()


@pytest.mark.parametrize(("copies", "words"), [(2500, "triangles"), (10_001, "parts")])
def test_a_mesh_that_repeats_its_triangles_to_gigabytes_is_not_unpacked(copies: int, words: str) -> None:
    points, faces = ball(24 if words == "parts" else 28)
    document, binary = read_glb(write_glb(points, faces, generator="test"))
    document["meshes"][0]["primitives"] *= copies
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text + len(binary).to_bytes(4, "little") + b"BIN\0" + binary
    content = b"glTF" + (2).to_bytes(4, "little") + (len(chunks) + 12).to_bytes(4, "little") + chunks
    tracemalloc.start()
    with pytest.raises(NotPlain, match=words):
        triangles(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert assess([found(content, "mesh", "a.glb")], Wanted()) == ()


@pytest.mark.parametrize(
    ("text", "measures"),
    [
        (b"A lighthouse on a cliff at dusk.", set[str]()),
        (b"", {"length"}),
        (b"\xff\xfe\x00" * 40, {"readable"}),
        (b"the the the " * 200, {"repetition"}),
    ],
)
def test_a_text(text: bytes, measures: set[str]) -> None:
    assert failed(quality(text, "text", filename="a.txt")) == measures


def test_the_same_seed_gives_the_same_again_or_it_is_said_and_is_no_fault() -> None:
    original = file_of(SCENE)
    other_file = file_of(SCENE, compress_level=6)
    other_picture = file_of(SCENE.rotate(2))
    for again, words in (
        (original, "byte for byte"),
        (other_file, "pixel for pixel"),
        (other_picture, "another picture: pixels differ by"),
        (file_of(SCENE.resize((9, 9))), "another size"),
    ):
        one = quality(original, again=again)
        assert one.passed
        assert words in next(each.detail for each in one.measures if each.name == "same-seed")
        assert one.score == quality(original).score
    assert "came from ComfyUI's cache" in quality(original, again=original, cached=True).measures[-1].detail


def test_a_reference_is_compared_and_fails_only_where_settings_say_so() -> None:
    other = painted(255 - np.asarray(SCENE.transpose(Image.Transpose.FLIP_TOP_BOTTOM), float))
    strict = QualityRules(reference=5)
    alike = quality(file_of(SCENE), wanted=Wanted(reference=file_of(SCENE, "JPEG"), rules=strict))
    unlike = Wanted(reference=file_of(other))
    assert alike.passed
    assert {each.name: each.value for each in alike.measures}["reference-likeness"] > 9
    told_only = quality(file_of(SCENE), wanted=unlike)
    assert told_only.passed
    assert {each.name for each in told_only.measures} >= {"reference-hash", "reference-ssim", "reference-colour"}
    one = quality(file_of(SCENE), wanted=unlike.model_copy(update={"rules": strict}))
    assert failed(one) == {"reference-likeness"}
    with pytest.raises(CheckFailed, match=r"reference-likeness has .* below 5"):
        verdict((one,))


def test_of_several_outputs_the_closest_is_the_one_that_should_look_like_it() -> None:
    both = [found(file_of(scaled(0.7, 20).rotate(90))), found(file_of(SCENE))]
    first, second = assess(both, Wanted(reference=file_of(SCENE)))
    assert "reference-likeness" not in {each.name for each in first.measures}
    assert "reference-likeness" in {each.name for each in second.measures}


def test_the_score_is_the_worst_and_the_mean() -> None:
    scale = Scale(10, 0)
    assert [scale.score(value) for value in (-5, 0, 2.5, 10, 99, float("nan"))] == [10, 10, 7.5, 0, 0, 0]
    measured = measure_image(SCENE, Expected())
    assert overall(each for each in measured if not each.counts) == 10
    worst = [each._replace(score=0.0) if each.name == "noise" else each._replace(score=10.0) for each in measured]
    assert overall([*worst, told("x", 0, score=0)]) == pytest.approx(0.3 * 10 * 9 / 10 + 0, abs=0.1)
