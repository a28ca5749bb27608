"""The script that judges attributions by packs that somebody installs counts honestly."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_use_is_counted_once_and_the_rest_has_its_reason(tmp_path):
    examples = tmp_path / "examples"
    (examples / "deeper").mkdir(parents=True)
    files = {
        "core.json": ["KSampler", "SaveImage"],
        "right.json": ["IPAdapterAdvanced", "IPAdapterAdvanced", "SaveImage"],
        "deeper/replaced.json": ["Image Bloom Filter"],
        "origin.json": ["BrushNetLoader"],
        "open.json": ["Attention couple", "Attention couple"],
        "astray.json": ["VHS_VideoCombine"],
        "nowhere.json": ["Nobody's [red]"],
    }
    for name, classes in files.items():
        nodes = {str(number): {"class_type": kind, "inputs": {}} for number, kind in enumerate(classes)}
        (examples / name).write_text(json.dumps(nodes))
    (examples / "broken.json").write_text("{")
    installed = ["cubiq/ComfyUI_IPAdapter_plus", "WASasquatch/was-node-suite-comfyui", "fofr/ComfyUI-BrushNet"]
    (tmp_path / "list.json").write_text(json.dumps([{"repo": f"https://github.com/{one}"} for one in installed]))
    done = subprocess.run(
        [sys.executable, "benchmarks/packs.py", str(examples), str(tmp_path / "list.json")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=True,
    )
    text = re.sub(r"[│┃]", "|", done.stdout)
    counted = dict(re.findall(r"^\| ([^|]+?) +\| (\d+)(?: \(|\s)", text, flags=re.MULTILINE))
    assert counted == {
        "on the list": "2",
        "its replacement": "1",
        "its origin": "1",
        "a question": "2",
        "elsewhere": "1",
        "nowhere": "1",
        "right, of 8": "4",
        "beside them: ComfyUI's own, though no version here has it": "0",
    }
    assert "right, of 8" in text
    assert "4 (50.0%)" in text
    rest = re.findall(r"^\| (\S[^|]+?) +\| ([^|]+?) +\| +(\d+) +\| ([^|]+?) +\|$", text, flags=re.MULTILINE)
    assert [row[:3] for row in rest if row[2] != "0"] == [
        ("a question", "Attention couple", "2"),
        ("elsewhere", "VHS_VideoCombine", "1"),
        ("nowhere", "Nobody's [red]", "1"),
    ]
    assert "broken.json" in text
