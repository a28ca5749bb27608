"""Where the models of a workflow come from: the file itself, else what official templates say; and how that index is made."""

import gzip
import json
import runpy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from codegen.addresses import public_url
from codegen.errors import NotAWorkflow
from codegen.json_values import as_object, objects
from codegen.lock import ModelPin
from codegen.model import Workflow
from codegen.models import find_models
from codegen.models.embedded import embedded_models
from codegen.models.index import IndexedModel, ModelIndex, model_index
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from tests.codegen.canvas import text_to_image

HUB = "https://huggingface.co/a/b/resolve/main"


def loading(file: str, kind: str = "CheckpointLoaderSimple", name: str = "ckpt_name") -> dict[str, Any]:
    return {"7": {"class_type": kind, "inputs": {name: file}}}


def found(prompt: dict[str, Any], *models: IndexedModel):
    workflow = Workflow(kind="api", document=prompt, source=b"")
    found = find_models(workflow, prompt, index=lambda: ModelIndex(models))
    return found.pins, found.findings


def indexed(url: str = f"{HUB}/one.safetensors", templates: int = 1, **other: Any) -> IndexedModel:
    return IndexedModel(
        **{"folder": "checkpoints", "file": "one.safetensors", "url": url, "templates": templates} | other
    )


class TestTheIndex:
    def test_what_a_file_does_not_say_is_taken_from_it_with_the_hash(self):
        (pin,), findings = found(loading("one.safetensors"), indexed(sha256="ab" * 32))
        assert pin == ModelPin(
            folder="checkpoints",
            file="one.safetensors",
            url=f"{HUB}/one.safetensors",
            sha256="ab" * 32,
            source="index",
        )
        assert findings == ()

    def test_what_the_file_says_itself_comes_first(self):
        canvas = text_to_image()
        canvas.nodes[0]["properties"]["models"] = [{"name": "sd15.safetensors", "url": "https://my.example/sd15"}]
        index = ModelIndex([indexed(file="sd15.safetensors")])
        (pin,) = find_models(canvas.workflow(), canvas.converted().prompt, index=lambda: index).pins
        assert (pin.url, pin.source) == ("https://my.example/sd15", "properties.models")

    def test_it_is_not_read_for_a_workflow_without_models(self):
        def unread() -> ModelIndex:
            raise AssertionError

        workflow = Workflow(kind="api", document={}, source=b"")
        assert find_models(workflow, {"1": {"class_type": "EmptyImage", "inputs": {}}}, index=unread).found == ()

    def test_what_only_the_manager_lists_says_so(self):
        (pin,), _ = found(loading("one.safetensors"), indexed(templates=0))
        assert pin.source == "manager-list"

    def test_of_two_addresses_the_one_that_more_templates_have_is_taken(self):
        (pin,), findings = found(loading("one.safetensors"), indexed("https://a.example/x"), indexed(templates=2))
        assert pin.url == f"{HUB}/one.safetensors"
        assert findings == ()

    def test_a_tie_is_said(self):
        (pin,), (finding,) = found(
            loading("one.safetensors"),
            indexed("https://b.example/x", sha256="cd" * 32),
            indexed("https://c.example/x", 1, folder="vae"),
            indexed("https://a.example/x"),
        )
        assert (pin.url, pin.sha256) == ("https://a.example/x", None)
        assert (finding.code, finding.severity, finding.node) == ("ambiguous-model", "warning", "7")
        assert finding.message == (
            "as many official templates have one.safetensors from https://b.example/x as from https://a.example/x"
        )

    def test_a_file_of_the_same_name_in_another_folder_is_another(self):
        (pin,), (finding,) = found(loading("one.safetensors"), indexed(folder="vae"))
        assert (pin.folder, pin.url, finding.code) == ("checkpoints", None, "unknown-model-url")

    def test_a_folder_of_ones_own_is_looked_through(self):
        (pin,), _ = found(loading("mine\\one.safetensors"), indexed())
        assert (pin.file, pin.url) == ("mine/one.safetensors", f"{HUB}/one.safetensors")

    def test_a_loader_that_nobody_knows_gets_the_folder_of_the_only_file_of_that_name(self):
        strange = loading("one.safetensors", "LoaderOfAPack", "weights")
        assert [pin.folder for pin in found(strange, indexed(folder="vae"))[0]] == ["vae"]
        pins, (finding,) = found(strange, indexed(folder="vae"), indexed())
        assert (pins, finding.code) == ((), "unknown-model-folder")
        assert finding.message == (
            "LoaderOfAPack.weights names one.safetensors, and nothing says which folder of models/ it lists"
        )

    @pytest.mark.parametrize(
        "file",
        [
            "/.safetensors",
            "../../one.ckpt",
            "a/../one.ckpt",
            "C:\\..\\one.ckpt",
            "\ud800.pt",
            "x" * 5000 + ".bin",
            "a\nb.pt",
        ],
    )
    def test_a_name_that_leads_elsewhere_or_is_none_is_refused(self, file):
        pins, (finding,) = found(loading(file))
        assert (pins, finding.code, finding.severity) == ((), "unusable-model-name", "error")
        assert len(finding.message) < 300

    def test_a_name_that_is_only_odd_is_not_found(self):
        (pin,), _ = found(loading(".safetensors"))
        assert pin.source == "unknown"

    def test_another_address_than_that_of_official_templates_is_said(self):
        canvas = text_to_image()
        canvas.nodes[0]["properties"]["models"] = [{"name": "sd15.safetensors", "url": "https://stranger.example/sd15"}]
        index = ModelIndex([indexed(file="sd15.safetensors")])
        (finding,) = find_models(canvas.workflow(), canvas.converted().prompt, index=lambda: index).findings
        assert (finding.code, finding.severity) == ("unusual-model-address", "warning")
        assert finding.message == (
            f"official templates have sd15.safetensors from {HUB}/one.safetensors; this workflow names "
            "https://stranger.example/sd15"
        )

    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            (
                "https://civitai.com/api/download/models/1?token=abc&type=VAE",
                "https://civitai.com/api/download/models/1?type=VAE",
            ),
            ("https://civitai.com/api/download/models/1?Token=abc", "https://civitai.com/api/download/models/1"),
            ("https://user:password@host.example/x.pt", None),
            ("https://host.example/x y.pt", None),
            ("https://[::1/x.pt", None),
            ("https://host.example/" + "x" * 3000, None),
        ],
    )
    def test_no_key_gets_into_the_lock(self, url, kept):
        assert public_url(url) == kept


