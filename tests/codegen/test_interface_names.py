"""What the inputs of workflows of many shapes are called, and which literals are no inputs at all."""

from typing import Any

from inline_snapshot import snapshot

from codegen.catalog import load_catalog
from codegen.interface import build_interface
from tests.codegen.canvas import Canvas, Drawn, empty_image, save, text_to_image

CATALOG = load_catalog("0.33.0")


def interface(canvas: Canvas) -> dict[str, Any]:
    return build_interface("test", canvas.workflow(), canvas.converted().prompt, CATALOG)


def places(canvas: Canvas) -> dict[str, list[list[str]]]:
    return {name: schema["x-flowberth"]["targets"] for name, schema in interface(canvas)["properties"].items()}


def encode(canvas: Canvas, text: str, **more: Any) -> Drawn:
    return canvas.add("CLIPTextEncode", values=[text], gives="CONDITIONING", clip="CLIP", **more)


def sample(canvas: Canvas, positive: Any, negative: Any, latent: Any = "LATENT", *, denoise: float = 1.0) -> Drawn:
    sampled = canvas.add(
        "KSampler",
        values=[42, "fixed", 20, 8.0, "euler", "normal", denoise],
        gives="LATENT",
        model="MODEL",
        positive=positive,
        negative=negative,
        latent_image=latent,
    )
    save(canvas, canvas.add("VAEDecode", samples=sampled, vae="VAE"))
    return sampled


