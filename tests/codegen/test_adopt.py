"""A person edits what is committed: the lock counts, `app.py` stays, and what cannot be used is told by line."""

import json
from collections.abc import Callable
from importlib.resources import files as package_files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.adopt import adopt
from codegen.answers import Answers, read_answers
from codegen.committed import read_interface, read_lock, read_prompt
from codegen.errors import InvalidLock
from codegen.facts import Facts, ModelFacts
from codegen.json_lines import Lines
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan, questions
from codegen.render import about_kept, app_files, kept_by_hand, render
from codegen.vendored import runtime_version
from tests.codegen.canvas import text_to_image

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"
URL = "https://models.example/sd15.safetensors"


def plan(*odd: str) -> Plan:
    canvas = text_to_image()
    for kind in odd:
        canvas.add(kind)
    return make_plan(canvas.workflow(), filename="fox.json")


PLAN = plan()
FILES = app_files(PLAN)


def edited(
    change: Callable[[dict[str, Any]], object], file: str = "app.lock.json", of: Plan = PLAN
) -> dict[str, bytes]:
    files = app_files(of)
    document = json.loads(files[file])
    change(document)
    return {**files, file: json.dumps(document, indent=2).encode()}


class TestTheLockCounts:
    def test_as_it_was_made_nothing_changes(self):
        assert adopt(PLAN, FILES) == PLAN

    def test_an_edit_is_rendered_and_told(self):
        adopted = adopt(PLAN, edited(lambda lock: lock["hardware"].update(gpu="L4", reason="more room")))
        assert 'gpu="L4"' in app_files(adopted)["app.py"].decode()
        (finding,) = [each for each in adopted.findings if each.code == "committed-lock"]
        assert finding.message == (
            "app.lock.json of the branch has other hardware than the workflow alone would give; it counts"
        )

    def test_nobody_sets_the_price(self):
        cheap = edited(lambda lock: lock["hardware"].update(gpu="B200", usd_per_second=0.0))
        assert adopt(PLAN, cheap).lock.hardware.usd_per_second > 0.001736

    def test_a_pack_in_the_lock_settles_where_its_class_comes_from(self):
        asking = plan("Frob")
        assert [each.name for each in questions(asking)] == ["Frob", "checkpoints/sd15.safetensors"]
        pack = {
            "name": "odd",
            "repository": "https://github.com/stranger/odd",
            "commit": COMMIT,
            "classes": ["Frob"],
            "source": "a person",
        }
        adopted = adopt(asking, edited(lambda lock: lock["packs"].append(pack), of=asking))
        assert [each.name for each in questions(adopted)] == ["checkpoints/sd15.safetensors"]
        assert adopted.unknown_classes == ()
        assert COMMIT in app_files(adopted)["app.py"].decode()

    def test_so_does_an_address_which_is_looked_up(self):
        files = edited(lambda lock: lock["models"][0].update(url=URL, source="a person"))
        adopted = adopt(PLAN, files)
        assert questions(adopted) == ()
        assert adopted.wanted.model_urls == (URL,)
        facts = Facts(models=(ModelFacts(url=URL, state="missing"),))
        assert [each.code for each in questions_of(adopt(PLAN, files, facts=facts))] == ["missing-model"]
        found = Facts(models=(ModelFacts(url=URL, state="found", bytes=7, sha256="ab" * 32),))
        assert adopt(PLAN, files, facts=found).lock.models[0].bytes == 7

    def test_another_folder_answers_the_question_which_one_it_is(self):
        workflow = parse_workflow(
            json.dumps(
                {
                    "1": {"class_type": "Frob", "inputs": {"thing": "odd.safetensors"}},
                    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
                }
            ).encode(),
            filename="x.json",
        )
        asking = make_plan(workflow, filename="x.json")
        assert "<folder>/odd.safetensors" in {each.name for each in questions(adopt(asking, app_files(asking)))}
        model = {"folder": "frobs", "file": "odd.safetensors", "url": URL, "source": "a person"}
        adopted = adopt(asking, edited(lambda lock: lock["models"].append(model), of=asking))
        assert "<folder>/odd.safetensors" not in {each.name for each in questions(adopted)}

    def test_an_older_runtime_is_brought_up_and_what_a_person_has_added_stays(self):
        def age(lock: dict[str, Any]) -> None:
            lock["runtime"] = "0.9.0"
            lock["dependencies"]["packages"] = ["fastapi==0.1.0", "einops==0.8.1"]

        lock = adopt(PLAN, edited(age)).lock
        assert lock.runtime == runtime_version()
        assert lock.dependencies.packages == (*PLAN.lock.dependencies.packages, "einops==0.8.1")

    def test_prompt_and_interface_count_too_and_are_made_again_when_they_are_deleted(self):
        files = edited(lambda prompt: prompt["2"]["inputs"].update(text="a heron"), "prompt.json")
        adopted = adopt(PLAN, files)
        assert adopted.prompt["2"]["inputs"]["text"] == "a heron"
        assert [each.code for each in adopted.findings].count("committed-file") == 1
        without = {name: data for name, data in files.items() if name not in {"prompt.json", "interface.json"}}
        assert adopt(PLAN, without) == PLAN

    def test_an_input_whose_default_a_person_took_away_is_still_shown_how_to_call(self):
        def require(interface: dict[str, Any]) -> None:
            del interface["properties"]["prompt"]["default"]
            interface["required"].append("prompt")

        adopted = adopt(PLAN, edited(require, "interface.json"))
        assert '"prompt": "text"' in app_files(adopted)["README.md"].decode()


