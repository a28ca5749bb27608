"""Everything that follows from a workflow alone: core version, models, hardware, names; and all of it for real templates."""

import json
from datetime import date
from importlib.resources import files

import jsonschema
import pytest
from inline_snapshot import snapshot

from codegen.catalog import packaged_versions
from codegen.core_version import choose_core, core_facts
from codegen.errors import CatalogError, InvalidGraph, InvalidName
from codegen.lock import ModelPin
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from codegen.render import app_files
from codegen.vendored import runtime_version
from tests.codegen.canvas import MUTED, Canvas, empty_image, save, text_to_image


class TestCoreVersion:
    def test_the_oldest_that_has_everything(self):
        choice, catalog = choose_core(text_to_image().workflow(), None)
        assert (choice.pin.version, choice.pin.reason) == ("0.3.64", "the oldest that ships has everything")
        assert catalog.version == "0.3.64"
        assert choice.findings == ()

    def test_a_newer_one_is_forced_by_a_class(self):
        canvas = Canvas()
        save(canvas, canvas.add("ResizeImageMaskNode", values=["scale width", 64, "area"], input=empty_image(canvas)))
        choice, _ = choose_core(canvas.workflow(), None)
        assert choice.pin.version == "0.33.0"
        assert choice.pin.reason == "the oldest that has everything: 0.3.64 lacks the node ResizeImageMaskNode"

    def test_a_newer_one_is_forced_by_a_value(self):
        canvas = text_to_image()
        canvas.nodes[4]["widgets_values"][4] = "exp_heun_2_x0"
        older, newer = (choose_core(canvas.workflow(), version)[0] for version in packaged_versions())
        assert [finding.code for finding in older.findings] == ["unknown-value"]
        assert newer.findings == ()
        assert choose_core(canvas.workflow(), None)[0].pin.reason == (
            "the oldest that has everything: 0.3.64 lacks the value 'exp_heun_2_x0' of KSampler.sampler_name"
        )

    def test_files_say_nothing_of_the_version(self):
        canvas = text_to_image()
        canvas.nodes[0]["widgets_values"] = ["anything at all.safetensors"]
        canvas.add("LoadImage", values=["nobody has this.png", "image"])
        assert choose_core(canvas.workflow(), None)[0].findings == ()

    def test_what_none_has_is_a_finding_on_the_newest(self):
        canvas = Canvas()
        save(canvas, canvas.add("Sharpen\n'+", image=empty_image(canvas)))
        choice, _ = choose_core(canvas.workflow(), None)
        assert choice.pin.version == packaged_versions()[-1]
        assert choice.pin.reason == "the newest that ships, though it lacks the node Sharpen\\n'+"
        assert [(finding.code, finding.severity, finding.message) for finding in choice.findings] == [
            (
                "unknown-class",
                "error",
                "ComfyUI 0.33.0 has no node Sharpen\\n'+: it belongs to a custom-node pack or to another version",
            )
        ]

    def test_one_that_is_asked_for_is_taken_and_told_what_it_lacks(self):
        canvas = Canvas()
        save(canvas, canvas.add("ResizeImageMaskNode", values=["scale width", 64, "area"], input=empty_image(canvas)))
        choice, _ = choose_core(canvas.workflow(), "0.3.64")
        assert choice.pin.reason == "asked for"
        assert [finding.code for finding in choice.findings] == ["unknown-class"]
        with pytest.raises(CatalogError, match=r"there are: 0\.3\.64, 0\.33\.0"):
            choose_core(canvas.workflow(), "1.0")

    def test_each_has_a_date_that_bounds_its_packages(self):
        dates = [core_facts(version).exclude_newer for version in packaged_versions()]
        assert dates == sorted(dates)
        assert all(isinstance(day, date) for day in dates)


def embedded(*entries: dict[str, object]) -> Canvas:
    canvas = text_to_image()
    canvas.nodes[0]["properties"]["models"] = list(entries)
    return canvas


class TestModels:
    def pins(self, canvas: Canvas) -> tuple[ModelPin, ...]:
        return make_plan(canvas.workflow(), filename="x.json").lock.models

    def test_an_embedded_url_is_taken_with_its_hash(self):
        entry = {
            "name": "sd15.safetensors",
            "url": "https://huggingface.co/a/b/resolve/main/sd15.safetensors",
            "directory": "checkpoints",
            "hash": "AB" * 32,
            "hash_type": "SHA256",
        }
        assert self.pins(embedded(entry)) == (
            ModelPin(
                folder="checkpoints",
                file="sd15.safetensors",
                url=entry["url"],
                sha256="ab" * 32,
                source="properties.models",
            ),
        )

    @pytest.mark.parametrize(
        "entry",
        [
            {"name": "sd15.safetensors", "url": "http://plain.example/x"},
            {"name": "sd15.safetensors", "url": "file:///etc/passwd"},
            {"name": "sd15.safetensors", "url": 5},
            {"name": ["sd15.safetensors"], "url": "https://a.example/x"},
            {"url": "https://a.example/x"},
        ],
    )
    def test_anything_but_a_name_and_an_https_url_is_left_out(self, entry):
        plan = make_plan(embedded(entry).workflow(), filename="x.json")
        assert [(pin.url, pin.source) for pin in plan.lock.models] == [(None, "unknown")]
        assert "unknown-model-url" in [finding.code for finding in plan.findings]

    def test_a_folder_that_would_leave_the_models_is_left_out(self):
        entry = {"name": "sd15.safetensors", "url": "https://a.example/x", "directory": "../../etc"}
        assert self.pins(embedded(entry))[0].folder == "checkpoints"

    def test_one_file_is_one_entry_and_backslashes_are_folders(self):
        canvas = text_to_image()
        canvas.nodes[0]["widgets_values"] = ["sdxl\\base.safetensors"]
        canvas.nodes.append({**canvas.nodes[0], "id": 99})
        assert [(pin.folder, pin.file) for pin in self.pins(canvas)] == [("checkpoints", "sdxl/base.safetensors")]


