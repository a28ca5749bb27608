"""The files of an app: the same bytes everywhere, and no word of a workflow ever becomes code."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from codegen.errors import UnsafeLiteral
from codegen.lock import Access, ComfyPin, Dependencies, Hardware, Lock, PackPin
from codegen.parse import parse_workflow
from codegen.plan import Plan, make_plan
from codegen.python_literal import MAX_TEXT, check_source, literal
from codegen.render import app_files, render
from tests.codegen.canvas import Canvas, text_to_image

ROOT = Path(__file__).parents[2]
NASTY = "'''\"\"\"{{ 7*7 }}{% raw %}{# x #}\\N{BULLET}\\\n\r\t\u2028\u2029\x00\x1b[31m\x7f#{`$(id)`}<script>*/\nimport os\n\U0001f98a"


PRINTABLE = "".join(each for each in NASTY if each.isprintable())
"""Of a file's name, the rest is refused."""


def plan(canvas: Canvas | None = None, **options: str) -> Plan:
    return make_plan((canvas or text_to_image()).workflow(), filename="fox.json", **options)


def without_digest(source: bytes) -> bytes:
    return re.sub(rb"(inputs|source) sha256: [0-9a-f]{64}", b"", source)


PLAIN = without_digest(app_files(plan())["app.py"])


class TestHostileTexts:
    @settings(max_examples=40)
    @given(st.text(max_size=60).filter(lambda text: not set(text) & set("{}|\\/%")))
    @example("'''\"\"\"\n\r\t\u2028\x00\x1b")
    @example("${jndi:ldap://x}".replace("{", "(").replace("}", ")").replace("/", ""))
    def test_a_prompt_survives_and_app_py_does_not_change(self, text):
        files = app_files(plan(text_to_image(text)))
        assert json.loads(files["prompt.json"])["2"]["inputs"]["text"] == text
        assert json.loads(files["interface.json"])["properties"]["prompt"]["default"] == text
        assert without_digest(files["app.py"]) == PLAIN

    def test_an_api_prompt_survives_byte_for_byte(self):
        canvas = text_to_image()
        prompt = canvas.converted().prompt
        prompt["2"]["inputs"]["text"] = NASTY
        prompt["2"]["_meta"]["title"] = NASTY
        workflow = parse_workflow(json.dumps(prompt).encode(), filename=NASTY)
        made = make_plan(workflow, filename="fox.json")
        files = app_files(made)
        assert json.loads(files["prompt.json"]) == prompt
        assert without_digest(files["app.py"]) == PLAIN
        assert files["workflow.json"] == json.dumps(prompt).encode()

    def test_names_of_models_and_classes_do_not_reach_app_py(self):
        canvas = text_to_image()
        canvas.nodes[0]["widgets_values"] = [f"{PRINTABLE}sd15.safetensors"]
        canvas.nodes[0]["properties"]["models"] = [
            {"name": f"{PRINTABLE}sd15.safetensors", "url": 'https://x/"); import os #', "directory": "checkpoints"}
        ]
        canvas.add(NASTY, values=[NASTY])
        files = app_files(plan(canvas, core="0.3.64", gpu="T4"))
        assert without_digest(files["app.py"]) == PLAIN
        assert json.loads(files["app.lock.json"])["models"][0]["file"] == f"{PRINTABLE}sd15.safetensors".replace(
            "\\", "/"
        )

    def test_the_readme_keeps_them_in_code(self):
        prompt = "\n```\n# Not a heading <img src=x> | `x`\nBODY\n"
        text = app_files(plan(text_to_image(prompt)))["README.md"].decode()
        assert "\n# Not a heading" not in text
        assert "\nBODY\n# " not in text
        assert text.count("\n```") == text.count("\n```sh") * 2 + text.count("\n```python") * 2

    def test_the_calls_in_the_readme_say_the_same_in_both_languages(self):
        text = app_files(plan(text_to_image("'\"\\\n$(id) `x` ```")))["README.md"].decode()
        shell = text.partition("<<'BODY'\n")[2].partition("\nBODY\n")[0]
        python = ast.parse(text.partition("```python\n")[2].partition("\n```")[0])
        bodies = [node.value for node in python.body if isinstance(node, ast.Assign) and node.targets[0].id == "body"]
        assert ast.literal_eval(bodies[0]) == json.loads(shell)
        assert json.loads(shell)["prompt"] == "'\"\\\n$(id) `x` ```"

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "fox'); import os #"},
            {"comfyui": {"version": "0.3.64; rm -rf /", "reason": ""}},
            {"comfyui": {"version": "0.3.64\n", "reason": ""}},
            {"dependencies": {"exclude_newer": "2025-01-01", "packages": ["x; rm -rf /"]}},
            {"dependencies": {"exclude_newer": "2025-01-01", "packages": ["--index-url=https://x"]}},
            {"dependencies": {"exclude_newer": "2025-01-01", "packages": ["x @ https://x"]}},
            {"dependencies": {"exclude_newer": "2025-01-01", "system": ["-o=x"]}},
            {"packs": [{"name": "..", "repository": "https://a.b/c", "commit": "a" * 40, "classes": [], "source": ""}]},
            {"packs": [{"name": "x", "repository": "ext::sh -c x", "commit": "a" * 40, "classes": [], "source": ""}]},
            {
                "packs": [
                    {"name": "x", "repository": "https://a:b@c/d", "commit": "a" * 40, "classes": [], "source": ""}
                ]
            },
            {"packs": [{"name": "x", "repository": "https://a.b/c", "commit": "main", "classes": [], "source": ""}]},
        ],
    )
    def test_a_lock_refuses_what_could_break_out_of_a_command(self, change):
        lock = json.loads(plan().lock.dumps())
        with pytest.raises(ValidationError):
            Lock.model_validate({**lock, **change})