def pack(name: str, *classes: str, folder: str | None = None) -> dict[str, Any]:
    return {
        "name": folder or name.partition("/")[2],
        "repository": f"https://github.com/{name}",
        "commit": COMMIT,
        "classes": list(classes),
        "source": "a person",
    }


class TestAnswersSince:
    """What was answered before is in the lock; what is answered now counts more than the lock."""

    def adopted(self, answers: Answers, *packs: dict[str, Any]) -> Plan:
        made = make_plan(plan("Frob", "Frab").workflow, filename="fox.json", answers=answers)
        return adopt(made, edited(lambda lock: lock.update(packs=list(packs)), of=made), answers=answers)

    def packs(self, adopted: Plan) -> dict[str, tuple[str, tuple[str, ...]]]:
        assert read_lock(adopted.lock.dumps()) == adopted.lock
        return {
            pin.repository.removeprefix("https://github.com/"): (pin.commit, pin.classes) for pin in adopted.lock.packs
        }

    def test_a_pack_takes_its_class_from_another(self):
        now = read_answers([("pack", "Frob", f"https://github.com/other/odd@{OTHER}")])
        assert self.packs(self.adopted(now, pack("stranger/odd", "Frob", "Frab"))) == {
            "stranger/odd": (COMMIT, ("Frab",)),
            "other/odd": (OTHER, ("Frob",)),
        }

    def test_and_its_place_if_it_was_the_last(self):
        now = read_answers([("pack", "Frob", f"https://github.com/other/odd@{OTHER}")])
        assert self.packs(self.adopted(now, pack("stranger/odd", "Frob"))) == {"other/odd": (OTHER, ("Frob",))}

    def test_another_commit_of_the_same(self):
        now = read_answers([("pack", "Frob", f"https://github.com/stranger/odd@{OTHER}")])
        found = self.adopted(now, pack("stranger/odd", "Frob", "Frab", folder="mine"))
        assert self.packs(found) == {"stranger/odd": (OTHER, ("Frob", "Frab"))}
        assert [pin.name for pin in found.lock.packs] == ["mine"]

    def test_what_a_person_has_changed_since_an_earlier_answer_stays(self):
        earlier = read_answers([("pack", "Frob", f"https://github.com/stranger/odd@{OTHER}")])
        made = make_plan(plan("Frob").workflow, filename="fox.json", answers=earlier)
        files = edited(lambda lock: lock["packs"][0].update(commit=COMMIT), of=made)
        assert self.packs(adopt(made, files)) == {"stranger/odd": (COMMIT, ("Frob",))}

    def test_a_model(self):
        now = read_answers([("model", "checkpoints/sd15.safetensors", URL)])
        made = make_plan(text_to_image().workflow(), filename="fox.json", answers=now)
        files = edited(lambda lock: lock["models"][0].update(url="https://old.example/x"), of=made)
        assert adopt(made, files, answers=now).lock.models[0].url == URL
        assert adopt(made, files).lock.models[0].url == "https://old.example/x"
        gone = edited(lambda lock: lock.update(models=[]), of=made)
        assert [pin.url for pin in adopt(made, gone, answers=now).lock.models] == [URL]


