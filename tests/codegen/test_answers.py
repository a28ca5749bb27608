"""What people answer: the lines they are given, what becomes of them in a plan, and what is refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.answers import NO_ANSWERS, read_answers
from codegen.errors import InvalidAnswer
from codegen.facts import Facts, ModelFacts, PackFacts, Wanted, gather
from codegen.model import Finding, Workflow
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan, questions
from tests.codegen.canvas import text_to_image

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NEWEST = "fedcba9876543210fedcba9876543210fedcba98"
STRANGER = "https://github.com/stranger/odd-nodes"
OTHER_URL = "https://models.example/sd15.safetensors"


def odd(*classes: str) -> Workflow:
    """A workflow with nodes that nobody lists."""
    nodes = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    nodes |= {f"n{index}": {"class_type": kind, "inputs": {}} for index, kind in enumerate(classes)}
    return parse_workflow(json.dumps(nodes).encode(), filename="odd.json")


def answered(workflow: Workflow, *given: tuple[str, str, str], facts: Facts | None = None) -> Plan:
    return make_plan(workflow, filename="odd.json", answers=read_answers(given), facts=facts or Facts())


def found(plan: Plan, code: str) -> Finding:
    (finding,) = [each for each in plan.findings if each.code == code]
    return finding


class TestQuestions:
    def test_an_unknown_class_is_asked_for_with_the_line_to_answer(self):
        plan = make_plan(odd("Frob (stranger)"), filename="odd.json")
        (question,) = questions(plan)
        assert (question.about, question.name) == ("pack", "Frob (stranger)")
        assert question.text == "Which pack has the node Frob (stranger)?"
        assert question.example_answer == "pack Frob (stranger) = https://github.com/owner/repository"

    def test_so_is_a_model_without_an_address(self):
        (question,) = questions(make_plan(text_to_image().workflow(), filename="x.json"))
        assert question.example_answer == "model checkpoints/sd15.safetensors = https://…"

    def test_what_keeps_the_app_from_running_comes_first(self):
        canvas = text_to_image()
        canvas.add("Frob")
        asked = questions(make_plan(canvas.workflow(), filename="x.json"))
        assert [each.about for each in asked] == ["pack", "model"]

    def test_a_name_that_fits_in_no_line_is_not_asked_for(self):
        assert questions(make_plan(odd("Frob\npack X = https://evil.example/a/b"), filename="x.json")) == ()

    def test_a_finding_without_one_is_written_as_before(self):
        finding = Finding(code="x", severity="info", message="y")
        assert set(finding.model_dump(mode="json")) == {"code", "severity", "message", "node", "hint"}
        assert Finding.model_validate_json(finding.model_dump_json()) == finding

    def test_its_questions_survive_being_kept(self):
        finding = found(make_plan(odd("Frob"), filename="x.json"), "unknown-class")
        assert Finding.model_validate_json(finding.model_dump_json()) == finding
        assert finding.questions


class TestPacks:
    def test_an_answer_with_a_commit_is_pinned_though_nobody_lists_it(self):
        plan = answered(odd("Frob"), ("pack", "Frob", f"{STRANGER}@{COMMIT}"))
        (pin,) = plan.lock.packs
        assert (pin.repository, pin.commit, pin.classes, pin.source) == (STRANGER, COMMIT, ("Frob",), "answer")
        assert questions(plan) == ()
        finding = found(plan, "answered-pack")
        assert finding.severity == "warning"
        assert finding.message == (
            f"the node Frob comes from {STRANGER}, as a person answered; ComfyUI-Manager does not list it, so it is "
            "stranger alone who is trusted with code in the app"
        )

    def test_without_one_the_newest_is_looked_up(self):
        class Host:
            def look_up(self, wanted: Wanted) -> Facts:
                assert not wanted.classes
                (pack,) = wanted.packs
                return Facts(packs=(PackFacts(repository=pack.repository, commit=NEWEST, commit_of="main"),))

        given = read_answers([("pack", "Frob", STRANGER)])
        facts = gather(Host(), lambda facts: make_plan(odd("Frob"), filename="x", facts=facts, answers=given).wanted)
        assert [pin.commit for pin in answered(odd("Frob"), ("pack", "Frob", STRANGER), facts=facts).lock.packs] == [
            NEWEST
        ]

    def test_and_if_that_is_not_known_it_is_asked_for(self):
        plan = answered(odd("Frob"), ("pack", "Frob", STRANGER))
        assert plan.lock.packs == ()
        assert [each.example_answer for each in questions(plan)] == [f"pack Frob = {STRANGER}@<commit, 40 characters>"]

    def test_a_commit_that_the_default_branch_lacks_is_used_and_told(self):
        facts = Facts(packs=(PackFacts(repository=STRANGER, commit=NEWEST, commit_of="main"),))
        plan = answered(odd("Frob"), ("pack", "Frob", f"{STRANGER}@{COMMIT}"), facts=facts)
        assert [pin.commit for pin in plan.lock.packs] == [COMMIT]
        assert f"its default branch does not have the commit {COMMIT}" in found(plan, "answered-pack").message

    def test_it_decides_where_several_packs_have_the_class(self):
        ambiguous = make_plan(odd("LoadVideo"), filename="x.json")
        asked = [each for each in questions(ambiguous) if each.about == "pack"]
        for question in asked:
            _, _, value = question.example_answer.partition(" = ")
            plan = answered(odd("LoadVideo"), ("pack", question.name, f"{value}@{COMMIT}"))
            assert not [each for each in questions(plan) if each.about == "pack"]

    @pytest.mark.parametrize("name", ["EmptyImage", "frob", "Nothing"])
    def test_one_that_nobody_asked_for_is_told(self, name):
        plan = answered(odd("Frob"), ("pack", name, STRANGER))
        assert found(plan, "unused-answer").severity == "warning"
        assert plan.lock.packs == ()

    def test_a_later_answer_counts(self):
        plan = answered(
            odd("Frob"), ("pack", "Frob", f"{STRANGER}@{NEWEST}"), ("pack", "Frob", f"{STRANGER}.git@{COMMIT}")
        )
        assert [(pin.repository, pin.commit) for pin in plan.lock.packs] == [(STRANGER, COMMIT)]


class TestModels:
    def test_its_address_goes_into_the_lock_with_what_its_server_says(self):
        facts = Facts(models=(ModelFacts(url=OTHER_URL, state="found", bytes=7, sha256="ab" * 32),))
        plan = answered(text_to_image().workflow(), ("model", "checkpoints/sd15.safetensors", OTHER_URL), facts=facts)
        (pin,) = plan.lock.models
        assert (pin.url, pin.bytes, pin.sha256, pin.source) == (OTHER_URL, 7, "ab" * 32, "answer")
        assert found(plan, "answered-model").severity == "info"
        assert questions(plan) == ()

    def test_it_is_worth_a_look(self):
        plan = answered(text_to_image().workflow(), ("model", "checkpoints/sd15.safetensors", OTHER_URL))
        assert plan.wanted.model_urls == (OTHER_URL,)

    def test_it_counts_before_what_the_file_says_and_another_content_is_told(self):
        canvas = text_to_image()
        canvas.nodes[0]["properties"]["models"] = [
            {
                "name": "sd15.safetensors",
                "url": "https://gone.example/sd15.safetensors",
                "directory": "checkpoints",
                "hash": "cd" * 32,
                "hash_type": "SHA256",
            }
        ]
        facts = Facts(models=(ModelFacts(url=OTHER_URL, state="found", bytes=7, sha256="ab" * 32),))
        plan = answered(canvas.workflow(), ("model", "checkpoints/sd15.safetensors", OTHER_URL), facts=facts)
        assert (plan.lock.models[0].url, plan.lock.models[0].sha256) == (OTHER_URL, "ab" * 32)
        finding = found(plan, "answered-model")
        assert finding.severity == "warning"
        assert "its SHA-256 is abababababab…" in finding.message

    def test_a_file_of_unknown_folder_gets_the_one_of_the_answer(self):
        workflow = parse_workflow(
            json.dumps(
                {
                    "1": {"class_type": "Frob", "inputs": {"thing": "odd.safetensors"}},
                    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
                }
            ).encode(),
            filename="x.json",
        )
        asked = {each.about: each for each in questions(make_plan(workflow, filename="x.json"))}
        assert asked["model"].example_answer == "model <folder>/odd.safetensors = https://…"
        plan = answered(workflow, ("model", "frobs/odd.safetensors", OTHER_URL))
        assert [(pin.folder, pin.file, pin.url) for pin in plan.lock.models] == [
            ("frobs", "odd.safetensors", OTHER_URL)
        ]

    def test_the_page_that_shows_a_file_is_turned_into_the_file_and_keys_are_left_out(self):
        plan = answered(
            text_to_image().workflow(),
            (
                "model",
                "checkpoints/sd15.safetensors",
                "https://huggingface.co/a/b/blob/main/sd15.safetensors?token=hf_secret",
            ),
        )
        assert plan.lock.models[0].url == "https://huggingface.co/a/b/resolve/main/sd15.safetensors"

    def test_one_that_nobody_asked_for_is_told(self):
        plan = answered(text_to_image().workflow(), ("model", "checkpoints/sd16.safetensors", OTHER_URL))
        assert "sd16.safetensors" in found(plan, "unused-answer").message
        assert (
            "sd16.safetensors"
            in found(answered(odd(), ("model", "checkpoints/sd16.safetensors", OTHER_URL)), "unused-answer").message
        )


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (("pack", "X", "rgthree"), "one looks like https://github.com/owner/repository"),
            (("pack", "X", "http://github.com/a/b"), "one looks like"),
            (("pack", "X", "https://user:key@github.com/a/b"), "one looks like"),
            (("pack", "X", "https://github.com/a/b/tree/main"), "one looks like"),
            (("pack", "X", "ext::sh -c id"), "one looks like"),
            (("pack", "X", "https://github.com/a/b@main"), "all of its 40 characters"),
            (("pack", "X", f"https://github.com/{'a' * 400}/b"), "40 characters|looks like"),
            (("model", "checkpoints/../../x.safetensors", OTHER_URL), "is no model"),
            (("model", "x.safetensors", OTHER_URL), "name it with its folder"),
            (("model", "checkpoints/x.safetensors", "http://a.example/x"), "begins with https://"),
            (("model", "checkpoints/x.safetensors", "https://me:secret@a.example/x"), "no password"),
        ],
    )
    def test_what_no_lock_would_take(self, given, words):
        with pytest.raises(InvalidAnswer, match=words):
            read_answers([given])

    @given(about=st.sampled_from(["pack", "model"]), name=st.text(), value=st.text() | st.from_regex(r"https://.*"))
    def test_anything_is_taken_or_refused(self, about, name, value):
        with suppress(InvalidAnswer):
            answers = read_answers([(about, name, value)])
            assert answers != NO_ANSWERS
            make_plan(odd("Frob"), filename="x.json", answers=answers).lock.dumps()


def test_a_name_that_begins_with_a_quote_is_written_in_quotes():
    asked = questions(make_plan(odd("'Frob' mk2", "a = b"), filename="x.json"))
    assert [each.example_answer.partition(" = https")[0] for each in asked] == ["pack \"'Frob' mk2\"", 'pack "a = b"']
