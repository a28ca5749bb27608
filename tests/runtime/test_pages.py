"""The reference and the playground: made from the schema, in a real browser, with hostile text in every place."""

from __future__ import annotations

import asyncio
import base64
import json
import re

import pytest
from jsonschema import Draft202012Validator

from tests.runtime.browser import browser, needs_chromium
from tests.runtime.conftest import field, node, picture

HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"
PROMPT = {
    "1": {**node("Picture", width=64, height=48, seed=1), "_meta": {"title": HOSTILE}},
    "2": node("Steps", steps=3, seconds=0.01),
    "3": node("Say", text="hi"),
}
PROPERTIES = {
    "prompt": field("text", ("3", "text"), title="Prompt", description=HOSTILE, default=HOSTILE),
    "width": field("integer", ("1", "width"), title="Width", default=64, minimum=16, maximum=512, multipleOf=8),
    "style": field("choice", ("3", "style"), enum=["oil", HOSTILE], default="oil"),
    "loud": field("boolean", ("3", "loud"), default=True),
    "seed": field("seed", ("1", "seed"), minimum=0, maximum=2**64 - 1),
}
MEDIA = {"photo": field("image", ("4", "image"), title="Photo")}


def test_pages_load_nothing_from_elsewhere_and_hold_nothing_of_the_workflow(app):
    served = app(PROMPT, PROPERTIES)
    for page in ("/playground", "/docs"):
        response = served.http.get(page)
        assert response.status_code == 200
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert HOSTILE not in response.text
        assert not re.search(r"https?://|<script>|\son\w+=|style=", response.text)
        for asset in re.findall(r'(?:src|href)="(assets/[^"]+)"', response.text):
            loaded = served.http.get(f"/{asset}")
            assert loaded.status_code == 200
            assert "innerHTML" not in loaded.text
            assert "http://" not in loaded.text.replace("https://", "")
    assert served.http.get("/assets/playground.html").status_code == 200
    for name in ("../service.py", "%2e%2e%2fservice.py", "none.js"):
        assert served.http.get(f"/assets/{name}").status_code == 404


def test_the_openapi_document_is_this_workflows(app):
    served = app({**PROMPT, "4": node("Load", image="x")}, PROPERTIES | MEDIA, required=("photo",))
    document = served.http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert list(document["paths"]) == [
        "/",
        "/health",
        "/schema",
        "/metrics",
        "/generate",
        "/jobs/{job_id}",
        "/jobs/{job_id}/events",
        "/jobs/{job_id}/outputs/{index}",
    ]
    content = document["paths"]["/generate"]["post"]["requestBody"]["content"]
    inputs = document["components"]["schemas"]["Inputs"]
    assert inputs["properties"] == PROPERTIES | MEDIA
    assert content["application/json"]["example"] == {
        "prompt": HOSTILE,
        "width": 64,
        "style": "oil",
        "loud": True,
        "seed": 42,
        "photo": "https://example.com/input",
    }
    Draft202012Validator(inputs).validate(content["application/json"]["example"])
    form = document["components"]["schemas"]["InputsAsForm"]
    assert form["properties"]["photo"]["format"] == "binary"
    answers = document["paths"]["/generate"]["post"]["responses"]
    assert {"200", "202", "422", "429", "503", "504"} <= set(answers)
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]


def test_a_key_guards_everything_but_health_and_the_empty_pages(app):
    served = app(PROMPT, PROPERTIES, settings={"api_key": "correct horse battery"})
    for path in ("/", "/schema", "/openapi.json", "/jobs/x", "/nowhere"):
        refused = served.http.get(path)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), path
    wrong = {"Authorization": "Bearer wrong"}
    assert served.generate({}, headers=wrong).json()["type"].endswith("/unauthorized")
    assert served.engine("/submitted") == []
    for path in ("/health", "/playground", "/docs", "/assets/style.css"):
        assert served.http.get(path).status_code == 200
    assert served.generate({}, headers={"Authorization": "bearer correct horse battery"}).status_code == 200


@needs_chromium
def test_the_playground_makes_a_picture(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story() -> None:
        async with browser(served, "/playground", tmp_path) as page:
            await page.until("document.querySelectorAll('.field[data-input]').length === 5")
            assert await page.ask("document.querySelector('[data-input=width] input[type=range]').max") == "512"
            await page.ask("document.getElementById('input-width').value = '128'")
            await page.ask("document.getElementById('form').requestSubmit()")
            await page.until("document.querySelector('#outputs img')?.naturalWidth === 128")
            assert HOSTILE in await page.ask("document.querySelector('#outputs pre').textContent")
            facts = await page.ask("document.getElementById('facts').textContent")
            assert "seed" in facts
            assert "$0." in facts
            await page.ask("document.getElementById('copy-curl').click()")
            await page.until("document.getElementById('copied').textContent !== ''")
            await page.assert_clean()

    asyncio.run(story())


@pytest.mark.long
@needs_chromium
def test_the_playground_sends_a_dropped_file_and_shows_faults_where_they_belong(app, tmp_path):
    served = app({**PROMPT, "4": node("Load", image="x")}, PROPERTIES | MEDIA, required=("photo",))

    async def story() -> None:
        async with browser(served, "/playground", tmp_path) as page:
            await page.until("document.querySelectorAll('.field[data-input]').length === 6")
            await page.ask("document.getElementById('input-width').value = '17'")
            await page.ask("document.getElementById('form').requestSubmit()")
            await page.until("document.querySelectorAll('.fault:not([hidden])').length === 2")
            assert await page.ask("document.querySelector('[data-input=photo] .fault').textContent") == "is required"
            await page.ask("document.getElementById('input-width').value = '64'")
            await page.ask("document.getElementById('input-seed').value = '18446744073709551615'")
            data = base64.b64encode(picture(30, 20)).decode()
            await page.ask(
                f"""(() => {{
                    const bytes = Uint8Array.from(atob("{data}"), (c) => c.charCodeAt(0));
                    const dataTransfer = new DataTransfer();
                    dataTransfer.items.add(new File([bytes], "x.png", {{ type: "image/png" }}));
                    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {{ dataTransfer, bubbles: true }}));
                    document.getElementById("form").requestSubmit();
                }})()"""
            )
            await page.until("[...document.querySelectorAll('#outputs img')].some((i) => i.naturalWidth === 30)")
            await page.assert_clean()

    asyncio.run(story())
    (sent,) = served.engine("/submitted")
    assert sent["prompt"]["1"]["inputs"]["seed"] == 2**64 - 1, "no digit is lost in the browser"


@pytest.mark.long
@needs_chromium
def test_the_reference_shows_inputs_and_an_example(app, tmp_path):
    served = app(PROMPT, PROPERTIES)

    async def story() -> None:
        async with browser(served, "/docs", tmp_path) as page:
            await page.until("document.querySelectorAll('.operation').length === 9")
            text = await page.ask("document.body.textContent")
            assert "curl -X POST" in text
            assert "import requests" in text
            assert HOSTILE in text
            await page.assert_clean()

    asyncio.run(story())
