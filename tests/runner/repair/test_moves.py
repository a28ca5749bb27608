"""What is done next: stories of runs, attempt by attempt."""

from codegen.lock import Lock
from codegen.lock_changes import AddPackage, OverridePackage, SetGpu
from codegen.lock_patch import LockPatch
from codegen.plan import Plan
from runner.repair import (
    Apply,
    Ask,
    AskModel,
    Diagnosis,
    Evidence,
    GiveUp,
    LearnedFix,
    Move,
    Question,
    Stage,
    Stop,
    Transient,
    Turn,
    Wait,
    diagnose,
    fingerprint,
    lock_hash,
    next_move,
)
from tests.runner.repair.world import plan, told

CV2 = "Cannot import /custom_nodes/ComfyUI-WanVideoWrapper module for custom nodes: No module named 'cv2'"
YAML = CV2.replace("cv2", "yaml")
OOM = "torch.OutOfMemoryError: Allocation on device"
ODD = "the moon is in the wrong house"


class Run:
    """A run whose attempts fail with the texts that it is given."""

    def __init__(self, of: Plan | None = None, *, attempts: int = 10, model: bool = False) -> None:
        self.plan = of or plan(gpu="L4")
        self.history: tuple[Turn, ...] = ()
        self.left = attempts
        self.model = model
        self.learned: tuple[LearnedFix, ...] = ()

    @property
    def lock(self) -> Lock:
        return self.plan.lock

    def fails(self, text: str, stage: Stage = "boot") -> Move:
        found = diagnose((Evidence(stage=stage, text=text),), plan=self.plan, learned=self.learned)
        return self.goes_on(found)

    def goes_on(self, found: Diagnosis | None) -> Move:
        self.left -= 1
        move = next_move(self.history, found, lock=self.lock, attempts_left=self.left, language_model=self.model)
        patch = move.patch if isinstance(move, Apply) else None
        self.history += (Turn(attempt=len(self.history) + 1, lock=lock_hash(self.lock), diagnosis=found, patch=patch),)
        if isinstance(move, Apply):
            self.plan = self.plan.model_copy(update={"lock": move.lock})
        return move


def patched(move: Move) -> str:
    assert isinstance(move, Apply), move
    return told(move.patch)


def test_one_cause_after_the_other_until_it_runs():
    run = Run()
    assert patched(run.fails(f"{CV2}\n{YAML}")) == "add-package opencv-python-headless"
    assert patched(run.fails(YAML)) == "add-package pyyaml"
    assert patched(run.fails(OOM, "test")) == "set-gpu L40S"
    assert patched(run.fails(OOM, "test")) == "set-gpu A100-80GB"
    assert {"opencv-python-headless", "pyyaml"} <= set(run.lock.dependencies.packages)
    assert run.lock.hardware.gpu == "A100-80GB"


def test_what_is_there_again_after_its_patch_ends_with_the_question():
    run = Run()
    run.fails(CV2)
    move = run.fails(CV2)
    assert isinstance(move, Ask)
    assert move.question.line
    assert move.question.line.example_answer.startswith("pack WanVideoModelLoader = ")


def test_without_a_question_it_ends_with_the_reason():
    run = Run()
    numpy = (
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"
    )
    assert patched(run.fails(numpy)) == "override-package numpy>=2"
    assert run.fails(numpy) == Stop(why="the failure is there although what repairs it is in the lock already")


def test_a_failure_that_passes_by_itself_is_waited_for_and_longer_each_time():
    run = Run()
    moves = [run.fails("Connection reset by peer", "models") for _ in range(4)]
    assert moves[:3] == [Wait(seconds=15), Wait(seconds=30), Wait(seconds=60)]
    assert moves[3] == Stop(why="it was tried again several times, and nothing has changed")


def test_a_damaged_file_is_fetched_anew_before_anybody_is_asked():
    run = Run()
    text = "sd15.safetensors\nSafetensorError: Error while deserializing header: HeaderTooLarge"
    moves = [run.fails(text, "test") for _ in range(4)]
    assert moves[0] == Wait(seconds=5, discard=("checkpoints/sd15.safetensors",))
    assert isinstance(moves[3], Ask)


def test_two_patches_that_undo_each_other_end_the_run():
    run = Run(plan(gpu="L4"))
    larger, smaller = (
        Diagnosis(
            signature=name,
            cause="c",
            remedy=LockPatch(changes=(SetGpu(gpu=gpu),), because="b"),
            stage="test",
        )
        for name, gpu in (("one", "L40S"), ("other", "L4"))
    )
    assert isinstance(run.goes_on(larger), Apply)
    assert run.goes_on(smaller) == Stop(why="what would repair it leads back to a lock that has failed already")


