"""Links in notes: what the author of a workflow tells people to download."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.models import find_models
from codegen.models.index import IndexedModel, ModelIndex
from codegen.models.notes import linked_models
from codegen.plan import make_plan
from tests.codegen.canvas import Canvas, text_to_image

HUB = "https://huggingface.co/a/b/resolve/main"


def noted(*texts: Any, kind: str = "MarkdownNote") -> Canvas:
    canvas = text_to_image()
    for text in texts:
        canvas.add(kind, values=[text], gives="")
    return canvas


def links(*texts: Any, kind: str = "MarkdownNote") -> list[tuple[str, str, int | None]]:
    return [(one.file, one.url, one.about_bytes) for one in linked_models(noted(*texts, kind=kind).workflow())]


def pins(canvas: Canvas, *index: IndexedModel):
    models = find_models(canvas.workflow(), canvas.converted().prompt, index=lambda: ModelIndex(index))
    return models.found, models.findings


class TestLinks:
    def test_a_link_with_its_size_as_official_templates_have_them(self):
        text = f"**checkpoints**\n\n- [sd15.safetensors]({HUB}/sd15.safetensors) (1.99 GB)\n"
        assert links(text) == [("sd15.safetensors", f"{HUB}/sd15.safetensors", round(1.99 * 2**30))]

    def test_a_bare_address_in_a_plain_note(self):
        assert links(f"get {HUB}/v1%2D5.ckpt.", kind="Note") == [("v1-5.ckpt", f"{HUB}/v1%2D5.ckpt", None)]

    def test_the_page_that_shows_a_file_is_not_the_file(self):
        page = "https://huggingface.co/a/b/blob/main/x/sd15.safetensors"
        assert links(page) == [("sd15.safetensors", page.replace("/blob/", "/resolve/"), None)]

    def test_the_text_of_a_link_is_the_name_where_the_address_has_none(self):
        url = "https://civitai.com/api/download/models/1234"
        assert links(f"[sd15.safetensors]({url})") == [("sd15.safetensors", url, None)]

    def test_notes_in_subgraphs_count_and_other_nodes_do_not(self):
        canvas = noted()
        canvas.definitions.append(
            {"id": "s", "nodes": [{"id": 1, "type": "Note", "widgets_values": [f"{HUB}/in.ckpt"]}]}
        )
        canvas.add("ShowText", values=[f"{HUB}/out.ckpt"])
        document = {**canvas.workflow().document}
        document["definitions"] = {"subgraphs": canvas.definitions}
        workflow = canvas.workflow().model_copy(update={"document": document})
        assert [one.file for one in linked_models(workflow)] == ["in.ckpt"]

    @pytest.mark.parametrize(
        "text",
        [
            "http://plain.example/x.safetensors",
            "[x.safetensors](javascript:alert(1))",
            "[x.safetensors](file:///etc/x.safetensors)",
            "https://huggingface.co/a/b",
            "[Hugging Face](https://huggingface.co/a/b)",
            "https://[::1/x.safetensors",
            None,
            7,
            ["x.safetensors"],
        ],
    )
    def test_what_is_no_link_to_a_file_is_left_out(self, text):
        assert links(text) == []

    @given(st.text(alphabet="[]()https://.ab 1GB\n`*").map(lambda text: f"{text}.safetensors"))
    def test_no_text_is_too_odd(self, text):
        assert all(one[1].startswith("https://") for one in links(text))

    def test_a_long_note_takes_no_time(self):
        assert links("[" * 200_000 + "](https://" * 1000) == []


class TestFinding:
    def test_a_note_tells_address_and_about_the_size(self):
        (found,), findings = pins(noted(f"[sd15.safetensors]({HUB}/sd15.safetensors) (2 GB)"))
        assert (found.pin.url, found.pin.source, found.pin.bytes) == (f"{HUB}/sd15.safetensors", "note", None)
        assert found.about_bytes == 2 * 2**30
        assert findings == ()

    def test_of_two_the_one_that_templates_have_too_is_taken(self):
        canvas = noted("https://mirror.example/sd15.safetensors", f"{HUB}/sd15.safetensors")
        index = IndexedModel("checkpoints", "sd15.safetensors", f"{HUB}/sd15.safetensors", 3, sha256="ab" * 32)
        (found,), findings = pins(canvas, index)
        assert (found.pin.url, found.pin.sha256) == (f"{HUB}/sd15.safetensors", "ab" * 32)
        assert findings == ()

    def test_of_two_that_nobody_else_has_the_first_is_taken_and_the_other_said(self):
        first, other = "https://a.example/sd15.safetensors", "https://b.example/sd15.safetensors"
        (found,), (finding,) = pins(noted(f"{first} {other}"))
        assert found.pin.url == first
        assert (finding.code, finding.message) == (
            "ambiguous-model",
            f"the notes have sd15.safetensors from {other} as from {first}",
        )

    def test_the_plan_has_it(self):
        plan = make_plan(noted(f"{HUB}/sd15.safetensors").workflow(), filename="x.json")
        assert [pin.source for pin in plan.lock.models] == ["note"]