class TestSides:
    """Positive or negative, by which input of the sampler is reached."""

    def test_through_nodes_that_pass_both_sides_on(self):
        canvas = Canvas()
        negative, positive = encode(canvas, "blurry"), encode(canvas, "a fox")
        both = canvas.add(
            "ControlNetApplyAdvanced",
            values=[0.7, 0, 1],
            gives="CONDITIONING CONDITIONING",
            positive=positive,
            negative=negative,
            control_net="CONTROL_NET",
            image="IMAGE",
        )
        again = canvas.add(
            "LTXVConditioning", values=[25], gives="CONDITIONING CONDITIONING", positive=both[0], negative=both[1]
        )
        sample(canvas, again[0], again[1])
        assert places(canvas)["prompt"] == [["2", "text"]]
        assert places(canvas)["negative_prompt"] == [["1", "text"]]

    def test_through_a_guider_and_what_changes_a_conditioning(self):
        canvas = Canvas()
        positive = canvas.add("FluxGuidance", values=[3.5], gives="CONDITIONING", conditioning=encode(canvas, "a fox"))
        guider = canvas.add("BasicGuider", gives="GUIDER", model="MODEL", conditioning=positive)
        noise = canvas.add("RandomNoise", values=[5, "randomize"], gives="NOISE")
        latent = canvas.add(
            "SamplerCustomAdvanced", gives="LATENT LATENT", noise=noise, guider=guider, latent_image="LATENT"
        )
        save(canvas, canvas.add("VAEDecode", samples=latent, vae="VAE"))
        assert places(canvas) == snapshot(
            {"prompt": [["1", "text"]], "seed": [["4", "noise_seed"]], "guidance": [["2", "guidance"]]}
        )

    def test_a_text_that_is_silenced_on_one_side_belongs_to_the_other(self):
        canvas = Canvas()
        positive = encode(canvas, "a fox")
        sample(canvas, positive, canvas.add("ConditioningZeroOut", gives="CONDITIONING", conditioning=positive))
        assert "negative_prompt" not in places(canvas)
        assert places(canvas)["prompt"] == [["1", "text"]]

    def test_what_a_guider_takes_between_the_two_is_as_unwanted_as_its_text(self):
        canvas = Canvas()
        positive, negative = encode(canvas, "a fox"), encode(canvas, "blurry")
        both = [
            canvas.add("ReferenceLatent", gives="CONDITIONING", conditioning=text, latent="LATENT")
            for text in (positive, negative)
        ]
        guider = canvas.add(
            "DualCFGGuider",
            values=[5, 2, "regular"],
            gives="GUIDER",
            model="MODEL",
            cond1=both[0],
            cond2=both[1],
            negative=negative,
        )
        latent = canvas.add("SamplerCustomAdvanced", gives="LATENT LATENT", guider=guider, latent_image="LATENT")
        save(canvas, canvas.add("VAEDecode", samples=latent, vae="VAE"))
        assert places(canvas)["negative_prompt"] == [["2", "text"]]

    def test_a_text_for_both_sides_is_the_prompt(self):
        canvas = Canvas()
        both = encode(canvas, "a fox")
        sample(canvas, both, both)
        assert [name for name in places(canvas) if "prompt" in name] == ["prompt"]

    def test_through_primitives_and_nodes_that_join_texts(self):
        canvas = Canvas()
        text = canvas.add("PrimitiveStringMultiline", values=["a fox"], gives="STRING")
        joined = canvas.add(
            "StringConcatenate",
            values=["", "best quality", ", "],
            gives="STRING",
            widgets="string_a",
            string_a=text,
        )
        positive = canvas.add("CLIPTextEncode", values=[""], gives="CONDITIONING", widgets="text", text=joined)
        sample(canvas, positive, encode(canvas, "blurry"))
        assert {name: where for name, where in places(canvas).items() if "prompt" in name} == {
            "prompt": [["1", "value"]],
            "negative_prompt": [["4", "text"]],
        }
        assert "string_b" not in places(canvas), "glue is part of how the workflow is made"

    def test_across_the_walls_of_subgraphs(self):
        canvas = Canvas()
        inside = canvas.subgraph(
            "draw", takes={"positive": "CONDITIONING", "negative": "CONDITIONING"}, gives={"latent": "LATENT"}
        )
        inside.give(
            inside.add(
                "KSampler",
                id=11,
                values=[42, "fixed", 20, 8.0, "euler", "normal", 1.0],
                gives="LATENT",
                model="MODEL",
                positive=inside.taken(0),
                negative=inside.taken(1),
                latent_image="LATENT",
            )
        )
        texts = {"negative": encode(canvas, "blurry"), "positive": encode(canvas, "a fox")}
        drawn = canvas.add("draw", gives="LATENT", positive=texts["positive"], negative=texts["negative"])
        save(canvas, canvas.add("VAEDecode", samples=drawn, vae="VAE"))
        assert places(canvas)["prompt"] == [["2", "text"]]
        assert places(canvas)["negative_prompt"] == [["1", "text"]]

    def test_a_loop_of_conditionings_ends(self):
        canvas = Canvas()
        first = canvas.add("FluxGuidance", values=[1.0], gives="CONDITIONING")
        second = canvas.add("FluxGuidance", values=[2.0], gives="CONDITIONING", conditioning=first)
        canvas.socket(first.saved, "conditioning", second, widget=False)
        sample(canvas, first, encode(canvas, "blurry"))
        assert places(canvas)["negative_prompt"] == [["3", "text"]]


def test_an_encoder_of_several_text_models_has_one_prompt_as_long_as_they_get_the_same():
    canvas = Canvas()
    same = canvas.add("CLIPTextEncodeFlux", values=["a fox", "a fox", 3.5], gives="CONDITIONING", clip="CLIP")
    other = canvas.add("CLIPTextEncodeFlux", values=["red", "a red fox", 3.5], gives="CONDITIONING", clip="CLIP")
    sample(canvas, same, "CONDITIONING")
    sample(canvas, other, "CONDITIONING")
    texts = {name: where for name, where in places(canvas).items() if name.startswith("prompt")}
    assert texts == {
        "prompt": [["1", "clip_l"], ["1", "t5xxl"]],
        "prompt_2": [["2", "clip_l"]],
        "prompt_3": [["2", "t5xxl"]],
    }