def test_all_attempts_used_up():
    run = Run(attempts=2)
    assert isinstance(run.fails(CV2), Apply)
    assert run.fails(YAML) == Stop(why="all attempts are used up")
    assert Run(attempts=1).fails(ODD) == Stop(why="all attempts are used up, and the last failure is not known")


def test_what_no_signature_knows_is_for_the_language_model_if_there_is_one():
    assert Run(model=True).fails(ODD) == AskModel()
    assert Run().fails(ODD) == Stop(why="the failure is not known; see the log")


def test_where_a_rule_is_unsure_the_language_model_is_asked_once():
    run = Run(model=True)
    text = "Cannot import /custom_nodes/ComfyUI-WanVideoWrapper module for custom nodes: name 'wobble' is not defined"
    assert run.fails(text) == AskModel()
    assert isinstance(run.fails(text), Ask)


def test_a_question_is_asked_at_once():
    move = Run(model=True).fails("Unauthorized: Please login first to use this node.", "test")
    assert isinstance(move, Ask)


def test_the_cheapest_stage_comes_first():
    found = diagnose(
        (Evidence(stage="test", text=OOM), Evidence(stage="boot", text=CV2)),
        plan=plan(gpu="L4"),
    )
    assert found
    assert (found.stage, found.signature) == ("boot", "missing-module")


class TestLearned:
    """What has worked before is tried first."""

    FIX = LockPatch(changes=(AddPackage(requirement="opencv-contrib-python-headless"),), because="it worked before")

    def test_before_the_rule_that_follows_if_it_does_not_help(self):
        run = Run()
        run.learned = (LearnedFix(signature="missing-module", details="cv2", patch=self.FIX),)
        assert patched(run.fails(CV2)) == "add-package opencv-contrib-python-headless"
        assert patched(run.fails(CV2)) == "add-package opencv-python-headless"
        assert isinstance(run.fails(CV2), Ask)

    def test_only_for_what_it_is_about(self):
        run = Run()
        run.learned = (LearnedFix(signature="missing-module", details="yaml", patch=self.FIX),)
        assert patched(run.fails(CV2)) == "add-package opencv-python-headless"

    def test_for_a_failure_without_a_signature_by_its_last_error(self):
        text = "Traceback\nWobbleError: at 0x7f00 in /root/a/b.py line 12"
        again = "Traceback\nWobbleError: at 0x9a10 in /home/x.py line 99"
        mark = fingerprint([Evidence(stage="boot", text=text)])
        assert mark == fingerprint([Evidence(stage="boot", text=again)])
        run = Run()
        run.learned = (
            LearnedFix(
                signature="unmatched",
                details=mark,
                patch=LockPatch(
                    changes=(OverridePackage(requirement="wobble<2"),), because="wobble 2 has another face"
                ),
            ),
        )
        assert patched(run.fails(again)) == "override-package wobble<2"

    def test_one_that_can_no_longer_be_applied_is_passed_over(self):
        run = Run()
        gone = LockPatch.model_validate({"changes": [{"kind": "remove-pack", "name": "Gone"}], "because": "x"})
        run.learned = (LearnedFix(signature="missing-module", details="", patch=gone),)
        assert patched(run.fails(CV2)) == "add-package opencv-python-headless"


def test_a_diagnosis_survives_a_crash_as_json():
    for text, stage in ((CV2, "boot"), (OOM, "test"), ("Unauthorized: Please login first to use this node.", "test")):
        found = diagnose((Evidence(stage=stage, text=text),), plan=plan(gpu="L4"))
        assert found
        turn = Turn(attempt=1, lock="x", diagnosis=found)
        assert Turn.model_validate_json(turn.model_dump_json()) == turn


def test_every_kind_of_remedy_has_a_move():
    patch = LockPatch(changes=(SetGpu(gpu="H100"),), because="b")
    expected = {
        Apply: patch,
        Ask: Question(text="t", answer="a"),
        Wait: Transient(seconds=1),
        Stop: GiveUp(why="w"),
    }
    for kind, remedy in expected.items():
        found = Diagnosis(signature="s", cause="c", remedy=remedy, stage="test")
        assert isinstance(Run().goes_on(found), kind)
