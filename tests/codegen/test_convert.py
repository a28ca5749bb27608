"""A graph becomes the prompt that the editor would send: widgets, links, and nodes that only pass on."""

import json

import pytest
from inline_snapshot import snapshot

from codegen.catalog import load_catalog
from codegen.convert import convert
from codegen.errors import InvalidGraph
from codegen.parse import parse_workflow
from tests.codegen.canvas import BYPASSED, MUTED, Canvas, empty_image, save, text_to_image


def test_text_to_image_whole():
    assert text_to_image().converted().prompt == snapshot(
        {
            "1": {
                "inputs": {"ckpt_name": "sd15.safetensors"},
                "class_type": "CheckpointLoaderSimple",
                "_meta": {"title": "Load Checkpoint"},
            },
            "2": {
                "inputs": {"text": "a fox", "clip": ["1", 1]},
                "class_type": "CLIPTextEncode",
                "_meta": {"title": "CLIP Text Encode (Prompt)"},
            },
            "3": {
                "inputs": {"text": "blurry", "clip": ["1", 1]},
                "class_type": "CLIPTextEncode",
                "_meta": {"title": "CLIP Text Encode (Prompt)"},
            },
            "4": {
                "inputs": {"width": 512, "height": 512, "batch_size": 1},
                "class_type": "EmptyLatentImage",
                "_meta": {"title": "Empty Latent Image"},
            },
            "5": {
                "inputs": {
                    "seed": 42,
                    "steps": 20,
                    "cfg": 8,
                    "sampler_name": "euler",
                    "scheduler": "normal",
                    "denoise": 1,
                    "model": ["1", 0],
                    "positive": ["2", 0],
                    "negative": ["3", 0],
                    "latent_image": ["4", 0],
                },
                "class_type": "KSampler",
                "_meta": {"title": "KSampler"},
            },
            "6": {
                "inputs": {"samples": ["5", 0], "vae": ["1", 2]},
                "class_type": "VAEDecode",
                "_meta": {"title": "VAE Decode"},
            },
            "7": {
                "inputs": {"filename_prefix": "fox", "images": ["6", 0]},
                "class_type": "SaveImage",
                "_meta": {"title": "Save Image"},
            },
        }
    )


def test_a_prompt_converts_to_itself():
    prompt = {"x": {"class_type": "Nobody knows", "inputs": {"a": [1.0, {"b": None}]}, "extra": 1}}
    workflow = parse_workflow(json.dumps(prompt).encode(), filename="x")
    assert convert(workflow, load_catalog("0.33.0")).prompt == prompt


def test_the_same_file_gives_the_same_bytes():
    texts = {json.dumps(text_to_image().converted().prompt) for _ in range(3)}
    assert len(texts) == 1