class TestDeterminism:
    def test_every_process_makes_the_same_bytes(self, tmp_path):
        workflow = tmp_path / "fox.json"
        workflow.write_text(json.dumps(text_to_image("süß 🦊").saved()))
        program = (
            "import hashlib, sys\n"
            "from pathlib import Path\n"
            "from codegen.parse import parse_workflow\n"
            "from codegen.plan import make_plan\n"
            "from codegen.render import app_files\n"
            "data = Path(sys.argv[1]).read_bytes()\n"
            "files = app_files(make_plan(parse_workflow(data, filename='fox.json'), filename='fox.json'))\n"
            "print({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})\n"
        )
        outputs = {
            subprocess.run(
                [sys.executable, "-c", program, str(workflow)],
                cwd=ROOT,
                env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "PATH": os.environ["PATH"]},
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            for seed, locale, zone in (("0", "C", "UTC"), ("4242", "C.UTF-8", "Asia/Tokyo"))
        }
        assert len(outputs) == 1

    def test_any_change_of_the_inputs_changes_the_header(self):
        made = plan()
        files = render(made.lock, made.prompt, made.interface)
        header = re.search(rb"inputs sha256: ([0-9a-f]{64})", files["app.py"])
        changed = render(made.lock, {**made.prompt, "99": {"class_type": "Note", "inputs": {}}}, made.interface)
        assert header
        assert header.group(1) not in changed["app.py"]

    def test_a_lock_reads_back_as_it_was(self):
        lock = plan().lock
        assert Lock.model_validate_json(lock.dumps()) == lock
        assert Lock.model_validate_json(lock.dumps()).dumps() == lock.dumps()


PACKED = Lock(
    name="packed",
    runtime="1.0.0",
    comfyui=ComfyPin(version="0.33.0", reason="test"),
    dependencies=Dependencies(
        exclude_newer=date(2026, 1, 1), packages=plan().lock.dependencies.packages, system=("git",)
    ),
    packs=(
        PackPin(
            name="ComfyUI-Pack.v2",
            repository="https://github.com/someone/ComfyUI-Pack.v2",
            commit="0123456789abcdef" * 2 + "01234567",
            classes=("X",),
            source="registry",
        ),
    ),
    hardware=Hardware(gpu=None, cpu=2.0, memory_mib=4096, usd_per_second=0.0001, reason="test"),
    access=Access(proxy_auth=False, secrets=("flowberth-key", "bucket")),
)
SOURCES = {
    "models": app_files(plan())["app.py"].decode(),
    "packs": render(PACKED, {}, {})["app.py"].decode(),
}


