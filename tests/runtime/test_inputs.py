from __future__ import annotations

import base64

from inline_snapshot import snapshot

from tests.runtime.conftest import field, node, picture

PROMPT = {
    "1": node("Picture", width=64, height=48, seed=7),
    "2": node("Say", text="hello"),
    "3": node("Load", image="x.png"),
}
PROPERTIES = {
    "prompt": field("text", ("2", "text"), default="hello", maxLength=20),
    "width": field("integer", ("1", "width"), ("1", "height"), default=64, minimum=16, maximum=4096, multipleOf=8),
    "style": field("choice", ("2", "style"), enum=["oil", "ink", "pastel"], default="oil"),
    "strength": field("number", ("2", "strength"), minimum=0, maximum=1, default=0.5),
    "loud": field("boolean", ("2", "loud"), default=False),
    "seed": field("seed", ("1", "seed"), minimum=0, maximum=2**64 - 1),
    "photo": field("image", ("3", "image")),
}
PNG = picture(20, 10)


def plain_app(app, **rest):
    """An app without its media input."""
    prompt = {name: value for name, value in PROMPT.items() if name != "3"}
    return app(prompt, {name: spec for name, spec in PROPERTIES.items() if name != "photo"}, **rest)


def test_all_faults_are_listed_at_once(app):
    served = app(PROMPT, PROPERTIES, required=("photo",))
    response = served.generate(
        {"prompt": 5, "widht": 64, "width": 17, "style": "inc", "strength": 1.5, "loud": "yes", "seed": -1}
    )
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == snapshot(
        {
            "type": "https://flowberth.dev/problems/invalid-input",
            "title": "Some inputs are not valid",
            "status": 422,
            "detail": '8 inputs are not valid: `prompt` must be text, not 5; `width` must be a multiple of 8; `style` must be one of "oil", "ink", "pastel"; did you mean "ink"?',
            "hint": "GET /schema describes every input, with its bounds and its default.",
            "errors": [
                {"field": "prompt", "message": "must be text, not 5"},
                {"field": "width", "message": "must be a multiple of 8"},
                {"field": "style", "message": 'must be one of "oil", "ink", "pastel"; did you mean "ink"?'},
                {"field": "strength", "message": "must be at most 1"},
                {"field": "loud", "message": 'must be true or false, not "yes"'},
                {"field": "seed", "message": "must be at least 0"},
                {"field": "photo", "message": "is required"},
                {"field": "widht", "message": 'is not an input of this app; did you mean "width"?'},
            ],
        }
    )


def test_values_reach_every_target_and_are_reported(app):
    served = plain_app(app)
    body = served.generate({"width": 32.0, "prompt": "hi", "strength": 0.25, "loud": True, "seed": 4}).json()
    assert body["inputs"] == {"prompt": "hi", "width": 32, "style": "oil", "strength": 0.25, "loud": True, "seed": 4}
    (sent,) = served.engine("/submitted")
    assert sent["prompt"]["1"]["inputs"] == {"width": 32, "height": 32, "seed": 4}
    assert sent["prompt"]["2"]["inputs"] == {"text": "hi", "style": "oil", "strength": 0.25, "loud": True}


def test_a_form_is_read_by_the_types_of_the_schema(app):
    served = app(PROMPT, PROPERTIES, required=("photo",))
    values = {"width": "128", "strength": "0.75", "loud": "true", "seed": str(2**64 - 1), "prompt": "12"}
    response = served.http.post("/generate", data=values, files={"photo": ("../../etc/passwd.exe", PNG, "text/html")})
    body = response.json()
    assert response.status_code == 200, body
    name = body["inputs"].pop("photo")["file"]
    assert body["inputs"] == {
        "prompt": "12",
        "width": 128,
        "style": "oil",
        "strength": 0.75,
        "loud": True,
        "seed": 2**64 - 1,
    }
    assert name.startswith("flowberth-")
    assert name.endswith(".png"), "the name is ours, made from the content"
    (loaded,) = [output for output in body["outputs"] if output["filename"] == f"loaded_{name}"]
    assert base64.b64decode(loaded["data"]) == PNG
    bad = served.http.post("/generate", data={"width": "wide", "seed": "1.5"}, files={"photo": ("a.png", PNG)})
    assert [(fault["field"], fault["message"]) for fault in bad.json()["errors"]] == snapshot(
        [("width", 'must be a whole number, not "wide"'), ("seed", 'must be a whole number, not "1.5"')]
    )


