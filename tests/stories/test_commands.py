"""What people command, and what they are answered."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.stories.people import pasted
from tests.stories.reading import read


def answers(people, number: int, count: int) -> list[str]:
    """Waits for so many of our comments; what they say."""
    people.until(lambda: len(people.bodies(number)) >= count)
    return [read(body) for body in people.bodies(number)]


def test_commands_are_answered_where_nothing_has_run(town):
    people = town.people(files={".github/flowberth.yml": "gpus: [L4]\nbudget_usd: 5\n"})
    issue = people.opens_issue("bob", title="How does this work?", body="I would like to know.")
    said = [
        "/deplyo",
        "/help",
        "/status",
        "/logs",
        "/cancel",
        "/retry",
        "/teardown",
        "/rollback",
        "/test",
        "/approve",
        "/deploy",
    ]
    found = {}
    for count, words in enumerate(said, 1):
        people.comments("bob", issue, words)
        found[words] = answers(people, issue, count)[-1]
    assert found == snapshot(
        {
            "/deplyo": """\
This was not understood, so nothing was done:

- `/deplyo`: there is no command /deplyo; did you mean `/deploy`?

`/help` lists all commands.
""",
            "/help": """\
| Command | What it does |
|---|---|
| `/deploy [--target modal\\|local] [--gpu GPU] [--budget USD] [--env preview\\|production]` | Deploy and test again: on a pull request what its branch has, on an issue the workflow in it. |
| `/test` | Deploy what the pull request's branch has to a preview and test it, with nothing else changed. |
| `/vary <input=values …>` | On a pull request: call its app with every combination of some values, such as `/vary seed=1..4 steps=20,30 cfg=5..7:0.5`, and show them side by side. |
| `/adopt <number>` | Make the values of a variation the app's defaults: a commit to its lock, deployed and tested. |
| `/status` | Say how the runs of this conversation stand, and what they have cost. |
| `/logs` | Show the last lines that the newest deployment printed. |
| `/cancel` | Stop what is going on here: the runs of this issue or pull request. |
| `/retry` | Start the last run again, as it was asked for. |
| `/fix <hint>` | Change the app by a hint that names a GPU, or that answers a question: a commit to its lock. |
| `/approve` | Let the workflow of somebody without write permission run, at the cost that was estimated. |
| `/rollback [version]` | On a pull request of the app: put the version before, or the one named, back into production. |
| `/teardown [--env preview\\|production]` | Stop the previews of this pull request or issue, or what a merged pull request has put into production. |
| `/kb <text>` | Look into the knowledge base: for what a workflow does, for a node, a model or an error. |
| `/help` | Show this list. |

Options of `/deploy`:

- `--target`: where to deploy (modal, local).
- `--gpu`: the GPU, instead of the smallest that holds the models (T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200).
- `--budget`: the most that this run may spend, in US dollars.
- `--env`: the environment; a preview unless said otherwise (preview, production).

Example: `/deploy --gpu L4 --budget 5`

Options of `/teardown`:

- `--env`: what is stopped; previews unless said otherwise (preview, production).

Example: `/teardown --env production`

Questions are answered with one line each:

```text
pack NodeClass = https://github.com/owner/repository
model checkpoints/file.safetensors = https://…
```

Commands are the first lines of a comment, one per line and at most 5.
They are carried out in their order; if one cannot be understood, none is.
They take write permission for this repository.
""",
            "/status": "There is no run for this yet. A workflow in the text of an issue starts one; `/help` says what else does.\n",
            "/logs": """\
That cannot be done: no deployment of this conversation has left a log.

`/help` lists what can.\
""",
            "/cancel": """\
That cannot be done: nothing is running here.

`/help` lists what can.\
""",
            "/retry": """\
That cannot be done: nothing has run here yet; /deploy starts a run.

`/help` lists what can.\
""",
            "/teardown": """\
That cannot be done: no preview is deployed for this conversation; on a merged pull request, /teardown --env production stops what it has put into production.

`/help` lists what can.\
""",
            "/rollback": """\
That cannot be done: an issue does not say which app; write /rollback on a pull request of it, open or merged.

`/help` lists what can.\
""",
            "/test": """\
That cannot be done: there is nothing to test on an issue; write /test on its pull request, or /deploy here.

