"""Looking at a workflow, and writing its app, without running anything."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.github_app.start_up import loaded_after
from tests.github_app.workflows import GRAPH, PROMPT, saved


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    (tmp_path / "tile.json").write_bytes(saved(GRAPH))
    return tmp_path / "tile.json"


def test_what_was_understood_is_shown(flowberth: Callable, tile: Path) -> None:
    said = flowberth("analyze", tile)
    assert said.code == 0
    assert "\n".join(line.rstrip() for line in said.out.splitlines()) == snapshot("""\
tile  Tile
Workflow  3 nodes, saved from the editor
ComfyUI   0.3.64: the oldest that ships has everything
Hardware  CPU, $0.13 an hour while it works: no node loads a model, so no GPU is needed
Inputs
name    kind     default
width   integer  64
height  integer  48
Outputs: image (image)\
""")


def test_scripts_get_lock_and_interface(flowberth: Callable, tile: Path) -> None:
    plan = flowberth("analyze", tile, "--name", "my-tile", "--json").json
    assert plan["name"] == plan["lock"]["name"] == "my-tile"
    assert plan["kind"] == "ui"
    assert plan["nodes"] == 3
    assert plan["interface"]["type"] == "object"


def test_packs_are_shown_with_what_is_still_to_be_asked(flowberth: Callable, tmp_path: Path) -> None:
    pinned = {"aux_id": "cubiq/ComfyUI_essentials", "ver": "0123456789abcdef0123456789abcdef01234567"}
    nodes = list(GRAPH["nodes"])
    nodes[0] = {**nodes[0], "type": "VHS_LoadVideo"}
    nodes[1] = {**nodes[1], "type": "ImageResize+", "properties": pinned}
    (tmp_path / "packed.json").write_bytes(saved({**GRAPH, "nodes": nodes}))
    said = flowberth("analyze", tmp_path / "packed.json")
    assert said.code == 0
    shown = "\n".join(line.rstrip() for line in said.out.splitlines())
    assert shown[shown.index("Packs") :] == snapshot("""\
Packs
repository                                               commit        nodes
https://github.com/cubiq/ComfyUI_essentials              0123456789ab  ImageResize+
https://github.com/Kosinkadink/ComfyUI-VideoHelperSuite  unknown       VHS_LoadVideo
warning: node 1: 'VHS_LoadVideo' is not known here: its values come from the slots in the file; 4 of them have no name there, and are left out. the definitions of a server that has it (--object-info) make this exact
warning: node 2: 'ImageResize+' is not known here: its values come from the slots in the file. the definitions of a server that has it (--object-info) make this exact
error: node 1: the node VHS_LoadVideo comes from https://github.com/Kosinkadink/ComfyUI-VideoHelperSuite, and nothing says at which commit. look up a commit of it and add both to packs in app.lock.json; the app cannot run without\
""")
    plan = flowberth("analyze", tmp_path / "packed.json", "--json").json
    assert [pack["commit"] for pack in plan["packs"]] == [pinned["ver"], None]
    assert [pack["repository"] for pack in plan["lock"]["packs"]] == ["https://github.com/cubiq/ComfyUI_essentials"]


def test_a_hostile_title_stays_a_title(flowberth: Callable, tmp_path: Path) -> None:
    title = "\x1b[2J[bold]x\n" * 20 + "🎈"
    evil = {**PROMPT, "3": {**PROMPT["3"], "_meta": {"title": title}}}
    (tmp_path / "evil.json").write_bytes(saved(evil))
    said = flowberth("analyze", tmp_path / "evil.json")
    assert said.code == 0
    assert "\x1b" not in said.out + said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "../../x"], "../../x"),
        (["--name", "con"], "con"),
        (["--name", "shared"], "shared"),
        (["--core", "9.9.9"], "9.9.9"),
        (["--gpu", "H101"], "--gpu H101: Modal has no such GPU"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("command", ["analyze", "render", "up"])
def test_unusable_options_are_refused_before_anything_is_made(
    flowberth: Callable, tile: Path, command: str, options: list[str], message: str
) -> None:
    out, data_dir = tile.with_name("out"), tile.with_name("data")
    where = ["-o", out] if command == "render" else []
    said = flowberth(command, tile, *options, *where, "--json")
    assert said.code == 2
    assert message in said.json["error"]["message"]
    assert not data_dir.exists()
    assert not out.exists()


def test_render_writes_the_app_and_its_runtime(flowberth: Callable, tile: Path, tmp_path: Path) -> None:
    said = flowberth("render", tile, "-o", tmp_path / "modal", "--json")
    assert said.code == 0
    assert said.json["folder"] == str(tmp_path / "modal" / "tile")
    assert {"app.py", "app.lock.json", "interface.json", "prompt.json", "workflow.json", "README.md"} <= {
        file.name for file in (tmp_path / "modal" / "tile").iterdir()
    }
    assert (tmp_path / "modal" / "tile" / "workflow.json").read_bytes() == saved(GRAPH)
    assert (tmp_path / "modal" / "shared" / "VERSION").is_file()
    imported = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=tmp_path / "modal" / "tile",
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr


def test_rendering_again_gives_the_same_bytes(flowberth: Callable, tile: Path, tmp_path: Path) -> None:
    def rendered() -> dict[str, bytes]:
        assert flowberth("render", tile, "-o", tmp_path / "modal").code == 0
        return {str(file): file.read_bytes() for file in (tmp_path / "modal" / "tile").rglob("*") if file.is_file()}

    assert rendered() == rendered()


def test_render_leaves_a_folder_that_is_not_ours_alone(flowberth: Callable, tile: Path, tmp_path: Path) -> None:
    (tmp_path / "tile").mkdir()
    (tmp_path / "tile" / "app.py").write_text("mine")
    said = flowberth("render", tile, "-o", tmp_path)
    assert said.code == 2
    assert "is no app of Flowberth's" in said.err
    assert (tmp_path / "tile" / "app.py").read_text() == "mine"


def test_render_follows_no_link_out_of_its_folder(flowberth: Callable, tile: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "modal").mkdir()
    (tmp_path / "modal" / "tile").symlink_to(tmp_path / "elsewhere")
    assert flowberth("render", tile, "-o", tmp_path / "modal").code == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_analyzing_starts_without_heavy_libraries(tile: Path) -> None:
    assert loaded_after("analyze", str(tile)) == set()