TEMPLATES = files("comfyui_workflow_templates_json") / "templates"


def templates():
    for entry in sorted(TEMPLATES.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".json"):
            try:
                yield parse_workflow(entry.read_bytes(), filename=entry.name)
            except NotAWorkflow:
                continue


def silent(workflow: Workflow) -> Workflow:
    """The same file without a word on its models."""
    document = json.loads(workflow.source)
    for graph in (document, *objects(as_object(document.get("definitions")).get("subgraphs"))):
        for node in objects(graph.get("nodes")):
            as_object(node.get("properties")).pop("models", None)
    silenced = parse_workflow(json.dumps(document).encode(), filename="silent.json")
    assert not list(embedded_models(silenced))
    return silenced


@pytest.mark.long
def test_every_model_that_an_official_template_embeds_is_found_without_it():
    workflows = list(templates())
    pairs = {(model.folder, model.file) for workflow in workflows for model in embedded_models(workflow)}
    assert len(pairs) > 300
    index = model_index()
    assert [pair for pair in pairs if not index.find(*pair)] == []
    named: set[tuple[str, str]] = set()
    for workflow in workflows:
        told = make_plan(workflow, filename="x.json").lock.models
        plan = make_plan(silent(workflow), filename="x.json")
        assert [(pin.folder, pin.file) for pin in plan.lock.models] == [(pin.folder, pin.file) for pin in told]
        assert {pin.source for pin in plan.lock.models} <= {"index", "note"}
        assert "unknown-model-url" not in {finding.code for finding in plan.findings}
        named |= {(pin.folder, pin.file) for pin in plan.lock.models}
    assert len(named & pairs) > 0.9 * len(pairs), "the rest is named by nodes that are muted or bypassed"