def questions_of(given: Plan) -> list[Any]:
    return [finding for finding in given.findings if finding.questions]


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda lock: lock.update(name="other"), r"app.lock.json: name: must stay fox"),
            (
                lambda lock: lock.update(model=[]),
                r"app.lock.json:\d+: model: is no field of a lock; did you mean models\?",
            ),
            (lambda lock: lock.pop("comfyui"), r"app.lock.json:1: comfyui: is missing"),
            (
                lambda lock: lock["models"][0].update(url="https://me:key@x.example/f"),
                r"app.lock.json:\d+: models\[0\].url: https://me:key@x.example/f is not an https:// address without",
            ),
            (
                lambda lock: lock["models"][0].update(file="../../etc/passwd"),
                r"models\[0\].file: is no path that stays",
            ),
            (lambda lock: lock["hardware"].update(gpu="T5"), r"app.lock.json:\d+: hardware.gpu: input should be 't4'"),
            (lambda lock: lock["hardware"].update(cpu=-4), r"hardware.cpu: input should be greater than 0"),
            (
                lambda lock: lock["hardware"].update(memory_mib="8192"),
                r"hardware.memory_mib: input should be a valid int",
            ),
            (
                lambda lock: lock["dependencies"].update(packages=["x; rm -rf /"]),
                r"packages\[0\]: x; rm -rf / is not a pack",
            ),
            (lambda lock: lock.update(format=2), r"format: input should be 1"),
            (
                lambda lock: lock.update(packs=[pack("a/odd", "X"), pack("b/Odd", "Y")]),
                r"app.lock.json:\d+: packs\[1\].name: odd is there twice",
            ),
            (lambda lock: lock["models"].append(lock["models"][0]), r"models\[1\].file: checkpoints/.* is there twice"),
        ],
    )
    def test_a_lock_that_is_none(self, change, words):
        with pytest.raises(InvalidLock, match=words):
            adopt(PLAN, edited(change))

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "app.lock.json: not JSON"),
            (b'{\n  "name": "a",\n  "name": "b"\n}', "occurs twice"),
            (b'{\n  "name": "a",,\n}', "line 2, column 15"),
            (b"[]", "app.lock.json:1: it is no JSON object"),
            (b"<<<<<<< HEAD\n{}", "not JSON"),
            (b" " * 500_001, "at most 500,000"),
        ],
    )
    def test_what_is_no_json(self, data, words):
        with pytest.raises(InvalidLock, match=words):
            adopt(PLAN, {**FILES, "app.lock.json": data})

    def test_without_a_lock_there_is_nothing_to_go_by(self):
        with pytest.raises(InvalidLock, match="is missing from the app's folder"):
            adopt(PLAN, {})

    def test_the_line_is_that_of_the_field(self):
        files = edited(lambda lock: lock["hardware"].update(cpu=0))
        with pytest.raises(InvalidLock) as caught:
            adopt(PLAN, files)
        line = int(str(caught.value).split(":")[1])
        assert files["app.lock.json"].decode().splitlines()[line - 1].strip().startswith('"cpu": 0')

    @pytest.mark.parametrize(
        ("file", "change", "words"),
        [
            ("prompt.json", lambda prompt: prompt.clear(), "nothing is in it"),
            ("prompt.json", lambda prompt: prompt.update({"2": 5}), r"prompt.json:\d+: 2: input should be"),
            ("prompt.json", lambda prompt: prompt["2"].pop("inputs"), r"prompt.json:\d+: 2.inputs: is missing"),
            ("prompt.json", lambda prompt: prompt.pop("2"), r"interface.json:\d+: .*leads to the input text of node 2"),
            ("interface.json", lambda form: form.update(properties=[]), "interface.json"),
            ("interface.json", lambda form: form["properties"]["prompt"].pop("x-flowberth"), "x-flowberth: is missing"),
            ("interface.json", lambda form: form["properties"]["prompt"].update(type="txt"), "is no JSON Schema"),
            ("interface.json", lambda form: form["properties"].update({"a b": form["properties"]["prompt"]}), "a b"),
            ("interface.json", lambda form: form["required"].append("nothing"), "names nothing, which is no input"),
            (
                "interface.json",
                lambda form: form["$defs"]["outputs"]["properties"]["image"]["x-flowberth"].update(node="999"),
                "leads to node 999",
            ),
        ],
    )
    def test_a_prompt_or_an_interface_that_is_none(self, file, change, words):
        with pytest.raises(InvalidLock, match=words):
            adopt(PLAN, edited(change, file))

    @given(
        st.binary()
        | st.recursive(
            st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        ).map(lambda value: json.dumps(value).encode())
    )
    def test_anything_is_taken_or_refused(self, data):
        for read in (read_lock, read_prompt, lambda given: read_interface(given, PLAN.prompt)):
            try:
                read(data)
            except InvalidLock as error:
                assert str(error).replace("\n", "").isprintable()  # noqa: PT017 - which of them raise is not known


