from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from runner import documents
from runner.documents.markdown import code, line, plain
from runner.documents.pull_request import MAX_BODY, MAX_TITLE
from runner.knowledge.entry_file import NOTES
from runner.knowledge.page import entry_page
from runner.model import Cost, Report, Sample, TestResult

HOSTILE = (
    "fixes #1 @octocat [x](javascript:alert(1)) <img src=x onerror=alert(1)> `tick` | cell\n# Heading\n"
    "https://evil.test ![](https://evil.test/p.png) \u202etxet\u202c $x$ {{ 7*7 }} {% raw %} \x1b[31m"
)
ODD_FILE = "".join(each for each in HOSTILE if each.isprintable() and each not in "/\\")
"""As far as a file may be called that way."""


class Forge:
    """All that a document asks of a forge."""

    def propose(self, **_: Any) -> Any:
        raise AssertionError

    def picture_url(self, *, head: str, path: str) -> str:
        return f"https://forge.test/{head}/{path}"


def node(class_type: str, title: str | None = None, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


def plan_of(prompt: dict[str, Any], filename: str = "lighthouse.json") -> Plan:
    return make_plan(parse_workflow(json.dumps(prompt).encode(), filename=filename), filename=filename)


def lighthouse(text: str = "a lighthouse", model: str = "sd15.safetensors", title: str = "Prompt") -> Plan:
    return plan_of(
        {
            "1": node("CheckpointLoaderSimple", ckpt_name=model),
            "2": node("CLIPTextEncode", title, text=text, clip=["1", 1]),
            "3": node("CLIPTextEncode", text="", clip=["1", 1]),
            "4": node("EmptyLatentImage", width=512, height=768, batch_size=1),
            "5": node(
                "KSampler",
                model=["1", 0],
                positive=["2", 0],
                negative=["3", 0],
                latent_image=["4", 0],
                seed=1,
                steps=20,
                cfg=7.0,
                sampler_name="euler",
                scheduler="normal",
                denoise=1.0,
            ),
            "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
            "7": node("SaveImage", images=["6", 0], filename_prefix="x"),
        }
    )


def report(*, engine: Any = "comfyui", tests: tuple[TestResult, ...] | None = None) -> Report:
    passed = TestResult(name="health", passed=True, seconds=0.011, detail="ComfyUI 0.33.0")
    return Report(
        name="lighthouse",
        run_id="run_abcdefghij0123456789",
        attempt=1,
        engine=engine,
        engine_version="0.33.0",
        target="local",
        tested_at=datetime(2026, 11, 21, 6, 0, tzinfo=UTC),
        tests=(passed,) if tests is None else tests,
        cost=Cost(
            usd=0.001995,
            basis="estimate",
            execution_seconds=3.0,
            cold_start_seconds=9.5,
            usd_per_second=0.000665,
        ),
        cold_start_seconds=9.5,
        warm_seconds=3.2,
        seed=1,
    )


PICTURE = Sample(file="sample.png", media_type="image/png", data=b"\x89PNG", width=512, height=768)
SOUND = Sample(file="sample.flac", media_type="audio/flac", data=b"fLaC", preview=b"\x89PNG")


def test_a_pull_request_tells_a_reviewer_everything() -> None:
    failed = TestResult(name="two at once", passed=False, seconds=2.5, detail="both callers got the same job")
    tests = (*report().tests, failed)
    title, body = documents.pull_request(lighthouse(), report(tests=tests), PICTURE, Forge())
    assert title == snapshot("1 test fails: Add lighthouse")
    assert body == snapshot("""\
<img alt="What the test run made" src="https://forge.test/flowberth/lighthouse/apps/modal/lighthouse/sample.png" width="267"><br><sub>What the test run made: 512 × 768</sub>

✗ **Not ready: 1 of 2 tests failed on ComfyUI 0.33.0:** two at once. A call takes 3.20 s and costs $0.001995 (estimate); the first, which wakes it up, 9.5 s more.

The ComfyUI workflow `Lighthouse` as an HTTP endpoint, in `apps/modal/lighthouse/`.

### Open questions

- **warning** at node `1`: nothing says where sd15.safetensors (checkpoints) can be downloaded; add its url to app.lock.json, or put the file into the models volume under checkpoints/

Or answer in a comment, with a line for each:

```
model checkpoints/sd15.safetensors = https://…
```

### How to call it

```sh
curl --fail-with-body "$ENDPOINT/generate" \\
  --header "Modal-Key: $MODAL_KEY" \\
  --header "Modal-Secret: $MODAL_SECRET" \\
  --header "Content-Type: application/json" \\
  --data @- <<'BODY'
{
  "prompt": "a lighthouse",
  "negative_prompt": "",
  "width": 512,
  "seed": 42
}
BODY
```

`$ENDPOINT` is where it serves: the comment of the run says so, or `flowberth up --keep`. Key and secret are a [proxy token](https://modal.com/settings/proxy-auth-tokens) of the Modal workspace; on the local target none is asked for.

It answers with `image` (image), with the seed it took, and with what the call has cost.

<details><summary>All 8 inputs</summary>

| input | kind | if left out | limits |
|---|---|---|---|
| `prompt` | text | `"a lighthouse"` |  |
| `negative_prompt` | text | `""` |  |
| `width` | integer | `512` | at least 16, at most 16384 |
| `height` | integer | `768` | at least 16, at most 16384 |
| `batch_size` | integer | `1` | at least 1, at most 4096 |
| `seed` | seed | random |  |
| `steps` | integer | `20` | at least 1, at most 10000 |
| `cfg` | number | `7.0` | at least 0.0, at most 100.0 |

</details>

### Tests: 1 of 2 passed

- ✗ **two at once**: both callers got the same job

<details><summary>Each test, and what was seen</summary>

| | test | time | what was seen |
|---|---|---|---|
| ✗ | two at once | 2.50 s | both callers got the same job |
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

It runs on T4, 4 cores, 12 GiB, $0.000243 a second: the largest stage, sd15.safetensors, has about 2.4 GB; with buffers and 4 GB to work in that makes 6.7 GB.

</details>

This run has spent nothing: it was tested on the local target.

### Pinned: ComfyUI 0.3.64, 1 model

- ⚠ model `checkpoints/sd15.safetensors`: nobody knows where it can be downloaded

<details><summary>Every pin, its licence and where it comes from</summary>

ComfyUI 0.3.64 (the oldest that ships has everything) on Python 3.12, with packages as they were on 2025-10-22.

| model | size | sha256 | licence | access | pinned from |
|---|---|---|---|---|---|
| `checkpoints/sd15.safetensors` | unknown | none | unknown | unknown | nobody knows |

</details>

### What is unknown

- How good the output is: only that it is valid was tested, and a person has to look at it.
- What it takes on Modal: times were measured on the machine that tested it, and costs are those times at Modal's prices.
- The size of 1 of 1 models, so the GPU was chosen for a guess.

---

<sub>Run `run_abcdefghij0123456789`, attempt 1 · report: `apps/modal/lighthouse/report.json` · lock: `apps/modal/lighthouse/app.lock.json` · knowledge base: `docs/knowledge-base/workflows/patterns/lighthouse.md`</sub>
""")


def test_the_title_says_what_is_new() -> None:
    odd = plan_of(
        {"1": node("EmptyImage", width=8, height=8, batch_size=1, color=1), "2": node("PreviewImage", images=["1", 0])},
        "Tile (draft #2).json",
    )
    titles = [
        documents.pull_request(plan, report(), None, Forge(), updates=updates)[0]
        for plan in (lighthouse(), odd)
        for updates in (False, True)
    ]
    assert titles == snapshot(["Add lighthouse", "Update lighthouse", "Add tile-draft-2", "Update tile-draft-2"])


def test_a_simulated_success_never_passes_for_a_real_one() -> None:
    simulated = report(engine="stand-in")
    written = documents.files(lighthouse(), simulated, PICTURE)
    _, body = documents.pull_request(lighthouse(), simulated, PICTURE, Forge())
    entry = entry_page(lighthouse(), simulated, PICTURE).decode()
    readme = written["apps/modal/lighthouse/README.md"].decode()
    facts = json.loads(written["apps/modal/lighthouse/report.json"])
    assert body.startswith("> [!WARNING]\n> **Simulated.** The stand-in engine answered, not ComfyUI")
    assert "\n○ **Simulated: 1 of 1 tests passed on the stand-in for ComfyUI; 1 question is open.**" in body
    assert "Ready" not in body
    assert "> **Simulated.**" in entry
    assert "simulated: true\n" in entry
    assert "simulated: not what a GPU would take" in readme
    assert (facts["engine"], facts["simulated"], facts["passed"]) == ("stand-in", True, True)


def test_a_real_success_carries_no_notice() -> None:
    written = documents.files(lighthouse(), report(), PICTURE)
    _, body = documents.pull_request(lighthouse(), report(), PICTURE, Forge())
    assert "imulated" not in body
    assert "SIMULATED" not in "".join(data.decode("utf-8", "replace") for data in written.values())


@pytest.mark.parametrize(
    ("sample", "files"),
    [(None, set()), (PICTURE, {"sample.png"}), (SOUND, {"sample.flac", "sample.png"})],
    ids=["none", "picture", "sound"],
)
def test_what_is_committed(sample: Sample | None, files: set[str]) -> None:
    written = documents.files(lighthouse(), report(), sample)
    always = {"report.json", "README.md"}
    assert {path for path in written if path.startswith("apps/")} == {
        f"apps/modal/lighthouse/{f}" for f in always | files
    }


def test_a_sound_is_shown_by_its_wave() -> None:
    _, body = documents.pull_request(lighthouse(), report(), SOUND, Forge())
    assert "https://forge.test/flowberth/lighthouse/apps/modal/lighthouse/sample.png" in body


def rendered(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)


OURS = re.compile(
    r"<details(?: open)?><summary>[A-Z0-9][\w ,:.$]*</summary>|</details>|</?sub>|<br>"
    r'|<img alt="What the test run made" src="(?P<src>[^"<>]*)"(?: width="[0-9]+")?>'
)
"""The HTML that our texts have; words in a summary are ours, too."""


def active(markdown: str) -> dict[str, set[str]]:
    """Everything in a document that is more than text: raw HTML but ours, links, pictures, headings."""
    found: dict[str, set[str]] = {"html": set(), "link": set(), "image": set(), "heading": set()}

    def html(content: str) -> None:
        found["image"] |= {one["src"] for one in OURS.finditer(content) if one["src"]}
        found["html"] |= {rest} if (rest := OURS.sub("", content).strip()) else set()

    blocks = MarkdownIt("commonmark").enable("table").parse(markdown)
    for index, block in enumerate(blocks):
        if block.type == "html_block":
            html(block.content)
        if block.type == "heading_open":
            found["heading"].add(blocks[index + 1].content)
        for token in block.children or ():
            match token.type:
                case "html_inline":
                    html(token.content)
                case "link_open":
                    found["link"].add(str(token.attrs["href"]))
                case "image":
                    found["image"].add(str(token.attrs["src"]))
                case "text":
                    assert not re.search(r"@\w|#\d|://|www\.\w", token.content), (
                        token.content
                    )  # GitHub makes links of these
                case _:
                    pass
    return found


def test_hostile_words_stay_words() -> None:
    plan = lighthouse(text=HOSTILE, model=f"{ODD_FILE}.safetensors", title=HOSTILE)
    tests = (TestResult(name=HOSTILE, passed=False, seconds=0.1, detail=HOSTILE),)
    title, body = documents.pull_request(plan, report(tests=tests), PICTURE, Forge())
    assert active(body) == snapshot(
        {
            "html": set(),
            "link": {"https://modal.com/settings/proxy-auth-tokens"},
            "image": {"https://forge.test/flowberth/lighthouse/apps/modal/lighthouse/sample.png"},
            "heading": {
                "Cost: $0.001995 a call",
                "How to call it",
                "Open questions",
                "Pinned: ComfyUI 0.3.64, 1 model",
                "Tests: 0 of 1 passed",
                "What is unknown",
            },
        }
    )
    entry = entry_page(plan, report(tests=tests), PICTURE)
    assert active(entry.decode().partition("\n---\n")[2]) == snapshot(
        {
            "html": {NOTES},
            "link": {"../../../../apps/modal/lighthouse/README.md"},
            "image": {"../../../../apps/modal/lighthouse/sample.png"},
            "heading": {"Interface", "Learned", "Lighthouse", "Models", "Nodes", "What failed"},
        }
    )
    assert not {"\x1b", "\u202e"} & set(body + entry.decode() + title)
    assert len(title) <= MAX_TITLE


def test_the_longest_body_fits() -> None:
    prompt: dict[str, Any] = {
        str(index): node("CheckpointLoaderSimple", ckpt_name=f"{index}{ODD_FILE[:200]}.safetensors")
        for index in range(300)
    }
    prompt |= {
        f"s{index}": node("SaveImage", HOSTILE * 10, images=["0", 0], filename_prefix="x") for index in range(100)
    }
    tests = tuple(TestResult(name=HOSTILE * 9, passed=False, seconds=1, detail=HOSTILE * 99) for _ in range(30))
    _, body = documents.pull_request(plan_of(prompt), report(tests=tests), PICTURE, Forge())
    assert len(body) < MAX_BODY  # by what each part may take, not by cutting the end off
    assert body.rstrip().endswith("</sub>")


@given(st.text())
def test_any_text_is_one_line_without_markup(text: str) -> None:
    page = rendered(plain(text))
    assert page.count("<") == page.count("<p>") * 2 or not plain(text)
    assert "\n" not in line(text)


@given(st.text(min_size=1).filter(line))
def test_any_text_is_one_code_span(text: str) -> None:
    page = rendered(code(text))
    assert page.startswith("<p><code>")
    assert page.endswith("</code></p>\n")
    assert page.count("<code>") == 1
