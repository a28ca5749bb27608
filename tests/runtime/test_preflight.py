"""What a ComfyUI without a GPU says of an app before anything is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from shared.engine_log import EngineLog
from shared.preflight import DOCUMENT_BYTES, bounded, fitting, preflight, report
from shared.settings import Settings
from tests.engine import COMFYUI_DIR, STAND_IN, comfyui_command
from tests.runtime.conftest import field, node, write_app

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = Path(__file__).with_name("small_comfyui")
COMMIT = "0123456789abcdef" * 2 + "01234567"
SAY = {"1": node("Say", text="x")}


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """A checkout with its folder of packs."""
    checkout = tmp_path / "ComfyUI"
    shutil.copytree(SMALL, checkout, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "custom_nodes").mkdir()
    return checkout


@pytest.fixture
def look(tmp_path: Path, comfyui: Path) -> Callable[..., dict[str, Any]]:
    """The preflight of a prompt on that checkout."""

    def run(prompt: dict[str, Any], properties: dict[str, Any] | None = None, **lock: Any) -> dict[str, Any]:
        required = tuple(properties or ())
        folder = write_app(tmp_path / "app", prompt, properties, required=required)
        change_lock(folder, **lock)
        document = preflight(folder, settings(comfyui))
        assert not (comfyui / "executed").exists()
        return document

    return run


def settings(comfyui: Path, *more: str) -> Settings:
    command = (sys.executable, str(comfyui / "main.py"), "--port", "{port}", *more)
    return Settings(engine_command=command, engine_cwd=comfyui)


def change_lock(folder: Path, **changes: Any) -> None:
    path = folder / "app.lock.json"
    lock = json.loads(path.read_bytes())
    for name, value in changes.items():
        lock[name] = {**lock[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(lock))


def pack(comfyui: Path, name: str, source: str) -> None:
    folder = comfyui / "custom_nodes" / name
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text(f"{COMMIT}\n")
    (folder / "__init__.py").write_text(source)


def test_a_prompt_that_comfyui_would_take_is_not_run(look):
    found = look(SAY)
    assert found["passed"]
    assert (found["failure"], found["imports"], found["missing_classes"]) == (None, [], [])
    assert found["prompt"] is None
    assert found["definitions"]["Say"]["input"] == {"required": {"text": ["STRING", {}]}}
    assert (found["engine_version"], found["versions"]["torch"]) == ("0.3.64", "2.9.0+cpu")
    assert found["versions"]["httpx"] == httpx.__version__
    assert found["seconds"] > 0


def test_the_packs_that_do_not_load_are_named_with_their_stack_traces(look, comfyui):
    pack(comfyui, "ComfyUI-Broken", "import no_such_module\n")
    pack(comfyui, "ComfyUI-Chained", "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('a\\nb') from e\n")
    pack(comfyui, "ComfyUI-Empty", "")
    pack(comfyui, "ComfyUI-Good", "NODES = {'Good': {'required': {}}}")
    pack(comfyui, "../../libraries/Library", "")
    found = look({**SAY, "2": node("Good")}, packs=[{"name": "comfyui-broken"}])
    broken, chained, empty = found["imports"]
    assert (broken["pack"], broken["error"]) == ("ComfyUI-Broken", "No module named 'no_such_module'")
    assert broken["traceback"].startswith("Traceback")
    assert broken["traceback"].endswith("ModuleNotFoundError: No module named 'no_such_module'")
    assert chained["error"] == "a"
    assert chained["traceback"].count("Traceback") == 2
    assert chained["traceback"].endswith("ValueError: a\nb")
    assert (empty["pack"], empty["traceback"]) == ("ComfyUI-Empty", "")
    assert empty["error"].startswith("due to the lack of NODE_CLASS_MAPPINGS")
    assert not found["passed"]
    assert found["versions"]["custom_nodes/ComfyUI-Good"] == found["versions"]["libraries/Library"] == COMMIT
    assert "no_such_module" in found["log_tail"]


def test_a_broken_pack_that_the_app_does_not_have_is_told_and_stops_nothing(look, comfyui):
    pack(comfyui, "Somebody-Elses", "import no_such_module\n")
    found = look(SAY)
    assert found["passed"]
    assert [one["pack"] for one in found["imports"]] == ["Somebody-Elses"]


def test_classes_that_are_not_there_are_told_apart_from_those_whose_definition_fails(look, comfyui):
    pack(comfyui, "Fails", "NODES = {'Raises / é?': 'raises'}")
    found = look({"1": node("Not / there?"), "2": node("Raises / é?")})
    assert found["missing_classes"] == ["Not / there?"]
    assert list(found["definitions"]) == []
    assert found["prompt"]["error"]["message"] == "Cannot execute because node Not / there? does not exist."
    assert not found["passed"]


def test_no_name_of_a_class_is_taken_for_anything_else(look):
    names = ["..", "../system_stats", "a/b?c#d", "%2e%2e", "\r\nHost: x", "Say\u2028", " ", "x" * 5000]
    found = look({str(index): node(name) for index, name in enumerate(names)})
    assert (found["missing_classes"], found["failure"]) == (names, None)
    found = look({"1": node("half of \ud800 a pair")})
    assert not found["passed"]


def test_files_that_callers_bring_are_there_and_others_are_missed(look):
    prompt = {"1": node("Load", image="callers.png"), "2": node("Load", image="mine.png")}
    found = look(prompt, {"image": field("image", ("1", "image"))})
    assert list(found["prompt"]["node_errors"]) == ["2"]
    assert "Invalid image file: mine.png" in json.dumps(found["prompt"])
    assert found["prompt"]["error"]["type"] == "prompt_outputs_failed_validation"
    assert not found["passed"]


def test_flags_for_a_gpu_are_left_out(look):
    assert look(SAY, comfyui={"arguments": ["--lowvram"]})["passed"]


def test_a_comfyui_that_does_not_start_is_told_with_its_log(look, comfyui):
    (comfyui / "main.py").write_text("import no_such_module\n")
    found = look(SAY)
    assert not found["passed"]
    assert found["failure"]["stage"] == "boot"
    assert "exit code 1" in found["failure"]["message"]
    assert "ModuleNotFoundError: No module named 'no_such_module'" in found["log_tail"]
    assert (found["prompt"], found["definitions"]) == (None, {})


def test_one_that_dies_of_the_question_is_told(look, comfyui):
    pack(comfyui, "Crash", "NODES = {'Crash': {}}")
    found = look({"1": node("Crash")})
    assert found["failure"] == {"stage": "preflight", "message": "ComfyUI stopped: exit code 70"}
    assert list(found["definitions"]) == ["Crash"]


def test_one_whose_queue_cannot_be_held_is_not_asked_to_take_a_prompt(look, comfyui):
    (comfyui / "execution.py").write_text("class PromptQueue: pass\n")
    assert "no queue that can be held" in look(SAY)["log_tail"]


def test_one_that_somebody_else_runs_is_not_asked_either(tmp_path, comfyui):
    folder = write_app(tmp_path / "app", {**SAY, "2": node("Nothing")})
    process = subprocess.Popen(
        [sys.executable, str(comfyui / "main.py"), "--port", str(port := free_port())], cwd=comfyui
    )
    try:
        found = preflight(folder, Settings(engine_url=f"http://127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait()
    assert (found["missing_classes"], found["prompt"]) == (["Nothing"], None)
    assert not (comfyui / "executed").exists()


def free_port() -> int:
    import shared.engine  # noqa: PLC0415 - the runtime's own

    return shared.engine.free_port()


def test_the_stand_in_is_asked_in_the_same_way(tmp_path):
    prompt = {
        "1": node("EmptyImage", width=64, height=64, batch_size=1, color=0),
        "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
    }
    folder = write_app(tmp_path / "app", prompt)
    chosen = Settings(engine_command=(*STAND_IN, "--core", "0.3.64"))
    found = preflight(folder, chosen)
    assert (found["passed"], found["prompt"], found["engine_version"]) == (True, None, "0.3.64")
    assert set(found["definitions"]) == {"EmptyImage", "SaveImage"}
    write_app(tmp_path / "app", {**prompt, "3": node("Nothing")})
    found = preflight(folder, chosen)
    assert (found["passed"], found["missing_classes"]) == (False, ["Nothing"])
    assert "Nothing" in found["prompt"]["error"]["message"]


def test_models_that_were_not_downloaded_are_named(tmp_path, comfyui, monkeypatch):
    folder = write_app(tmp_path / "app", SAY)
    command = settings(comfyui).engine_command
    monkeypatch.setenv("FLOWBERTH_ENGINE_COMMAND", json.dumps(command))
    model = {"folder": "vae", "file": "a.safetensors", "url": "https://h/a", "sha256": None}
    change_lock(folder, models=[model])
    found = json.loads(report(folder, tmp_path / "store", tmp_path / "models"))
    assert not found["passed"]
    assert found["failure"]["stage"] == "models"
    assert "vae/a.safetensors has not been downloaded" in found["failure"]["message"]
    assert found["seconds"] == 0, "ComfyUI was not even started"


def test_a_folder_that_is_no_app_is_told_too(tmp_path):
    assert "app.lock.json" in json.loads(report(tmp_path))["failure"]["message"]


def test_as_a_command_it_writes_the_document_and_leaves_no_process_when_it_is_killed(tmp_path, comfyui):
    folder = write_app(tmp_path / "app", SAY)
    environment = {
        "PYTHONPATH": str(Path(report.__code__.co_filename).parents[1]),
        "FLOWBERTH_ENGINE_COMMAND": json.dumps(settings(comfyui).engine_command),
    }
    command = [sys.executable, "-m", "shared.preflight", str(folder), str(tmp_path / "found.json")]
    subprocess.run(command, env=environment, check=True, cwd=tmp_path)
    assert json.loads((tmp_path / "found.json").read_bytes())["passed"]

    (comfyui / "main.py").write_text("import time; print('here', flush=True); time.sleep(600)\n")
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "here\n"
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(children) == 2
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_whatever_the_answers_hold_the_document_is_small_json():
    hostile: Any = "x"
    for _ in range(2000):
        hostile = [hostile]
    kept = bounded(
        {"deep": hostile, "long": "x" * 10**6, "many": list(range(10**5)), "odd": [float("inf"), True, None]}
    )
    assert len(json.dumps(kept, allow_nan=False)) < 100_000
    assert kept["odd"] == [None, True, None]
    definitions = {f"c{index}": "x" * (DOCUMENT_BYTES // 3) for index in range(5)} | {"small": "x"}
    assert list(fitting(definitions)) == ["c0", "c1", "small"]


def test_a_stack_trace_belongs_to_the_pack_it_stands_before():
    log = EngineLog()
    for line in (
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in <module>',
        "ImportError: a",
        "",
        "Cannot import /c/custom_nodes/A module for custom nodes: a",
        "Skip /c/custom_nodes/B module for custom nodes due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one).",
        "Error while calling comfy_entrypoint in /c/custom_nodes/C: c: c",
        "comfy_entrypoint in /c/custom_nodes/D is not callable, skipping.",
        "Cannot import /c/custom_nodes/E module for custom nodes: ",
        "Traceback (most recent call last):",
        "NotImplementedError",
        "",
        "Cannot import /c/comfy_extras/nodes_f.py module for custom nodes: ",
        "   0.0 seconds (IMPORT FAILED): /c/custom_nodes/B",
    ):
        log.add(line + "\n")
    failed = {one.pack: (one.reason, one.traceback.count("\n")) for one in log.failed_imports()}
    assert failed == {
        "A": ("a", 2),
        "B": ("due to the lack of NODE_CLASS_MAPPINGS or NODES_LIST (need one).", 0),
        "C": ("c: c", 0),
        "D": ("is not callable, skipping.", 0),
        "E": ("import failed", 0),
        "comfy_extras/nodes_f.py": ("NotImplementedError", 1),
    }


@pytest.mark.skipif(not COMFYUI_DIR, reason="FLOWBERTH_COMFYUI_DIR names no checkout")
def test_a_real_comfyui(tmp_path):
    prompt = {
        "1": node("LoadImage", image="missing.png"),
        "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        "3": node("EmptyLatentImage", width=64_000, height=64, batch_size=1),
        "4": node("VAELoader", vae_name="missing.safetensors"),
        "5": node("VAEDecode", samples=["3", 0], vae=["4", 0]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="x"),
    }
    chosen = Settings(engine_command=comfyui_command(Path(str(COMFYUI_DIR)), tmp_path))
    began = time.monotonic()
    patient = {"startup_seconds": 300}
    folder = write_app(tmp_path / "app", prompt)
    change_lock(folder, timeouts=patient)
    found = preflight(folder, chosen)
    assert found["seconds"] <= time.monotonic() - began
    details = {name: one["errors"][0]["details"] for name, one in found["prompt"]["node_errors"].items()}
    assert details["1"] == "image - Invalid image file: missing.png"
    assert details["3"] == "width"
    assert details["4"].startswith("vae_name: 'missing.safetensors' not in")
    brought = {"image": field("image", ("1", "image"))}
    folder = write_app(tmp_path / "app", {"1": prompt["1"], "2": prompt["2"]}, brought, required=("image",))
    change_lock(folder, timeouts=patient)
    found = preflight(folder, chosen)
    assert found["passed"], found["prompt"]
    assert not list(tmp_path.glob("output/*"))
