"""Where people put workflows, and where they do not."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.lock import Gpu
from codegen.parse import parse_workflow
from github_app.submissions import form
from github_app.submissions.find import MAX_REFERENCES, find_submissions
from github_app.submissions.model import Attachment, Found, Gist, Inline, Options, Reference, RepositoryFile
from github_app.submissions.site import GITHUB, Site

ROOT = Path(__file__).parents[3]
WORKFLOW = '{"1": {"class_type": "EmptyImage", "inputs": {"note": "see https://github.com/o/r/blob/main/other.json"}}}'
PRETTY = json.dumps({"nodes": [{"id": 1, "type": "EmptyImage", "title": "a\n\nb <!-- c -->"}], "links": []}, indent=4)
ATTACHED = "https://github.com/user-attachments/files/12345/poster.json"
SERVER = Site.of("https://git.corp.example/api/v3")


def found(body: str, *, title: str = "Deploy: product poster", site: Site = GITHUB) -> Found:
    return find_submissions(body, title=title, repository="o/r", site=site)


def references(body: str, **how: Any) -> tuple[Reference, ...]:
    holds = found(body, **how)
    assert holds.problems == ()
    return holds.references


def inline(data: str, filename: str = "product poster.json") -> Inline:
    return Inline(filename=filename, data=data.encode())


@pytest.mark.parametrize("data", [WORKFLOW, PRETTY, f'{{"prompt": {WORKFLOW}}}'], ids=["prompt", "graph", "wrapped"])
@pytest.mark.parametrize(
    "around",
    [
        "```json\n{}\n```",
        "```\n{}\n```",
        "~~~~ json\n{}\n~~~~\n\nThanks!",
        "Please deploy this:\n```json\n{}\n```\nThanks!",
        "<details>\n<summary>workflow</summary>\n\n```json\n{}\n```\n\n</details>",
        "<details>\n<summary>workflow</summary>\n```json\n{}\n```\n</details>",
        "{}",
        "Here it is:\n{}\nThanks!",
        "```json\n{}",
        "<!-- drop it here -->\n\n```json\n{}\n```",
        "odd\u2028\x0b\x0c\x1cline ends\r\r\n```json\r\n{}\r\n```\r\nThanks",
        "### Workflow\n\n```json\n{}\n```\n\n### Name\n\n_No response_",
        "### Workflow\n\n{}\n\n### Name\n\n_No response_",
    ],
)
def test_a_pasted_workflow_is_found_and_what_it_links_to_is_not(around: str, data: str) -> None:
    assert references(around.replace("{}", data)) == (inline(data),)


def test_in_a_list_and_in_indented_code() -> None:
    for prefix, first in (("  ", "- here:\n\n  ```json\n"), ("   ", "1. here:\n   ```json\n")):
        lines = "".join(f"{prefix}{line}\n" for line in PRETTY.splitlines())
        assert references(f"{first}{lines}{prefix}```\n") == (inline(PRETTY),)
    indented = "".join(f"    {line}\n" for line in PRETTY.splitlines())
    assert references(f"text\n\n{indented}") == (inline(PRETTY),)


def test_any_published_template_can_be_pasted() -> None:
    folder = files("comfyui_workflow_templates_json") / "templates"
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.name.endswith(".json") and not entry.name.startswith("index")
    )
    read = 0
    for name in names[::25]:
        text = (folder / name).read_text().strip()
        if len(text) > 60_000:
            continue
        read += 1
        assert references(f"```json\n{text}\n```") == (inline(text),)
        assert references(f"Here:\n\n{text}\n") == (inline(text),)
    assert read > 5


@pytest.mark.parametrize(
    ("title", "filename"),
    [
        ("Deploy: product poster", "product poster.json"),
        ("[deploy]: ../../etc/passwd", "etc passwd.json"),
        ("Deploy: ", "workflow.json"),
        ("\u202e\0", "workflow.json"),
        ("Postéř 😀", "Postéř 😀.json"),
    ],
)
def test_a_pasted_workflow_is_named_after_the_issue(title: str, filename: str) -> None:
    assert references(WORKFLOW, title=title) == (inline(WORKFLOW, filename),)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"[poster.json]({ATTACHED})", Attachment(url=ATTACHED, filename="poster.json")),
        (f"see {ATTACHED}.", Attachment(url=ATTACHED, filename="poster.json")),
        (f"<{ATTACHED}>", Attachment(url=ATTACHED, filename="poster.json")),
        (ATTACHED.replace("https", "http"), Attachment(url=ATTACHED, filename="poster.json")),
        (
            "[w.zip](https://github.com/o/r/files/1/w.zip)",
            Attachment(url="https://github.com/o/r/files/1/w.zip", filename="w.zip"),
        ),
        (
            "![picture](https://github.com/user-attachments/assets/1b2c-3d)",
            Attachment(url="https://github.com/user-attachments/assets/1b2c-3d", filename="product poster.png", incidental=True),
        ),
        (
            '<p><img width="512" src="https://github.com/user-attachments/assets/1b2c-3d" /></p>',
            Attachment(url="https://github.com/user-attachments/assets/1b2c-3d", filename="product poster.png", incidental=True),
        ),
        (
            "[![x](https://user-images.githubusercontent.com/1/2-3.png)](https://example.com/)",
            Attachment(url="https://user-images.githubusercontent.com/1/2-3.png", filename="2-3.png", incidental=True),
        ),
        (
            "https://gist.github.com/octocat/aa5a315d61ae9438b18d#file-x-json",
            Gist(id="aa5a315d61ae9438b18d", url="https://gist.github.com/octocat/aa5a315d61ae9438b18d#file-x-json"),
        ),
        (
            "https://gist.githubusercontent.com/octocat/aa5a/raw/bb6b/flow.json",
            Attachment(url="https://gist.githubusercontent.com/octocat/aa5a/raw/bb6b/flow.json", filename="flow.json"),
        ),
        ("https://github.com/O/R/blob/main/w/a.json#L3", RepositoryFile(full_name="o/r", ref="main", path="w/a.json")),
        ("https://github.com/o/r/raw/main/a%20b.json", RepositoryFile(full_name="o/r", ref="main", path="a b.json")),
        (
            "https://raw.githubusercontent.com/a/b/refs/heads/main/w/a.json?token=x",
            RepositoryFile(full_name="a/b", ref="main", path="w/a.json"),
        ),
        ("the file `w/a.json` please", RepositoryFile(full_name="o/r", ref=None, path="w/a.json", incidental=True)),
        ("[it](./w/a.json)", RepositoryFile(full_name="o/r", ref=None, path="w/a.json", incidental=True)),
        ("Deploy\nw/a.json\nplease", RepositoryFile(full_name="o/r", ref=None, path="w/a.json", incidental=True)),
        ("### Workflow\n\na.json", RepositoryFile(full_name="o/r", ref=None, path="a.json")),
    ],
)  # fmt: skip
def test_a_reference(text: str, reference: Reference) -> None:
    assert references(text) == (reference,)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (
            "https://git.corp.example/user-attachments/files/1/a.json",
            Attachment(url="https://git.corp.example/user-attachments/files/1/a.json", filename="a.json"),
        ),
        ("https://git.corp.example/gist/octocat/aa5a315d", Gist(id="aa5a315d", url="https://git.corp.example/gist/octocat/aa5a315d")),
        ("https://gist.git.corp.example/aa5a315d", Gist(id="aa5a315d", url="https://gist.git.corp.example/aa5a315d")),
        ("https://git.corp.example/raw/o/r/main/a.json", RepositoryFile(full_name="o/r", ref="main", path="a.json")),
        ("https://raw.git.corp.example/o/r/main/a.json", RepositoryFile(full_name="o/r", ref="main", path="a.json")),
    ],
)  # fmt: skip
def test_a_reference_on_a_company_s_server(text: str, reference: Reference) -> None:
    assert references(text, site=SERVER) == (reference,)
    assert found(text).references == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The app is broken since yesterday.",
        "My package.json and tsconfig.json are fine.",
        '```json\n{"name": "left-pad", "version": "1.0.0"}\n```',
        "```python\nx = {'nodes': 1}\n```",
        "```\n[1, 2, 3]\n```",
        "{not json}",
        f"<!-- {ATTACHED} -->",
        f"<!--\n\n```json\n{WORKFLOW}\n```\n-->",
        "https://github.com/o/r/blob/main/README.md",
        "https://github.com/user-attachments/files/1/crash.log",
        "https://github.com/o/r/issues/1",
        "https://github.com/../../user-attachments/files/1/%2e%2e",
        "https://github.com/o/r/blob/main/..%2f..%2fsecret.json",
        "`../../secret.json`, `/etc/passwd.json`, `C:\\w.json`",
        "https://github.com.evil.example/user-attachments/files/1/a.txt",
        "https://evil.example/https://github.com/user-attachments/files/1/a.txt",
        "https://github.com@evil.example/user-attachments/files/1/a.txt",
        "https://[::1/a.txt",
    ],
)
def test_nothing_to_find(text: str) -> None:
    assert found(text) == Found()


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            f"```json\n{PRETTY[:-20]}\n```",
            snapshot(("the JSON in the issue cannot be used: not JSON: Expecting ',' delimiter at line 7, column 10",)),
        ),
        (
            PRETTY[:-20],
            snapshot(("the JSON in the issue cannot be used: not JSON: Expecting ',' delimiter at line 7, column 10",)),
        ),
        (
            '```json\n{"nodes": {}}\n```',
            snapshot(
                (
                    "the JSON in the issue cannot be used: found a JSON object with the keys 'nodes'; accepted are: ComfyUI's workflow file (an object with a list `nodes`), its API export (an object of nodes with `class_type`), an API export wrapped as {\"prompt\": …}, or a PNG saved by ComfyUI",
                )
            ),
        ),
        (
            '{"nodes": [NaN]}',
            snapshot(("the JSON in the issue cannot be used: NaN is not a JSON value; give a number or null",)),
        ),
        (
            "https://example.com/flow.json",
            snapshot(
                (
                    "https://example.com/flow.json is not on GitHub, and nothing is fetched from elsewhere: attach the file or paste it",
                )
            ),
        ),
        (
            "https://github.com.evil.example/user-attachments/files/1/a.json",
            snapshot(
                (
                    "https://github.com.evil.example/user-attachments/files/1/a.… is not on GitHub, and nothing is fetched from elsewhere: attach the file or paste it",
                )
            ),
        ),
        (
            "### Workflow\n\nthe usual one\n\n### Name\n\n_No response_",
            snapshot(("there is no workflow under Workflow",)),
        ),
        (
            '### Workflow\n\n```\n{"a": 1}\n```',
            snapshot(
                (
                    "the JSON in the issue cannot be used: found a JSON object with the keys 'a'; accepted are: ComfyUI's workflow file (an object with a list `nodes`), its API export (an object of nodes with `class_type`), an API export wrapped as {\"prompt\": …}, or a PNG saved by ComfyUI",
                )
            ),
        ),
    ],
)
def test_what_was_meant_and_cannot_be_used_is_explained(body: str, problems: tuple[str, ...]) -> None:
    holds = found(body)
    assert holds.references == ()
    assert holds.problems == problems


def test_addresses_in_a_broken_workflow_are_not_followed() -> None:
    broken = f'{{"nodes": [{{"note": "{ATTACHED}"}},'
    holds = found(f"### Workflow\n\n{broken}\n\n### Name\n\nposter\n\n### GPU\n\nL4")
    assert (holds.references, len(holds.problems)) == ((), 1)
    assert holds.options == Options(name="poster", gpu="L4")


def test_several_in_one_issue_each_once() -> None:
    body = f"[a]({ATTACHED}) and again {ATTACHED}\n\n```\n{WORKFLOW}\n```\n```\n{PRETTY}\n```\n"
    assert references(body) == (
        inline(WORKFLOW),
        inline(PRETTY, "product poster-2.json"),
        Attachment(url=ATTACHED, filename="poster.json"),
    )


def test_a_crowd_is_cut() -> None:
    holds = found("\n".join(f"https://github.com/user-attachments/files/{number}/a.json" for number in range(1, 30)))
    assert len(holds.references) == MAX_REFERENCES
    assert holds.problems == snapshot(
        ("there are 29 files here; the first 10 are taken, others need an issue of their own",)
    )


FORM = """\
### Workflow