`/help` lists what can.\
""",
            "/approve": """\
There is no workflow in this issue. Edit it, and put there one of these:

- the workflow as a file: a `.json`, a picture that ComfyUI has saved, or a `.zip` of them;
- its text, in a block of code;
- a link to a gist, or the path of a file in this repository.

In ComfyUI, *File → Export* saves the workflow.
""",
            "/deploy": """\
There is no workflow in this issue. Edit it, and put there one of these:

- the workflow as a file: a `.json`, a picture that ComfyUI has saved, or a `.zip` of them;
- its text, in a block of code;
- a link to a gist, or the path of a file in this repository.

In ComfyUI, *File → Export* saves the workflow.
""",
        }
    )

    people.comments("dave", issue, "/deploy")
    assert answers(people, issue, len(said) + 1)[-1] == snapshot(
        "dave, nothing was done: commands take write permission for this repository, and you have read permission. Somebody who has it can give the same command.\n"
    )
    people.site.roles["bob"] = "read"  # asked live: what was true of bob a moment ago is not any more
    people.comments("bob", issue, "/deploy")
    assert answers(people, issue, len(said) + 2)[-1].startswith("bob, nothing was done")
    people.site.roles["bob"] = "write"
    old = "an--old---login"
    town.forge.account(old)
    people.comments(old, issue, "/deploy")
    assert answers(people, issue, len(said) + 3)[-1].startswith(f"{old}, nothing was done")
    people.comments("bob", issue, "/status\n/test\n/help")
    assert answers(people, issue, len(said) + 6)[-3:] == [found["/status"], found["/test"], found["/help"]]
    people.comments("dave", issue, "I'd say /deploy, or not?")
    people.comments("dave", issue, "> /deploy\n\nNo.")

    other = people.opens_issue("bob", title="Tile", body="---\ngpu: H100\n---\n" + pasted())
    assert answers(people, other, 1) == snapshot(
        [
            """\
That cannot be done: H100 is not among the GPUs that .github/flowberth.yml allows: L4.

`/help` lists what can.\
"""
        ]
    )
    people.comments("bob", other, "/deploy --gpu L40S")
    answers(people, other, 2)
    people.comments("bob", other, "/deploy --target modal --gpu L4")
    assert answers(people, other, 3)[1:] == snapshot(
        [
            """\
That cannot be done: L40S is not among the GPUs that .github/flowberth.yml allows: L4.

`/help` lists what can.\
""",
            """\
That cannot be done: this server deploys to the target local only, and modal was asked for.

`/help` lists what can.\
""",
        ]
    )
    town.rests()
    assert town.runs(people) == []
    assert len(people.bodies(issue)) == len(said) + 6


@pytest.mark.long
def test_settings_that_cannot_be_used_are_told_in_the_issue_and_checked_on_the_pull_request(town):
    people = town.people(files={".github/flowberth.yml": "budgte: 5\ngpus: [L5]\n"})
    issue = people.opens_issue("bob")
    assert answers(people, issue, 1) == snapshot(
        [
            """\
### ✗ `.github/flowberth.yml` cannot be used

- line 1, `budgte`: there is no such setting; did you mean `budget_usd`?
- line 2, `gpus.0`: must be 'T4', 'L4', 'A10', 'L40S', 'A100-40GB', 'A100-80GB', 'RTX-PRO-6000', 'H100', 'H200' or 'B200'

Until it is put right, nothing is deployed from this repository.
"""
        ]
    )
    people.writes("bob", ".github/flowberth.yml", "budget_usd: five\n", branch="settings")
    pull = people.do("bob", "POST", "/pulls", title="Settings", head="settings", base="main")
    (check,) = people.until(lambda: people.checks(pull["head"]["sha"]))
    assert (check["name"], check["status"], check["conclusion"]) == snapshot(
        ("flowberth / settings", "completed", "failure")
    )
    assert [read(check["output"]["title"]), read(check["output"]["summary"])] == snapshot(
        [
            "The settings have 1 problem",
            """\
### ✗ `.github/flowberth.yml` cannot be used

- line 1, `budget_usd`: must be a number, without quotes

