"""How well the score of `runner.quality` tells good outputs from spoiled ones.

    uv run python benchmarks/quality.py FOLDER [--scales]

FOLDER holds unpacked wheels of ComfyUI's template package, whose samples count as good:

    pip download --no-deps -d FOLDER comfyui-workflow-templates-media-{api,image,other,video}
    for wheel in FOLDER/*.whl; do unzip -qn $wheel -d FOLDER; done

Each sample is spoiled in every way of benchmarks/spoiling.py. The scales were set by looking at one half, chosen by the
hash of the file's name (`--scales` prints what was looked at); what is printed otherwise is about the other half, less
what has a sibling in the first (`name-1`, `name-2`).
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageSequence
from rich.console import Console
from rich.table import Table

sys.path[0] = str(Path(__file__).parents[1])  # this folder's scripts are called like packages of ours

from benchmarks import spoiling  # noqa: E402 - found through the path above
from runner.endpoint_tests.validity import open_picture, sound  # noqa: E402
from runner.quality.audio import measure_audio  # noqa: E402
from runner.quality.expected import Expected  # noqa: E402
from runner.quality.image import measure_image  # noqa: E402
from runner.quality.mesh import measure_mesh  # noqa: E402
from runner.quality.rules import DEFAULT_MINIMUM  # noqa: E402
from runner.quality.scoring import Measured, overall  # noqa: E402
from runner.quality.video import Watched, measure_video  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALLEST = 250
"""Pixels of an edge; smaller ones are icons."""
LARGEST = 1024
"""Larger ones are made smaller before they are spoiled."""
MOST_FRAMES = 40
VIDEO_EDGE = 256
MOST_VIDEOS = 60
"""Decoding takes a second each."""
PIECE_SECONDS = 12
"""A sound of the package is cut into such pieces, because there are few."""
MESHES = 20
ROUNDS = 20
_SIBLING = re.compile(r"-\d+$")


class Scored(NamedTuple):
    """One output, good or spoiled."""

    kind: str
    spoilt: str
    """How; empty for a good one."""
    name: str
    measures: tuple[Measured, ...]

    @property
    def score(self) -> float:
        """Of all that counts."""
        return overall(self.measures)

    @property
    def stopped(self) -> bool:
        """By the default limits."""
        return any(each.counts and each.score < DEFAULT_MINIMUM for each in self.measures)


class Half:
    """The files that are looked at: for setting scales, or for judging them."""

    def __init__(self, files: list[Path], *, scales: bool) -> None:
        self._scales = scales
        self._seen = {_SIBLING.sub("", path.stem) for path in files if _even(path)}

    def has(self, path: Path) -> bool:
        """Whether it is one of them."""
        return _even(path) if self._scales else _SIBLING.sub("", path.stem) not in self._seen


def _even(path: Path) -> bool:
    return hashlib.sha256(path.name.encode()).digest()[0] % 2 == 0


def _random(*parts: object) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4]))


def _plain(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    behind = Image.new("RGB", picture.size, (128, 128, 128))
    seen = picture.convert("RGBA")
    behind.paste(seen, mask=seen.getchannel("A"))
    return behind


def pictures(files: list[Path], half: Half) -> Iterator[Scored]:
    """Every picture as it is, and spoiled."""
    for path in files:
        if not half.has(path) or path.suffix not in {".webp", ".png", ".jpg", ".jpeg"}:
            continue
        picture = Image.open(path)
        if getattr(picture, "n_frames", 1) > 1 or min(picture.size) < SMALLEST:
            continue
        picture = open_picture(path.read_bytes())
        asked = Expected(width=picture.width, height=picture.height)
        yield Scored("image", "", path.name, measure_image(picture, asked))
        plain = _plain(picture)
        plain.thumbnail((LARGEST, LARGEST))
        asked = Expected(width=plain.width, height=plain.height)
        for name, spoil in spoiling.PICTURES.items():
            spoilt = spoil(plain, _random(name, path.name))
            yield Scored("image", name, path.name, measure_image(spoilt, Expected()))
        other = plain.resize((plain.width * 2, plain.height))
        yield Scored("image", "wrong size", path.name, measure_image(other, asked))


def videos(files: list[Path], half: Half) -> Iterator[Scored]:
    """Pictures that move: there are no other videos in the packages."""
    taken = 0
    for path in sorted(files, key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        if not half.has(path) or path.suffix != ".webp" or taken >= MOST_VIDEOS:
            continue
        picture = Image.open(path)
        if getattr(picture, "n_frames", 1) < MOST_FRAMES // 2 or min(picture.size) < SMALLEST:
            continue
        taken += 1
        frames: list[Image.Image] = []
        for frame in islice(ImageSequence.Iterator(picture), MOST_FRAMES):
            plain = _plain(frame)
            plain.thumbnail((VIDEO_EDGE, VIDEO_EDGE))
            frames.append(plain)
        yield Scored("video", "", path.name, _video(frames, Expected()))
        for name, spoil in spoiling.VIDEOS.items():
            yield Scored("video", name, path.name, _video(spoil(frames, _random(name, path.name)), Expected()))
        short = Expected(frames=len(frames) * 2, fps=16)
        yield Scored("video", "half as long", path.name, _video(frames, short))


def _video(frames: list[Image.Image], wanted: Expected) -> tuple[Measured, ...]:
    return measure_video(Watched(frames), fps=16, seconds=len(frames) / 16, whole=True, wanted=wanted)


def sounds(files: list[Path], half: Half) -> Iterator[Scored]:
    """Pieces of every sound."""
    seen: set[str] = set()
    for path in files:
        if not half.has(path) or path.suffix != ".mp3" or path.name in seen:
            continue
        seen.add(path.name)
        samples, rate = sound(path.read_bytes())
        size = PIECE_SECONDS * rate
        for start in range(0, max(1, len(samples) - size + 1), size):
            piece = samples[start : start + size]
            name, seconds = f"{path.name} {start // rate}", len(piece) / rate
            wanted = Expected(seconds=seconds)
            yield Scored("audio", "", name, measure_audio(piece, rate, seconds, wanted))
            for how, spoil in spoiling.SOUNDS.items():
                spoilt = spoil(piece, _random(how, name)).astype(np.float32)
                yield Scored("audio", how, name, measure_audio(spoilt, rate, seconds, wanted))
            yield Scored("audio", "half as long", name, measure_audio(piece, rate, seconds / 2, wanted))


def meshes(*, scales: bool) -> Iterator[Scored]:
    """Made ones."""
    for index, mesh in enumerate(spoiling.made_meshes(_random("meshes", scales), MESHES)):
        yield Scored("mesh", "", str(index), measure_mesh(mesh))
        for name, spoil in spoiling.MESHES.items():
            yield Scored("mesh", name, str(index), measure_mesh(spoil(mesh, _random(name, index))))


def auc(good: list[float], bad: list[float]) -> float:
    """Area under the ROC curve: how often a good one has the higher score than a spoiled one; equal ones count half."""
    ordered = np.sort(np.array(bad))
    below = np.searchsorted(ordered, good, "left") + np.searchsorted(ordered, good, "right")
    return float(below.sum()) / 2 / len(good) / len(bad)


def report(console: Console, scored: list[Scored]) -> None:
    """A line for each way to spoil a kind."""
    table = Table("kind", "spoiled", "good", "bad", "ROC AUC", "stopped", box=None)
    for kind in dict.fromkeys(each.kind for each in scored):
        of_kind = [each for each in scored if each.kind == kind]
        good = [each for each in of_kind if not each.spoilt]
        bad = [each for each in of_kind if each.spoilt]
        for how in dict.fromkeys(each.spoilt for each in bad):
            _line(table, kind, how, good, [each for each in bad if each.spoilt == how])
        _line(table, kind, "all", good, bad)
        stopped = sorted(each.name for each in good if each.stopped)
        table.add_row(kind, "good ones", str(len(good)), "", "", f"{len(stopped) / len(good):.1%}")
        table.add_section()
        if stopped:
            console.print(f"good, and stopped ({kind}): {', '.join(stopped)}", highlight=False)
    _line(table, "all", "", [each for each in scored if not each.spoilt], [each for each in scored if each.spoilt])
    console.print(table)


def _line(table: Table, kind: str, how: str, good: list[Scored], bad: list[Scored]) -> None:
    area = auc([each.score for each in good], [each.score for each in bad])
    caught = sum(each.stopped for each in bad) / len(bad)
    table.add_row(kind, how, str(len(good)), str(len(bad)), f"{area:.4f}", f"{caught:.0%}")


def scales(console: Console, scored: list[Scored]) -> None:
    """Percentiles of every measure, good and spoiled."""
    table = Table("kind", "measure", "of", *(f"{part} %" for part in (0, 1, 5, 50, 95, 99, 100)), box=None)
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for each in scored:
        for one in each.measures:
            values[each.kind, one.name, each.spoilt].append(one.value)
    for (kind, name, how), found in sorted(values.items()):
        row: list[Any] = [f"{value:.3f}" for value in np.percentile(found, (0, 1, 5, 50, 95, 99, 100))]
        table.add_row(kind, name, how or "good", *row)
    console.print(table)


def speed(console: Console) -> None:
    """Processor time for a picture of a megapixel."""
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (32, 32, 3), np.uint8)).resize((1024, 1024))
    measure_image(picture, Expected())
    began = time.process_time()
    for _ in range(ROUNDS):
        measure_image(picture, Expected())
    each = (time.process_time() - began) / ROUNDS
    console.print(f"{each * 1000:.0f} ms of processor time for a picture of 1024 × 1024 pixels", highlight=False)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scales", action="store_true", help="what the scales were set by: the other half")
    parser.add_argument("--kind", choices=("image", "video", "audio", "mesh"), help="only of this kind")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 200)
    found = {path.name: path for path in sorted(given.folder.rglob("*")) if path.is_file()}
    files = list(found.values())
    half = Half(files, scales=given.scales)
    made = {
        "image": lambda: pictures(files, half),
        "video": lambda: videos(files, half),
        "audio": lambda: sounds(files, half),
        "mesh": lambda: meshes(scales=given.scales),
    }
    mine = [each for kind, make in made.items() if given.kind in (None, kind) for each in make()]
    if given.scales:
        scales(console, mine)
    report(console, mine)
    speed(console)


if __name__ == "__main__":
    main()
