"""What people read on GitHub of a run, whole; and that nothing of what strangers wrote becomes more than words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.model import Finding, Question
from codegen.parse import parse_workflow
from codegen.plan import make_plan, questions
from github_app.commands.answers import is_answer, read_answer
from github_app.commands.grammar import CommandError
from github_app.repository_settings import Problem
from github_app.submissions.model import Unreadable
from github_app.telling import pages
from github_app.telling.pages import SetUp
from github_app.telling.pages.page import MAX_BODY
from github_app.telling.view import RunView, ShownState
from runner.model import Cost, PullRequestRef, RunId, StepName, StepProgress, TestResult
from tests.documents.test_documents import HOSTILE, active

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PULL = PullRequestRef(number=12, title="Add poster", url="https://github.com/owner/name/pull/12")
STATES: tuple[ShownState, ...] = get_args(ShownState)
LOCK = """{
  "comfyui": {"version": "0.3.64"},
  "models": [
    {
      "file": "sd15.safetensors",
      "folder": "checkpoints"
    }
  ],
  "packs": [
    {
      "repository": "https://github.com/stranger/odd-nodes"
    }
  ]
}
"""


def done(*names: StepName, last: StepProgress | None = None) -> tuple[StepProgress, ...]:
    steps = tuple(
        StepProgress(step=name, began_at=NOON + timedelta(seconds=3 * index), seconds=0.3 + 4 * index)
        for index, name in enumerate(names)
    )
    return (*steps, last) if last else steps


def under_way(step: StepName, detail: str | None = None) -> StepProgress:
    return StepProgress(step=step, began_at=NOON, detail=detail)


def view(state: ShownState, **more: Any) -> RunView:
    facts: dict[str, Any] = {
        "id": RunId("run_abcdefghij0123456789"),
        "number": 7,
        "kind": "propose",
        "name": "poster",
        "title": "Poster of a lighthouse",
        "filename": "poster.json",
        "budget_usd": 20.0,
        "requester": "octocat",
        "created_at": NOON,
    }
    return RunView(state=state, **(facts | more))


MISSING = Question(
    about="model",
    name="checkpoints/sd15.safetensors",
    text="Where can sd15.safetensors (checkpoints) be downloaded?",
    example_answer="model checkpoints/sd15.safetensors = https://…",
)
PASSED = TestResult(name="health", passed=True, seconds=0.011, detail="ComfyUI 0.33.0")
FAILED = TestResult(name="two at once", passed=False, seconds=2.5, detail="both callers got the same job")
FINDINGS = (
    Finding(
        code="unknown-model-url",
        severity="warning",
        message="nothing says where sd15.safetensors (checkpoints) can be downloaded",
        node="1",
        hint="add its url to app.lock.json",
        questions=(MISSING,),
    ),
    Finding(code="archived-pack", severity="warning", message="https://github.com/stranger/odd-nodes is archived"),
    Finding(code="offline", severity="info", message="nothing was looked up"),
)
PRICE = Cost(usd=0.001995, basis="estimate", execution_seconds=3.0, usd_per_second=0.000665)


class TestSticky:
    def test_queued(self) -> None:
        assert pages.sticky(view("queued", queued_ahead=2)) == snapshot("""\
### ○ `poster` waits for its turn

2 runs are before it.

- ○ Read the workflow
- ○ Look up models and packs
- ○ Open a branch
- ○ Write the app
- ○ Open the draft
- ○ Deploy
- ○ Look without a GPU
- ○ Test
- ○ Write it up
- ○ Bring the pull request up to date
- ○ Clean up

