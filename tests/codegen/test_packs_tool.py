"""How the snapshot of packs is made from the Manager's lists."""

import gzip
import json
import runpy
import sys
import time
import tomllib
from datetime import date
from pathlib import Path

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
    more = tmp_path / "more.toml"
    more.write_text("pack = []")
    tool = runpy.run_path("tools/packs.py")
    written = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["packs.py", str(tmp_path), "--more", str(more)])
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


TOOL = runpy.run_path("tools/packs.py")
GITHUB = "https://github.com/"


def pack(name, *classes, **more):
    return {"url": GITHUB + name, "classes": sorted(classes), **more}


def by_name(*packs):
    return {entry["url"].lower(): entry for entry in packs}


class TestMoreFacts:
    def test_they_are_added_to_what_is_listed(self):
        repositories = by_name(pack("a/One", "X"))
        TOOL["add"](
            repositories,
            [
                {"url": GITHUB + "A/one", "classes": ["Y"], "removed": ["X", "Old"], "source": "prose"},
                {
                    "url": GITHUB + "b/retired",
                    "classes": ["Z"],
                    "fork_of": GITHUB + "a/One",
                    "replaces": [GITHUB + "c/d"],
                },
            ],
        )
        assert list(repositories.values()) == [
            {"url": GITHUB + "a/One", "classes": ["X", "Y"], "removed": ["Old"]},
            {
                "url": GITHUB + "b/retired",
                "listed": False,
                "classes": ["Z"],
                "fork_of": GITHUB + "a/One",
                "replaces": [GITHUB + "c/d"],
            },
        ]

    @pytest.mark.parametrize(
        "url",
        [
            "ext::sh -c touch% /tmp/x",
            "https://user:secret@github.com/a/b",
            "https://github.com/a/b c",
            "git@github.com:a/b",
            "file:///etc",
            "https://github.com/a/b?x=1",
            "",
            None,
        ],
    )
    def test_nothing_comes_in_that_a_lock_would_not_take(self, url):
        assert TOOL["clonable"](url) is None
        with pytest.raises(ValueError, match="nobody could clone"):
            TOOL["add"]({}, [{"url": url}])

    def test_every_one_that_ships_says_where_it_is_from(self):
        for entry in tomllib.loads(Path("tools/packs.toml").read_text("utf-8"))["pack"]:
            assert set(entry) <= {"url", "classes", "removed", "aliases", "fork_of", "replaces", "source", "seen"}
            assert entry["source"]
            assert isinstance(entry["seen"], date)
            addresses = [entry["url"], *entry.get("aliases", ()), *entry.get("replaces", ()), entry.get("fork_of")]
            assert [one for one in addresses if one] == [TOOL["clonable"](one) for one in addresses if one]


class TestAliases:
    def test_what_the_manager_refers_to_beside_it(self):
        entry = {"reference": GITHUB + "a/One/", "reference2": GITHUB + "new/One.git"}
        assert TOOL["aliases"](GITHUB + "a/One", entry) == [GITHUB + "new/One"]

    @pytest.mark.parametrize(
        "page",
        [
            GITHUB + "a/One/wiki/Nodes",
            GITHUB + "a/One/tree/main",
            "https://civitai.com/user/x",
            "https://user@github.com/a/b",
            GITHUB + "../b",
            "ext::x",
            ["x"],
            None,
        ],
    )
    def test_pages_are_no_repositories(self, page):
        assert TOOL["aliases"](GITHUB + "a/One", {"reference": page}) == []

    def test_nobody_takes_the_address_of_another(self):
        repositories = by_name(
            pack("a/One", aliases=[GITHUB + "B/two", GITHUB + "old/One"]),
            pack("b/Two"),
            pack("c/x", aliases=[GITHUB + "d/claimed"]),
            pack("e/y", aliases=[GITHUB + "D/claimed"]),
        )
        TOOL["keep_unique_aliases"](repositories)
        assert [entry.get("aliases") for entry in repositories.values()] == [[GITHUB + "old/One"], None, None, None]


class TestCopies:
    def test_one_that_bundles_two_copies_both(self):
        repositories = by_name(
            pack("a/first", "X1", "X2", "X3", stars=90),
            pack("b/second", "Y1", "Y2", stars=60),
            pack("z/all", "X1", "X2", "Y1", "Y2", "KSampler", stars=20),
        )
        assert TOOL["copies"](repositories, {"KSampler"}) == {
            GITHUB + "z/all": [GITHUB + "a/first", GITHUB + "b/second"]
        }

    @pytest.mark.parametrize(
        ("classes", "stars", "why"),
        [
            (("X1",), 1, "one class may be chance"),
            (("X1", "X2"), 1, "two of five are not most"),
            (("X1", "X2", "X3"), 31, "nobody can tell who took over from whom"),
            (("K1", "K2", "K3"), 1, "ComfyUI's classes are everybody's"),
        ],
    )
    def test_what_is_no_copy(self, classes, stars, why):
        repositories = by_name(
            pack("a/first", "X1", "X2", "X3", "X4", "X5", "K1", "K2", "K3", stars=90),
            pack("b/b", *classes, stars=stars),
        )
        assert TOOL["copies"](repositories, {"K1", "K2", "K3"}) == {}, why

    def test_a_name_that_everybody_has_takes_no_time(self):
        repositories = by_name(*(pack(f"a/p{number}", "Example", stars=number) for number in range(5000)))
        started = time.process_time()
        assert TOOL["copies"](repositories, set()) == {}
        assert time.process_time() - started < 5, "a hundredth of that where nothing else is running"