[poster.json](https://github.com/user-attachments/files/12345/poster.json)

### Name

{name}

### GPU

{gpu}

### Budget in US dollars

{budget}

### Anything a reviewer should know

Like https://github.com/user-attachments/files/777/old.json, but with `w/other.json`.

"""


def test_the_form() -> None:
    holds = found(FORM.format(name="poster", gpu="A100-80GB", budget="$7.50"))
    assert holds.is_form
    assert holds.references == (Attachment(url=ATTACHED, filename="poster.json"),)
    assert holds.options == Options(name="poster", gpu="A100-80GB", budget=7.5)
    assert holds.problems == ()


def test_the_form_with_windows_line_ends_and_nothing_filled_in() -> None:
    body = FORM.format(name="_No response_", gpu="smallest that fits", budget="_No response_").replace("\n", "\r\n")
    holds = found(body)
    assert holds.is_form
    assert (holds.options, holds.problems) == (Options(), ())
    assert len(holds.references) == 1


def test_the_form_filled_in_wrongly() -> None:
    assert found(FORM.format(name="Pro Duct", gpu="H10", budget="5,50 €")).problems == snapshot(
        (
            "Name: 'Pro Duct' cannot be the name of an app: use 1 to 50 lower-case letters, digits and single hyphens, starting and ending with a letter or digit, such as workflow",
            "GPU: H10 is none of T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200; did you mean H100?",
            "Budget in US dollars: 5,50 € is no amount of US dollars; write it like 5 or 7.50",
        )
    )


def test_headings_inside_the_workflow_are_not_ours() -> None:
    body = FORM.format(name="poster", gpu="L4", budget="5").replace("[poster", f"```json\n{PRETTY}\n```\n[poster")
    body = body.replace("### Name", "#### Name\n\nother\n\n### Name")
    assert found(body).options == Options(name="poster", gpu="L4", budget=5)


@pytest.mark.parametrize(
    "block",
    [
        "```yaml\nname: poster\ngpu: a100-80gb\nbudget: 7.5\ntarget: modal\n```\n",
        "```yml\nname: poster\ngpu: 'A100 80GB'\nbudget: $7.50\ntarget: Modal\n```\n",
        "---\nname: poster\ngpu: A100-80GB\nbudget: 7.50 USD\ntarget: modal\n---\n",
    ],
)
def test_options_in_yaml(block: str) -> None:
    holds = found(f"{block}\n{WORKFLOW}")
    assert holds.options == Options(name="poster", gpu="A100-80GB", budget=7.5, target="modal")
    assert (holds.references, holds.problems) == ((inline(WORKFLOW),), ())


def test_options_in_yaml_that_cannot_be_used() -> None:
    body = "```yaml\nname: shared\ngpu: L400\nbudgt: 5\nbudget: [1]\n```\n```yaml\ngpu: &x L4\n```\n"
    assert found(body).problems == snapshot(
        (
            "name: 'shared' is reserved; choose another, such as shared-workflow",
            "gpu: L400 is none of T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200; did you mean L40S?",
            "budget: [1] is no amount of US dollars; write it like 5 or 7.50",
            "there is no option budgt; did you mean budget?",
            "the YAML block cannot be read, line 1: anchors and aliases (& and *) are not taken; write the value out",
        )
    )


def test_yaml_about_something_else() -> None:
    assert found("```yaml\non: push\njobs: {build: {name: x}}\n```") == Found()


def test_our_form_is_what_is_read() -> None:
    declared = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "deploy-a-workflow.yml").read_text())
    fields = {field["id"]: field["attributes"] for field in declared["body"]}
    assert {field["label"] for field in fields.values()} == form.HEADINGS
    assert {fields[name]["label"]: name for name in ("name", "gpu", "budget")} == dict(form.FIELDS)
    first, *gpus = fields["gpu"]["options"]
    assert first in form.NOTHING
    assert tuple(gpus) == get_args(Gpu)
    example = fields["name"]["placeholder"], fields["budget"]["placeholder"]
    holds = found(FORM.format(name=example[0], gpu=first, budget=example[1]), title=f"{declared['title']}x")
    assert holds.options == Options(name=example[0], budget=float(example[1]))
    assert declared["labels"] == ["workflow"]


PIECES = st.sampled_from([
    WORKFLOW, PRETTY, ATTACHED, "```json\n", "\n```\n", "~~~", "### Workflow\n", "### Name\n", "\n\n", "---\n", "name: x\n", "gpu: &a L4\n", "<!--", "-->",
    "<details>", "https://", "https://github.com/", "https://gist.github.com/", "`", "](", "[", ")", "{", "}", '"nodes": [', "\0", "\ud800", "\u2028", "> ", "- ",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=25).map("".join), st.text(max_size=20))
def test_any_text_is_read(body: str, title: str) -> None:
    holds = found(body, title=title)
    for reference in holds.references:
        if isinstance(reference, Inline):
            assert parse_workflow(reference.data, filename=reference.filename)
        elif isinstance(reference, Attachment):
            assert GITHUB.is_own(reference.url)
    assert all(len(problem) < 1_000 for problem in holds.problems)


@pytest.mark.parametrize(
    "piece", ["<!--", "{", '{"', "[](", "> ", "`", "https://a.b/", "### Workflow\n", "![", "<a ", "a/b.json\n", "- "]
)
def test_hostile_repetition_is_read_quickly(piece: str) -> None:
    found((piece * 65_536)[:65_536])


SHOWN = "https://github.com/user-attachments/assets/6a1c1b2e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("words", "look"),
    [
        (f"![a fox]({SHOWN})", SHOWN),
        (f'<img width="200" src="{SHOWN}">', SHOWN),
        ("https://github.com/user-attachments/files/7/fox.JPG", "https://github.com/user-attachments/files/7/fox.JPG"),
        ("looks/fox.jpeg", RepositoryFile(full_name="o/r", ref=None, path="looks/fox.jpeg")),
        ("https://github.com/o/r/blob/main/fox.webp", RepositoryFile(full_name="o/r", ref="main", path="fox.webp")),
        ("_No response_", None),
    ],
)
def test_a_picture_that_the_result_should_look_like(words: str, look: object) -> None:
    workflow = f"### Workflow\n\n```json\n{WORKFLOW}\n```"
    holds = found(f"{workflow}\n\n### Should look like this\n\n{words}\n\n### Name\n\nfox")
    assert holds.problems == ()
    assert (holds.look.url if isinstance(holds.look, Attachment) else holds.look) == look
    assert holds.references == (inline(WORKFLOW),)
    assert holds.options.name == "fox"


def test_outside_of_the_form_a_heading_does_it_and_a_workflow_in_the_picture_is_not_submitted() -> None:
    holds = found(f"{ATTACHED}\n\n### Should look like this\n\n![it]({SHOWN}) and {SHOWN}2")
    assert [type(each).__name__ for each in holds.references] == ["Attachment"]
    assert isinstance(holds.look, Attachment)
    assert holds.look.url == SHOWN


def test_a_picture_from_elsewhere_is_not_fetched_and_that_is_said() -> None:
    holds = found(f"{ATTACHED}\n\n### Should look like this\n\nhttps://evil.example/fox.png")
    assert holds.look is None
    assert holds.problems == snapshot(
        ("Should look like this: there is no picture on GitHub in https://evil.example/fox.png",)
    )