class TestPlan:
    def test_it_is_the_same_every_time(self):
        one, two = (make_plan(text_to_image().workflow(), filename="fox.json") for _ in range(2))
        assert one == two

    def test_the_lock_holds_every_pin(self):
        lock = make_plan(text_to_image().workflow(), filename="fox.json").lock
        assert (lock.name, lock.runtime, lock.comfyui.version) == ("fox", runtime_version(), "0.3.64")
        assert (lock.dependencies.python, lock.dependencies.exclude_newer) == ("3.12", date(2025, 10, 22))
        assert "fastapi" in " ".join(lock.dependencies.packages)

    def test_a_name_can_be_given_and_is_checked(self):
        assert make_plan(text_to_image().workflow(), filename="x", name="my-app").name == "my-app"
        with pytest.raises(InvalidName):
            make_plan(text_to_image().workflow(), filename="x", name="../../x")

    @pytest.mark.parametrize(
        "title", ["🦊" * 300, "x" * 300, "../../x", "con", "{{ 7*7 }}", "\x1b[31m", "'; DROP TABLE"]
    )
    def test_odd_titles_make_good_names(self, title):
        canvas = text_to_image()
        canvas.extra["title"] = title
        plan = make_plan(canvas.workflow(), filename=".json")
        assert plan.title == title.strip()
        assert json.loads(app_files(plan)["app.lock.json"])["name"] == plan.name

    def test_nothing_that_runs_is_refused(self):
        canvas = Canvas()
        canvas.add("Note", values=["hello"], gives="")
        save(canvas, empty_image(canvas, mode=MUTED), mode=MUTED)
        with pytest.raises(InvalidGraph, match="every node is muted, bypassed, or a note"):
            make_plan(canvas.workflow(), filename="x")

    def test_nothing_that_is_kept_is_refused(self):
        canvas = Canvas()
        empty_image(canvas)
        with pytest.raises(InvalidGraph, match="has no output node; add one, such as Save Image"):
            make_plan(canvas.workflow(), filename="x")


TEMPLATES = files("comfyui_workflow_templates_json") / "templates"
CHOSEN = sorted(
    entry.name
    for entry in TEMPLATES.iterdir()
    if entry.name.endswith(".json") and not entry.name.startswith(("index", "fuse"))
)[::20]


@pytest.mark.parametrize("name", CHOSEN)
def test_public_templates(name):
    data = (TEMPLATES / name).read_bytes()
    plan = make_plan(parse_workflow(data, filename=name), filename=name)
    rendered = app_files(plan)
    assert rendered["workflow.json"] == data
    assert set(rendered) == {"app.py", "app.lock.json", "prompt.json", "interface.json", "workflow.json", "README.md"}
    jsonschema.Draft202012Validator.check_schema(plan.interface)
    for schema in plan.interface["properties"].values():
        for node, field in schema["x-flowberth"]["targets"]:
            assert field in plan.prompt[node]["inputs"]
        if "default" in schema:
            jsonschema.validate(schema["default"], schema)
    for schema in plan.interface["$defs"]["outputs"]["properties"].values():
        assert schema["x-flowberth"]["node"] in plan.prompt


def test_enough_templates_are_looked_at():
    assert len(CHOSEN) > 30
    assert len({name.split("_")[0] for name in CHOSEN}) > 5


def template(name: str) -> Plan:
    return make_plan(parse_workflow((TEMPLATES / name).read_bytes(), filename=name), filename=name)


class TestPartners:
    def test_what_others_are_paid_for_is_told_once(self):
        plan = template("api_kling2_6_i2v.json")
        told = [finding for finding in plan.findings if finding.code == "partner-service"]
        assert [finding.message for finding in told] == snapshot(
            [
                "KlingImageToVideoWithAudio calls a paid service of a partner: each call of the app spends credits of a Comfy account, which no cost here contains"
            ]
        )
        assert told[0].node in plan.prompt
        assert "API_KEY_COMFY_ORG" in (told[0].hint or "")

    def test_a_long_list_is_cut(self):
        told = [
            f.message
            for f in template("template_sirolim_image_script_video.json").findings
            if f.code == "partner-service"
        ]
        assert told == snapshot(
            [
                "GeminiNanoBanana2, GeminiNode, KlingOmniProImageToVideoNode and 1 more call a paid service of a partner: each call of the app spends credits of a Comfy account, which no cost here contains"
            ]
        )

    def test_where_nobody_is_paid_nothing_is_told(self):
        plan = make_plan(text_to_image().workflow(), filename="a.json")
        assert not [finding for finding in plan.findings if finding.code == "partner-service"]