Until it is put right, nothing is deployed from this repository.
""",
        ]
    )
    notes = people.do("alice", "GET", f"/check-runs/{check['id']}/annotations")
    assert [(note["path"], note["start_line"], note["message"]) for note in notes] == snapshot(
        [(".github/flowberth.yml", 1, "line 1, budget_usd: must be a number, without quotes")]
    )

    sha = people.writes("bob", ".github/flowberth.yml", "budget_usd: 5\n", branch="settings")
    (check,) = people.until(lambda: people.checks(sha))
    assert [check["conclusion"], check["output"]["title"], check["output"]["summary"]] == snapshot(
        [
            "success",
            "The settings can be used",
            "They count as soon as they are on the default branch.",
        ]
    )
    people.do("alice", "PUT", f"/pulls/{pull['number']}/merge", merge_method="squash")
    people.do("bob", "PATCH", f"/issues/{issue}", title="Tile, please")
    people.sees_ready_pull()
    town.rests()
    assert [state for _, state, _ in town.runs(people)] == ["succeeded"]
    # What was wrong is not wrong any more, and nobody should go on reading of it.
    assert [body.splitlines()[0] for body in map(read, people.bodies(issue))] == snapshot(
        ["### ✓ `tile-please` is ready for review"]
    )


def test_what_is_asked_of_a_pull_request(town):
    people = town.people()
    issue = people.opens_issue("bob", body=pasted())
    pull = people.sees_ready_pull()
    number, sha = pull["number"], pull["head"]["sha"]
    town.rests()
    subjects = [
        one["commit"]["message"].partition("\n")[0] for one in people.do("bob", "GET", f"/pulls/{number}/commits")
    ]
    assert subjects == snapshot(
        [
            "Vendor the Flowberth runtime 1.2.0",
            "Add tile: generated app",
            "Test tile: report, sample and knowledge-base entry",
        ]
    )
    assert read(pull["body"]) == snapshot("""\
> [!WARNING]
> **Simulated.** The stand-in engine answered, not ComfyUI: whatever needs a model is SIMULATED, and so are times and costs. This shows that the app and its interface work, not that the workflow does, and does not count as a deployment that worked.

<img alt="What the test run made" src="https://github.com/acme/site/blob/COMMIT/apps/modal/tile/sample.png?raw=true" width="64"><br><sub>What the test run made: 64 × 48</sub>

○ **Simulated: 10 of 10 tests passed on the stand-in for ComfyUI.** A call takes N s and costs $0.0… (estimate); the first, which wakes it up, N s more.