def test_texts_that_say_what_they_are_keep_their_names():
    canvas = Canvas()
    song = canvas.add("TextEncodeAceStepAudio", values=["pop", "la la", 0.99], gives="CONDITIONING", clip="CLIP")
    sample(canvas, song, "CONDITIONING")
    assert list(places(canvas))[:2] == ["tags", "lyrics"]


class TestWhatIsNoInput:
    def test_what_no_result_depends_on(self):
        canvas = text_to_image()
        canvas.add("LoadImage", values=["unused.png", "image"], gives="IMAGE MASK")
        canvas.add("PrimitiveInt", values=[3, "fixed"], gives="INT", title="Left over")
        assert {"image", "left_over"}.isdisjoint(places(canvas))

    def test_what_a_link_sets(self):
        canvas = text_to_image()
        width = canvas.add("PrimitiveInt", values=[640, "fixed"], gives="INT")
        canvas.socket(canvas.nodes[3], "width", width, widget=True)
        assert places(canvas)["width"] == [["8", "value"]]
        assert "width_2" not in places(canvas)

    def test_the_seed_of_a_sampler_that_adds_no_noise(self):
        canvas = Canvas()
        for add, seed in (("enable", 1), ("disable", 2)):
            sampled = canvas.add(
                "KSamplerAdvanced",
                values=[add, seed, "fixed", 20, 8.0, "euler", "normal", 0, 10, "enable"],
                gives="LATENT",
                model="MODEL",
                latent_image="LATENT",
            )
            save(canvas, canvas.add("VAEDecode", samples=sampled, vae="VAE"))
        assert places(canvas) == snapshot(
            {
                "seed": [["1", "noise_seed"]],
                "steps": [["1", "steps"], ["4", "steps"]],
                "cfg": [["1", "cfg"], ["4", "cfg"]],
            }
        )

    def test_denoise_from_pure_noise(self):
        canvas = Canvas()
        empty = canvas.add("EmptyLatentImage", values=[512, 512, 1], gives="LATENT")
        sample(canvas, "CONDITIONING", "CONDITIONING", empty)
        assert "denoise" not in places(canvas)

    def test_denoise_of_a_picture_that_is_changed_is_one(self):
        canvas = Canvas()
        picture = canvas.add("LoadImage", values=["a.png", "image"], gives="IMAGE MASK")
        latent = canvas.add("VAEEncode", gives="LATENT", pixels=picture, vae="VAE")
        sample(canvas, "CONDITIONING", "CONDITIONING", latent, denoise=0.30000000000000004)
        assert interface(canvas)["properties"]["denoise"]["default"] == 0.3


def test_files_are_called_by_the_part_they_play_when_there_are_several():
    canvas = Canvas()
    first = canvas.add("LoadImage", values=["a.png", "image"], gives="IMAGE MASK")
    last = canvas.add("LoadImage", values=["b.png", "image"], gives="IMAGE MASK")
    scaled = canvas.add("ImageScaleBy", values=["lanczos", 0.5], image=last)
    made = canvas.add(
        "WanFirstLastFrameToVideo",
        values=[832, 480, 81, 1],
        gives="CONDITIONING CONDITIONING LATENT",
        positive=encode(canvas, "a fox"),
        negative=encode(canvas, "blurry"),
        vae="VAE",
        start_image=first,
        end_image=scaled,
    )
    sample(canvas, made[0], made[1], made[2])
    assert list(places(canvas)) == snapshot(
        [
            "prompt",
            "negative_prompt",
            "start_image",
            "end_image",
            "width",
            "height",
            "length",
            "seed",
            "steps",
            "cfg",
            "denoise",
        ]
    )


def test_a_title_is_read_as_a_person_would():
    names: dict[str, str] = {}
    for title in (
        "Load Character Image",
        "Int (Frame rate)",
        "Width (pass 2)",
        "INT",
        "Set Duration",
        "x" * 50_000,
        "Int (Left)",
    ):
        canvas = Canvas()
        number = canvas.add("PrimitiveInt", values=[64, "fixed"], gives="INT", title=title)
        save(canvas, canvas.add("EmptyImage", values=[1, 48, 1, 0], widgets="height", height=number))
        names[title[:30]] = next(name for name, where in places(canvas).items() if where == [["1", "value"]])
    assert names == {
        "Load Character Image": "character_image",
        "Int (Frame rate)": "frame_rate",
        "Width (pass 2)": "width",
        "INT": "height",
        "Set Duration": "duration",
        "Int (Left)": "left",
        "x" * 30: "height",
    }