class TestValues:
    def test_a_short_list_keeps_defaults_and_a_long_one_is_cut(self):
        canvas = Canvas()
        canvas.add("EmptyImage", values=[100])
        canvas.add("EmptyImage", values=[100, 50, 2, 255, "left over", None])
        canvas.add("EmptyImage")
        assert canvas.prompt() == {
            "1": {"width": 100, "height": 512, "batch_size": 1, "color": 0},
            "2": {"width": 100, "height": 50, "batch_size": 2, "color": 255},
            "3": {"width": 512, "height": 512, "batch_size": 1, "color": 0},
        }

    def test_an_object_instead_of_a_list_blanks_all_but_combos(self):
        canvas = Canvas()
        canvas.add("KSampler", values={"seed": 1, "steps": 2}, gives="LATENT")
        canvas.add("CLIPTextEncode", values={"text": "lost"}, gives="CONDITIONING")
        assert canvas.prompt() == {
            "1": {"sampler_name": "euler", "scheduler": "simple"},
            "2": {"text": "undefined"},
        }

    def test_null_is_kept_but_in_combos_and_boxes_of_text(self):
        canvas = Canvas()
        canvas.add("EmptyImage", values=[None])
        canvas.add("KSamplerSelect", values=[None], gives="SAMPLER")
        canvas.add("CLIPTextEncode", values=[None], gives="CONDITIONING")
        prompt = canvas.prompt()
        assert prompt["1"]["width"] is None
        assert (prompt["2"]["sampler_name"], prompt["3"]["text"]) == ("euler", "")

    def test_samplers_of_the_first_versions(self):
        canvas = Canvas()
        canvas.add("KSampler", values=[1, "fixed", 20, 8, "sample_euler", "normal", 1], gives="LATENT")
        assert canvas.prompt()["1"]["sampler_name"] == "euler"

    def test_an_upload_button_stands_behind_the_required_inputs(self):
        canvas = Canvas()
        canvas.add("LoadImage", values=["a.png", "image"])
        canvas.add("LoadImageMask", values=["b.png", "red", "image"], gives="MASK")
        assert canvas.prompt() == {"1": {"image": "a.png"}, "2": {"image": "b.png", "channel": "red"}}

    def test_a_box_is_followed_by_its_parts(self):
        canvas = Canvas()
        box = {"x": 1, "y": 2, "width": 3, "height": 4}
        canvas.add("ImageCropV2", values=[box, 1, 2, 3, 4], image=empty_image(canvas, id=9))
        assert canvas.prompt()["2"] == {"crop_region": box, "image": ["9", 0]}

    def test_lists_are_wrapped_so_that_they_are_no_links(self):
        canvas = Canvas()
        image = empty_image(canvas)
        canvas.add("ImageCompare", values=[["old", "urls"]], gives="", image_a=image, image_b="IMAGE")
        assert canvas.prompt()["2"] == {"compare_view": {"__value__": ["", ""]}, "image_a": ["1", 0]}

    def test_numbers_go_through_javascript(self):
        canvas = Canvas()
        canvas.add("PrimitiveInt", values=[9007199254740993, "fixed"], gives="INT")
        canvas.add("PrimitiveFloat", values=[8.0], gives="FLOAT")
        canvas.add("PrimitiveFloat", values=[0.1], gives="FLOAT")
        canvas.add("RandomNoise", values=[2**64 - 1, "fixed"], gives="NOISE")
        assert json.dumps(canvas.prompt()) == (
            '{"1": {"value": 9007199254740992}, "2": {"value": 8}, "3": {"value": 0.1}, '
            '"4": {"noise_seed": 18446744073709552000}}'
        )

    def test_nothing_is_checked(self):
        canvas = Canvas()
        canvas.add("EmptyImage", values=["wide", None, True, {"a": 1}])
        assert canvas.prompt() == {"1": {"width": "wide", "height": None, "batch_size": True, "color": {"a": 1}}}


class TestTexts:
    def test_comments_vanish_and_the_first_alternative_is_taken_with_a_finding(self):
        canvas = text_to_image("a {red {big|small}|blue} fox // secret\n/* and\nthis */ \\{kept\\}")
        conversion = canvas.converted()
        assert conversion.prompt["2"]["inputs"]["text"] == "a red big fox \n {kept}"
        (finding,) = conversion.findings
        assert (finding.code, finding.node) == ("random-prompt", "2")
        assert finding.message == (
            "text has alternatives like {a|b}, and the editor draws one each time; the first of each is taken: 'red big'"
        )

    def test_values_of_other_nodes_in_file_names(self):
        canvas = text_to_image()
        save(canvas, None, "%KSampler.steps%/%KSampler.cfg%_%Nobody.x%_%CLIPTextEncode%_%date:yyyy%")
        canvas.nodes[4]["properties"]["Node name for S&R"] = "KSampler"
        conversion = canvas.converted()
        assert conversion.prompt["8"]["inputs"]["filename_prefix"] == ("20/8_%Nobody.x%_%CLIPTextEncode%_%date:yyyy%")
        assert [finding.code for finding in conversion.findings] == ["date-in-file-name"]

    def test_values_that_are_unfit_for_file_names_are_made_fit(self):
        canvas = text_to_image("../../etc/passwd: a|b?")
        save(canvas, None, "%Text.text%")
        canvas.nodes[1]["title"] = "Text"
        assert canvas.prompt()["8"]["filename_prefix"] == ".._.._etc_passwd_ a_b_"