The ComfyUI workflow `Tile` as an HTTP endpoint, in [`apps/modal/tile/`](https://github.com/acme/site/blob/COMMIT/apps/modal/tile/).

### How to call it

```sh
curl --fail-with-body "$ENDPOINT/generate" \\
  --header "Modal-Key: $MODAL_KEY" \\
  --header "Modal-Secret: $MODAL_SECRET" \\
  --header "Content-Type: application/json" \\
  --data @- <<'BODY'
{
  "width": 64,
  "height": 48
}
BODY
```

`$ENDPOINT` is where it serves: the comment of the run says so, or `flowberth up --keep`. Key and secret are a [proxy token](https://modal.com/settings/proxy-auth-tokens) of the Modal workspace; on the local target none is asked for.

It answers with `image` (image), and with what the call has cost.

<details><summary>All 2 inputs</summary>

| input | kind | if left out | limits |
|---|---|---|---|
| `width` | integer | `64` | at least 1, at most 16384 |
| `height` | integer | `48` | at least 1, at most 16384 |

</details>

### Tests: 10 of 10 passed

<details><summary>Each test, and what was seen</summary>

| | test | time | what was seen |
|---|---|---|---|
| ✓ | health | N s | stand-in engine 0.3.64 |
| ✓ | root | N s | tile, 5 links |
| ✓ | schema | N s | 2 inputs |
| ✓ | bad input | N s | 5 wrong requests refused |
| ✓ | generate | N s | 1 output in N s, and N s to start before |
| ✓ | output validity | N s | image: PNG 64 × 48 |
| ✓ | response time | N s | N s warm with another width |
| ✓ | cost headers | N s | $0.0… for N s on none |
| ✓ | two at once | N s | N s for both |
| ✓ | quality | N s | image: N of 10, the same seed gives the same again, byte for byte |

Made over HTTP on the local target, DATE.

</details>

### Cost: $0.0… a call

```text
a call        $0.0…  █
a cold start  $0.0…  █
N s idle     $0.0…  █
```

Estimates: seconds × $0.0…. A thousand calls in a row cost about $N, a thousand that each wake it up $N.

<details><summary>How these are worked out</summary>

| | US dollars | |
|---|---|---|
| a call | $0.0… | estimate: N s at $0.0… a second |
| a cold start | $0.0… | estimate: N s at the same price |
| idle after the last call | $0.0… | estimate: N s, then it stops |

It runs on no GPU, 2 cores, 4 GiB, $0.0… a second: no node loads a model, so no GPU is needed.

</details>

This run has spent nothing: it was tested on the local target.

### Quality: N of 10

```text
image  N of 10  █
```

<details><summary>Each measure, with what was found</summary>

| | output | measure | value | score | what was found |
|---|---|---|---|---|---|
| ✓ | `image` | … |

Measured on the output of the sample call; scores from 0 to 10, by [these formulas](https://github.com/flowberth/flowberth/blob/main/docs/quality.md).

</details>

### Pinned: ComfyUI 0.3.64

<details><summary>Every pin, its licence and where it comes from</summary>

ComfyUI 0.3.64 (the oldest that ships has everything) on Python 3.12, with packages as they were on 2025-10-22.

</details>

### What is unknown

- Whether the workflow works: no ComfyUI has run it.
- What it takes on Modal: times were measured on the machine that tested it, and costs are those times at Modal's prices.

---

<sub>Run `run_ID`, attempt 1 · [report](https://github.com/acme/site/blob/COMMIT/apps/modal/tile/report.json) · [lock](https://github.com/acme/site/blob/COMMIT/apps/modal/tile/app.lock.json) · [knowledge base](https://github.com/acme/site/blob/COMMIT/docs/knowledge-base/workflows/patterns/tile.md)</sub>

Closes #1.
""")
    (check,) = town.forge.repo(people.full_name).checks(sha)
    assert [read(check.title), read(check.summary), read(check.text)] == snapshot(
        [
            "Simulated: tile is ready for review",
            """\
> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

<details><summary>11 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Look up models and packs, N s
- ✓ Open a branch, N s
- ✓ Write the app, N s
- ✓ Open the draft, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Write it up, N s
- ✓ Bring the pull request up to date, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 2](https://github.com/acme/site/pull/2) · [Endpoint](http://127.0.0.1:PORT)

Run `run_ID`.
""",
            """\
## Tests

| | test | time | what was seen |
|---|---|---|---|
| ✓ | health | N s | stand-in engine 0.3.64 |
| ✓ | root | N s | tile, 5 links |
| ✓ | schema | N s | 2 inputs |
| ✓ | bad input | N s | 5 wrong requests refused |
| ✓ | generate | N s | 1 output in N s, and N s to start before |
| ✓ | output validity | N s | image: PNG 64 × 48 |
| ✓ | response time | N s | N s warm with another width |
| ✓ | cost headers | N s | $0.0… for N s on none |
| ✓ | two at once | N s | N s for both |
| ✓ | quality | N s | image: N of 10, the same seed gives the same again, byte for byte |
""",
        ]
    )

    people.comments("bob", number, "/status")
    assert answers(people, number, 1)[0] == snapshot("""\
| app | state | attempt | spent | |
|---|---|---|---|---|
| `tile` | ✓ is ready for review | 1 of 10 | nothing is spent on the local target | [Pull request 2](https://github.com/acme/site/pull/2) · [Endpoint](http://127.0.0.1:PORT) |
""")
    people.comments("bob", number, "/logs")
    assert answers(people, number, 2)[1].startswith("What `tile` printed last in run `run_ID`")
    people.comments("carol", number, "/deploy")
    assert answers(people, number, 3)[2] == snapshot(
        "carol, nothing was done: commands take write permission for this repository, and you have triage permission. Somebody who has it can give the same command.\n"
    )
    found = {}
    for count, words in enumerate(("/fix make it faster", "/deploy --env production", "/rollback", "/approve"), 4):
        people.comments("bob", number, words)
        found[words] = answers(people, number, count)[-1]
    assert found == snapshot(
        {
            "/fix make it faster": """\
That hint names nothing that can be changed. `/fix` takes the name of a GPU (`/fix L4`), or an answer:

```text
pack NodeClass = https://github.com/owner/repository
model folder/file = https://…
```

Anything else is changed in `app.lock.json` on the branch; a push there is deployed and tested again.\
""",
            "/deploy --env production": """\
That cannot be done: only what is merged goes to production; merge the pull request, and it is deployed.

`/help` lists what can.\
""",
            "/rollback": """\
That cannot be done: tile has no earlier version to go back to; in production there was nothing yet.

`/help` lists what can.\
""",
            "/approve": """\
That cannot be done: /approve is for workflows in issues; a pull request is approved with a review.

`/help` lists what can.\
""",
        }
    )

    # Buttons of the check, and a review.
    town.forge.press(people.full_name, check, "rerun", by="dave")
    town.rests()
    assert len(town.runs(people)) == 1
    people.do("bob", "POST", f"/check-runs/{check.id}/rerequest")
    people.until(lambda: len(town.runs(people)) == 2)
    running = people.until(lambda: next((one for one in people.now() if one.status == "in_progress"), None))
    town.forge.press(people.full_name, running, "cancel", by="dave")
    town.forge.press(people.full_name, running, "cancel", by="bob")
    town.rests()
    assert town.runs(people)[1] == snapshot(("tile", "cancelled", "cancelled by bob"))
    people.do("alice", "POST", f"/pulls/{number}/reviews", event="REQUEST_CHANGES", body="Too slow.\n\n/fix L4")
    people.until(lambda: len(town.runs(people)) == 3)
    town.rests()
    assert town.runs(people)[2][:2] == ("tile", "succeeded")
    lock = people.file("apps/modal/tile/app.lock.json", "flowberth/tile")
    assert lock["hardware"]["gpu"] == "L4"
    last = people.do("bob", "GET", f"/pulls/{number}/commits")[-1]["commit"]["message"]
    assert last.partition("\n")[0] == "Test tile: report, sample and knowledge-base entry"

    people.comments("bob", number, "/teardown")
    people.until(lambda: [one[1] for one in people.deployments()] == ["inactive"] * len(people.deployments()))
    people.comments("bob", number, "/teardown")
    town.rests()
    told, *others = [read(body) for body in people.bodies(number)[7:]]
    assert told.startswith("### ■ `tile` was cancelled\n")
    assert "\nCancelled by bob.\n\n`/retry` begins it again.\n" in told
    assert others == snapshot(
        [
            """\
### ✓ `tile` is ready again

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

What it had deployed is stopped.

<details><summary>11 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Look up models and packs, N s
- ✓ Open a branch, N s
- ✓ Write the app, N s
- ✓ Open the draft, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Write it up, N s
- ✓ Bring the pull request up to date, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 2](https://github.com/acme/site/pull/2)

There is something to look at in the pull request: 1 note.

<sub>Run `run_ID` of `Tile`, asked for by alice. `/help` lists what you can ask for.</sub>
""",
            """\
That cannot be done: no preview is deployed for this conversation; on a merged pull request, /teardown --env production stops what it has put into production.

`/help` lists what can.\
""",
        ]
    )
    assert [read(body) for body in people.bodies(issue)] == snapshot(
        [
            """\
### ✓ `tile` is ready for review

> **Simulated.** The stand-in engine answered, not ComfyUI: this shows that the app works, not that the workflow does.

**10 of 10 tests passed**; a call costs $0.0… (estimate).

What it had deployed is stopped.

<details><summary>11 steps, N s</summary>

- ✓ Read the workflow, N s
- ✓ Look up models and packs, N s
- ✓ Open a branch, N s
- ✓ Write the app, N s
- ✓ Open the draft, N s
- ✓ Deploy, N s
- ✓ Look without a GPU, N s
- ✓ Test, N s
- ✓ Write it up, N s
- ✓ Bring the pull request up to date, N s
- ✓ Clean up, N s

</details>

Attempt 1 of 10 · nothing is spent on the local target · [Pull request 2](https://github.com/acme/site/pull/2)

<sub>Run `run_ID` of `Tile`, asked for by bob. `/help` lists what you can ask for.</sub>
"""
        ]
    )
