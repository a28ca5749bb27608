"""A fix is a change of the lock: made whole, checked, never twice, and kept when people edit what is committed."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.adopt import adopt
from codegen.committed import read_lock
from codegen.errors import InvalidLock, PatchRefused
from codegen.lock import InputOverride, Lock, ModelPin, PackPin
from codegen.lock_patch import EXCLUSIVE, LockPatch, apply
from codegen.lock_rules import Author
from codegen.plan import Plan, make_plan
from codegen.readme import readme
from codegen.render import app_files, render
from tests.codegen.canvas import text_to_image

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"
KJ = "https://github.com/kijai/ComfyUI-KJNodes"
PLAN = make_plan(text_to_image().workflow(), filename="fox.json")
LOCK = PLAN.lock.model_copy(
    update={
        "packs": (
            PackPin(name="ComfyUI-KJNodes", repository=KJ, commit=COMMIT, classes=("A", "B"), source="manager-map"),
            PackPin(name="Other", repository="https://github.com/o/Other", commit=COMMIT, classes=("C",), source="answer"),
        ),
        "models": (
            ModelPin(folder="vae", file="ae.safetensors", url="https://huggingface.co/a/b/ae.safetensors", sha256="a" * 64, source="index"),
            ModelPin(folder="loras", file="x.safetensors", source="unknown"),
        ),
    }
)  # fmt: skip


def patch(*changes: dict[str, Any], because: str = "it has to") -> LockPatch:
    return LockPatch.model_validate_json(json.dumps({"changes": changes, "because": because}))


def applied(*changes: dict[str, Any], lock: Lock = LOCK, author: Author = "rule", **options: Any) -> Lock:
    return apply(lock, patch(*changes), author=author, **options)


def refused(*changes: dict[str, Any], lock: Lock = LOCK, author: Author = "rule", **options: Any) -> str:
    with pytest.raises(PatchRefused) as refusal:
        apply(lock, patch(*changes), author=author, **options)
    return str(refusal.value)


class TestWhatChanges:
    def test_a_core_brings_its_day(self):
        lock = applied({"kind": "set-comfyui", "version": "0.33.0"})
        assert (lock.comfyui.version, lock.comfyui.reason) == ("0.33.0", "it has to")
        assert lock.dependencies.exclude_newer == date(2026, 11, 20)

    def test_a_day_that_a_person_has_chosen_stays_if_the_core_can_be_had_then(self):
        chosen = LOCK.model_copy(
            update={"dependencies": LOCK.dependencies.model_copy(update={"exclude_newer": date(2027, 1, 1)})}
        )
        lock = applied({"kind": "set-comfyui", "version": "0.33.0"}, lock=chosen)
        assert lock.dependencies.exclude_newer == date(2027, 1, 1)

    def test_a_gpu_has_its_price_and_reason(self):
        lock = applied({"kind": "set-gpu", "gpu": "H100"})
        assert lock.hardware.gpu == "H100"
        assert lock.hardware.reason == "it has to"
        assert lock.hardware.usd_per_second > LOCK.hardware.usd_per_second

    def test_classes_go_with_their_pack_and_a_pack_without_any_goes(self):
        pin = {
            "kind": "pin-pack",
            "name": "ComfyUI-KJNodes",
            "repository": KJ,
            "commit": OTHER,
            "classes": ["C"],
            "source": "answer",
        }
        (pack,) = applied(pin).packs
        assert (pack.commit, pack.classes) == (OTHER, ("A", "B", "C"))

    def test_a_package_that_a_pack_brings_is_kept_out(self):
        lock = applied({"kind": "remove-package", "name": "Imath"}, {"kind": "add-package", "requirement": "OpenEXR"})
        assert lock.dependencies.excluded == ("imath",)
        back = applied({"kind": "add-package", "requirement": "imath==3"}, lock=lock)
        assert back.dependencies.excluded == ()

    def test_arguments_that_exclude_each_other_take_each_others_place(self):
        low = applied({"kind": "set-arguments", "add": ["--lowvram", "--cpu-vae"]})
        assert applied({"kind": "set-arguments", "add": ["--novram"]}, lock=low).comfyui.arguments == (
            "--cpu-vae",
            "--novram",
        )

    def test_a_moved_file_keeps_its_hash(self):
        (vae, _) = applied(
            {
                "kind": "pin-model",
                "folder": "vae",
                "file": "ae.safetensors",
                "url": "https://huggingface.co/c/d/ae.safetensors",
                "source": "answer",
            }
        ).models
        assert vae.sha256 == "a" * 64
        assert vae.url == "https://huggingface.co/c/d/ae.safetensors"

    def test_the_rest_in_a_table(self):
        changes = (
            ({"kind": "set-pack-layout", "name": "Other", "layout": "library"}, lambda lock: lock.packs[1].layout == "library"),
            ({"kind": "remove-pack", "name": "Other"}, lambda lock: len(lock.packs) == 1),
            ({"kind": "override-package", "requirement": "numpy>=2"}, lambda lock: lock.dependencies.overrides == ("numpy>=2",)),
            ({"kind": "constrain-package", "requirement": "torch==2.9.0"}, lambda lock: lock.dependencies.constraints == ("torch==2.9.0",)),
            ({"kind": "add-system-package", "name": "libsm6"}, lambda lock: "libsm6" in lock.dependencies.system),
            ({"kind": "remove-system-package", "name": "libgl1"}, lambda lock: "libgl1" not in lock.dependencies.system),
            ({"kind": "set-python", "version": "3.11"}, lambda lock: lock.dependencies.python == "3.11"),
            ({"kind": "set-exclude-newer", "date": "2026-01-01"}, lambda lock: lock.dependencies.exclude_newer == date(2026, 1, 1)),
            ({"kind": "rename-model", "folder": "vae", "file": "ae.safetensors", "to_folder": "vae", "to_file": "flux/ae.safetensors"}, lambda lock: lock.models[0].file == "flux/ae.safetensors"),
            ({"kind": "set-memory", "mib": 65536}, lambda lock: lock.hardware.memory_mib == 65536),
            ({"kind": "set-timeouts", "startup": 900}, lambda lock: (lock.timeouts.startup_seconds, lock.timeouts.execution_seconds) == (900, LOCK.timeouts.execution_seconds)),
            ({"kind": "set-input", "node": "5", "input": "steps", "value": 4}, lambda lock: lock.inputs[0].value == 4),
        )  # fmt: skip
        for change, holds in changes:
            assert holds(applied(change)), change


class TestWhatIsRefused:
    def test_with_the_field_and_a_way_out(self):
        pin = {
            "kind": "pin-pack",
            "name": "Evil",
            "repository": "https://github.com/evil/nodes",
            "commit": OTHER,
            "source": "log",
        }
        model = {"kind": "pin-model", "folder": "vae", "file": "ae.safetensors", "source": "log"}
        told = [
            refused({"kind": "remove-pack", "name": "Gone"}),
            refused(pin),
            refused({**model, "url": "https://evil.example/ae.safetensors"}),
            refused({**model, "url": "https://civitai.com/x?token=abc"}),
            refused({**model, "url": "https://huggingface.co/x/y/z", "sha256": "b" * 64}),
            refused({"kind": "set-gpu", "gpu": "B200"}, gpus=["L4", "T4"]),
            refused({"kind": "add-package", "requirement": "fastapi==0.1"}),
            refused({"kind": "add-package", "requirement": "torch==2.0"}),
            refused({"kind": "remove-package", "name": "torch"}),
            refused({"kind": "override-package", "requirement": "numpy"}),
            refused({"kind": "set-comfyui", "version": "9.9.9"}),
            refused({"kind": "set-python", "version": "3.7"}),
            refused({"kind": "set-timeouts"}),
            refused({"kind": "set-arguments", "add": ["--lowvram", "--novram"]}),
            refused({"kind": "rename-model", "folder": "vae", "file": "gone", "to_folder": "vae", "to_file": "x"}),
            refused({"kind": "set-input", "node": "99", "input": "x", "value": 1}, prompt=PLAN.prompt),
            refused({"kind": "set-memory", "mib": LOCK.hardware.memory_mib}),
            refused({"kind": "set-gpu", "gpu": "L4"}, {"kind": "set-gpu", "gpu": "T4"}),
        ]  # fmt: skip
        assert [line.partition(":")[0] for line in told] == [
            "name", "repository", "url", "url", "sha256", "gpu", "requirement", "requirement", "name", "requirement",
            "version", "version", "startup", "add", "file", "node", "changes", "changes",
        ]  # fmt: skip
        assert told[1] == (
            "repository: ComfyUI-Manager does not list https://github.com/evil/nodes, and a pack is code that runs in "
            "the app; a person can name it: pack <Class> = https://…"
        )

    @pytest.mark.parametrize(
        "requirement",
        ["--pre", "-r", "x @ https://evil.example/x.whl", "x;y", "git+https://x", "x==1 --hash=y", "$(id)", "x\n-e .", "", "x=="],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", ["add-package", "override-package", "constrain-package"])
    def test_flags_and_addresses_are_no_requirements(self, kind: str, requirement: str):
        with pytest.raises(ValueError, match="validation error"):
            patch({"kind": kind, "requirement": requirement})

    def test_nothing_reaches_access_secrets_or_scaling(self):
        for kind in ("set-access", "set-secrets", "set-scaling", "run"):
            with pytest.raises(ValueError, match="validation error"):
                patch({"kind": kind, "value": 1})

    def test_a_person_may_more(self):
        pin = {
            "kind": "pin-pack",
            "name": "Mine",
            "repository": "https://github.com/me/nodes",
            "commit": OTHER,
            "source": "answer",
        }
        assert applied(pin, author="person").packs[-1].name == "Mine"
        url = "https://models.example/ae.safetensors"
        model = {"kind": "pin-model", "folder": "vae", "file": "ae.safetensors", "url": url, "source": "answer"}
        assert applied(model, author="person").models[0].url == url

    def test_a_model_pins_only_commits_that_were_looked_up(self):
        pin = {"kind": "pin-pack", "name": "ComfyUI-KJNodes", "repository": KJ, "commit": OTHER, "source": "model"}
        assert refused(pin, author="model").startswith("commit: ")
        assert applied(pin, author="model", commits=[OTHER]).packs[0].commit == OTHER


KINDS: list[st.SearchStrategy[dict[str, Any]]] = [
    st.fixed_dictionaries({"kind": st.just("set-gpu"), "gpu": st.sampled_from(["T4", "L4", "H100", None])}),
    st.fixed_dictionaries({"kind": st.just("set-memory"), "mib": st.sampled_from([1024, 4096, 65536])}),
    st.fixed_dictionaries({"kind": st.just("add-package"), "requirement": st.sampled_from(["a", "b==1", "A==2", "imath"])}),
    st.fixed_dictionaries({"kind": st.just("remove-package"), "name": st.sampled_from(["a", "imath", "Imath", "b"])}),
    st.fixed_dictionaries({"kind": st.just("override-package"), "requirement": st.sampled_from(["a>1", "a<2", "b==1"])}),
    st.fixed_dictionaries({"kind": st.just("rename-model"), "folder": st.just("vae"), "file": st.sampled_from(["ae.safetensors", "x"]), "to_folder": st.sampled_from(["vae", "loras"]), "to_file": st.sampled_from(["ae.safetensors", "x", "x.safetensors"])}),
    st.fixed_dictionaries({"kind": st.just("set-input"), "node": st.sampled_from(["1", "5"]), "input": st.sampled_from(["steps", "cfg"]), "value": st.sampled_from([1, 1.0, True, "x", None])}),
    st.fixed_dictionaries({"kind": st.just("set-arguments"), "add": st.lists(st.sampled_from(["--lowvram", "--novram", "--cpu-vae"]), max_size=2), "remove": st.lists(st.sampled_from(["--lowvram", "--cpu-vae"]), max_size=1)}),
    st.fixed_dictionaries({"kind": st.just("set-comfyui"), "version": st.sampled_from(["0.3.64", "0.33.0"])}),
    st.fixed_dictionaries({"kind": st.just("set-pack-layout"), "name": st.sampled_from(["Other", "ComfyUI-KJNodes"]), "layout": st.sampled_from(["nodes", "library"])}),
    st.fixed_dictionaries({"kind": st.just("remove-pack"), "name": st.sampled_from(["Other", "ComfyUI-KJNodes"])}),
    st.fixed_dictionaries({"kind": st.just("pin-pack"), "name": st.sampled_from(["Other", "ComfyUI-KJNodes", "New"]), "repository": st.sampled_from([KJ, "https://github.com/o/Other"]), "commit": st.sampled_from([COMMIT, OTHER]), "classes": st.lists(st.sampled_from(["A", "B", "C", "D"]), max_size=2), "source": st.just("answer")}),
]  # fmt: skip


class TestWhateverIsProposed:
    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.one_of(KINDS), min_size=1, max_size=4), st.lists(st.one_of(KINDS), min_size=1, max_size=3))
    def test_the_lock_is_one_that_can_be_read_and_the_same_again_is_refused(
        self, first: list[dict[str, Any]], second: list[dict[str, Any]]
    ):
        lock = LOCK
        for changes in (first, second):
            try:
                changed = apply(lock, patch(*changes), author="person", prompt=PLAN.prompt)
            except PatchRefused:
                continue
            assert changed != lock
            assert read_lock(changed.dumps()) == changed
            assert not any(len(group & set(changed.comfyui.arguments)) > 1 for group in EXCLUSIVE)
            with pytest.raises(PatchRefused):
                apply(changed, patch(*changes, because="again"), author="person", prompt=PLAN.prompt)
            lock = changed
        assert read_lock(lock.dumps()) == lock

    def test_a_refusal_leaves_nothing_behind(self):
        before = LOCK.dumps()
        refused({"kind": "set-gpu", "gpu": "H100"}, {"kind": "remove-pack", "name": "Gone"})
        assert LOCK.dumps() == before

    def test_the_schema_has_all_kinds(self):
        kinds = LockPatch.schema_for_model()["properties"]["changes"]["items"]["discriminator"]["mapping"]
        assert "set-input" in kinds
        assert not [kind for kind in kinds if "secret" in kind or "access" in kind or "scaling" in kind]


def overridden(*overrides: InputOverride, of: Plan = PLAN) -> Plan:
    return of.model_copy(update={"lock": of.lock.model_copy(update={"inputs": overrides})})


STEPS = InputOverride(node="5", input="steps", value=4, because="20 is more than it takes | see `the` log")


class TestInputs:
    def test_they_are_laid_over_prompt_and_interface(self):
        files = app_files(overridden(STEPS))
        assert json.loads(files["prompt.json"])["5"]["inputs"]["steps"] == 4
        assert json.loads(files["interface.json"])["properties"]["steps"]["default"] == 4
        assert PLAN.prompt["5"]["inputs"]["steps"] == 20

    def test_one_that_is_left_out_is_no_input_of_callers(self):
        files = app_files(overridden(InputOverride(node="5", input="steps", value=None, because="x")))
        assert "steps" not in json.loads(files["prompt.json"])["5"]["inputs"]
        assert "steps" not in json.loads(files["interface.json"])["properties"]

    def test_rendering_what_was_rendered_changes_nothing(self):
        plan = overridden(STEPS)
        once = render(plan.lock, plan.prompt, plan.interface)
        again = render(plan.lock, json.loads(once["prompt.json"]), json.loads(once["interface.json"]))
        assert once == again

    def test_a_node_that_is_not_there_is_left_alone(self):
        plan = overridden(InputOverride(node="99", input="steps", value=4, because="x"))
        assert app_files(plan)["prompt.json"] == app_files(PLAN)["prompt.json"]

    def test_the_readme_says_what_was_changed_and_why(self):
        text = readme(overridden(STEPS).lock, PLAN.interface).decode()
        assert "## Changed so that it runs" in text
        assert '| `"steps of node 5"` | `4` | 20 is more than it takes \\| see \\`the\\` log |' in text
        assert "Changed so that it runs" not in readme(PLAN.lock, PLAN.interface).decode()


class TestPeople:
    """What is committed counts, also for what a repair has put there."""

    def test_a_lock_without_the_new_fields_is_read_and_written_as_it_was(self):
        data = PLAN.lock.dumps()
        assert not {"overrides", "constraints", "inputs", "arguments", "layout", "excluded"} & set(
            data.decode().replace('"', " ").split()
        )
        assert read_lock(data).dumps() == data

    def test_edits_of_the_new_fields_are_kept(self):
        files = app_files(PLAN)
        lock = json.loads(files["app.lock.json"])
        lock["inputs"] = [{"node": "5", "input": "steps", "value": 8, "because": "better"}]
        lock["dependencies"]["overrides"] = ["numpy>=2"]
        lock["dependencies"]["constraints"] = ["torch==2.9.0"]
        lock["dependencies"]["excluded"] = ["imath"]
        lock["comfyui"]["arguments"] = ["--lowvram"]
        adopted = adopt(PLAN, {**files, "app.lock.json": json.dumps(lock).encode()})
        rendered = app_files(adopted)
        assert json.loads(rendered["app.lock.json"]) == lock
        assert json.loads(rendered["prompt.json"])["5"]["inputs"]["steps"] == 8
        assert [one.code for one in adopted.findings if one.code.startswith("committed")] == ["committed-lock"]

    def test_what_was_rendered_with_overrides_is_adopted_without_a_word(self):
        plan = overridden(STEPS)
        adopted = adopt(PLAN, app_files(plan))
        assert [one.code for one in adopted.findings if one.code.startswith("committed")] == ["committed-lock"]
        assert app_files(adopted) == {**app_files(plan), "README.md": app_files(adopted)["README.md"]}

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"comfyui": {"arguments": ["--listen"]}}, "comfyui.arguments"),
            ({"dependencies": {"overrides": ["--pre"]}}, "dependencies.overrides"),
            ({"dependencies": {"packages": ["--pre"]}}, "dependencies.packages"),
            ({"dependencies": {"excluded": ["a; b"]}}, "dependencies.excluded"),
        ],
    )
    def test_what_would_be_an_option_is_refused(self, change: dict[str, dict[str, Any]], line: str):
        lock = json.loads(PLAN.lock.dumps())
        for section, values in change.items():
            lock[section] |= values
        with pytest.raises(InvalidLock, match=line):
            read_lock(json.dumps(lock, indent=2).encode())


def test_what_is_left_out_is_told_to_the_build():
    lock = applied({"kind": "remove-package", "name": "Imath"}, lock=PLAN.lock)
    assert "--exclude imath" in render(lock, PLAN.prompt, PLAN.interface)["app.py"].decode()
    assert "--exclude " not in render(PLAN.lock, PLAN.prompt, PLAN.interface)["app.py"].decode()
