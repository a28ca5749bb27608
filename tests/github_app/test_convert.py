"""Converting, one file or a folder."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.github_app.start_up import loaded_after
from tests.github_app.workflows import GRAPH, PROMPT, saved

INPUTS = {node: entry["inputs"] for node, entry in PROMPT.items()}
OWN_NODE = {
    "EmptyImage": {
        "input": {"required": {"size": ["INT", {"default": 1}]}},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "output_is_list": [False],
        "name": "EmptyImage",
        "python_module": "custom_nodes.own",
    }
}


def inputs(prompt: dict[str, Any]) -> dict[str, Any]:
    return {node: entry["inputs"] for node, entry in prompt.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "tile.ui.json").write_bytes(saved(GRAPH))
    (tmp_path / "saved" / "prompt.json").write_bytes(saved(PROMPT))
    (tmp_path / "saved" / "notes.txt").write_text("not for us")
    return tmp_path / "saved"


def test_the_prompt_goes_to_stdout_and_nothing_else_does(flowberth: Callable, folder: Path) -> None:
    said = flowberth("convert", folder / "tile.ui.json")
    assert said.code == 0
    assert inputs(said.json) == INPUTS


def test_standard_input(flowberth: Callable) -> None:
    assert inputs(flowberth("convert", "-", stdin=saved(GRAPH)).json) == INPUTS


def test_one_file_to_one_file(flowberth: Callable, folder: Path, tmp_path: Path) -> None:
    said = flowberth("convert", folder / "tile.ui.json", "-o", tmp_path / "out.json", "--json")
    assert said.code == 0
    assert said.json["output"] == str(tmp_path / "out.json")
    assert inputs(json.loads((tmp_path / "out.json").read_bytes())) == INPUTS


def test_a_folder_goes_on_past_a_bad_file(flowberth: Callable, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.json").write_text('{"a": NaN}')
    (folder / "none.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    said = flowberth("convert", folder, "-o", tmp_path / "out")
    assert said.code == 2
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["prompt.json", "tile.json"]
    assert inputs(json.loads((tmp_path / "out" / "tile.json").read_bytes())) == INPUTS
    assert said.out.endswith("2 converted, 2 failed\n")


def test_several_files_as_json(flowberth: Callable, folder: Path, tmp_path: Path) -> None:
    (folder / "bad.json").write_text("[]")
    said = flowberth("convert", folder / "bad.json", folder / "tile.ui.json", "-o", tmp_path / "out", "--json")
    assert said.code == 2
    assert (said.json["converted"], said.json["failed"]) == (1, 1)
    refused, done = said.json["files"]
    assert refused["file"] == str(folder / "bad.json")
    assert refused["error"]["type"] == "NotAWorkflow"
    assert done["output"] == str(tmp_path / "out" / "tile.json")
    assert "prompt" not in done


def test_results_never_overwrite_what_was_given_nor_each_other(flowberth: Callable, folder: Path) -> None:
    (folder / "tile.json").write_bytes(saved(GRAPH))
    said = flowberth("convert", folder, "-o", folder, "--json")
    assert said.code == 2
    assert all("error" in file for file in said.json["files"])
    assert (folder / "tile.json").read_bytes() == saved(GRAPH)
    (folder / "tile.json").unlink()
    (folder / "prompt.ui.json").write_bytes(saved(GRAPH))
    said = flowberth("convert", folder / "prompt.json", folder / "prompt.ui.json", "-o", folder / "new", "--json")
    assert [file.get("error", {}).get("hint") for file in said.json["files"]] == [None, "Rename one of the two."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{folder}"], "several workflows need -o DIR"),
        (["{folder}", "-o", "{folder}/notes.txt"], "is not a folder"),
        (["{folder}/none"], "there is no such file"),
        (["{folder}/tile.ui.json", "-o", "{folder}/no/such/out.json"], "cannot be written"),
        (["{folder}/tile.ui.json", "--core", "9.9.9"], "9.9.9"),
        (["{folder}/tile.ui.json", "--object-info", "{folder}/notes.txt"], "is not JSON"),
        (["{folder}/tile.ui.json", "--object-info", "http://127.0.0.1:1"], "refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_said(flowberth: Callable, folder: Path, arguments: list[str], message: str) -> None:
    said = flowberth("convert", "--json", *(argument.format(folder=folder) for argument in arguments))
    assert said.code == 2
    assert message in said.json["error"]["message"]


def test_an_empty_folder_is_told(flowberth: Callable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = flowberth("convert", tmp_path / "empty", "-o", tmp_path / "out")
    assert said.code == 2
    assert said.err.replace(str(tmp_path), "") == snapshot("Error: /empty: holds no *.json and no *.png file\n")


def test_hostile_files_are_refused_one_by_one(flowberth: Callable, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_bytes(b"[" * 100_000)
    (tmp_path / "twice.json").write_bytes(b'{"a": 1, "a": 2}')
    (tmp_path / "\x1b[2Jname.json").write_bytes(b"{}")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    said = flowberth("convert", tmp_path, "-o", tmp_path / "out")
    assert said.code == 2
    assert "0 converted, 4 failed" in said.out
    assert "\x1b" not in said.out + said.err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("pack", [json.dumps, lambda value: gzip.compress(json.dumps(value).encode())])
def test_definitions_from_a_file_win(flowberth: Callable, tmp_path: Path, pack: Callable) -> None:
    packed = pack(OWN_NODE)
    (tmp_path / "info").write_bytes(packed if isinstance(packed, bytes) else packed.encode())
    said = flowberth("convert", "-", "--object-info", tmp_path / "info", stdin=saved(GRAPH))
    assert said.json["1"]["inputs"] == {"size": 64}
    assert said.json["3"]["inputs"]["filename_prefix"] == "tile"


@pytest.fixture
def server() -> Iterator[str]:
    class ObjectInfo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(OWN_NODE).encode()
            self.send_response(200 if self.path == "/object_info" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), ObjectInfo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("tail", ["", "/", "/object_info"])
def test_definitions_from_a_running_comfyui_win(flowberth: Callable, server: str, tail: str) -> None:
    said = flowberth("convert", "-", "--object-info", server + tail, stdin=saved(GRAPH))
    assert said.json["1"]["inputs"] == {"size": 64}


def test_converting_starts_without_heavy_libraries(folder: Path) -> None:
    assert loaded_after("convert", str(folder / "tile.ui.json")) == set()