class TestNodesThatDoNotRun:
    def test_notes_and_muted_nodes_vanish_and_what_they_fed_keeps_its_widget(self):
        canvas = Canvas()
        canvas.add("Note", values=["remember"], gives="")
        canvas.add("MarkdownNote", values=["# remember"], gives="")
        width = canvas.add("PrimitiveInt", values=[96, "fixed"], gives="INT", mode=MUTED)
        muted = empty_image(canvas, mode=MUTED)
        canvas.add("EmptyImage", values=[64, 48, 1, 0], width=width, widgets="width")
        save(canvas, muted)
        assert canvas.prompt() == {
            "5": {"width": 64, "height": 48, "batch_size": 1, "color": 0},
            "6": {"filename_prefix": "out"},
        }

    def test_other_modes_count_as_active(self):
        canvas = Canvas()
        for mode in (1, 3, 7):
            empty_image(canvas, mode=mode)
        assert list(canvas.prompt()) == ["1", "2", "3"]

    def test_a_bypassed_node_passes_on_by_type(self):
        canvas = Canvas()
        image, mask = empty_image(canvas), canvas.add("SolidMask", values=[1.0, 64, 48], gives="MASK")
        both = canvas.add("JoinImageWithAlpha", mode=BYPASSED, image=image, alpha=mask)
        crossed = canvas.add("MaskToImage", mode=BYPASSED, mask=mask)
        save(canvas, both)
        save(canvas, crossed)
        prompt = canvas.prompt()
        assert prompt["5"]["images"] == ["1", 0]
        assert "images" not in prompt["6"], "a mask is no image"

    def test_a_bypassed_node_tries_one_input_only(self):
        canvas = Canvas()
        blend = canvas.add("ImageBlend", mode=BYPASSED, image1="IMAGE", image2=empty_image(canvas, id=9))
        save(canvas, blend)
        assert "images" not in canvas.prompt()["3"]

    def test_reroutes_are_followed_unless_muted(self):
        canvas = Canvas()
        image = empty_image(canvas)
        once = canvas.add("Reroute", **{"": image})
        twice = canvas.add("Reroute", **{"": once}, mode=BYPASSED)
        muted = canvas.add("Reroute", **{"": image}, mode=MUTED)
        loose = canvas.add("Reroute", **{"": "*"})
        for source in (twice, muted, loose):
            save(canvas, source)
        prompt = canvas.prompt()
        assert [inputs.get("images") for inputs in prompt.values()][1:] == [["1", 0], None, None]


class TestPrimitiveNodes:
    def test_they_write_into_every_target_and_round_as_its_widget_does(self):
        canvas = Canvas()
        side = canvas.add("PrimitiveNode", values=[770, "fixed"], gives="INT")
        strength = canvas.add("PrimitiveNode", values=[0.123456789, "fixed"], gives="FLOAT")
        canvas.add("EmptyImage", values=[1, 2, 1, 0], widgets="width height", width=side, height=side)
        canvas.add("EmptyLatentImage", values=[1, 2, 1], gives="LATENT", widgets="width", width=side)
        canvas.add(
            "KSampler",
            values=[1, "fixed", 20, 8, "euler", "normal", 1],
            gives="LATENT",
            widgets="denoise",
            denoise=strength,
        )
        prompt = canvas.prompt()
        assert (prompt["3"]["width"], prompt["3"]["height"]) == (768, 768)
        assert prompt["4"]["width"] == 768, "its step is 8, and all have to follow it"
        assert prompt["5"]["denoise"] == 0.12

    def test_beyond_the_bounds_is_the_bound(self):
        canvas = Canvas()
        huge = canvas.add("PrimitiveNode", values=[10**12, "fixed"], gives="INT")
        canvas.add("EmptyImage", values=[1, 2, 1, 0], widgets="width", width=huge)
        assert canvas.prompt()["2"]["width"] == 16384

    @pytest.mark.parametrize(
        ("value", "width"),
        [
            (True, 1),
            ("", 1),
            (" 7 ", 7),
            ("0x10", 16),
            ("1e3", 1000),
            ([5], 5),
            ("Infinity", 16384),
            (3.7, 4),
            (None, 1),
            ("x", None),
            ([1, 2], None),
            ({}, None),
        ],
    )
    def test_into_a_number_anything_goes_as_a_number(self, value, width):
        canvas = Canvas()
        given = canvas.add("PrimitiveNode", values=[value, "fixed"], gives="INT")
        canvas.add("EmptyImage", values=[64, 48, 1, 0], widgets="width", width=given)
        assert canvas.prompt()["2"]["width"] == width

    @pytest.mark.parametrize(
        ("targets", "value", "written"),
        [
            (["EmptyImage width", "EmptyLatentImage width"], -5, [16, 16]),
            (["EmptyImage width", "EmptyLatentImage width"], 770, [768, 768]),
            (["EmptyImage width", "EmptyImage color"], -5, [1, 1]),
            (["EmptyImage color", "EmptyImage width"], -5, [0, 0]),
            (["EmptyImage color", "EmptyLatentImage width"], 20_000_000, [16_777_215, 16_777_216]),
            (["KSampler denoise", "KSampler cfg"], 0.123456, [0.12, 0.1]),
            (["KSampler cfg", "KSampler denoise"], 3.7, [3.7, 1]),
        ],
    )
    def test_several_targets_share_bounds_and_steps_if_they_are_alike(self, targets, value, written):
        """Otherwise those of the first count. A whole number is rounded by each target, another one is kept in bounds too."""
        canvas = Canvas()
        given = canvas.add("PrimitiveNode", values=[value, "fixed"], gives="INT")
        for kind, name in map(str.split, targets):
            canvas.add(kind, gives="", **{name: given, "widgets": name})
        prompt = canvas.prompt()
        assert [prompt[str(node)][target.split()[1]] for node, target in enumerate(targets, 2)] == written

    @pytest.mark.parametrize("values", [None, [], {"value": 5}])
    def test_without_a_value_it_is_that_of_the_first_target(self, values):
        canvas = Canvas()
        given = canvas.add("PrimitiveNode", values=values, gives="INT")
        canvas.add("EmptyImage", values=[30, 40, 1, 0], widgets="width height", width=given, height=given)
        canvas.nodes[0]["outputs"][0]["links"] = [2, 1]
        assert canvas.prompt()["2"]["width"] == 40, "the first link that was made"

    def test_references_are_replaced_in_texts_only(self):
        canvas = Canvas()
        given = canvas.add("PrimitiveNode", values=[5], gives="INT", properties={"Run widget replace on values": True})
        canvas.add("EmptyImage", values=[30, 40, 1, 0], widgets="width", width=given)
        save(canvas, None, None)
        prompt = canvas.prompt()
        assert (prompt["2"]["width"], prompt["3"]["filename_prefix"]) == (5, None)

    def test_they_can_replace_references(self):
        canvas = Canvas()
        empty_image(canvas, width=77, title="Base")
        for replaces in (True, False):
            text = canvas.add(
                "PrimitiveNode",
                values=["%Base.width%"],
                gives="STRING",
                properties={"Run widget replace on values": replaces},
            )
            canvas.add("CLIPTextEncode", values=[""], gives="CONDITIONING", text=text, widgets="text")
        prompt = canvas.prompt()
        assert [prompt["3"]["text"], prompt["5"]["text"]] == ["77", "%Base.width%"]

    def test_muting_one_changes_nothing(self):
        canvas = Canvas()
        text = canvas.add("PrimitiveNode", values=["shared"], gives="STRING", mode=MUTED)
        save(canvas, None, "own", filename_prefix=text, widgets="filename_prefix")
        assert canvas.prompt() == {"2": {"filename_prefix": "shared"}}