def test_what_a_person_added_to_the_editors_title_is_the_name():
    canvas = Canvas()
    for title in ("Load Image (Reference Image)", "Load Image (as Mask)", "Load Image"):
        save(canvas, canvas.add("LoadImage", values=["a.png", "image"], gives="IMAGE MASK", title=title))
    assert list(places(canvas)) == ["reference_image", "image", "image_2"]


class TestSubgraphs:
    def canvas(self, **more: Any) -> Canvas:
        canvas = Canvas()
        inside = canvas.subgraph("draw", takes={"value": "STRING", "value_1": "INT"}, gives={"latent": "LATENT"})
        text = inside.add(
            "PrimitiveStringMultiline", id=20, values=["x"], gives="STRING", widgets="value", value=inside.taken(0)
        )
        system = inside.add(
            "PrimitiveStringMultiline", id=21, values=["You write"], gives="STRING", title="System prompt"
        )
        joined = inside.add(
            "StringConcatenate",
            id=22,
            values=["", "", ""],
            gives="STRING",
            widgets="string_a string_b",
            string_a=system,
            string_b=text,
        )
        positive = inside.add(
            "CLIPTextEncode", id=23, values=[""], gives="CONDITIONING", clip="CLIP", widgets="text", text=joined
        )
        inside.give(
            inside.add(
                "KSampler",
                id=24,
                values=[42, "fixed", 20, 8.0, "euler", "normal", 1.0],
                gives="LATENT",
                model="MODEL",
                positive=positive,
                negative="CONDITIONING",
                latent_image="LATENT",
                widgets="steps",
                steps=inside.taken(1),
            )
        )
        definition: Any = inside.inside_of
        definition["inputs"][0] |= more
        drawn = canvas.add(
            "draw", values=["a fox", 9], gives="LATENT", widgets="value value_1", value="STRING", value_1="INT"
        )
        save(canvas, canvas.add("VAEDecode", samples=drawn, vae="VAE"))
        return canvas

    def test_what_an_author_renamed_is_called_so(self):
        document = interface(self.canvas(label="scene_description"))
        assert document["properties"]["scene_description"]["title"] == "Scene description"
        assert document["properties"]["scene_description"]["default"] == "a fox"

    def test_a_name_that_says_nothing_is_replaced_by_what_the_input_does(self):
        assert places(self.canvas()) == snapshot(
            {
                "prompt": [["1:20", "value"]],
                "steps": [["1:24", "steps"]],
                "seed": [["1:24", "seed"]],
                "cfg": [["1:24", "cfg"]],
            }
        )

    def test_one_way_of_writing_prompt(self):
        for label in ("Positive Prompt", "user_prompt", "text prompt", "Positive prompt (in English)"):
            assert next(iter(places(self.canvas(label=label)))) == "prompt"


class TestFormsThatWerePutAside:
    def names(self, *inputs: list[str]) -> list[str]:
        canvas = text_to_image()
        canvas.extra |= {"linearMode": False, "linearData": {"inputs": list(inputs), "outputs": []}}
        return list(places(canvas))

    def test_one_that_was_only_begun_comes_first_and_hides_nothing(self):
        assert self.names(["5", "steps"])[:3] == ["steps", "prompt", "negative_prompt"]

    def test_one_that_has_the_prompt_is_the_interface(self):
        assert self.names(["5", "steps"], ["2", "text"]) == ["steps", "prompt", "seed"]


