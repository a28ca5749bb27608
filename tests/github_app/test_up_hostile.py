"""What `flowberth up` refuses, it refuses with words that help, and leaves nothing behind. The rest it does safely."""

import ast
import copy
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from PIL import Image

from tests.github_app.workflows import GRAPH, PROMPT, saved

SYNTAX = (
    "'''\"\"\"\\ {{ 7*7 }} {% for x in y %} #} __import__('os').system('touch pwned') \u2028 \r\n\0 $(touch pwned) `id`"
)


def plain_png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


def cyclic() -> bytes:
    """A subgraph that holds itself."""
    inner = {"id": 1, "type": "s1", "pos": [0, 0], "size": [1, 1], "mode": 0, "inputs": [], "outputs": []}
    subgraph = {"id": "s1", "name": "Loop", "nodes": [inner], "links": [], "inputs": [], "outputs": []}
    subgraph |= {"inputNode": {"id": -10}, "outputNode": {"id": -20}}
    document = {**copy.deepcopy(GRAPH), "definitions": {"subgraphs": [subgraph]}}
    document["nodes"].append({**inner, "id": 9})
    return saved(document)


HOSTILE: dict[str, tuple[bytes, Any]] = {
    "depth 100,000": (b"[" * 100_000, snapshot("hostile.json: nested more than 200 levels deep at byte 200 | None")),
    "depth 100,000, closed": (
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        snapshot("hostile.json: nested more than 200 levels deep at byte 1,000 | None"),
    ),
    "NaN": (b'{"1": NaN}', snapshot("hostile.json: NaN is not a JSON value; give a number or null | None")),
    "Infinity": (b'{"1": 1e999}', snapshot("hostile.json: the number '1e999' is too large | None")),
    "duplicate keys": (
        b'{"1": {}, "1": {}}',
        snapshot("hostile.json: the key '1' occurs twice in one object; remove one of them | None"),
    ),
    "not UTF-8": (b'{"1": "\xff"}', snapshot("hostile.json: the file is not UTF-8: byte 7 cannot be decoded | None")),
    "a lone surrogate": (
        rb'{"1": "\ud800"}',
        snapshot("hostile.json: the text '\\ud800' holds half of a surrogate pair | None"),
    ),
    "a picture without a workflow": (
        plain_png(),
        snapshot(
            "hostile.json: the PNG carries no ComfyUI workflow (it has no text at all); many sites strip it from pictures: send the workflow's JSON | None"
        ),
    ),
    "a cut picture": (
        plain_png()[:40],
        snapshot(
            "hostile.json: the PNG carries no ComfyUI workflow (it has no text at all); many sites strip it from pictures: send the workflow's JSON | None"
        ),
    ),
    "a circle of subgraphs": (
        cyclic(),
        snapshot("the subgraph 'Loop' contains itself; break the circle and save again | None"),
    ),
    "nothing": (
        b"",
        snapshot(
            'hostile.json: the file is empty; accepted are: ComfyUI\'s workflow file (an object with a list `nodes`), its API export (an object of nodes with `class_type`), an API export wrapped as {"prompt": …}, or a PNG saved by ComfyUI | None'
        ),
    ),
    "something else": (
        b'{"hello": "world"}',
        snapshot(
            "hostile.json: found a JSON object with the keys 'hello'; accepted are: ComfyUI's workflow file (an object with a list `nodes`), its API export (an object of nodes with `class_type`), an API export wrapped as {\"prompt\": …}, or a PNG saved by ComfyUI | None"
        ),
    ),
    "HTML": (
        b"<!doctype html><title>404</title>",
        snapshot(
            'hostile.json: found HTML or XML; if it was downloaded from a web page, use its raw or download link; accepted are: ComfyUI\'s workflow file (an object with a list `nodes`), its API export (an object of nodes with `class_type`), an API export wrapped as {"prompt": …}, or a PNG saved by ComfyUI | None'
        ),
    ),
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "site"
    subprocess.run(["git", "init", "-q", "-b", "main", repo], check=True)
    git = ["git", "-C", repo, "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)
    return repo


@pytest.fixture
def refused(flowberth: Callable, repo: Path, data_dir: Path) -> Callable[..., str]:
    """Runs `up`, which must refuse and leave no trace; gives what it says."""

    def run(file: Path, *options: str) -> str:
        def state() -> list[str]:
            return sorted(str(path) for path in repo.rglob("*"))

        before = state()
        said = flowberth("up", file, "--repo", repo, *options, "--json")
        assert said.code == 2, said.out + said.err
        assert said.err == ""
        assert not data_dir.exists()
        assert state() == before
        error = said.json["error"]
        return f"{error['message']} | {error['hint']}".replace(str(file.parent), "")

    return run


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_workflow_is_refused_before_anything_is_made(
    refused: Callable[..., str], tmp_path: Path, name: str
) -> None:
    data, words = HOSTILE[name]
    (tmp_path / "hostile.json").write_bytes(data)
    assert refused(tmp_path / "hostile.json") == words


def test_200_megabytes_are_refused_without_being_read(refused: Callable[..., str], tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert refused(tmp_path / "huge.json") == snapshot(
        "/huge.json: is larger than 25 MiB | Accepted are a workflow saved from ComfyUI (JSON), its API export (JSON), and a PNG that ComfyUI wrote, up to 25 MiB; `-` reads standard input."
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "../../x",
            snapshot(
                "--name '../../x' cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow | None"
            ),
        ),
        ("con", snapshot("--name 'con' is reserved; choose another, such as con-workflow | None")),
        ("shared", snapshot("--name 'shared' is reserved; choose another, such as shared-workflow | None")),
        (
            "-rf",
            snapshot(
                "--name '-rf' cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow | None"
            ),
        ),
        (
            "a" * 300,
            snapshot(
                "--name 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow | None"
            ),
        ),
        (
            "Ünï",
            snapshot(
                "--name '\\xdcn\\xef' cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow | None"
            ),
        ),
        (
            "x\ny",
            snapshot(
                "--name 'x\\ny' cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow | None"
            ),
        ),
    ],
)
def test_names_that_are_none_are_refused(refused: Callable[..., str], tmp_path: Path, name: str, words: Any) -> None:
    (tmp_path / "tile.json").write_bytes(saved(PROMPT))
    assert refused(tmp_path / "tile.json", f"--name={name}") == words


def titled(title: str) -> bytes:
    return saved({**GRAPH, "extra": {"info": {"name": title}, "title": title}, "name": title, "title": title})


@pytest.mark.parametrize(
    "filename",
    [
        "../../x.json",
        "con.json",
        "shared.json",
        "🌅🌅🌅.json",
        f"{'long ' * 40}.json",
        "-rf.json",
        "a\nb.json",
        "$(id).json",
    ],
)
def test_odd_file_names_give_good_names(flowberth: Callable, tmp_path: Path, filename: str) -> None:
    file = tmp_path / Path(filename).name
    file.write_bytes(saved(GRAPH))
    name = flowberth("analyze", file, "--json").json["name"]
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 50
    assert name not in {"con", "shared"}


@pytest.mark.parametrize("title", ["🌅" * 300, "t" * 300, "../../x", "con", SYNTAX])
def test_odd_titles_give_good_names(flowberth: Callable, tmp_path: Path, title: str) -> None:
    (tmp_path / "w.json").write_bytes(titled(title))
    name = flowberth("analyze", tmp_path / "w.json", "--json").json["name"]
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(name) <= 50


@pytest.mark.long
def test_a_prompt_full_of_syntax_stays_a_prompt(
    flowberth_process: Callable, database_url: str, repo: Path, tmp_path: Path
) -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["4"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": SYNTAX}, "_meta": {"title": SYNTAX}}
    prompt["5"] = {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}}
    (tmp_path / "odd.json").write_bytes(saved(prompt))
    said = flowberth_process("up", tmp_path / "odd.json", "--repo", repo, "--json", FLOWBERTH_DATABASE_URL=database_url)
    assert said.code == 0, said.out + said.err

    def committed(path: str) -> str:
        show = ["git", "-C", repo, "show", f"flowberth/odd:{path}"]
        return subprocess.run(show, capture_output=True, check=True).stdout.decode()

    app = committed("apps/modal/odd/app.py")
    ast.parse(app)
    assert "pwned" not in app
    assert json.loads(committed("apps/modal/odd/prompt.json"))["4"]["inputs"]["value"] == SYNTAX
    assert json.loads(committed("apps/modal/odd/workflow.json")) == prompt
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()


def test_without_git_the_way_out_is_told(flowberth_process: Callable, tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "tile.json").write_bytes(saved(PROMPT))
    said = flowberth_process("up", tmp_path / "tile.json", "--json", PATH=str(tmp_path))
    assert said.code == 1
    assert said.json["error"] == snapshot(
        {
            "type": "GitMissing",
            "message": "git is not installed, or not on the PATH; install it from https://git-scm.com/downloads",
            "hint": None,
        }
    )


def test_a_data_folder_that_is_none_is_told(flowberth_process: Callable, tmp_path: Path) -> None:
    (tmp_path / "tile.json").write_bytes(saved(PROMPT))
    (tmp_path / "file").touch()
    said = flowberth_process("up", tmp_path / "tile.json", "--json", FLOWBERTH_DATA_DIR=str(tmp_path / "file"))
    assert said.code == 1
    error = said.json["error"]
    assert {**error, "message": error["message"].replace(str(tmp_path), "")} == snapshot(
        {
            "type": "CannotUseFile",
            "message": "/file/demo: not a directory",
            "hint": "If it is in the data folder, name another with FLOWBERTH_DATA_DIR; `flowberth doctor` looks at it.",
        }
    )
