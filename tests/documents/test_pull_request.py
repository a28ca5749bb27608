"""Whole bodies of pull requests: of an app with packs and gated models, and the draft that comes before."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from inline_snapshot import snapshot

from codegen.answers import read_answers
from codegen.facts import Facts, ModelFacts, PackFacts
from codegen.lock import InputOverride
from codegen.model import Finding
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from runner import documents
from runner.budget.model import Line, RunMoney
from runner.documents.markdown import block
from runner.documents.pull_request import MAX_BODY
from runner.documents.spending import nothing_yet
from runner.forecast import Earlier, Forecast
from runner.model import Attempt, Measure, Opinion, OutputQuality, RunId, TestResult
from tests.documents.test_documents import HOSTILE, PICTURE, Forge, active, node, report

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STRANGER = "https://github.com/stranger/odd-nodes"
MODEL = "https://huggingface.co/big-lab/lighthouse/resolve/main/lighthouse.safetensors"


class GithubForge(Forge):
    """As pictures are named on GitHub."""

    def picture_url(self, *, head: str, path: str) -> str:
        return f"https://github.com/owner/name/raw/{head}/{path}"


def harbour(*, answered: bool) -> Plan:
    prompt = {
        "1": node("CheckpointLoaderSimple", ckpt_name="lighthouse.safetensors"),
        "2": node("Frob (stranger)", image=["3", 0]),
        "3": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "4": node("SaveImage", images=["2", 0], filename_prefix="x"),
    }
    given = [
        ("pack", "Frob (stranger)", f"{STRANGER}@{COMMIT}"),
        ("model", "checkpoints/lighthouse.safetensors", MODEL),
    ]
    facts = Facts(
        models=(ModelFacts(url=MODEL, state="gated", bytes=6_938_040_682, sha256="ab" * 32, licence="openrail++"),),
        packs=(PackFacts(repository=STRANGER, commit=COMMIT, commit_of=COMMIT, archived=True, licence="GPL-3.0"),),
    )
    return make_plan(
        parse_workflow(json.dumps(prompt).encode(), filename="harbour.json"),
        filename="harbour.json",
        facts=facts if answered else Facts(),
        answers=read_answers(given if answered else []),
    )


def test_everything_of_an_app_with_packs_and_a_gated_model() -> None:
    title, body = documents.pull_request(
        harbour(answered=True),
        report(),
        None,
        GithubForge(),
        updates=True,
        closes=12,
        attempts=(
            Attempt(number=1, commit=COMMIT, outcome="ComfyUI could not import odd-nodes", change="added einops"),
            Attempt(number=2, commit="f" * 40, outcome="all tests passed"),
        ),
        found=(Finding(code="edited-app", severity="info", message="app.py was edited by hand and stays as it is"),),
        files_url="https://github.com/owner/name/blob/flowberth/harbour",
    )
    assert title == snapshot("Update harbour")
    assert body == snapshot("""\
✓ **Ready for review: 1 of 1 tests passed on ComfyUI 0.33.0; 1 question is open.** A call takes 3.20 s and costs $0.001995 (estimate); the first, which wakes it up, 9.5 s more.

