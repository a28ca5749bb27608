"""The playground as people meet it, in a real browser: what it sends, shows, says and gives to copy."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from shared.service import Service
from shared.settings import Settings
from tests.engine import STAND_IN
from tests.runtime.browser import Page, browser, needs_chromium
from tests.runtime.conftest import Served, field, node, serve, write_app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = needs_chromium

LARGE_SEED = 2**64 - 1
PROMPT = {
    "1": node("Picture", width=64, height=48, seed=1),
    "2": node("Steps", steps=3, seconds=0.01),
    "3": node("Say", text="hi"),
}
PROPERTIES = {
    "prompt": field(
        "text", ("3", "text"), title="Prompt", description="What is said", default='it\'s "quoted" $HOME\n`x`'
    ),
    "width": field("integer", ("1", "width"), title="Width", default=64, minimum=16, maximum=16384, multipleOf=8),
    "steps": field("integer", ("2", "steps"), title="Steps", default=3, minimum=1, maximum=500),
    "strength": field("number", ("1", "strength"), title="Strength", default=0.5, minimum=0, maximum=1),
    "style": field("choice", ("3", "style"), title="Style", enum=["oil", "ink"], default="ink"),
    "loud": field("boolean", ("3", "loud"), title="Loud", default=True),
    "seed": field("seed", ("1", "seed"), title="Seed", minimum=0, maximum=LARGE_SEED),
}
MEDIA = {"photo": field("image", ("4", "image"), title="Photo")}
WITH_MEDIA = {**PROMPT, "4": node("Load", image="x")}


def visit(served: Served, folder: Path, story: Callable[[Page], Awaitable[None]], *, fields: int) -> None:
    async def run() -> None:
        async with browser(served, "/playground", folder) as page:
            await page.until("!document.getElementById('generate').disabled")
            assert await page.ask("document.querySelectorAll('.field[data-input]').length") == fields
            await story(page)
            await page.assert_clean()

    asyncio.run(run())


async def press(page: Page, key: str, *, control: bool = False) -> None:
    text = {"Enter": "\r", "Tab": "\t", " ": " "}.get(key, "")
    facts = {"key": key, "code": key, "modifiers": 2 if control else 0}
    codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37}
    facts["windowsVirtualKeyCode"] = codes.get(key, 0)
    await page.call("Input.dispatchKeyEvent", type="keyDown", **facts, **({"text": text} if text else {}))
    await page.call("Input.dispatchKeyEvent", type="keyUp", **facts)


@pytest.mark.long
def test_it_can_be_used_with_the_keyboard_alone(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story(page: Page) -> None:
        reached: list[str] = []
        for _ in range(24):
            await press(page, "Tab")
            reached.append(await page.ask("document.activeElement.id || document.activeElement.type || ''"))
            if reached[-1] == "copy-javascript":
                break
        inputs = [id_ for id_ in reached if id_.startswith("input-")]
        assert inputs == [f"input-{name}" for name in PROPERTIES]
        assert reached.index("input-seed") < reached.index("generate") < reached.index("copy-curl")
        await page.ask("document.getElementById('input-seed').focus()")
        await page.call("Input.insertText", text=str(LARGE_SEED))
        await press(page, "Enter", control=True)
        await page.until("document.querySelector('#outputs img')?.naturalWidth === 64")
        assert await page.ask("document.getElementById('told').textContent") == "Done: 2 outputs"

    visit(served, tmp_path, story, fields=7)
    (sent,) = served.engine("/submitted")
    assert sent["prompt"]["1"]["inputs"]["seed"] == LARGE_SEED


@pytest.mark.long
def test_everything_that_can_be_used_has_a_name_for_screen_readers(app, tmp_path):
    served = app(WITH_MEDIA, PROPERTIES | MEDIA, required=("photo",))

    async def story(page: Page) -> None:
        await page.call("Accessibility.enable")
        tree = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        usable = {"textbox", "spinbutton", "slider", "combobox", "checkbox", "switch", "button", "link"}
        found = [
            (entry["role"]["value"], entry["name"]["value"])
            for entry in tree
            if not entry["ignored"] and entry.get("role", {}).get("value") in usable
        ]
        assert {
            ("textbox", "Prompt"),
            ("spinbutton", "Width"),
            ("slider", "Width slider"),
            ("button", "Generate"),
        } <= set(found)
        assert all(name.strip() for _, name in found), found
        await page.ask("document.getElementById('form').requestSubmit()")
        await page.until("document.querySelectorAll('.fault:not([hidden])').length === 1")
        assert await page.ask("document.activeElement.id") == "input-photo", "people are taken to the first fault"
        assert await page.ask("document.activeElement.getAttribute('aria-invalid')") == "true"
        described = await page.ask("document.activeElement.getAttribute('aria-describedby')")
        told = await page.ask(f"document.getElementById('{described.split()[-1]}').textContent")
        assert told == "is required"

    visit(served, tmp_path, story, fields=8)


@pytest.mark.long
def test_the_seed_that_was_drawn_is_shown_and_can_be_used_again(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story(page: Page) -> None:
        for run in (1, 2):
            await page.ask("document.getElementById('form').requestSubmit()")
            await page.until(
                f"performance.getEntriesByType('resource').filter((e) => e.name.includes('generate')).length === {run}"
                " && document.getElementById('told').textContent.startsWith('Done')"
            )
            await page.ask("document.getElementById('reuse').click()")
        shown = await page.ask("document.getElementById('facts').textContent")
        assert await page.ask("document.getElementById('input-seed').value") in shown
        await page.ask("document.getElementById('defaults').click()")
        assert await page.ask("document.getElementById('input-seed').value") == ""

    visit(served, tmp_path, story, fields=7)
    first, second = (body["prompt"]["1"]["inputs"]["seed"] for body in served.engine("/submitted"))
    assert first == second, "to the last digit"


@pytest.mark.long
def test_progress_names_the_node_and_step_and_shows_previews_until_it_is_cancelled(app, tmp_path):
    served = app(
        {"1": {**node("Steps", steps=100_000, seconds=0.02), "_meta": {"title": "Paint it"}}},
        {"steps": field("integer", ("1", "steps"), default=100_000)},
    )

    async def story(page: Page) -> None:
        await page.ask("document.getElementById('form').requestSubmit()")
        await page.until("/^Paint it · \\d+ of 100000$/.test(document.getElementById('doing').textContent)")
        await page.until("document.getElementById('preview').naturalWidth === 16")
        await page.until("document.getElementById('elapsed').textContent.endsWith(' s')")
        assert await page.ask("document.getElementById('told').textContent") == "Paint it", "steps are not read out"
        assert await page.ask("document.getElementById('bar').value < 0.5")
        await page.ask("document.getElementById('cancel').click()")
        await page.until("!document.getElementById('problem').hidden")
        assert "cancelled" in await page.ask("document.getElementById('problem').textContent")
        assert await page.ask("document.getElementById('generate').disabled") is False

    visit(served, tmp_path, story, fields=1)


@pytest.mark.long
def test_a_slider_over_a_wide_range_is_aimed_at_small_values_too(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story(page: Page) -> None:
        async def slide(name: str, share: float) -> str:
            return await page.ask(
                f"""(() => {{
                    const slider = document.querySelector("[data-input={name}] input[type=range]");
                    slider.value = Number(slider.min) + {share} * (slider.max - slider.min);
                    slider.dispatchEvent(new Event("input"));
                    return document.getElementById("input-{name}").value;
                }})()"""
            )

        assert [await slide("width", share) for share in (0, 0.5, 1)] == ["16", "512", "16384"]
        widths = [int(await slide("width", share / 20)) for share in range(21)]
        assert widths == sorted(set(widths))
        assert all(width % 8 == 0 for width in widths)
        assert [await slide("strength", share) for share in (0, 0.5, 1)] == ["0", "0.5", "1"]
        assert [await slide("steps", share) for share in (0, 1)] == ["1", "500"]

    visit(served, tmp_path, story, fields=7)


def test_what_is_copied_is_code_that_asks_for_what_the_form_says(app, tmp_path):
    served = app(PROMPT, PROPERTIES)
    copied: dict[str, str] = {}

    async def story(page: Page) -> None:
        await page.ask("navigator.clipboard.writeText = () => Promise.reject()")
        await page.ask(f"document.getElementById('input-seed').value = '{LARGE_SEED}'")
        for language in ("curl", "python", "javascript"):
            await page.ask("document.getElementById('copied').replaceChildren()")
            await page.ask(f"document.getElementById('copy-{language}').click()")
            await page.until("document.querySelector('#copied pre') !== null")
            copied[language] = await page.ask("document.querySelector('#copied pre').textContent")

    visit(served, tmp_path, story, fields=7)
    wanted = {name: spec["default"] for name, spec in PROPERTIES.items() if "default" in spec} | {"seed": LARGE_SEED}

    words = shlex.split(copied["curl"].replace("\\\n", " "))
    assert words[:4] == ["curl", "-X", "POST", f"{served.url}/generate"]
    assert json.loads(words[words.index("-d") + 1]) == wanted

    call = next(
        each
        for each in ast.walk(ast.parse(copied["python"]))
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "requests.post"
    )
    assert ast.literal_eval(call.args[0]) == f"{served.url}/generate"
    assert ast.literal_eval(next(word.value for word in call.keywords if word.arg == "json")) == wanted

    body = re.search(r"  body: (\".*\"),$", copied["javascript"], re.MULTILINE)
    assert body, "a text, because a number of JavaScript would lose digits"
    assert json.loads(json.loads(body[1])) == wanted
    answer = served.http.post("/generate", content=json.loads(body[1]), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


@pytest.mark.long
def test_it_follows_the_colours_that_people_prefer(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story(page: Page) -> None:
        async def lightness(scheme: str, property_: str) -> float:
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await page.call("Emulation.setEmulatedMedia", features=features)
            color = await page.ask(f"getComputedStyle(document.body).{property_}")
            return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3

        assert await lightness("light", "backgroundColor") > 200
        assert await lightness("light", "color") < 60
        assert await lightness("dark", "backgroundColor") < 60
        assert await lightness("dark", "color") > 200

    visit(served, tmp_path, story, fields=7)


SOURCES: dict[str, Any] = {
    "1": node("EmptyImage", width=64, height=64, batch_size=8, color=255),
    "2": node("CreateVideo", images=["1", 0], fps=8, bit_depth=8),
    "3": node("SaveVideo", video=["2", 0], filename_prefix="v", format="auto", **{"format.codec": "auto"}),
    "4": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
    "5": node("SaveAudioMP3", audio=["4", 0], filename_prefix="a", quality="V0"),
    "6": node("EmptyLatentHunyuan3Dv2", resolution=3072, batch_size=1),
    "7": node("VAELoader", vae_name="x.safetensors"),
    "8": node("VAEDecodeHunyuan3D", samples=["6", 0], vae=["7", 0], num_chunks=8000, octree_resolution=256),
    "9": node("VoxelToMesh", voxel=["8", 0], algorithm="surface net", threshold=0.6),
    "10": node("SaveGLB", mesh=["9", 0], filename_prefix="m"),
    "11": node("PreviewAny", source="<b>a text</b>"),
}
OUTPUTS = {
    name: {"title": name.title(), "x-flowberth": {"kind": kind, "node": number}}
    for name, kind, number in (
        ("clip", "video", "3"),
        ("sound", "audio", "5"),
        ("thing", "mesh", "10"),
        ("words", "text", "11"),
    )
}


@pytest.mark.long
def test_every_kind_of_result_is_shown(tmp_path):
    folder = write_app(tmp_path / "app", SOURCES, {}, OUTPUTS)
    settings = Settings(engine_command=(*STAND_IN, "--core", "0.33.0"), work_dir=tmp_path)

    async def story(page: Page) -> None:
        await page.ask("document.getElementById('form').requestSubmit()")
        await page.until("document.querySelectorAll('#outputs figure').length === 4")
        await page.until("document.querySelector('#outputs video').videoWidth > 0")
        await page.until("document.querySelector('#outputs audio').duration > 0.5")
        assert await page.ask("document.querySelector('#outputs pre').textContent") == "<b>a text</b>"
        captions = await page.ask(
            "[...document.querySelectorAll('figcaption')].map((c) => c.textContent.split(' · ')[0])"
        )
        assert captions == ["Clip", "Sound", "Thing", "Words"]
        inked = """(() => {
            const canvas = document.querySelector("#outputs canvas");
            if (!canvas) return document.querySelector("#outputs").textContent;
            const gl = canvas.getContext("webgl2");
            const pixels = new Uint8Array(canvas.width * canvas.height * 4);
            gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
            return pixels.filter((value, at) => at % 4 === 3 && value > 0).length / (pixels.length / 4);
        })()"""
        await page.ask("document.querySelector('#outputs canvas').scrollIntoView()")
        before = await page.ask(inked)
        assert 0.02 < before < 0.9, before
        await page.ask("document.querySelector('#outputs canvas').focus()")
        await press(page, "+")
        await page.until(f"{inked} > {before}")

    with serve(Service.from_folder(folder, settings)) as served:
        visit(served, tmp_path, story, fields=0)


@pytest.mark.long
def test_an_app_with_a_key_asks_for_it_and_never_gives_it_to_copy(app, tmp_path):
    key = "correct horse battery"
    served = app(PROMPT, PROPERTIES, settings={"api_key": key})

    async def story() -> None:
        async with browser(served, "/playground", tmp_path) as page:
            await page.until("document.activeElement.id === 'key'")
            assert await page.ask("document.getElementById('generate').disabled")
            await page.call("Input.insertText", text=key)
            await page.ask("document.getElementById('unlock').click()")
            await page.until("!document.getElementById('generate').disabled")
            assert await page.ask("document.getElementById('key-field').hidden")
            await page.ask("document.getElementById('form').requestSubmit()")
            await page.until("document.querySelector('#outputs img')?.naturalWidth === 64")
            await page.ask("navigator.clipboard.writeText = () => Promise.reject()")
            for language in ("curl", "python", "javascript"):
                await page.ask("document.getElementById('copied').replaceChildren()")
                await page.ask(f"document.getElementById('copy-{language}').click()")
                await page.until("document.querySelector('#copied pre') !== null")
                code = await page.ask("document.querySelector('#copied pre').textContent")
                assert "FLOWBERTH_API_KEY" in code
                assert key not in code
                if language == "python":
                    ast.parse(code)
            assert key not in await page.ask(
                "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])"
            )
            await page.assert_clean()

    asyncio.run(story())


def test_a_file_is_named_in_what_is_copied_and_can_be_removed(app, tmp_path):
    served = app(WITH_MEDIA, PROPERTIES | MEDIA, required=("photo",))

    async def story(page: Page) -> None:
        await page.ask(
            """(() => {
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File(["x"], "it's \\"my\\" photo.png", { type: "image/png" }));
                document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
                navigator.clipboard.writeText = () => Promise.reject();
            })()"""
        )
        await page.ask("document.getElementById('copy-curl').click()")
        await page.until("document.querySelector('#copied pre') !== null")
        words = shlex.split((await page.ask("document.querySelector('#copied pre').textContent")).replace("\\\n", " "))
        assert words[-1] == 'photo=@"it\'s \\"my\\" photo.png"'
        assert words[words.index("--form-string") + 1] == f"prompt={PROPERTIES['prompt']['default']}"
        remove = "[...document.querySelectorAll('.media button')].find((b) => b.textContent === 'Remove')"
        assert await page.ask(f"{remove}.hidden") is False
        await page.ask(f"{remove}.click()")
        assert await page.ask("document.querySelector('.drop').textContent.startsWith('Drop a picture')")

    visit(served, tmp_path, story, fields=8)
