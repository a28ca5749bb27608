from __future__ import annotations

import base64
import hashlib
import io

import pytest
from PIL import Image

from tests.runtime.conftest import USD_PER_SECOND, field, node

PICTURE = {"1": node("Picture", width=64, height=48, seed=7)}
PROPERTIES = {
    "width": field("integer", ("1", "width"), default=64, minimum=16, maximum=4096),
    "seed": field("seed", ("1", "seed"), minimum=0, maximum=2**64 - 1),
}
OUTPUTS = {"poster": {"x-flowberth": {"kind": "image", "node": "1"}}}


def test_a_request_becomes_a_picture_with_its_seed_and_its_price(app):
    served = app(PICTURE, PROPERTIES, outputs=OUTPUTS)

    response = served.generate({"width": 128})

    assert response.status_code == 200, response.text
    body = response.json()
    assert body["state"] == "succeeded"
    assert body["engine"] == "comfyui"
    assert 0 <= body["seed"] < 2**53
    assert body["inputs"] == {"width": 128, "seed": body["seed"]}
    (output,) = body["outputs"]
    data = base64.b64decode(output["data"])
    assert Image.open(io.BytesIO(data)).size == (128, 48)
    assert (output["name"], output["kind"], output["media_type"]) == ("poster", "image", "image/png")
    assert (output["width"], output["height"], output["bytes"]) == (128, 48, len(data))
    assert served.http.get(output["url"]).content == data

    seconds = body["seconds"]
    assert body["cost"]["usd"] == pytest.approx(
        (seconds["execution"] + seconds["cold_start"]) * USD_PER_SECOND, abs=2e-6
    )
    assert body["cost"]["includes_cold_start"] is True
    assert seconds["cold_start"] > 0
    headers = response.headers
    assert headers["X-Flowberth-Cost-Basis"] == "estimate"
    assert float(headers["X-Flowberth-Cost-Usd"]) == body["cost"]["usd"]
    assert headers["X-Flowberth-Gpu"] == "L4"
    assert headers["X-Flowberth-Seed"] == str(body["seed"])
    assert headers["X-Flowberth-Engine"] == "comfyui"
    assert float(headers["X-Flowberth-Execution-Seconds"]) > 0

    assert float(headers["X-Flowberth-Idle-Seconds"]) == pytest.approx(seconds["idle"], abs=0.001)

    second = served.generate({"width": 128})
    assert second.json()["seconds"]["cold_start"] == 0, "only the first job carries the cold start"
    assert second.json()["cost"]["includes_cold_start"] is False
    assert second.json()["seed"] != body["seed"], "an absent seed is drawn anew"


def test_the_same_seed_gives_the_same_picture(app):
    served = app(PICTURE, PROPERTIES)
    first, again, other = (served.generate({"seed": seed}).json() for seed in (2**64 - 1, 2**64 - 1, 5))
    assert first["seed"] == 2**64 - 1
    assert first["outputs"][0]["data"] == again["outputs"][0]["data"] != other["outputs"][0]["data"]


def test_health_root_and_schema(app):
    served = app(PICTURE, PROPERTIES)
    assert served.http.get("/health").json() == {
        "status": "ok",
        "engine": "comfyui",
        "engine_version": "0.0.1-test",
        "name": "poster",
        "import_failures": [],
        "missing_classes": [],
    }
    root = served.http.get("/").json()
    assert (root["name"], root["comfyui"]) == ("poster", "0.33.0")
    assert len(root["lock_sha256"]) == len(root["workflow_sha256"]) == 64
    for link in root["links"].values():
        assert served.http.get(link).status_code in {200, 405}, link
    assert served.http.get("/schema").json()["properties"] == PROPERTIES
    assert served.http.get("/nowhere").json()["type"].endswith("/not-found")
    assert served.http.get("/generate").json()["type"].endswith("/method-not-allowed")


def test_a_picture_itself_when_that_is_what_accept_asks_for(app):
    served = app(PICTURE, PROPERTIES)
    response = served.generate({"seed": 3}, headers={"Accept": "image/*"})
    assert response.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (64, 48)
    assert response.headers["X-Flowberth-Seed"] == "3"
    assert served.generate({}, headers={"Accept": "*/*"}).headers["content-type"] == "application/json"
    assert served.generate({}, headers={"Accept": "image/png;q=0.2, application/json"}).json()["state"] == "succeeded"
    assert served.generate({}, headers={"Accept": "image/webp"}).status_code == 406


def test_every_kind_of_output_comes_back(app):
    served = app({"1": node("Everything")}, outputs={"all": {"x-flowberth": {"kind": "image", "node": "1"}}})
    outputs = served.generate().json()["outputs"]
    assert [(o["filename"], o["kind"], o["media_type"]) for o in outputs] == [
        ("still.webp", "image", "image/webp"),
        ("clip.mp4", "video", "video/mp4"),
        ("clip.webm", "video", "video/webm"),
        ("sound.flac", "audio", "audio/flac"),
        ("thing.glb", "mesh", "model/gltf-binary"),
        ("mesh.obj", "mesh", "model/obj"),
        ("preview.png", "image", "image/png"),
        ("1.txt", "text", "text/plain; charset=utf-8"),
    ]
    assert (outputs[0]["width"], outputs[0]["height"]) == (8, 6)
    assert outputs[-1]["text"] == "ünï"
    for output in outputs:
        stored = served.http.get(output["url"])
        assert stored.headers["content-type"] == output["media_type"]
        assert hashlib.sha256(stored.content).digest() == hashlib.sha256(base64.b64decode(output["data"])).digest()
    part = served.http.get(outputs[1]["url"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert served.generate(headers={"Accept": "image/*"}).status_code == 406


def test_parts_of_an_output_are_answered_as_ranges(app):
    served = app({"1": node("Say", text="0123456789")})
    url = served.generate().json()["outputs"][0]["url"]

    def part(value: str, **headers: str) -> tuple[int, str, str | None]:
        answer = served.http.get(url, headers={"Range": value, **headers})
        return answer.status_code, answer.text, answer.headers.get("content-range")

    whole = served.http.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert part("bytes=2-4") == (206, "234", "bytes 2-4/10")
    assert part("bytes=7-") == (206, "789", "bytes 7-9/10")
    assert part("bytes=-2") == (206, "89", "bytes 8-9/10")
    assert part("bytes=8-99") == (206, "89", "bytes 8-9/10")
    assert part("bytes=10-")[0] == 416
    assert part("bytes=2-4", **{"If-Range": whole.headers["etag"]})[0] == 206
    assert part("bytes=2-4", **{"If-Range": '"another"'}) == (200, "0123456789", None)


def test_large_outputs_are_links(app):
    served = app({"1": node("Say", text="x" * 5000)}, settings={"inline_bytes": 100})
    (output,) = served.generate().json()["outputs"]
    assert output["data"] is None
    assert served.http.get(output["url"]).text == "x" * 5000
    assert served.http.get(output["url"].replace("/0", "/7")).status_code == 404