def test_plain_pictures_are_paint_unless_there_is_one():
    canvas = Canvas()
    save(canvas, empty_image(canvas, width=640))
    assert places(canvas)["width"] == [["1", "width"]]
    save(canvas, empty_image(canvas, width=640))
    assert places(canvas) == {}


def test_the_results_that_a_form_shows_come_first():
    canvas = Canvas()
    for _ in range(3):
        save(canvas, empty_image(canvas))
    canvas.extra |= {"linearData": {"inputs": [], "outputs": [6]}}
    results = interface(canvas)["$defs"]["outputs"]["properties"]
    assert {name: schema["x-flowberth"]["node"] for name, schema in results.items()} == {
        "image": "6",
        "image_2": "2",
        "image_3": "4",
    }


def test_a_text_that_is_shown_on_the_way_is_no_result():
    canvas = Canvas()
    save(canvas, empty_image(canvas))
    text = canvas.add("PrimitiveString", values=["a fox"], gives="STRING")
    canvas.add("PreviewAny", gives="STRING", source=text)
    assert list(interface(canvas)["$defs"]["outputs"]["properties"]) == ["image"]


def test_settings_of_a_service_are_inputs_and_those_of_the_machine_are_not():
    canvas = Canvas()
    values = ["seedance-1-0-pro-250528", "a fox", "720p", "16:9", 5, 42, "fixed", False, False, False]
    made = canvas.add("ByteDanceTextToVideoNode", values=values, gives="VIDEO")
    canvas.add("SaveVideo", values=["video/out", "auto", "auto"], gives="", video=made)
    assert list(places(canvas)) == snapshot(
        ["prompt", "resolution", "aspect_ratio", "duration", "generate_audio", "seed"]
    )


class TestCustomNodes:
    """Classes that the core does not have, as API prompts name them: nothing is known but the names of their inputs."""

    def interface(self, **nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        prompt = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}
        workflow = text_to_image().workflow().model_copy(update={"kind": "api", "document": prompt})
        return build_interface("test", workflow, prompt, CATALOG)

    def test_both_sides_through_a_node_with_other_outputs_before_them(self):
        document = self.interface(
            good=("CLIPTextEncode", {"text": "a fox", "clip": ["x", 0]}),
            bad=("CLIPTextEncode", {"text": "blurry", "clip": ["x", 0]}),
            face=("ApplyInstantID", {"positive": ["good", 0], "negative": ["bad", 0], "image": ["find", 1]}),
            find=("GroundingDinoSAMSegment", {"prompt": "a face", "threshold": 0.3}),
            draw=("KSampler", {"model": ["face", 0], "positive": ["face", 1], "negative": ["face", 2], "seed": 1}),
            end=("SaveImage", {"images": ["draw", 0]}),
        )
        assert {name: schema["x-flowberth"]["targets"][0][0] for name, schema in document["properties"].items()} == {
            "prompt": "good",
            "negative_prompt": "bad",
            "grounding_dino_sam_segment_prompt": "find",
            "seed": "draw",
        }

    def test_a_sampler_with_its_loader(self):
        document = self.interface(
            load=("Efficient Loader", {"positive": "a fox", "negative": "blurry", "ckpt_name": "a.safetensors"}),
            draw=("KSampler (Efficient)", {"positive": ["load", 1], "negative": ["load", 2], "seed": 1, "cfg": 7}),
            end=("SaveImage", {"images": ["draw", 5]}),
        )
        kinds = {name: schema["x-flowberth"]["kind"] for name, schema in document["properties"].items()}
        assert kinds == {"prompt": "text", "negative_prompt": "text", "seed": "seed", "cfg": "number"}

    def test_a_canvas(self):
        document = self.interface(
            size=("EmptyLatentImagePresets", {"width": 512, "height": 768, "batch_size": 1}),
            other=("ImageResize+", {"width": 100, "height": 100}),
            end=("SaveImage", {"images": ["size", 0], "more": ["other", 0]}),
        )
        assert list(document["properties"]) == ["width", "height"]

    def test_a_loader_takes_a_file_of_the_kind_it_names(self):
        document = self.interface(
            load=("VHS_LoadVideo", {"video": "mine.mp4", "force_rate": 0}), end=("SaveImage", {"images": ["load", 0]})
        )
        assert document["properties"]["video"]["x-flowberth"]["kind"] == "video"
        assert document["required"] == ["video"]

    def test_what_is_only_shown(self):
        document = self.interface(
            text=("ShowText|pysssss", {"text": ["x", 0]}), end=("SaveImage", {"images": ["x", 0]})
        )
        assert list(document["$defs"]["outputs"]["properties"]) == ["image"]