def test_a_data_uri_is_a_picture_too(app):
    served = app(PROMPT, PROPERTIES)
    uri = "data:image/png;base64," + base64.b64encode(PNG).decode()
    body = served.generate({"photo": uri}).json()
    assert body["inputs"]["photo"]["bytes"] == len(PNG)
    assert any((output["width"], output["height"]) == (20, 10) for output in body["outputs"])


def test_media_that_are_none(app):
    served = app(PROMPT, PROPERTIES)

    def message(value: str) -> str:
        (fault,) = served.generate({"photo": value}).json()["errors"]
        assert fault["field"] == "photo"
        return fault["message"]

    assert [
        message(value)
        for value in (
            "example.png",
            "http://example.com/a.png",
            "file:///etc/passwd",
            "data:image/png;base64,@@@@",
            "data:nonsense",
            "data:image/png;base64,",
            "data:text/html,<script>alert(1)</script>",
        )
    ] == snapshot(
        [
            "must be an https URL, a data URI, or a file in a multipart request",
            "must be an https URL, a data URI, or a file in a multipart request",
            "must be an https URL, a data URI, or a file in a multipart request",
            "is not valid base64",
            "is not a data URI of the form data:<type>;base64,<data>",
            "is empty",
            "is not a picture: PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF are accepted",
        ]
    )
    (fault,) = served.http.post("/generate", data={}, files={"prompt": ("a.txt", b"hello")}).json()["errors"]
    assert (fault["field"], fault["message"]) == snapshot(("prompt", "is not a file: send it as a value"))


def test_bodies_that_cannot_be_read(app):
    served = plain_app(app, settings={"body_bytes": 4096})

    def answer(content: bytes, content_type: str = "application/json") -> tuple[int, str, str]:
        response = served.http.post("/generate", content=content, headers={"Content-Type": content_type})
        problem = response.json()
        return response.status_code, problem["type"].rpartition("/")[2], problem["detail"]

    def drip():
        for _ in range(10):
            yield b" " * 1000

    assert [
        answer(b"{"),
        answer(b"[1]"),
        answer(b'{"width": NaN}'),
        answer(b'{"strength": 1e999}'),
        answer(b'{"width": 64, "width": 128}'),
        answer(b"\xff\xfe"),
        answer(b"[" * 4000),
        answer(b'{"prompt": "' + b"x" * 5000 + b'"}'),
        answer(drip()),
        answer(b"<a/>", "application/xml"),
        answer(b"--x", "multipart/form-data"),
    ] == snapshot(
        [
            (
                400,
                "malformed-body",
                "The body is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            (400, "malformed-body", "The body must be a JSON object with the inputs by name."),
            (400, "malformed-body", "The body is not valid JSON: NaN is not JSON"),
            (400, "malformed-body", "The body is not valid JSON: 1e999 is too large a number"),
            (400, "malformed-body", "The body is not valid JSON: a name occurs twice in one object"),
            (
                400,
                "malformed-body",
                "The body is not valid JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
            ),
            (400, "malformed-body", "The body is nested too deeply."),
            (413, "too-large", "The body is larger than 4,096 bytes."),
            (413, "too-large", "The body is larger than 4,096 bytes."),
            (415, "unsupported-body", "The Content-Type must be application/json or multipart/form-data."),
            (400, "malformed-body", "The form cannot be read: Missing boundary in multipart."),
        ]
    )
    assert served.generate({}, params={"wait": "-1"}).json()["errors"] == snapshot(
        [{"field": "wait", "message": "Input should be greater than or equal to 0"}]
    )
    assert served.http.post("/generate").status_code == 200, "no body at all means all defaults"


def test_an_upload_beyond_the_limit_is_refused(app):
    served = app(PROMPT, PROPERTIES, settings={"body_bytes": 100_000})
    response = served.http.post("/generate", files={"photo": ("a.png", PNG + b"\0" * 200_000)})
    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (413, "too-large")
    assert served.http.post("/generate", files={"photo": ("a.png", PNG)}).status_code == 200


def test_a_key_given_twice_in_a_form(app):
    served = plain_app(app)
    response = served.http.post(
        "/generate", content=b"prompt=a&prompt=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert response.json()["errors"] == [{"field": "prompt", "message": "is given more than once"}]