class TestFormsOfFiles:
    def test_links_as_objects_and_ids_as_text(self):
        canvas = Canvas()
        save(canvas, empty_image(canvas, id="source"))
        number, origin, slot, target, target_slot, kind = canvas.links[0]
        canvas.links[0] = {
            "id": str(number),
            "origin_id": origin,
            "origin_slot": slot,
            "target_id": str(target),
            "target_slot": target_slot,
            "type": kind,
        }
        assert canvas.prompt()["2"] == {"filename_prefix": "out", "images": ["source", 0]}

    def test_numbers_come_first_in_order(self):
        canvas = Canvas()
        for identity in (10, "b", 9, "a"):
            empty_image(canvas, id=identity)
        assert list(canvas.prompt()) == ["9", "10", "b", "a"]

    def test_a_bare_node_is_enough(self):
        workflow = parse_workflow(b'{"nodes": [{"id": 1, "type": "EmptyImage"}, 5, null]}', filename="x")
        assert list(convert(workflow, load_catalog("0.33.0")).prompt) == ["1"]


class TestRefused:
    def refusal(self, canvas: Canvas) -> str:
        with pytest.raises(InvalidGraph) as refused:
            canvas.converted()
        return str(refused.value)

    def test_a_link_that_is_not_in_the_file(self):
        canvas = Canvas()
        save(canvas, empty_image(canvas))
        canvas.links.clear()
        assert self.refusal(canvas) == "input 'images' of node 2 names the link '1', which is not in the file"

    def test_a_link_from_a_node_that_is_not_in_the_file(self):
        canvas = Canvas()
        gone = canvas.add("PrimitiveInt", gives="INT")
        canvas.add("EmptyImage", values=[64, 48, 1, 0], width=gone, widgets="width")
        del canvas.nodes[0]
        assert self.refusal(canvas) == "input 'width' of node 2 is linked to the node '1', which is not in the file"

    def test_a_hole_in_the_links(self):
        canvas = Canvas(links=[None])
        assert "`links` holds None" in self.refusal(canvas)

    def test_reroutes_in_a_circle(self):
        canvas = Canvas()
        first = canvas.add("Reroute")
        second = canvas.add("Reroute", **{"": first})
        canvas.socket(first.saved, "", second, widget=False)
        save(canvas, second)
        assert "in a circle" in self.refusal(canvas)

    def test_a_node_without_an_id(self):
        canvas = Canvas()
        empty_image(canvas).saved["id"] = None
        assert "has no usable `id`" in self.refusal(canvas)