The ComfyUI workflow `Harbour` as an HTTP endpoint, in [`apps/modal/harbour/`](https://github.com/owner/name/blob/flowberth/harbour/apps/modal/harbour/), which is there already.

### Open questions

- **error** at node `1`: lighthouse.safetensors (checkpoints) is given only to those who have agreed to its terms: https:\u200b//huggingface.co/big-lab/lighthouse/resolve/main/lighthouse.safetensors; agree on its page, and give the app a token that may download it

Or answer in a comment, with a line for each:

```
model checkpoints/lighthouse.safetensors = https://…
```

### How to call it

```sh
curl --fail-with-body "$ENDPOINT/generate" \\
  --header "Modal-Key: $MODAL_KEY" \\
  --header "Modal-Secret: $MODAL_SECRET" \\
  --header "Content-Type: application/json" \\
  --data @- <<'BODY'
{
  "width": 8,
  "height": 8
}
BODY
```

`$ENDPOINT` is where it serves: the comment of the run says so, or `flowberth up --keep`. Key and secret are a [proxy token](https://modal.com/settings/proxy-auth-tokens) of the Modal workspace; on the local target none is asked for.

It answers with `image` (image), and with what the call has cost.

<details><summary>All 2 inputs</summary>

| input | kind | if left out | limits |
|---|---|---|---|
| `width` | integer | `8` | at least 1, at most 16384 |
| `height` | integer | `8` | at least 1, at most 16384 |

</details>

### Tests: 1 of 1 passed

<details><summary>Each test, and what was seen</summary>

| | test | time | what was seen |
|---|---|---|---|
| ✓ | health | 0.01 s | ComfyUI 0.33.0 |

Made over HTTP on the local target, 21 November 2026, 06:00 UTC.

</details>

### Cost: $0.001995 a call

```text
a call        $0.001995  ▊
a cold start  $0.006318  ██▌
60 s idle     $0.039900  ████████████████
```

Estimates: seconds × $0.000665. A thousand calls in a row cost about $2.04, a thousand that each wake it up $48.21.

<details><summary>How these are worked out</summary>

| | US dollars | |
|---|---|---|
| a call | $0.001995 | estimate: 3.00 s at $0.000665 a second |
| a cold start | $0.006318 | estimate: 9.5 s at the same price |
| idle after the last call | $0.039900 | estimate: 60 s, then it stops |

It runs on T4, 4 cores, 16 GiB, $0.000252 a second: the largest stage, lighthouse.safetensors, has 6.9 GB; with buffers and 4 GB to work in that makes 12.0 GB.

</details>

This run has spent nothing: it was tested on the local target.

### Pinned: ComfyUI 0.33.0, 1 pack, 1 model (6.46 GiB)

- ⚠ pack `odd-nodes`: not in ComfyUI-Manager's list, answered by a person, archived
- ⚠ model `checkpoints/lighthouse.safetensors`: gated: its terms have to be agreed to

A pack is code of others that runs in the app. Read what you do not know before you merge it.

<details><summary>Every pin, its licence and where it comes from</summary>

ComfyUI 0.33.0 (the newest that ships, though it lacks the node Frob (stranger)) on Python 3.12, with packages as they were on 2026-11-20.

| pack | commit | licence | pinned from |
|---|---|---|---|
| `odd-nodes` | [`0123456789`](https://github.com/stranger/odd-nodes/tree/0123456789abcdef0123456789abcdef01234567) | GPL-3.0 | answered by a person |

| model | size | sha256 | licence | access | pinned from |
|---|---|---|---|---|---|
| `checkpoints/lighthouse.safetensors` | 6.46 GiB | `ababababab` | openrail++ | gated | `huggingface.co`, answered by a person |

</details>

### Repaired: 2 attempts

| | commit | what came of it | what was changed then |
|---|---|---|---|
| 1 | `0123456789` | ComfyUI could not import odd-nodes | added einops |
| 2 | `ffffffffff` | all tests passed |  |

### What to look at

- **warning** at node `2`: the node Frob (stranger) comes from https:\u200b//github.com/stranger/odd-nodes, as a person answered; ComfyUI-Manager does not list it, so it is stranger alone who is trusted with code in the app; read the code at that commit before this is merged
- **warning** at node `2`: https:\u200b//github.com/stranger/odd-nodes is archived: nobody mends it any more

<details><summary>2 notes</summary>

- node `1`: lighthouse.safetensors (checkpoints) is taken from https:\u200b//huggingface.co/big-lab/lighthouse/resolve/main/lighthouse.safetensors, as a person answered
- app.py was edited by hand and stays as it is

</details>

### What is unknown

- What comes out looks like: the tests have kept no sample.
- What it takes on Modal: times were measured on the machine that tested it, and costs are those times at Modal's prices.

---

<sub>Run `run_abcdefghij0123456789`, attempt 1 · [report](https://github.com/owner/name/blob/flowberth/harbour/apps/modal/harbour/report.json) · [lock](https://github.com/owner/name/blob/flowberth/harbour/apps/modal/harbour/app.lock.json) · [knowledge base](https://github.com/owner/name/blob/flowberth/harbour/docs/knowledge-base/workflows/patterns/harbour.md)</sub>

Closes #12.
""")


def test_the_draft_says_what_is_coming_and_what_is_asked() -> None:
    title, body = documents.draft_pull_request(
        harbour(answered=False),
        run_id="run_abcdefghij0123456789",
        closes=12,
        forecast=Forecast(
            Decimal(20),
            (("build", Decimal("1.234")), ("preflight", Decimal("0.004")), ("test", Decimal("2.5"))),
            Earlier(0.31, "actual"),
        ),
    )
    assert title == snapshot("Add harbour")
    assert body == snapshot("""\
○ **Not ready yet: it is being deployed and tested.** The check and the comment here say how far that is. When it is done, this text shows what came out, how to call it, the tests and the costs, and the pull request is ready for review.

The ComfyUI workflow `Harbour` as an HTTP endpoint, in `apps/modal/harbour/`.

It is going to run on L4, 4 cores, 24 GiB, $0.000328 a second: the largest stage, lighthouse.safetensors, is of unknown size and counts 16.0 GB; with buffers and 4 GB to work in that makes 22.4 GB.

This run may spend **$20.00 at most**. An attempt is estimated to cost $3.74 or less: building the image up to $1.23, the preflight less than $0.01, the test up to $2.50. These are worst cases, timeouts × prices, and each is reserved before it begins; what does not fit is not begun. The last run of this app has cost $0.31 (actual).

### Open questions

- **error**: ComfyUI 0.33.0 has no node Frob (stranger): it belongs to a custom-node pack or to another version; name the pack that provides it; the app cannot run without
- **warning** at node `1`: nothing says where lighthouse.safetensors (checkpoints) can be downloaded; add its url to app.lock.json, or put the file into the models volume under checkpoints/

Or answer in a comment, with a line for each:

```
pack Frob (stranger) = https://github.com/owner/repository
model checkpoints/lighthouse.safetensors = https://…
```

### Pinned: ComfyUI 0.33.0, 1 model

- ⚠ model `checkpoints/lighthouse.safetensors`: nobody knows where it can be downloaded

<details><summary>Every pin, its licence and where it comes from</summary>

ComfyUI 0.33.0 (the newest that ships, though it lacks the node Frob (stranger)) on Python 3.12, with packages as they were on 2026-11-20.

| model | size | sha256 | licence | access | pinned from |
|---|---|---|---|---|---|
| `checkpoints/lighthouse.safetensors` | unknown | none | unknown | unknown | nobody knows |

</details>

<!-- flowberth:spent run_abcdefghij0123456789 -->
<!-- /flowberth:spent -->

<sub>Run `run_abcdefghij0123456789`</sub>

Closes #12.
""")


@pytest.mark.parametrize("many", [1, 30, 300])
def test_any_draft_fits_and_ends_whole(many: int) -> None:
    prompt: dict[str, Any] = {
        f"{index}": node(f"Frob {index} {HOSTILE}".replace("\n", " "), name=f"{HOSTILE[:90]}{index}.safetensors")
        for index in range(many)
    }
    prompt["s"] = node("SaveImage", images=["0", 0], filename_prefix="x")
    plan = make_plan(parse_workflow(json.dumps(prompt).encode(), filename="x.json"), filename="x.json")
    _, body = documents.draft_pull_request(plan, run_id="run_abcdefghij0123456789", closes=7)
    assert len(body) < MAX_BODY
    assert body.endswith("Closes #7.\n")
    place = nothing_yet("run_abcdefghij0123456789")
    assert place in body
    found = active(body.replace(place, "").removesuffix("Closes #7.\n"))
    assert (found["html"], found["image"], found["link"]) == (set(), set(), set())


def test_attempts_of_others_are_words_too() -> None:
    attempts = tuple(Attempt(number=n, outcome=HOSTILE, change=HOSTILE) for n in (1, 2))
    _, body = documents.pull_request(harbour(answered=True), report(), None, Forge(), attempts=attempts)
    found = active(body)
    assert (found["html"], found["image"]) == (set(), set())
    assert found["link"] == {f"{STRANGER}/tree/{COMMIT}", "https://modal.com/settings/proxy-auth-tokens"}


def test_what_was_measured_is_shown_with_its_basis() -> None:
    blurred = Measure(name="sharpness", value=0.0123, score=2.0, passed=False, limit=3.0, detail="0.01: blurred")
    lit = Measure(name="exposure", value=0.51, unit="of white", score=9.0)
    quality = OutputQuality(output="image", kind="image", score=4.5, measures=(blurred, lit))
    opinion = Opinion(output="image", score=7.5, words="A calm harbour.", model="judge-1", usd=0.0123)
    tests = (*report().tests, TestResult(name="quality", passed=False, seconds=0.1, detail="image: sharpness"))
    seen = report().model_copy(update={"tests": tests, "quality": (quality,), "opinions": (opinion,)})
    _, body = documents.pull_request(harbour(answered=True), seen, None, GithubForge())
    assert body.partition("\n\n")[0] == snapshot(
        "✗ **Not ready: the quality of image (sharpness) is too low**; all other tests passed on ComfyUI 0.33.0. A call takes 3.20 s and costs $0.001995 (estimate); the first, which wakes it up, 9.5 s more."
    )
    assert between(body, "### Quality", "### Pinned") == snapshot("""\
### Quality: 4.5 of 10

```text
image  4.5 of 10  ███████▎
```

- ✗ `image`, **sharpness** (2.0 of 10, below 3): 0.01: blurred

<details><summary>Each measure, with what was found</summary>

| | output | measure | value | score | what was found |
|---|---|---|---|---|---|
| ✗ | `image` | sharpness | 0.0123 | 2.0 | 0.01: blurred |
| ✓ | `image` | exposure | 0.51 of white | 9.0 |  |

Measured on the output of the sample call; scores from 0 to 10, by [these formulas](https://github.com/flowberth/flowberth/blob/main/docs/quality.md).

</details>

> An opinion, which decides nothing: **7.5 of 10** for `image`. A calm harbour. <sub>`judge-1`, $0.012300</sub>

""")


def test_what_a_run_has_spent_is_folded_and_found_again() -> None:
    now = report().tested_at
    line = Line(
        run_id=RunId("run_abcdefghij0123456789"),
        key="test",
        month=now.date().replace(day=1),
        what="test",
        state="spent",
        reserved=Decimal(1),
        estimated=Decimal("0.30"),
        reserved_at=now,
    )
    money = RunMoney(
        run_id=line.run_id,
        at=now,
        limit=Decimal(20),
        reserved=Decimal(0),
        estimated=Decimal("0.30"),
        actual=None,
        lines=(line,),
    )
    _, body = documents.pull_request(harbour(answered=True), report(), None, GithubForge(), money=money)
    assert between(body, "<!-- flowberth:spent", "### Pinned") == snapshot("""\
<!-- flowberth:spent run_abcdefghij0123456789 -->

<details><summary>What this run has spent: $0.30 of $20.00</summary>

| on | estimate | bill |
|---|---|---|
| the test | $0.30 |  |
| all | $0.30 |  |

Its limit is $20.00. The bill comes by the hour, and is taken as complete a day later.

</details>

<!-- /flowberth:spent -->

""")
    assert documents.brought_up_to_date(body, money) == body


def test_where_pins_come_from_and_what_is_risky_is_said() -> None:
    plan = harbour(answered=True)
    known = plan.lock.models[0].model_copy(
        update={"source": "pinned from patterns/fox.md", "gated": False, "licence": None, "sha256": None}
    )
    found = plan.lock.models[0].model_copy(update={"file": "b.safetensors", "source": "hugging-face"})
    lock = plan.lock.model_copy(
        update={
            "models": (known, found),
            "access": plan.lock.access.model_copy(update={"proxy_auth": False}),
            "inputs": (InputOverride(node="3", input="width", value=64, because="ComfyUI takes no more"),),
        }
    )
    _, body = documents.pull_request(
        plan.model_copy(update={"lock": lock}),
        report(),
        None,
        GithubForge(),
        files_url="https://github.com/owner/name/blob/1",
    )
    assert between(body, "### Pinned", "### What to look at") == snapshot("""\
### Pinned: ComfyUI 0.33.0, 1 pack, 2 models (12.92 GiB)

- ⚠ pack `odd-nodes`: not in ComfyUI-Manager's list, answered by a person, archived
- ⚠ model `checkpoints/lighthouse.safetensors`: no hash: whatever its address serves is taken, no licence known
- ⚠ model `checkpoints/b.safetensors`: gated: its terms have to be agreed to, found on Hugging Face
- ⚠ input `width` of node `3`: changed, so that it runs: ComfyUI takes no more
- ⚠ access: Modal asks nobody for a token; the app has to ask for a key of its own
- ✓ model `checkpoints/lighthouse.safetensors`: pinned from [`patterns/fox.md`](https://github.com/owner/name/blob/1/docs/knowledge-base/workflows/patterns/fox.md), with which it has worked before

A pack is code of others that runs in the app. Read what you do not know before you merge it.

<details><summary>Every pin, its licence and where it comes from</summary>

ComfyUI 0.33.0 (the newest that ships, though it lacks the node Frob (stranger)) on Python 3.12, with packages as they were on 2026-11-20.

| pack | commit | licence | pinned from |
|---|---|---|---|
| `odd-nodes` | [`0123456789`](https://github.com/stranger/odd-nodes/tree/0123456789abcdef0123456789abcdef01234567) | GPL-3.0 | answered by a person |

| model | size | sha256 | licence | access | pinned from |
|---|---|---|---|---|---|
| `checkpoints/lighthouse.safetensors` | 6.46 GiB | none | unknown | open | `huggingface.co`, [`patterns/fox.md`](https://github.com/owner/name/blob/1/docs/knowledge-base/workflows/patterns/fox.md) |
| `checkpoints/b.safetensors` | 6.46 GiB | `ababababab` | openrail++ | gated | `huggingface.co`, found on Hugging Face |

</details>

""")
    assert "Modal-Key" not in body


def between(body: str, begin: str, end: str) -> str:
    return begin + body.partition(begin)[2].partition(end)[0]


def test_measures_opinions_and_sources_of_others_are_words_too() -> None:
    measure = Measure(name=HOSTILE, value=1.0, unit=HOSTILE, score=2.0, passed=False, detail=HOSTILE)
    seen = report(tests=(TestResult(name=HOSTILE, passed=False, seconds=1, detail=HOSTILE),)).model_copy(
        update={
            "quality": tuple(
                OutputQuality(output=f"{n}{HOSTILE}", kind="image", score=2.0, measures=(measure,) * 9)
                for n in range(30)
            ),
            "opinions": (Opinion(output=HOSTILE, score=7.0, words=HOSTILE * 9, model=HOSTILE, usd=0.1),) * 30,
            "target": HOSTILE,
            "engine_version": HOSTILE,
        }
    )
    plan = harbour(answered=True)
    models = tuple(model.model_copy(update={"source": HOSTILE, "licence": HOSTILE[:100]}) for model in plan.lock.models)
    packs = tuple(pack.model_copy(update={"source": HOSTILE}) for pack in plan.lock.packs)
    overridden = (InputOverride(node=HOSTILE[:200], input=HOSTILE[:200], value=HOSTILE, because=HOSTILE),)
    lock = plan.lock.model_copy(update={"models": models, "packs": packs, "inputs": overridden})
    sample = PICTURE.model_copy(update={"file": f"{HOSTILE}.mp4", "media_type": "video/mp4", "preview": b"PNG"})
    _, body = documents.pull_request(
        plan.model_copy(update={"lock": lock, "title": HOSTILE}), seen, sample, GithubForge(), closes=7
    )
    assert len(body) < MAX_BODY
    assert body.endswith("Closes #7.\n")
    found = active(body.removesuffix("Closes #7.\n"))
    assert found["html"] == set()
    assert found["link"] == snapshot(
        {
            "https://github.com/flowberth/flowberth/blob/main/docs/quality.md",
            "https://github.com/stranger/odd-nodes/tree/0123456789abcdef0123456789abcdef01234567",
            "https://modal.com/settings/proxy-auth-tokens",
        }
    )
    assert found["image"] == snapshot(
        {"https://github.com/owner/name/raw/flowberth/harbour/apps/modal/harbour/sample.png"}
    )
    assert found["heading"] == snapshot(
        {
            "Cost: $0.001995 a call",
            "How to call it",
            "Open questions",
            "Pinned: ComfyUI 0.33.0, 1 pack, 1 model (6.46 GiB)",
            "Quality: 2.0 of 10",
            "Tests: 0 of 1 passed",
            "What is unknown",
            "What to look at",
        }
    )


def test_nothing_ends_a_block_of_code() -> None:
    assert block("a\n````\nb\n") == "`````\na\n````\nb\n`````"
