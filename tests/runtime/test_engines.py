"""ComfyUI's protocol as the runtime uses it, tried on every engine there is: the stand-in always, a real one if named.

`FLOWBERTH_COMFYUI_DIR` names a checkout to be run on the CPU, with its `.venv` or this environment's Python;
`FLOWBERTH_COMFYUI_URL` one that runs already. None of the prompts needs a model. How exactly 0.33.0 words its refusals
is compared in tests/stand_in/test_server_answers.py; here is what all versions since 0.3.64 have in common.
"""

from __future__ import annotations

import io
import json
import re
import struct
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.engine import COMFYUI_DIR, COMFYUI_URL, Client, Told, comfyui_command, engine, node, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = ["stand-in 0.3.64", "stand-in 0.33.0"]
if COMFYUI_DIR or COMFYUI_URL:
    ENGINES.append("comfyui")
ANSWERS = Path(__file__).parents[1] / "stand_in/server_answers.json"
CASES: dict[str, Any] = json.loads(ANSWERS.read_bytes())["cases"]
SHARED_CASES = (
    "no_prompt",
    "prompt_no_outputs",
    "prompt_no_outputs_empty",
    "required_input_missing",
    "required_input_missing_upstream",
    "value_not_in_list_short",
    "value_smaller_than_min",
    "value_bigger_than_max",
    "invalid_input_type",
    "bad_linked_input",
    "return_type_mismatch",
    "return_type_mismatch_widget",
    "custom_validation_failed",
    "partly_valid",
    "partial_execution_targets",
    "extra_inputs_ignored",
)
"""Cases of what 0.33.0 answered whose classes and rules 0.3.64 has too."""
MANY = 500
"""Nodes that save, in a prompt that takes a while; what ComfyUI tells of one grows with the square of this."""
PREVIEW_EVENT = 1
JPEG, PNG = 1, 2
"""Of a binary frame: what it is, and how the picture in it is encoded; both big-endian in four bytes."""


@pytest.fixture(scope="module", params=ENGINES)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    kind, _, core = request.param.partition(" ")
    if kind == "stand-in":
        started = stand_in(core)
    elif COMFYUI_URL:
        yield from _client(COMFYUI_URL)
        return
    else:
        assert COMFYUI_DIR
        started = engine(comfyui_command(Path(COMFYUI_DIR), tmp_path_factory.mktemp("comfyui")))
    with started as url:
        yield from _client(url)


def _client(url: str) -> Iterator[Client]:
    client = Client(url)
    yield client
    client.http.close()


def picture(color: int | None = None, **more: Any) -> dict[str, Any]:
    """A prompt that no engine has cached, unless a colour is given."""
    color = uuid.uuid4().int % 2**24 if color is None else color
    return {
        "1": node("EmptyImage", **{"width": 32, "height": 16, "batch_size": 1, "color": color, **more}),
        "2": node("SaveImage", images=["1", 0], filename_prefix="conformance/colour"),
    }


def emptied(client: Client) -> bool:
    return client.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 0


def stop(client: Client, prompt_id: str | None = None) -> bool:
    """Interrupt and say whether nothing is left; an interrupt in the moment that a prompt begins is lost."""
    client.http.post("/interrupt", json={"prompt_id": prompt_id} if prompt_id else None)
    return emptied(client)


def long() -> dict[str, Any]:
    """Many small nodes, so that an interrupt, which is looked at between nodes, is seen early."""
    prompt: dict[str, Any] = {}
    for number in range(MANY):
        color = uuid.uuid4().int % 2**24
        prompt[f"a{number}"] = node("EmptyImage", width=64, height=64, batch_size=1, color=color)
        prompt[f"b{number}"] = node("PreviewImage", images=[f"a{number}", 0])
    return prompt


