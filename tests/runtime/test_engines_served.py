"""One app, served in front of each engine there is (see `test_engines.py`), as its callers see it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from shared.service import Service
from shared.settings import Settings
from tests.engine import COMFYUI_DIR, COMFYUI_URL, STAND_IN, comfyui_command
from tests.runtime.conftest import Served, field, node, picture, serve, write_app

PROMPT = {
    "1": node("EmptyImage", width=64, height=48, batch_size=1, color=255),
    "2": node("LoadImage", image="absent.png"),
    "3": node("ImageInvert", image=["2", 0]),
    "4": node("SaveImage", images=["1", 0], filename_prefix="colour"),
    "5": node("SaveImage", images=["3", 0], filename_prefix="sub/inverted"),
}
PROPERTIES = {
    "width": field("integer", ("1", "width"), default=64, minimum=0, maximum=99999),
    "height": field("integer", ("1", "height"), default=48, minimum=0, maximum=16384),
    "color": field("integer", ("1", "color"), default=255, minimum=0, maximum=0xFFFFFF),
    "batch": field("integer", ("1", "batch_size"), default=1, minimum=1, maximum=4096),
    "photo": field("image", ("2", "image")),
}
OUTPUTS = {
    "inverted": {"x-flowberth": {"kind": "image", "node": "5"}},
    "colour": {"x-flowberth": {"kind": "image", "node": "4"}},
}


ENGINES = [pytest.param("stand-in")]
if COMFYUI_DIR or COMFYUI_URL:
    ENGINES.append(pytest.param("comfyui"))


@pytest.fixture(scope="module", params=ENGINES)
def served(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    real = request.param == "comfyui"
    if real and COMFYUI_URL:
        engine = {"engine_url": COMFYUI_URL}
    else:
        engine = {
            "engine_command": comfyui_command(Path(COMFYUI_DIR), folder) if real else (*STAND_IN, "--core", "0.33.0")
        }
    write_app(folder / "app", PROMPT, PROPERTIES, OUTPUTS, required=("photo",))
    settings = Settings(**engine, engine_cwd=Path.cwd(), work_dir=folder)
    with serve(Service.from_folder(folder / "app", settings)) as running:
        running.is_real = real
        yield running


def generate(served: Served, **values):
    return served.http.post("/generate", data=values, files={"photo": ("p.png", picture(20, 10))}, params={"wait": 60})


def test_the_engine_says_what_it_is(served):
    health = served.http.get("/health").json()
    assert health["status"] == "ok"
    assert health["engine"] == ("comfyui" if served.is_real else "stand-in")
    assert health["engine_version"][0].isdigit()


def test_pictures_go_in_and_come_out(served):
    body = generate(served, width="80").json()
    assert body["state"] == "succeeded", body
    assert body["progress"]["fraction"] == 1
    assert [(o["name"], o["width"], o["height"]) for o in body["outputs"]] == [("inverted", 20, 10), ("colour", 80, 48)]
    inverted, colour = (Image.open(io.BytesIO(base64.b64decode(o["data"]))).convert("RGB") for o in body["outputs"])
    assert colour.getpixel((0, 0)) == (0, 0, 255)
    assert inverted.getpixel((0, 0)) in {(255, 127, 127), (255, 126, 126)}, (
        "teal, inverted; rounding is the engine's own"
    )


def test_the_same_request_again_is_answered_from_its_cache_and_still_has_outputs(served):
    first, again = generate(served, width="72").json(), generate(served, width="72").json()
    assert [o["name"] for o in again["outputs"]] == [o["name"] for o in first["outputs"]]


def test_a_batch_gives_every_picture(served):
    outputs = generate(served, batch="3").json()["outputs"]
    assert [o["name"] for o in outputs] == ["inverted", "colour", "colour", "colour"]


def test_what_the_engine_refuses_is_told_by_the_input_it_came_from(served):
    response = generate(served, width="99999")
    assert response.status_code == 422, response.text
    (fault,) = response.json()["errors"]
    assert fault["field"] == "width"
    assert "Value 99999 bigger than max of 16384" in fault["message"]
    assert "raceback" not in response.text
    assert generate(served).status_code == 200


def test_progress_names_the_nodes(served):
    accepted = served.http.post(
        "/generate", data={"color": "7"}, files={"photo": ("p.png", picture(9, 9))}, params={"wait": 0}
    )
    with served.http.stream("GET", accepted.json()["links"]["events"]) as stream:
        text = "".join(stream.iter_text())
    assert "event: done" in text
    assert "My SaveImage" in text or "My EmptyImage" in text


def test_too_little_memory_is_told_as_that(served):
    response = served.http.post(
        "/generate",
        data={"width": 16384, "height": 16384, "batch": 4096},  # terabytes: nothing tries to have them
        files={"photo": ("p.png", picture(9, 9))},
        params={"wait": 60},
    )
    assert response.json()["type"].endswith("/out-of-memory"), response.text
    assert response.json()["hint"]
    assert "raceback" not in response.text
    assert generate(served).status_code == 200


def test_a_file_that_is_no_picture_is_refused_before_it_reaches_the_engine(served):
    response = served.http.post("/generate", files={"photo": ("p.png", b"no picture")})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "photo"


def test_a_running_prompt_can_be_cancelled_and_the_next_one_runs(served):
    # thousands of pictures keep any engine busy for a while
    slow = served.http.post(
        "/generate", data={"batch": "3000", "color": "9"}, files={"photo": ("p.png", picture(9, 9))}, params={"wait": 0}
    )
    served.until(lambda: served.job(slow)["state"] == "running")
    served.http.delete(f"/jobs/{slow.json()['job']}")
    served.until(lambda: served.job(slow)["state"] in {"cancelled", "succeeded"}, seconds=60)
    assert generate(served).status_code == 200
