"""Makes the pictures that the README shows, from a real run: `uv run python -m tools.screenshots`.

It does what the README says: `flowberth up examples/poster.json --keep`, in a repository of its own, and photographs
the page of the pull request, in light and dark mode and as wide as a phone, and the playground after one result. With
`--comfyui URL|PATH` a ComfyUI makes the poster, as in the pictures that are committed; without, the stand-in does, and
the pictures say so.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.model import RunId
from runner.targets.local import LocalTarget
from tests.runtime.browser import browser

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.runtime.browser import Page as Tab

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples/poster.json"
IMAGES = ROOT / "docs/images"


END = """
(() => {
  const ends = [...document.querySelectorAll('main > h3')].map((each) => each.getBoundingClientRect().top - 16)
  const whole = document.documentElement.offsetHeight
  return Math.floor(whole <= %d ? whole : Math.max(...ends.filter((end) => end <= %d)))
})()
"""
"""Where a picture of part of a page ends: before a heading."""


class Shot(NamedTuple):
    """One picture: how wide the window is, and where it ends at the latest. CSS pixels."""

    file: str
    scheme: str
    width: int
    height: int


SHOTS = (
    Shot("pull-request.png", "light", 880, 1500),
    Shot("pull-request-dark.png", "dark", 880, 1500),
    Shot("pull-request-phone.png", "light", 390, 1600),
)


PLAYGROUND = (Shot("playground.png", "light", 1280, 820), Shot("playground-dark.png", "dark", 1280, 820))


class Page(NamedTuple):
    """What the browser opens."""

    url: str


class Made(NamedTuple):
    """Addresses of what a run has made."""

    pull: str
    endpoint: str


@contextmanager
def run(folder: Path, comfyui: str | None) -> Generator[Made]:
    """Its endpoint serves as long as the context."""
    repository = folder / "posters"
    settings = {**os.environ, "FLOWBERTH_DATA_DIR": str(folder / "data")}
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", repository], check=True)
    who = ("-c", "user.name=Flowberth", "-c", "user.email=flowberth@example.com")
    subprocess.run(["git", "-C", repository, *who, "commit", "--quiet", "--allow-empty", "-m", "Begin"], check=True)
    command = [sys.executable, "-c", "from github_app.cli import main; main()", "up", EXAMPLE, "--repo", repository]
    chosen = ["--comfyui", comfyui] if comfyui else []
    whole = [*command, "--keep", "--json", *chosen]
    try:
        done = subprocess.run(whole, check=True, stdout=subprocess.PIPE, env=settings, cwd=ROOT)
        said = json.loads(done.stdout)
        yield Made(said["pr"]["url"], said["endpoint"])
    finally:
        target = LocalTarget(folder / "data")
        for deployment in (folder / "data/deployments").glob("*"):
            target.stop(RunId(deployment.name))


async def photograph(url: str, folder: Path, images: Path, *, whole: bool) -> None:
    """Each of `SHOTS`; `whole`: all of the page, with everything unfolded."""
    async with browser(Page(url), "", folder) as page:
        for shot in SHOTS:
            await show(page, shot, shot.height)
            if whole:
                await page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            height = await page.ask("document.documentElement.offsetHeight")
            height = height if whole else await page.ask(END % (shot.height, shot.height))
            await show(page, shot, height)
            await take(page, images / shot.file)


async def play(endpoint: str, folder: Path, images: Path) -> None:
    """The playground with what it has made of the defaults."""
    async with browser(Page(endpoint), "/playground", folder) as page:
        await page.until("!document.getElementById('generate').disabled")
        await page.ask("document.getElementById('generate').click()")
        await page.until("document.querySelector('#outputs img')?.naturalWidth > 0")
        for shot in PLAYGROUND:
            await show(page, shot, shot.height)
            await take(page, images / shot.file)


async def show(page: Tab, shot: Shot, height: int) -> None:
    """As wide as the picture, in its mode."""
    await page.call("Emulation.setScrollbarsHidden", hidden=True)
    features = [{"name": "prefers-color-scheme", "value": shot.scheme}]
    await page.call("Emulation.setEmulatedMedia", features=features)
    size = {"width": shot.width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    await page.call("Emulation.setDeviceMetricsOverride", **size)


async def take(page: Tab, file: Path) -> None:
    """What the window shows."""
    taken = await page.call("Page.captureScreenshot", format="png")
    _write(file, base64.b64decode(taken["data"]))


def _write(file: Path, picture: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture)


def main() -> None:
    """Run, and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfyui", metavar="URL|PATH", help="what `flowberth up` takes")
    parser.add_argument("--page", metavar="URL", help="photograph this page; nothing is run")
    parser.add_argument("--output", metavar="DIR", type=Path, default=IMAGES)
    parser.add_argument("--whole", action="store_true", help="the whole page with everything unfolded, to look at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "browser").mkdir()
        if given.page:
            asyncio.run(photograph(given.page, folder, given.output, whole=given.whole))
            return
        with run(folder, given.comfyui) as made:
            asyncio.run(photograph(made.pull, folder, given.output, whole=given.whole))
            asyncio.run(play(made.endpoint, folder / "browser", given.output))  # a profile serves one browser


if __name__ == "__main__":
    main()
