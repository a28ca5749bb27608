"""How the snapshot of packs is made from the Manager's lists."""

import gzip
import json
import runpy
import sys

import pytest


def test_the_tool_keeps_facts_only_and_writes_the_same_bytes_again(tmp_path, monkeypatch, capsys):
    source = tmp_path / "comfyui_manager"
    source.mkdir()
    (tmp_path / "comfyui_manager-4.9.dist-info").mkdir()
    one, two, core = (
        "https://github.com/a/One",
        "https://github.com/b/two.git",
        "https://github.com/comfyanonymous/ComfyUI",
    )
    clone = {"install_type": "git-clone", "title": "prose", "author": "prose", "description": "prose"}
    listed = [
        {**clone, "files": [two], "nodename_pattern": r" \(two\)$", "id": "two"},
        {**clone, "files": [one], "nodename_pattern": "Smart|^Web.*", "preemptions": ["X"]},
        {**clone, "files": [one.lower()]},
        {**clone, "files": [core]},
        {**clone, "files": ["http://plain.example/x"]},
        {**clone, "files": ["https://github.com/a/;rm"]},
        {**clone, "files": ["https://raw.githubusercontent.com/a/b/x.py"], "install_type": "copy"},
    ]
    mapped = {
        one: [["Y", "X"], {"title_aux": "prose"}],
        core: [["KSampler"], {}],
        "https://github.com/no/one": [["Z"], {}],
    }
    stats = {one: {"stars": 0, "last_update": "2025-01-02 03:04:05"}}
    (source / "custom-node-list.json").write_text(json.dumps({"custom_nodes": listed}))
    (source / "extension-node-map.json").write_text(json.dumps(mapped))
    (source / "github-stats.json").write_text(json.dumps(stats))
    tool = runpy.run_path("tools/packs.py")
    written = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["packs.py", str(tmp_path)])
        monkeypatch.setitem(tool["main"].__globals__, "TARGET", tmp_path / "packs.json.gz")
        tool["main"]()
        written.append((tmp_path / "packs.json.gz").read_bytes())
    assert written[0] == written[1]
    assert json.loads(gzip.decompress(written[0])) == {
        "source": "comfyui_manager-4.9",
        "day": "2025-01-02",
        "core": ["KSampler"],
        "repositories": [
            {"url": one, "stars": 0, "updated": "2025-01-02", "classes": ["X", "Y"], "preempts": ["X"]},
            {"url": "https://github.com/b/two", "id": "two", "suffix": " (two)"},
        ],
    }
    assert "2 repositories" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        (r"^ttN ", ("ttN ", None)),
        (r" \[Crystools\]$", (None, " [Crystools]")),
        (r"- Ostris$", (None, "- Ostris")),
        ("Smart", (None, None)),
        ("^exact$", (None, None)),
        (r"^\d+", (None, None)),
        ("^(a|b)", (None, None)),
        ("a.*$", (None, None)),
        ("", (None, None)),
    ],
)
def test_only_beginnings_and_ends_are_read_out_of_patterns(pattern, meant):
    assert runpy.run_path("tools/packs.py")["affixes"](pattern) == meant
