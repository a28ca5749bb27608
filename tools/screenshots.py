"""Makes the pictures of a pull request that the README shows, from a real run: `uv run python -m tools.screenshots`.

It does what the README says: `flowberth up examples/poster.json`, in a repository of its own, and photographs the page
of the pull request, in light and dark mode and as wide as a phone. With `--comfyui URL|PATH` a ComfyUI makes the
poster, as in the pictures that are committed; without, the stand-in does, and the pictures say so.
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
from pathlib import Path
from typing import NamedTuple

from tests.runtime.browser import browser

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


class Page(NamedTuple):
    """What the browser opens."""

    url: str


def run(folder: Path, comfyui: str | None) -> str:
    """Address of the page of the pull request."""
    repository = folder / "posters"
    settings = {**os.environ, "FLOWBERTH_DATA_DIR": str(folder / "data")}
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", repository], check=True)
    who = ("-c", "user.name=Flowberth", "-c", "user.email=flowberth@example.com")
    subprocess.run(["git", "-C", repository, *who, "commit", "--quiet", "--allow-empty", "-m", "Begin"], check=True)
    command = [sys.executable, "-c", "from github_app.cli import main; main()", "up", EXAMPLE, "--repo", repository]
    chosen = ["--comfyui", comfyui] if comfyui else []
    done = subprocess.run([*command, "--json", *chosen], check=True, stdout=subprocess.PIPE, env=settings, cwd=ROOT)
    return json.loads(done.stdout)["pr"]["url"]


async def photograph(url: str, folder: Path, images: Path, *, whole: bool) -> None:
    """Each of `SHOTS`; `whole`: all of the page, with everything unfolded."""
    async with browser(Page(url), "", folder) as page:
        for shot in SHOTS:
            height = shot.height
            await page.call("Emulation.setScrollbarsHidden", hidden=True)
            features = [{"name": "prefers-color-scheme", "value": shot.scheme}]
            await page.call("Emulation.setEmulatedMedia", features=features)
            size = {"width": shot.width, "deviceScaleFactor": 1, "mobile": False}
            await page.call("Emulation.setDeviceMetricsOverride", height=height, **size)
            if whole:
                await page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            height = await page.ask("document.documentElement.offsetHeight")
            height = height if whole else await page.ask(END % (shot.height, shot.height))
            await page.call("Emulation.setDeviceMetricsOverride", height=height, **size)
            taken = await page.call("Page.captureScreenshot", format="png")
            (images / shot.file).write_bytes(base64.b64decode(taken["data"]))


def main() -> None:
    """Run, and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfyui", metavar="URL|PATH", help="what `flowberth up` takes")
    parser.add_argument("--page", metavar="URL", help="photograph this page; nothing is run")
    parser.add_argument("--output", metavar="DIR", type=Path, default=IMAGES)
    parser.add_argument("--whole", action="store_true", help="the whole page with everything unfolded, to look at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        url = given.page or run(Path(temporary), given.comfyui)
        asyncio.run(photograph(url, Path(temporary), given.output, whole=given.whole))


if __name__ == "__main__":
    main()