class TestAComboThatAPersonFilled:
    def canvas(self, slot: int) -> Canvas:
        canvas = Canvas()
        style = canvas.add(
            "CustomCombo", values=["waltz", 0, "waltz", "tango", ""], gives="STRING INT", title="Dance style"
        )
        if slot == 0:
            canvas.add("SaveText", values=["", "out", "txt"], gives="", widgets="text", text=style[0])
        else:
            save(canvas, canvas.add("EmptyImage", values=[1, 1, 1, 0], widgets="width", width=style[1]))
        return canvas

    def test_its_choices_are_what_the_person_wrote(self):
        schema = interface(self.canvas(0))["properties"]["dance_style"]
        assert schema["enum"] == ["waltz", "tango"]
        assert schema["default"] == "waltz"

    def test_it_is_left_alone_where_its_index_is_used(self):
        assert "dance_style" not in interface(self.canvas(1))["properties"]


class TestWhatIsAskedOnce:
    def test_the_seed_of_samplers_that_work_on_one_picture(self):
        canvas = Canvas()
        first = sample(canvas, "CONDITIONING", "CONDITIONING")
        sample(canvas, "CONDITIONING", "CONDITIONING", first)
        sample(canvas, "CONDITIONING", "CONDITIONING")
        where = places(canvas)
        assert where["seed"] == [["1", "seed"], ["4", "seed"]]
        assert where["seed_2"] == [["7", "seed"]]

    def test_the_seed_of_noise_that_several_samplers_share(self):
        canvas = Canvas()
        latent: Any = "LATENT"
        for seed in (1, 2):
            noise = canvas.add("RandomNoise", values=[seed, "randomize"], gives="NOISE")
            latent = canvas.add("SamplerCustomAdvanced", gives="LATENT LATENT", noise=noise, latent_image=latent)
        save(canvas, canvas.add("VAEDecode", samples=latent, vae="VAE"))
        assert places(canvas)["seed"] == [["1", "noise_seed"], ["3", "noise_seed"]]

    def test_a_joined_seed_keeps_to_the_bounds_of_all(self):
        prompt = {
            "1": {"class_type": "ByteDanceTextToVideoNode", "inputs": {"prompt": "a fox", "seed": 7}},
            "2": {"class_type": "KSampler", "inputs": {"seed": 8, "latent_image": ["1", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
        }
        document = build_interface("test", text_to_image().workflow(), prompt, CATALOG)
        seed = document["properties"]["seed"]
        assert seed["x-flowberth"]["targets"] == [["1", "seed"], ["2", "seed"]]
        assert seed["maximum"] == 2147483647

    def test_prompts_that_are_equal_and_none_that_are_yet_to_be_written(self):
        canvas = Canvas()
        for text in ("a fox", "", "a fox", ""):
            sample(canvas, encode(canvas, text), "CONDITIONING")
        prompts = {name: where for name, where in places(canvas).items() if name.startswith("prompt")}
        assert prompts == {
            "prompt": [["1", "text"], ["9", "text"]],
            "prompt_2": [["5", "text"]],
            "prompt_3": [["13", "text"]],
        }

    def test_settings_that_are_equal_and_none_that_differ(self):
        canvas = Canvas()
        for steps in (20, 20, 30):
            sampled = sample(canvas, "CONDITIONING", "CONDITIONING")
            sampled.saved["widgets_values"][2] = steps
        where = places(canvas)
        assert where["steps"] == [["1", "steps"], ["4", "steps"]]
        assert where["steps_2"] == [["7", "steps"]]
        assert len(where["cfg"]) == 3


class TestValuesOfAnotherType:
    """As files have them whose values have slipped by a place."""

    def schema(self, class_type: str, name: str, value: Any) -> dict[str, Any]:
        prompt = {
            "1": {"class_type": class_type, "inputs": {name: value}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
        }
        hinted = {"nodes": [{"id": 1, "type": class_type}], "extra": {"linearData": {"inputs": [["1", name]]}}}
        workflow = text_to_image().workflow().model_copy(update={"document": hinted})
        return next(iter(build_interface("test", workflow, prompt, CATALOG)["properties"].values()), {})

    def test_numbers(self):
        assert self.schema("KSampler", "steps", "euler") | {"x-flowberth": 0} == snapshot(
            {
                "title": "KSampler: steps",
                "type": "integer",
                "minimum": 1,
                "maximum": 10000,
                "default": 20,
                "x-flowberth": 0,
            }
        )
        assert self.schema("KSampler", "cfg", True)["default"] == 8.0

    def test_choices(self):
        assert self.schema("KSampler", "sampler_name", 5)["default"] == "euler"

    def test_texts(self):
        assert self.schema("CLIPTextEncode", "text", 5)["default"] == "5"

    def test_switches(self):
        assert self.schema("ByteDanceTextToVideoNode", "watermark", "yes")["default"] is False

    def test_model_files_are_none_of_the_callers_business(self):
        assert self.schema("CheckpointLoaderSimple", "ckpt_name", 4096) == {}


def test_the_only_prompt_is_called_so_whatever_its_title_adds():
    canvas = Canvas()
    text = canvas.add("PrimitiveStringMultiline", values=["a fox"], gives="STRING", title="Prompt - Style Transfer")
    sample(
        canvas,
        canvas.add("CLIPTextEncode", values=[""], gives="CONDITIONING", widgets="text", text=text),
        "CONDITIONING",
    )
    schema = interface(canvas)["properties"]["prompt"]
    assert schema["title"] == "Prompt - Style Transfer"


def test_results_that_are_cut_off_leave_everything_to_be_set():
    canvas = text_to_image()
    save_node = canvas.nodes[-1]
    save_node["inputs"][0]["link"] = None
    assert {"prompt", "negative_prompt", "seed", "width"} <= set(places(canvas))


def test_a_mask_that_the_workflow_does_without_may_be_left_out():
    canvas = Canvas()
    save(canvas, canvas.add("Painter", values=["", 512, 512, "#000000"], gives="IMAGE MASK"))
    save(canvas, canvas.add("Painter", values=["painter/1.png", 512, 512, "#000000"], gives="IMAGE MASK"))
    assert interface(canvas)["required"] == ["mask_2"]


def test_media_types_of_what_goes_in_and_comes_out():
    canvas = Canvas()
    picture = canvas.add("LoadImage", values=["a.png", "image"], gives="IMAGE MASK")
    save(canvas, picture)
    canvas.add("SaveAnimatedWEBP", values=["x", 6, True, 80, "default"], gives="", images=picture)
    video = canvas.add("CreateVideo", values=[30], gives="VIDEO", images=picture)
    canvas.add("SaveVideo", values=["x", "auto", "auto"], gives="", video=video)
    sound = canvas.add("LoadAudio", values=["a.mp3"], gives="AUDIO")
    canvas.add("SaveAudioMP3", values=["x", "V0"], gives="", audio=sound)
    document = interface(canvas)
    assert document["properties"]["image"]["x-flowberth"]["media_types"][:2] == ["image/png", "image/jpeg"]
    results = document["$defs"]["outputs"]["properties"]
    assert [schema.get("contentMediaType") for schema in results.values()] == [
        "image/png",
        "image/webp",
        "video/mp4",
        "audio/mpeg",
    ]