class TestAppPy:
    @pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
    def test_it_is_allowed_python_as_ruff_formats_it(self, source, tmp_path):
        check_source(source)
        path = tmp_path / "app.py"
        path.write_text(source)
        ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
        assert ruff
        done = subprocess.run(
            [ruff, "format", "--isolated", "--no-cache", "--diff", "--line-length", "120", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        done = subprocess.run(
            [ruff, "check", "--isolated", "--no-cache", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout

    def test_every_value_of_the_lock_is_there(self):
        source = SOURCES["packs"]
        folder = "/root/comfy/ComfyUI/custom_nodes/ComfyUI-Pack.v2"
        assert (
            f"checkout https://github.com/someone/ComfyUI-Pack.v2 {folder} --commit {PACKED.packs[0].commit}" in source
        )
        assert f'" --pack {folder}"' in source
        assert re.search(r'" --app fastapi==[0-9.]+"', source)
        assert "--exclude-newer 2026-01-01" in source
        assert "gpu=" not in source
        assert 'modal.Secret.from_name("flowberth-key"),\n        modal.Secret.from_name("bucket"),' in source
        assert "requires_proxy_auth=False" in source
        assert "requires_proxy_auth=True" in SOURCES["models"]
        assert "Secret" not in SOURCES["models"]
        assert "fetch_models" not in source
        assert 'gpu="T4"' in SOURCES["models"]
        assert "def fetch_models" in SOURCES["models"]

    @pytest.mark.parametrize(("name", "source"), SOURCES.items())
    def test_it_imports_with_modal_alone_and_reaches_for_nothing(self, name, source, tmp_path):
        folder = tmp_path / "apps" / "modal" / "fox"
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(source)
        done = subprocess.run(
            [sys.executable, "-I", str(Path(__file__).with_name("only_modal.py")), str(folder), "--", *all_but_modal()],
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == f"{ {'models': 'fox', 'packs': 'packed'}[name] }\n", done.stderr
        assert {path.name for path in folder.iterdir()} <= {"app.py", "__pycache__"}


def all_but_modal() -> list[str]:
    """Top-level modules that are installed here, and are neither modal's nor of what it depends on."""
    wanted, needed = ["modal"], set[str]()
    while wanted:
        name = normalised(wanted.pop())
        if name in needed:
            continue
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        needed.add(name)
        wanted += [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in requires if "extra ==" not in line]
    others = [
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if not any(normalised(name) in needed for name in distributions)
    ]
    assert {"jinja2", "fastapi"} <= set(others)
    return [*others, "codegen", "runner", "worktrees", "github_app", "shared"]


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_of_this_machine_or_its_secrets_is_in_the_files(monkeypatch):
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-abcdefghijkl")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_abcdefghijkl")
    everything = b"\n".join(app_files(plan()).values()).decode()
    assert "abcdefghijkl" not in everything
    assert str(ROOT) not in everything
    assert sys.prefix not in everything


class TestLiterals:
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3),
        )
    )
    def test_a_literal_means_the_value_or_is_refused(self, value):
        try:
            source = literal(value)
        except UnsafeLiteral:
            assert re.search(r"[^A-Za-z0-9 _.,:@/+=~!|\[\]-]", json.dumps(value, ensure_ascii=False).replace('"', ""))
            return
        assert ast.literal_eval(source) == value

    @pytest.mark.parametrize(
        "value",
        [
            '"',
            "'",
            "\\",
            "\n",
            "{",
            "}",
            "$",
            "`",
            ";",
            "&",
            "\u2028",
            "x" * (MAX_TEXT + 1),
            float("nan"),
            float("inf"),
            {},
            b"x",
            object(),
        ],
    )
    def test_refused(self, value):
        with pytest.raises(UnsafeLiteral):
            literal(value)
        with pytest.raises(UnsafeLiteral):
            literal([value])

    @pytest.mark.parametrize(
        "source",
        [
            "x = lambda: 1",
            "[x for x in y]",
            "try:\n    pass\nexcept E:\n    pass",
            "while True:\n    x()",
            "assert x",
            "del x",
            "with x:\n    y()",
            "async def f(): return 1",
            "x = f'{y}'",
            "global x",
            "x := 1",
            "x = (yield)",
            "x = 'unterminated",
            "\0",
        ],
    )
    def test_source_of_any_other_kind_is_refused(self, source):
        with pytest.raises(UnsafeLiteral):
            check_source(source)
