"""A workflow with nodes of packs: converted from what the file says, and exactly once a server has told of them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codegen.catalog import catalog_from_object_info, load_catalog
from codegen.convert import convert
from codegen.parse import parse_workflow
from github_app.cli.failures import CommandError
from github_app.cli.object_info import MAX_BYTES, read_object_info
from tests.github_app.workflows import saved

GRAPH = {
    "nodes": [
        {
            "id": 1,
            "type": "EmptyImage",
            "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            "widgets_values": [64, 64, 1, 0],
        },
        {
            "id": 2,
            "type": "Sharpen+",
            "inputs": [
                {"name": "image", "type": "IMAGE", "link": 1},
                {"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": None},
            ],
            "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            "widgets_values": [7, "fixed", "high"],
        },
        {"id": 3, "type": "Grain", "inputs": [{"name": "image", "type": "IMAGE", "link": 2}], "widgets_values": [0.25]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
}


def definition(title: str, required: dict[str, Any]) -> dict[str, Any]:
    return {
        "display_name": title,
        "input": {"required": {"image": ["IMAGE"], **required}},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "output_is_list": [False],
        "python_module": "custom_nodes.pictures",
    }


SHARPEN = {"Sharpen+": definition("Sharpen more", {"seed": ["INT", {}], "quality": [["low", "high"]]})}
GRAIN = {"Grain": definition("Film grain", {"amount": ["FLOAT", {"default": 0.5}]})}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "own.json").write_bytes(saved(GRAPH))
    (tmp_path / "sharpen.json").write_text(json.dumps(SHARPEN))
    (tmp_path / "grain.json").write_text(json.dumps(GRAIN))
    return tmp_path


def guesses(said: Any) -> list[str]:
    return [finding["node"] for finding in said.json["findings"] if finding["code"] == "needs-preflight"]


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                answer(self)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_story(flowberth: Callable, files: Path) -> None:
    guessed = flowberth("convert", files / "own.json", "--json")
    assert guessed.json["prompt"]["2"]["inputs"] == {"seed": 7, "image": ["1", 0]}
    assert guesses(guessed) == ["2", "3"]

    half = flowberth("convert", files / "own.json", "--object-info", files / "sharpen.json", "--json")
    assert half.json["prompt"]["2"]["inputs"] == {"seed": 7, "quality": "high", "image": ["1", 0]}
    assert guesses(half) == ["3"]

    both = ("--object-info", files / "sharpen.json", "--object-info", files / "grain.json")
    whole = flowberth("convert", files / "own.json", *both, "--json")
    assert whole.json["findings"] == []
    known = load_catalog("0.33.0").overlay(catalog_from_object_info({**SHARPEN, **GRAIN}, version="known"))
    workflow = parse_workflow(saved(GRAPH), filename="own.json")
    assert whole.json["prompt"] == convert(workflow, known).prompt, "as if they had been known from the start"
    assert whole.json["prompt"]["3"] == {
        "inputs": {"amount": 0.25, "image": ["2", 0]},
        "class_type": "Grain",
        "_meta": {"title": "Film grain"},
    }


def test_the_same_over_http(flowberth: Callable, files: Path) -> None:
    with serving(lambda request: request.wfile.write(json.dumps({**SHARPEN, **GRAIN}).encode()) and None) as url:
        said = flowberth("convert", files / "own.json", "--object-info", url, "--json")
    assert said.json["findings"] == []
    assert said.json["prompt"]["3"]["inputs"] == {"amount": 0.25, "image": ["2", 0]}


def test_an_answer_without_end_is_cut_off(flowberth: Callable, files: Path) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        for _ in range(MAX_BYTES // 2**20 + 64):
            request.wfile.write(b" " * 2**20)

    with serving(endless) as url:
        said = flowberth("convert", files / "own.json", "--object-info", url)
    assert said.code == 2
    assert "is larger than 256 MiB" in said.err


def test_an_answer_that_trickles_in_is_given_up() -> None:
    given_up = threading.Event()

    def trickle(request: BaseHTTPRequestHandler) -> None:
        while not given_up.wait(0.02):
            request.wfile.write(b" ")

    with serving(trickle) as url:
        with pytest.raises(CommandError, match="has not answered in full"):
            read_object_info(url, deadline=0.1)
        given_up.set()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Grain": 5}', b'{"Grain": {}}', b"<html>", b"[" * 100_000])
def test_what_is_no_answer_of_comfyui(flowberth: Callable, files: Path, body: bytes) -> None:
    with serving(lambda request: request.wfile.write(body) and None) as url:
        said = flowberth("convert", files / "own.json", "--object-info", url)
    assert said.code == 2
    assert "Traceback" not in said.out + said.err