Attempt 1 of 10 · nothing is spent on the local target

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_running(self) -> None:
        shown = view(
            "running",
            steps=done("analyse", "resolve", "branch", "render", "draft", last=under_way("deploy", "ComfyUI starts")),
            target="modal",
            spent_usd=0.0123,
            pull=PULL,
            check_url="https://github.com/owner/name/runs/5",
        )
        assert pages.sticky(shown) == snapshot("""\
### ▶ `poster` is under way: deploy

- ✓ Read the workflow, 0.3 s
- ✓ Look up models and packs, 4.3 s
- ✓ Open a branch, 8.3 s
- ✓ Write the app, 12 s
- ✓ Open the draft, 16 s
- ▶ **Deploy**: ComfyUI starts
- ○ Look without a GPU
- ○ Test
- ○ Write it up
- ○ Bring the pull request up to date
- ○ Clean up

Attempt 1 of 10 · $0.01 of $20.00 spent (estimate) · [Pull request 12](https://github.com/owner/name/pull/12) · [Check](https://github.com/owner/name/runs/5)

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_waiting_for_approval(self) -> None:
        assert pages.sticky(view("waiting", estimate_usd=0.84)) == snapshot("""\
### ○ `poster` waits for approval

Somebody with write permission has to answer `/approve`. It would cost $0.84 at most.

- ○ Read the workflow
- ○ Look up models and packs
- ○ Open a branch
- ○ Write the app
- ○ Open the draft
- ○ Deploy
- ○ Look without a GPU
- ○ Test
- ○ Write it up
- ○ Bring the pull request up to date
- ○ Clean up

Attempt 1 of 10 · nothing is spent on the local target

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_put_away_until_github_is_patient_again(self) -> None:
        text = pages.sticky(view("waiting", put_away_until=NOON + timedelta(minutes=2)))
        assert "GitHub asks for patience; it goes on by itself at 12:02:00 UTC." in text
        assert "/approve" not in text

    def test_needs_input(self) -> None:
        shown = view(
            "needs-input",
            steps=done("analyse", last=under_way("resolve")),
            reason="The workflow leaves open where a model comes from.",
            questions=(MISSING,),
        )
        assert pages.sticky(shown) == snapshot("""\
### ? `poster` needs an answer

- ✓ Read the workflow, 0.3 s
- ✗ Look up models and packs

Attempt 1 of 10 · nothing is spent on the local target

The workflow leaves open where a model comes from.

**It cannot go on without an answer**

- Where can sd15.safetensors (checkpoints) be downloaded?

Answer in a comment with a line for each, completed:

```
model checkpoints/sd15.safetensors = https://…
```

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_ready(self) -> None:
        shown = view(
            "ready",
            steps=done(
                "analyse", "resolve", "branch", "render", "draft", "deploy", "test", "document", "propose", "finish"
            ),
            target="modal",
            spent_usd=0.184,
            pull=PULL,
            endpoint="https://owner--poster-web.modal.run",
            tests=(PASSED, PASSED),
            cost=PRICE,
            findings=FINDINGS,
        )
        assert pages.sticky(shown) == snapshot("""\
### ✓ `poster` is ready for review

**2 of 2 tests passed**; a call costs $0.001995 (estimate).

<details><summary>10 steps, 3 min 3 s</summary>

- ✓ Read the workflow, 0.3 s
- ✓ Look up models and packs, 4.3 s
- ✓ Open a branch, 8.3 s
- ✓ Write the app, 12 s
- ✓ Open the draft, 16 s
- ✓ Deploy, 20 s
- ✓ Test, 24 s
- ✓ Write it up, 28 s
- ✓ Bring the pull request up to date, 32 s
- ✓ Clean up, 36 s

</details>

Attempt 1 of 10 · $0.18 of $20.00 spent (estimate) · [Pull request 12](https://github.com/owner/name/pull/12) · [Endpoint](https://owner--poster-web.modal.run)

There is something to look at in the pull request: 2 warnings, 1 note.

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_failed(self) -> None:
        shown = view(
            "failed",
            steps=done("analyse", "resolve", "branch", "render", "draft", last=under_way("deploy")),
            target="modal",
            spent_usd=0.05,
            pull=PULL,
            reason="ComfyUI did not start: no module named einops.\n\nTraceback\n```\nModuleNotFoundError\n```\n@octocat",
        )
        assert pages.sticky(shown) == snapshot("""\
### ✗ `poster` failed at: deploy

- ✓ Read the workflow, 0.3 s
- ✓ Look up models and packs, 4.3 s
- ✓ Open a branch, 8.3 s
- ✓ Write the app, 12 s
- ✓ Open the draft, 16 s
- ✗ Deploy

Attempt 1 of 10 · $0.05 of $20.00 spent (estimate) · [Pull request 12](https://github.com/owner/name/pull/12)

ComfyUI did not start: no module named einops.

<details><summary>All that is known of it</summary>

````
ComfyUI did not start: no module named einops.

Traceback
```
ModuleNotFoundError
```
@octocat
````

</details>

What you can do: `/logs` shows what the app printed last, `/retry` tries again. If the workflow has to change, push the change to the branch; that starts a new run.

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    def test_failed_tests_are_named(self) -> None:
        assert "**1 of 2 tests passed**:\n\n- two at once: both callers" in pages.sticky(
            view("failed", tests=(PASSED, FAILED))
        )

    def test_cancelled_and_superseded(self) -> None:
        assert pages.sticky(view("cancelled", reason="octocat asked for it.")) == snapshot("""\
### ■ `poster` was cancelled

Attempt 1 of 10 · nothing is spent on the local target

Octocat asked for it.

`/retry` begins it again.

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")
        assert pages.sticky(view("superseded", superseded_by=9)) == snapshot("""\
### » `poster` gave way to a newer run

A newer run of the same app, number 9, has taken its place.

Attempt 1 of 10 · nothing is spent on the local target

<sub>Run `run_abcdefghij0123456789` of `Poster of a lighthouse`, asked for by octocat. `/help` lists what you can ask for.</sub>
""")

    @pytest.mark.parametrize(("kind", "words"), [("redeploy", "is ready again"), ("production", "is in production")])
    def test_the_end_says_what_it_was_for(self, kind: str, words: str) -> None:
        assert pages.sticky(view("ready", kind=kind, endpoint="https://poster.example")).startswith(
            f"### ✓ `poster` {words}\n"
        )

    def test_a_simulated_success_says_so(self) -> None:
        shown = view("ready", engine="stand-in", tests=(PASSED,))
        assert "> **Simulated.**" in pages.sticky(shown)
        assert pages.check(shown).title == "Simulated: poster is ready for review"

    def test_production_takes_its_own_steps(self) -> None:
        shown = view("running", kind="production", planned=("branch", "deploy"), steps=done("branch"))
        assert [each for each in pages.sticky(shown).splitlines() if each.startswith("- ")] == [
            "- ✓ Check out the commit, 0.3 s",
            "- ○ Deploy",
        ]


class TestCheck:
    def test_running(self) -> None:
        found = pages.check(view("running", steps=done("analyse", last=under_way("resolve"))))
        assert (found.status, found.conclusion, found.title) == (
            "in_progress",
            None,
            "poster is under way: look up models and packs",
        )
        assert [each.identifier for each in found.actions] == [pages.CANCEL]
        assert found.text is None

    def test_ready_with_the_report_and_findings_on_the_locks_lines(self) -> None:
        found = pages.check(view("ready", tests=(PASSED,), findings=FINDINGS, lock=LOCK, cost=PRICE))
        assert (found.status, found.conclusion) == ("completed", "success")
        assert [(each.start_line, each.level, each.title) for each in found.annotations] == [
            (5, "warning", "unknown-model-url"),
            (11, "warning", "archived-pack"),
            (1, "notice", "offline"),
        ]
        assert {each.path for each in found.annotations} == {"apps/modal/poster/app.lock.json"}
        assert found.annotations[0].message == (
            "nothing says where sd15.safetensors (checkpoints) can be downloaded\n"
            "What to do: add its url to app.lock.json"
        )
        assert found.summary == snapshot("""\
**1 of 1 tests passed**; a call costs $0.001995 (estimate).

What it had deployed is stopped.

Attempt 1 of 10 · nothing is spent on the local target

There is something to look at in the pull request: 2 warnings, 1 note.

Run `run_abcdefghij0123456789`.
""")
        assert found.text == snapshot("""\
## Tests

| | test | time | what was seen |
|---|---|---|---|
| ✓ | health | 0.01 s | ComfyUI 0.33.0 |

## What to look at

- **warning** at node `1`: nothing says where sd15.safetensors (checkpoints) can be downloaded; add its url to app.lock.json
- **warning**: https:\u200b//github.com/stranger/odd-nodes is archived
- **info**: nothing was looked up
""")

    @pytest.mark.parametrize("state", STATES)
    def test_it_has_a_conclusion_exactly_when_it_is_completed(self, state: ShownState) -> None:
        found = pages.check(view(state))
        assert (found.conclusion is not None) == (found.status == "completed")
        assert len(found.actions) <= 3
        for action in found.actions:
            assert len(action.label) <= 20
            assert len(action.description) <= 40
            assert len(action.identifier) <= 20

    def test_only_what_went_well_lets_a_commit_be_merged(self) -> None:
        passing = {
            state for state in STATES if pages.check(view(state)).conclusion in {"success", "neutral", "skipped"}
        }
        assert passing == {"ready"}

    @pytest.mark.parametrize("lock", ["", "no json", "[]", '{"models": 5, "packs": [7]}'])
    def test_a_lock_that_is_none_takes_no_annotation_or_the_first_line(self, lock: str) -> None:
        assert {each.start_line for each in pages.check(view("ready", findings=FINDINGS, lock=lock)).annotations} <= {1}


def plan_of_a_stranger() -> Any:
    prompt = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "2": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }
    return make_plan(parse_workflow(json.dumps(prompt).encode(), filename="poster.json"), filename="poster.json")


class TestReplies:
    def test_outsider(self) -> None:
        text = pages.outsider(plan_of_a_stranger(), requester="stranger", estimate_usd=0.84, budget_usd=20.0)
        assert text == snapshot("""\
### ○ `poster` waits for approval

Thank you, stranger. You have no write permission here, so nothing runs before a maintainer has looked at it.

**For maintainers:** answer `/approve` to deploy and test it. On Modal an attempt would cost $0.84 at most (estimate); on the local target nothing is spent. The whole run stays below $20.00. Close the issue if it is not wanted.

| | |
|---|---|
| Workflow | `Poster`, 3 nodes |
| ComfyUI | 0.3.64 |
| Hardware | T4, $0.000243 a second |
| Code of others | none |
| Models | 1 |

It has open questions, too:

- Where can sd15.safetensors (checkpoints) be downloaded?

Answer in a comment with a line for each, completed:

```
model checkpoints/sd15.safetensors = https://…
```
""")

    def test_unreadable(self) -> None:
        found = Unreadable(
            what="poster.json",
            kind="missing",
            why="GitHub gives attachments of private repositories to nobody but people",
            way_out="Paste the text of the file into the issue.",
        )
        assert pages.unreadable([found], ["GPU: T5 is no GPU"]) == snapshot("""\
This could not be read:

- `poster.json`: GitHub gives attachments of private repositories to nobody but people. Paste the text of the file into the issue.

This was not understood:

- GPU: T5 is no GPU

Edit the issue, and it is read again. What always works is the workflow itself in a block of code:

````markdown
```json
{ …the workflow… }
```
````
""")

    def test_nothing_found(self) -> None:
        assert pages.nothing_found() == snapshot("""\
There is no workflow in this issue. Edit it, and put there one of these:

- the workflow as a file: a `.json`, a picture that ComfyUI has saved, or a `.zip` of them;
- its text, in a block of code;
- a link to a gist, or the path of a file in this repository.

In ComfyUI, *File → Export* saves the workflow.
""")
        assert "though the form was used" in pages.nothing_found(is_form=True)

    def test_command_refused(self) -> None:
        error = CommandError(
            line="/deplyo --gpu T4", message="there is no command deplyo", suggestion="/deploy --gpu T4"
        )
        assert pages.command_refused([error]) == snapshot("""\
This was not understood, so nothing was done:

- `/deplyo --gpu T4`: there is no command deplyo; did you mean `/deploy --gpu T4`?

`/help` lists all commands.
""")

    def test_permission_and_forks_are_refused_kindly(self) -> None:
        assert pages.permission_refused("stranger", has="read") == snapshot(
            "stranger, nothing was done: commands take write permission for this repository, and you have read permission. Somebody who has it can give the same command.\n"
        )
        assert pages.fork_refused("stranger:patch-1") == snapshot(
            "This pull request comes from a fork, `stranger:patch-1`, and what is in a fork is not deployed: it would run with this repository's account and keys. Thank you nevertheless. A maintainer who wants it can push its commits to a branch of this repository; or open an issue with the workflow, which a maintainer can approve.\n"
        )

    def test_settings_invalid(self) -> None:
        problems = [
            Problem(line=3, field="auto_merge.when", message="must be never or when-green", suggestion="when-green"),
            Problem(line=1, field="", message="is no mapping"),
        ]
        assert pages.settings_invalid(problems) == snapshot("""\
### ✗ `.github/flowberth.yml` cannot be used

- line 3, `auto_merge.when`: must be never or when-green; did you mean `when-green`?
- line 1: is no mapping

Until it is put right, nothing is deployed from this repository.
""")

    def test_welcome(self) -> None:
        text = pages.welcome(
            "owner/name",
            [
                SetUp(name="Permissions", ok=True, detail="all that are needed"),
                SetUp(name="Modal", ok=False, detail="no token; set MODAL_TOKEN_ID"),
            ],
            budget_usd=20.0,
            target="modal",
            new_issue_url="https://github.com/owner/name/issues/new?template=deploy-a-workflow.yml",
        )
        assert text == snapshot("""\
Flowberth turns ComfyUI workflows into reviewed, tested, priced endpoints of `owner/name`. Something is still to be done:

| | | |
|---|---|---|
| ✓ | Permissions | all that are needed |
| ✗ | Modal | no token; set MODAL\\_TOKEN\\_ID |

## How it goes

1. [Open an issue](https://github.com/owner/name/issues/new?template=deploy-a-workflow.yml) with a workflow: a file, a block of code, a gist or a path in this repository.
2. A pull request comes back: an app, deployed to `modal`, tested, with what a call costs.
3. Review it and merge it, and it is in production. `/deploy` in a comment deploys what you have changed.

A run stays below $20.00, unless `.github/flowberth.yml` says otherwise; nothing is spent on the local target. Only people with write permission can start one; others wait for your `/approve`.

Close this issue when you have read it. `/help` in a comment lists all commands.
""")

    def test_status(self) -> None:
        views = [
            view("ready", number=3, pull=PULL, target="modal", spent_usd=0.2),
            view("running", number=7, steps=done("analyse", last=under_way("resolve"))),
        ]
        assert pages.status(views) == snapshot("""\
| app | state | attempt | spent | |
|---|---|---|---|---|
| `poster` | ▶ is under way: look up models and packs | 1 of 10 | nothing is spent on the local target |  |
| `poster` | ✓ is ready for review | 1 of 10 | $0.20 of $20.00 spent (estimate) | [Pull request 12](https://github.com/owner/name/pull/12) |

- ✓ Read the workflow, 0.3 s
- ▶ **Look up models and packs**
- ○ Open a branch
- ○ Write the app
- ○ Open the draft
- ○ Deploy
- ○ Look without a GPU
- ○ Test
- ○ Write it up
- ○ Bring the pull request up to date
- ○ Clean up
""")
        assert pages.status([]).startswith("There is no run for this yet.")

    def test_logs(self) -> None:
        assert pages.logs(view("failed"), "Starting\n```\n@octocat #1\n\x1b[31mno module\x1b[0m\n") == snapshot("""\
What `poster` printed last in run `run_abcdefghij0123456789`:

<details open><summary>Log</summary>

````
Starting
```
@octocat #1
no module
````

</details>
""")
        assert pages.logs(view("failed"), " \n") == snapshot(
            "`poster` has printed nothing in run `run_abcdefghij0123456789`, or it is not there any more.\n"
        )
        long = pages.logs(view("failed"), "x" * 99_999 + "the end")
        assert "the end" in long
        assert "earlier lines are left out" in long
        assert len(long) < MAX_BODY


def hostile_view(text: str, state: ShownState) -> RunView:
    finding = Finding(code="x", severity="error", message=text, node=text, hint=text)
    question = Question(about="pack", name=text, text=text, example_answer=f"pack {text} = https://…")
    return view(
        state,
        name="poster",
        title=text,
        filename=text,
        requester=text,
        reason=text,
        steps=done("analyse", last=under_way("resolve", text)),
        questions=(question,) * 99,
        findings=(finding,) * 99,
        tests=(TestResult(name=text, passed=False, seconds=1.0, detail=text),) * 99,
        pull=PullRequestRef(number=1, title=text, url=f"javascript:{text}"),
        endpoint=text,
        lock=LOCK,
    )


def every_page(text: str) -> list[str]:
    shown = [hostile_view(text, state) for state in STATES]
    checks = [pages.check(each) for each in shown]
    return [
        *map(pages.sticky, shown),
        *(each.summary for each in checks),
        *(each.text or "" for each in checks),
        pages.status(shown),
        pages.logs(shown[0], text),
        pages.unreadable([Unreadable(what=text, kind="missing", why=text, way_out=text)] * 99, [text] * 99),
        pages.command_refused([CommandError(line=text, message=text, suggestion=text)]),
        pages.permission_refused(text, wanted=text, has=text),
        pages.fork_refused(text),
        pages.settings_invalid([Problem(line=1, field=text, message=text, suggestion=text)] * 99),
        pages.welcome(text, [SetUp(name=text, ok=False, detail=text)], budget_usd=1, target=text, new_issue_url=text),
        pages.outsider(plan_of_a_stranger(), requester=text, estimate_usd=1, budget_usd=1),
    ]


@pytest.mark.parametrize(
    "text", [HOSTILE, HOSTILE * 40, "\n".join(["</details>", "```", "````", "# x", "@octocat"] * 9)]
)
def test_words_of_strangers_stay_words(text: str) -> None:
    for page in every_page(text):
        found = active(page)
        assert found["html"] == set(), page
        assert found["image"] == set()
        assert found["link"] == set()
        assert len(page.encode()) < MAX_BODY
        assert not {"\x1b", "\u202e"} & set(page)


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_pages(text: str) -> None:
    for page in every_page(text):
        assert active(page)["html"] == set()


def test_the_lines_that_we_ask_for_are_the_lines_that_we_read() -> None:
    odd = ["Frob (stranger)", "'Frob'", '"x', "a = b", "`tick`", "Sharpen+", "süß 🦊", "pack x = y", "<b>"]
    nodes: dict[str, Any] = {str(n): {"class_type": kind, "inputs": {}} for n, kind in enumerate(odd)}
    nodes["l"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "my models/it's = 1.safetensors"}}
    nodes["s"] = {"class_type": "SaveImage", "inputs": {"images": ["0", 0], "filename_prefix": "x"}}
    asked = questions(make_plan(parse_workflow(json.dumps(nodes).encode(), filename="x.json"), filename="x.json"))
    assert {each.name for each in asked} == {*odd, "checkpoints/my models/it's = 1.safetensors"}
    for question in asked:
        line = question.example_answer.replace("https://github.com/owner/repository", "https://github.com/a/b")
        line = line.replace("https://…", "https://models.example/x")
        assert is_answer(line)
        answer = read_answer(line)
        assert (answer.about, answer.name) == (question.about, question.name)
