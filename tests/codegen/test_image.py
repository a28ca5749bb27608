"""What of an image is built anew when a lock changes, and that nothing in a command escapes its word."""

from __future__ import annotations

import ast
import shlex
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.errors import UnsafeLiteral
from codegen.functions import fetch_models_function, preflight_function
from codegen.image import Command, image_of
from codegen.lock import ComfyPin, Dependencies, Hardware, Lock, ModelPin, PackPin, Timeouts
from codegen.python_literal import command_source
from codegen.render import render
from codegen.vendored import runtime_files


def pack(name: str, commit: str, layout: str = "nodes") -> PackPin:
    return PackPin.model_validate(
        {
            "name": name,
            "repository": f"https://github.com/someone/{name}",
            "commit": commit * 40,
            "classes": (),
            "source": "registry",
            "layout": layout,
        }
    )


PINS = Dependencies(
    exclude_newer=date(2025, 10, 22),
    packages=(*runtime_files()["shared/requirements.txt"].decode().split(), "imageio-ffmpeg"),
    system=("ffmpeg", "git"),
    constraints=("numpy<2",),
)
LOCK = Lock(
    name="packed",
    runtime="1.0.0",
    comfyui=ComfyPin(version="0.3.64", reason="test"),
    dependencies=PINS,
    packs=(pack("A", "a"), pack("B", "b"), pack("C", "c")),
    hardware=Hardware(gpu=None, cpu=2.0, memory_mib=4096, usd_per_second=0.0001, reason="test"),
)
STEPS = ("debian_slim", "apt_install", "uv", "clone", "build.py", "core", "A", "B", "C", "dependencies")


def layers(lock: Lock) -> list[str]:
    """The calls that make the image in `app.py`, in order, but for those that build nothing."""
    tree = ast.parse(render(lock, {}, {})["app.py"])
    (call,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "image")
    found: list[str] = []
    while isinstance(call, ast.Call):
        found.insert(0, f"{call.func.attr}({', '.join(map(ast.unparse, [*call.args, *call.keywords]))})")
        call = call.func.value
    kept = [one for one in found if not one.startswith(("add_local_python_source", "add_local_dir", "env("))]
    assert len(kept) == len(STEPS)
    return kept


def kept_of(changes: dict[str, Any]) -> tuple[str, ...]:
    """The steps that need not be done again after a change."""
    before, after = layers(LOCK), layers(LOCK.model_copy(update=changes))
    same = next((index for index, (one, other) in enumerate(zip(before, after, strict=True)) if one != other), None)
    return STEPS[:same]


def pins(**changes: Any) -> dict[str, Any]:
    return {"dependencies": Dependencies.model_validate({**PINS.model_dump(), **changes})}


MODEL = ModelPin(folder="vae", file="a.safetensors", url="https://h.example/a", source="answer")


@pytest.mark.parametrize(
    ("changes", "last_kept"),
    [
        ({"comfyui": ComfyPin(version="0.33.0", reason="test")}, "uv"),
        (pins(system=("git",)), "debian_slim"),
        (pins(exclude_newer=date(2026, 1, 1)), "build.py"),
        (pins(constraints=("torch==2.9.0", "numpy<2")), "build.py"),
        ({"packs": (pack("A", "d"), *LOCK.packs[1:])}, "core"),
        ({"packs": (*LOCK.packs[:2], pack("C", "d"))}, "B"),
        ({"packs": (*LOCK.packs[:2], pack("C", "c", "library"))}, "B"),
        (pins(constraints=("numpy<1.27",)), "C"),
        (pins(overrides=("huggingface-hub>=0.34,<1.0",)), "C"),
        (pins(packages=PINS.packages[:-1]), "C"),
        ({"models": (MODEL,)}, "dependencies"),
        ({"timeouts": Timeouts(startup_seconds=60)}, "dependencies"),
        ({"comfyui": ComfyPin(version="0.3.64", reason="x", arguments=("--lowvram",))}, "dependencies"),
        ({"hardware": LOCK.hardware.model_copy(update={"gpu": "L4"})}, "dependencies"),
    ],
)
def test_a_change_builds_anew_what_must_be_and_no_more(changes: dict[str, Any], last_kept: str) -> None:
    assert kept_of(changes)[-1] == last_kept


def test_what_bounds_torch_is_known_before_it_is_installed() -> None:
    lock = LOCK.model_copy(update=pins(constraints=("Torch==2.9.0", "numpy<2"), overrides=("torchvision==0.24.0",)))
    image = image_of(lock)
    assert image.core.options == (("--constraint", "Torch==2.9.0"), ("--override", "torchvision==0.24.0"))
    assert ("--constraint", "numpy<2") in image.dependencies.options
    assert ("--constraint", "Torch==2.9.0") in image.dependencies.options


def test_packages_of_the_runtime_are_told_from_those_of_the_lock() -> None:
    options = image_of(LOCK).dependencies.options
    assert ("--package", "imageio-ffmpeg") in options
    assert {value for option, value in options if option == "--app"} == set(PINS.packages[:-1])


def test_a_library_is_beside_comfyui_and_resolved_with_the_rest() -> None:
    image = image_of(LOCK.model_copy(update={"packs": (pack("Lib", "a", "library"),)}))
    assert "/root/comfy/libraries/Lib" in image.packs[0].words
    assert ("--pack", "/root/comfy/libraries/Lib") in image.dependencies.options
    assert ("--library", "/root/comfy/libraries/Lib") in image.dependencies.options


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.lists(st.text(max_size=30), max_size=4))
def test_the_shell_gets_the_very_words_or_nothing(words: list[str], option: list[str]) -> None:
    command = Command(words=tuple(words), options=(tuple(option),) if option else ())
    try:
        source = command_source(command)
    except UnsafeLiteral:
        return
    assert shlex.split(ast.literal_eval(f"({source})")) == [*words, *option]


@pytest.mark.parametrize("word", ['"', "\\", "\n", "$(id)", "`id`", "a;b", "a&b", "{a}", "\u2028", "x" * 600])
def test_a_word_that_no_pin_has_is_refused(word: str) -> None:
    with pytest.raises(UnsafeLiteral):
        command_source(Command(words=("echo", word)))


@pytest.mark.parametrize("bound", ["numpy<2", "numpy>=1.26,<2", "numpy==1.26.*", "numpy!=2.0.0,~=2.1"])
def test_a_bound_is_one_word(bound: str) -> None:
    source = render(LOCK.model_copy(update=pins(constraints=(bound,))), {}, {})["app.py"].decode()
    assert any(
        bound in shlex.split(node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("python /root/build")
    )


def test_functions_without_a_gpu_cost_cents_at_most() -> None:
    preflight = preflight_function(LOCK)
    assert preflight.timeout_seconds == LOCK.timeouts.startup_seconds + 300
    assert 0.01 < preflight.most_usd() < 0.05
    assert fetch_models_function().most_usd() < 0.5
    endless = LOCK.model_copy(update={"timeouts": Timeouts(startup_seconds=86_400)})
    assert preflight_function(endless).timeout_seconds == 86_400