class TestTheTool:
    def test_what_ships_is_what_it_makes_of_the_templates(self, tmp_path):
        tool = runpy.run_path("tools/models.py")
        shipped = json.loads(gzip.decompress(Path("codegen/data/models.json.gz").read_bytes()))
        made = tool["index"](tool["official"]())
        assert made == [row for row in shipped["models"] if row["templates"]]
        assert len(shipped["models"]) > len(made), "the Manager's list is in there too"

    def test_of_the_managers_list_only_single_files_are_taken(self):
        tool = runpy.run_path("tools/models.py")
        entry = {
            "type": "checkpoint",
            "save_path": "checkpoints/sd15",
            "filename": "one.safetensors",
            "url": f"{HUB}/one.safetensors",
            "size": "2.1GB",
        }
        whole = [entry, {**entry, "save_path": "default", "filename": "two.safetensors", "size": "?"}]
        bad = [
            {**entry, "filename": "<huggingface>"},
            {**entry, "filename": "a/b"},
            {**entry, "save_path": "../x"},
            {**entry, "save_path": "default", "type": "prose"},
            {**entry, "url": "http://plain.example/one.safetensors"},
            {},
        ]
        facts = {"folder": "checkpoints", "url": f"{HUB}/one.safetensors", "templates": 0}
        assert tool["index"]([], [*whole, *bad]) == [
            {**facts, "file": "one.safetensors", "about_bytes": 2_100_000_000},
            {**facts, "file": "two.safetensors"},
        ]

    def test_a_template_counts_once_and_the_download_button_does_not_count(self):
        def template(*entries: dict[str, Any]) -> Workflow:
            canvas = text_to_image()
            canvas.nodes[0]["properties"]["models"] = list(entries)
            return canvas.workflow()

        one = {"name": "one.safetensors", "directory": "checkpoints", "url": f"{HUB}/one.safetensors", "other": "prose"}
        made = runpy.run_path("tools/models.py")["index"](
            [
                template(one, one),
                template({**one, "url": one["url"] + "?download=true", "hash": "AB" * 32, "hash_type": "SHA256"}),
                template({**one, "directory": "vae", "hash": "AB" * 16, "hash_type": "MD5"}),
                template({**one, "directory": "../x"}, {**one, "url": "http://plain.example/x"}),
            ]
        )
        facts = {"file": one["name"], "url": one["url"]}
        assert made == [
            {"folder": "checkpoints", **facts, "templates": 2, "sha256": "ab" * 32},
            {"folder": "vae", **facts, "templates": 1},
        ]

    @pytest.mark.long
    def test_the_same_bytes_again(self, tmp_path, monkeypatch, capsys):
        tool = runpy.run_path("tools/models.py")
        manager = tmp_path / "comfyui_manager"
        manager.mkdir()
        (manager / "model-list.json").write_text('{"models": []}')
        (tmp_path / "comfyui_manager-4.0.dist-info").mkdir()
        monkeypatch.setattr("sys.argv", ["models.py", str(tmp_path)])
        monkeypatch.setitem(tool["main"].__globals__, "TARGET", tmp_path / "models.json.gz")
        written: set[bytes] = set()
        for _ in range(2):
            tool["main"]()
            written.add((tmp_path / "models.json.gz").read_bytes())
        assert len(written) == 1
        assert "addresses of models" in capsys.readouterr().out