class TestLines:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
            max_leaves=20,
        )
    )
    def test_every_value_is_found_on_its_line(self, value):
        text = json.dumps(value, indent=1, ensure_ascii=False)
        lines, numbers = text.split("\n"), Lines(text)

        def check(inner: Any, path: tuple[str | int, ...]) -> None:
            shown = lines[numbers.of(path) - 1].strip()
            if path and isinstance(path[-1], str):
                assert shown.startswith(json.dumps(path[-1], ensure_ascii=False) + ":")
            if isinstance(inner, dict):
                for key, each in inner.items():
                    check(each, (*path, key))
            elif isinstance(inner, list):
                for index, each in enumerate(inner):
                    check(each, (*path, index))
            else:
                assert shown.rstrip(",").endswith(json.dumps(inner, ensure_ascii=False))

        check(value, ())

    def test_what_is_not_there_is_where_it_would_be(self):
        assert Lines('{\n "a": {\n  "b": 1\n }\n}').of(("a", "c")) == 2


TEMPLATES = package_files("comfyui_workflow_templates_json") / "templates"
CHOSEN = sorted(
    entry.name
    for entry in TEMPLATES.iterdir()
    if entry.name.endswith(".json") and not entry.name.startswith(("index", "fuse"))
)[5::40]


@pytest.mark.parametrize("name", CHOSEN)
def test_what_public_templates_give_is_adopted_as_it_is(name):
    made = make_plan(parse_workflow((TEMPLATES / name).read_bytes(), filename=name), filename=name)
    assert adopt(made, app_files(made)) == made


class TestAppPy:
    RENDERED = FILES["app.py"]

    def test_as_it_was_rendered_it_is_nobodys(self):
        assert not kept_by_hand(self.RENDERED, self.RENDERED)
        assert not kept_by_hand(None, self.RENDERED)

    def test_nor_is_it_after_the_lock_was_edited(self):
        adopted = adopt(PLAN, edited(lambda lock: lock["hardware"].update(gpu="L4")))
        now = app_files(adopted)["app.py"]
        assert now != self.RENDERED
        assert not kept_by_hand(self.RENDERED, now)

    def test_nor_when_another_version_renders_it_otherwise(self):
        later = self.RENDERED.replace(b"import modal\n", b"import modal  # as a later template has it\n")
        assert not kept_by_hand(self.RENDERED, later)

    def test_nor_with_the_line_ends_of_windows(self):
        assert not kept_by_hand(self.RENDERED.replace(b"\n", b"\r\n"), self.RENDERED)
        assert not kept_by_hand(self.RENDERED.replace(b"\n", b"\r\n"), self.RENDERED + b"# later\n")

    @given(st.integers(min_value=0, max_value=len(FILES["app.py"]) - 1), st.sampled_from(list(b"xyz#\n 0")))
    def test_any_edit_makes_it_a_persons(self, position, byte):
        changed = self.RENDERED[:position] + bytes([byte]) + self.RENDERED[position + 1 :]
        assert kept_by_hand(changed, self.RENDERED) == (changed != self.RENDERED)

    def test_one_without_a_seal_is_a_persons(self):
        assert kept_by_hand(b"import modal\n", self.RENDERED)
        assert kept_by_hand(b"", self.RENDERED)

    @given(st.text(max_size=40), st.sampled_from(["T4", "L4", None]))
    def test_whatever_is_rendered_is_never_taken_for_edited(self, text, gpu):
        lock = PLAN.lock.model_copy(update={"hardware": PLAN.lock.hardware.model_copy(update={"gpu": gpu})})
        rendered = render(lock, {**PLAN.prompt, "note": text}, PLAN.interface)
        assert not kept_by_hand(rendered["app.py"], self.RENDERED)

    def test_what_is_said_of_one_that_stays(self):
        mine = self.RENDERED + b"# mine\n"
        assert kept_by_hand(mine, self.RENDERED)
        assert about_kept(mine, FILES).message == "app.py was edited by hand and stays as it is"
        adopted = adopt(PLAN, edited(lambda lock: lock["hardware"].update(gpu="L4")))
        finding = about_kept(mine, app_files(adopted))
        assert finding.severity == "warning"
        assert "have changed since it was made" in finding.message
