"""Makes the pictures of the playground that the docs show: `uv run python -m tests.runtime.screenshots`.

The app is made from an example and runs on the stand-in engine, which says so in the picture.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "apps/modal"))

from codegen.parse import parse_workflow  # noqa: E402 - the runtime is found through the path above
from codegen.plan import make_plan  # noqa: E402
from codegen.render import app_files  # noqa: E402
from shared.service import Service  # noqa: E402
from shared.settings import Settings  # noqa: E402
from tests.engine import STAND_IN  # noqa: E402
from tests.runtime.browser import browser  # noqa: E402
from tests.runtime.conftest import serve  # noqa: E402

EXAMPLE = ROOT / "examples/text-to-image.json"
IMAGES = ROOT / "docs/images"
SCHEMES = {"light": "playground.png", "dark": "playground-dark.png"}
DONE = "document.getElementById('told').textContent.startsWith('Done')"


async def take(served, folder: Path) -> None:
    async with browser(served, "/playground", folder) as page:
        for scheme, name in SCHEMES.items():
            await page.call(
                "Emulation.setDeviceMetricsOverride", width=1280, height=820, deviceScaleFactor=1, mobile=False
            )
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await page.call("Emulation.setEmulatedMedia", features=features)
            await page.call("Emulation.setScrollbarsHidden", hidden=True)
            await page.until("!document.getElementById('generate').disabled")
            await page.ask(
                "for (const [id, value] of [['width', 768], ['height', 512]]) {"
                "  const input = document.getElementById(`input-${id}`);"
                "  input.value = value; input.dispatchEvent(new Event('input')); }"
            )
            await page.ask("document.getElementById('form').requestSubmit()")
            await page.until(DONE)
            await page.ask("document.querySelector('#outputs img').decode()")
            shot = await page.call("Page.captureScreenshot", format="png")
            (IMAGES / name).write_bytes(base64.b64decode(shot["data"]))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "app")
        folder.mkdir()
        plan = make_plan(parse_workflow(EXAMPLE.read_bytes(), filename=EXAMPLE.name), filename=EXAMPLE.name)
        for name, data in app_files(plan).items():
            (folder / name).write_bytes(data)
        settings = Settings(engine_command=(*STAND_IN, "--core", plan.lock.comfyui.version), engine_cwd=ROOT)
        with serve(Service.from_folder(folder, settings)) as served:
            asyncio.run(take(served, Path(temporary)))


if __name__ == "__main__":
    main()