def png(shade: str, size: tuple[int, int] = (8, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, shade).save(buffer, "PNG")
    return buffer.getvalue()


def upload(client: Client, name: str, data: bytes, **form: str) -> dict[str, Any]:
    answer = client.http.post("/upload/image", files={"image": (name, data)}, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_it_says_what_it_is(client: Client) -> None:
    stats = client.http.get("/system_stats").json()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", stats["system"]["comfyui_version"])
    assert stats["devices"][0]["type"] == "cpu"
    assert client.http.get("/nowhere").status_code == 404
    assert client.http.get("/object_info/NoSuchClass").json() == {}
    definition = client.http.get("/object_info/SaveImage").json()["SaveImage"]
    assert definition["input"]["required"]["images"][0] == "IMAGE"
    assert definition["output_node"] is True


@pytest.mark.parametrize("name", SHARED_CASES)
def test_it_refuses_in_the_same_words(client: Client, name: str) -> None:
    case = CASES[name]
    answer = client.http.post("/prompt", json=case["request"])
    assert answer.status_code == case["status"], answer.text
    body, expected = answer.json(), case["answer"]
    if case["status"] == 200:
        assert isinstance(body["prompt_id"], str)
        assert isinstance(body["number"], int | float)
    else:
        assert body["error"] == expected["error"]
    assert _faults(body) == _faults(expected)


def _faults(body: dict[str, Any]) -> dict[str, Any]:
    """All of `node_errors` but what repeats a definition or shows Python's inner life."""
    return {
        id_: (
            entry["class_type"],
            sorted(entry["dependent_outputs"]),
            sorted(
                (error["type"], error["message"], error["details"], error["extra_info"].get("input_name", ""))
                for error in entry["errors"]
            ),
        )
        for id_, entry in body["node_errors"].items()
    }


@pytest.mark.parametrize("class_type", ["NoSuchNode", None])
def test_an_unknown_class_is_refused_as_a_whole(client: Client, class_type: str | None) -> None:
    prompt = picture() | {"9": {"inputs": {}, "_meta": {"title": "My node"}}}
    if class_type:
        prompt["9"]["class_type"] = class_type
    answer = client.submit(prompt)
    assert answer.status_code == 400
    # 0.3.64 calls it invalid_prompt, later versions missing_node_type
    assert answer.json()["error"]["type"] in {"invalid_prompt", "missing_node_type"}
    assert "#9" in answer.json()["error"]["details"]
    assert not answer.json()["node_errors"]


@pytest.mark.parametrize("body", [b"{nope", b"[]", b'{"prompt": 3}', b'{"prompt": []}', b"\xff\xfe"])
def test_what_is_no_prompt_is_refused_and_nothing_breaks(client: Client, body: bytes) -> None:
    answer = client.http.post("/prompt", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 500}
    assert client.picture(picture(), "2").size == (32, 16)


def test_a_partly_valid_prompt_is_accepted_with_its_faults_and_runs_the_rest(client: Client) -> None:
    prompt = picture() | {
        "3": node("LoadImage", image="absent.png"),
        "4": node("SaveImage", images=["3", 0], filename_prefix="conformance/never"),
    }
    told = client.follow(prompt)
    assert told.entry["status"]["status_str"] == "success"
    assert list(told.entry["outputs"]) == ["2"]
    assert "3" not in {data["node"] for data in told.all("executing")}
    assert list(client.submit(prompt).json()["node_errors"]) == ["3"]


def test_everything_is_told_in_order(client: Client) -> None:
    prompt = picture()
    prompt |= {
        "3": node("ImageInvert", image=["1", 0]),
        "4": node("PreviewImage", images=["3", 0]),
    }
    told = client.follow(prompt)
    assert told.kinds[:4] == ["execution_start", "execution_cached", "progress_state", "executing"]
    assert told.kinds[-4:] == ["executed", "progress_state", "execution_success", "executing"]
    *nodes, last = [data["node"] for data in told.all("executing")]
    assert last is None
    assert sorted(nodes) == ["1", "2", "3", "4"]
    assert nodes.index("1") < nodes.index("2")
    assert nodes.index("1") < nodes.index("3") < nodes.index("4")
    for data in told.all("executed"):
        assert data["output"] == told.entry["outputs"][data["node"]]
        where = [(kind, facts.get("node")) for kind, facts in told.events]
        assert where.index(("executing", data["node"])) < where.index(("executed", data["node"]))
    assert {data["node"] for data in told.all("executed")} == {"2", "4"}
    assert told.all("execution_success")[0]["timestamp"] >= told.all("execution_start")[0]["timestamp"]
    states = told.all("progress_state")
    assert all({"value", "max", "state", "node_id", "prompt_id"} <= set(f) for s in states for f in s["nodes"].values())
    assert "finished" in {facts["state"] for state in states for facts in state["nodes"].values()}


def test_history_has_a_prompt_when_its_end_is_told(client: Client) -> None:
    prompt = picture()
    told = client.follow(prompt)
    entry = told.entry
    number, id_, nodes, extra, outputs = entry["prompt"][:5]
    assert isinstance(number, int | float)
    assert nodes == prompt
    assert extra["client_id"]
    assert outputs == ["2"]
    assert entry["status"]["status_str"] == "success"
    assert entry["status"]["completed"] is True
    kinds = [kind for kind, _ in entry["status"]["messages"]]
    assert kinds == ["execution_start", "execution_cached", "execution_success"]
    assert all(data["prompt_id"] == id_ for _, data in entry["status"]["messages"])
    (file,) = entry["outputs"]["2"]["images"]
    assert set(file) == {"filename", "subfolder", "type"}
    assert (file["subfolder"], file["type"]) == ("conformance", "output")
    assert client.history("no-such-prompt") == {}
    assert list(client.http.get("/history", params={"max_items": 1}).json()) == [id_]
    client.http.post("/history", json={"delete": [id_]})
    assert client.history(id_) == {}


def test_what_is_cached_is_told_as_such_and_gives_its_outputs_again(client: Client) -> None:
    color = uuid.uuid4().int % 2**24
    first, again = client.follow(picture(color)), client.follow(picture(color))
    assert first.all("execution_cached")[0]["nodes"] == []
    assert sorted(again.all("execution_cached")[0]["nodes"]) == ["1", "2"]
    assert [data["node"] for data in again.all("executing")] == [None]
    assert again.all("executed")[0]["output"] == first.all("executed")[0]["output"]
    assert again.entry["outputs"] == first.entry["outputs"]
    other = client.follow({**picture(color), "2": node("PreviewImage", images=["1", 0])})
    assert other.all("execution_cached")[0]["nodes"] == ["1"]
    assert other.entry["outputs"]["2"]["images"][0]["type"] == "temp"


def test_another_client_hears_of_the_queue_only(client: Client) -> None:
    heard: list[Told] = []

    def run_another(kind: str, _data: dict[str, Any]) -> None:
        if kind == "execution_start" and not heard:
            heard.append(client.follow(picture()))

    mine = client.follow(picture(), run_another)
    (theirs,) = heard
    mine_id, their_id = mine.entry["prompt"][1], theirs.entry["prompt"][1]
    assert {data.get("prompt_id") for _, data in mine.events} == {mine_id}
    assert {data.get("prompt_id") for _, data in theirs.events} == {their_id}


def test_progress_and_pictures_come_over_the_socket(client: Client) -> None:
    prompt = {"1": picture(batch_size=3)["1"], "2": node("SaveImageWebsocket", images=["1", 0])}
    told = client.follow(prompt)
    steps = [data for data in told.all("progress") if data["node"] == "2"]
    assert [(data["value"], data["max"]) for data in steps] == [(0, 3), (1, 3), (2, 3)]
    assert len(told.frames) == 3
    for frame in told.frames:
        assert struct.unpack(">II", frame[:8]) == (PREVIEW_EVENT, PNG)
        assert Image.open(io.BytesIO(frame[8:])).size == (32, 16)
    assert told.entry["outputs"].get("2", {}) == {}, "the frames are all that there is of it"


def test_waiting_prompts_are_listed_in_order_and_deleted(client: Client) -> None:
    running = client.submit(long(), client_id="me").json()["prompt_id"]
    client.until(lambda: [entry[1] for entry in client.http.get("/queue").json()["queue_running"]] == [running])
    first, second, third = (client.submit(picture()).json()["prompt_id"] for _ in range(3))
    urgent = client.submit(picture(), front=True).json()["prompt_id"]
    queue = client.http.get("/queue").json()
    waiting = sorted(queue["queue_pending"], key=lambda entry: entry[0])
    assert [entry[1] for entry in waiting] == [urgent, first, second, third]
    assert client.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 5
    number, id_, nodes, extra, outputs = queue["queue_running"][0][:5]
    assert (number >= 0, id_, extra["client_id"]) == (True, running, "me")
    assert (len(nodes), len(outputs)) == (2 * MANY, MANY)
    assert client.http.post("/queue", json={"delete": [second, "no-such-prompt"]}).status_code == 200
    client.http.post("/interrupt", json={"prompt_id": third})
    client.until(lambda: stop(client, running))
    assert client.history(second) == {}, "deleted before it ran"
    assert client.history(third)[third]["status"]["status_str"] == "success", "an interrupt is not for who waits"
    assert client.history(running)[running]["status"]["messages"][-1][0] == "execution_interrupted"
    client.submit(long())
    client.submit(picture())
    client.http.post("/queue", json={"clear": True})
    client.until(lambda: stop(client))


def test_an_interrupt_ends_the_running_prompt_and_the_next_one_runs(client: Client) -> None:
    asked: list[str] = []

    def interrupt(kind: str, data: dict[str, Any]) -> None:
        if kind == "executed" and not asked:
            asked.append(data["node"])
            client.http.post("/interrupt", json={"prompt_id": data["prompt_id"]})

    told = client.follow(long(), interrupt)
    (data,) = told.all("execution_interrupted")
    assert {"prompt_id", "node_id", "node_type", "executed"} <= set(data)
    assert told.kinds[-2:] == ["execution_interrupted", "executing"]
    assert told.entry["status"]["status_str"] == "error"
    assert told.entry["status"]["completed"] is False
    assert 0 < len(told.entry["outputs"]) < MANY
    assert client.picture(picture(), "2").size == (32, 16)


def test_an_exception_of_a_node_is_told_with_its_node(client: Client) -> None:
    name = f"{uuid.uuid4().hex}.png"
    upload(client, name, b"this is no picture")
    prompt = {
        "1": node("LoadImage", image=name),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("PreviewImage", images=["2", 0]),
    }
    told = client.follow(prompt)
    (data,) = told.all("execution_error")
    assert (data["node_id"], data["node_type"]) == ("1", "LoadImage")
    assert data["exception_type"] == "PIL.UnidentifiedImageError"
    assert "cannot identify image file" in data["exception_message"]
    assert all(isinstance(line, str) for line in data["traceback"])
    assert data["current_inputs"] == {"image": [name]}
    assert told.kinds[-2:] == ["execution_error", "executing"]
    assert told.entry["status"]["status_str"] == "error"
    assert ["execution_error", data] in told.entry["status"]["messages"]


def test_too_little_memory_is_an_exception_in_words_that_name_it(client: Client) -> None:
    failure = client.failure(picture(batch_size=4096, width=16384, height=16384))
    assert failure["node_id"] == "1"
    assert failure["exception_type"] == "RuntimeError"
    assert re.search(r"DefaultCPUAllocator: (can't|not enough)", failure["exception_message"])
    assert client.picture(picture(), "2").size == (32, 16)


def test_uploads_are_kept_by_name_and_replaced_only_when_asked(client: Client) -> None:
    stem = uuid.uuid4().hex
    name = f"{stem}.png"
    assert upload(client, name, png("red")) == {"name": name, "subfolder": "", "type": "input"}
    assert upload(client, name, png("blue"))["name"] == f"{stem} (1).png"
    assert upload(client, name, png("blue"))["name"] == f"{stem} (1).png", "the same content is the same file"
    assert upload(client, name, png("lime"), overwrite="true")["name"] == name
    below = upload(client, name, png("red"), subfolder="conformance", type="input")
    assert below == {"name": name, "subfolder": "conformance", "type": "input"}
    for image, color in ((name, (0, 255, 0)), (f"conformance/{name}", (255, 0, 0))):
        loaded = {"1": node("LoadImage", image=image), "2": node("PreviewImage", images=["1", 0])}
        assert client.picture(loaded, "2").convert("RGB").getpixel((0, 0)) == color
    assert client.http.post("/upload/image", files={"other": ("x.png", b"x")}).status_code == 400
    escaping = client.http.post("/upload/image", files={"image": ("x.png", b"x")}, data={"subfolder": "../.."})
    assert escaping.status_code == 400


def test_a_file_is_served_whole_and_in_ranges(client: Client) -> None:
    (file,) = client.run(picture())["outputs"]["2"]["images"]
    whole = client.http.get("/view", params=file)
    assert whole.status_code == 200
    assert whole.headers["Content-Type"] == "image/png"
    assert file["filename"] in whole.headers["Content-Disposition"]
    assert len(whole.content) == int(whole.headers["Content-Length"])
    part = client.http.get("/view", params=file, headers={"Range": "bytes=8-15"})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 8-15/{len(whole.content)}"
    assert part.content == whole.content[8:16]
    assert client.http.get("/view", params=file, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.http.get("/view", params={"filename": "absent.png"}).status_code == 404
    assert client.http.get("/view").status_code in {400, 404}
    assert client.http.get("/view", params={"filename": "../x.png"}).status_code == 400
    assert client.http.get("/view", params={"filename": "x.png", "type": "nowhere"}).status_code == 400
    assert client.http.get("/view", params={"filename": "x.png", "subfolder": "../.."}).status_code == 403
