"""The runtime is copied into other people's repositories: it must be complete, small and free of us."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import shared

FOLDER = Path(shared.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
DISTRIBUTIONS = {"PIL": "pillow", "multipart": "python-multipart", "sse_starlette": "sse-starlette"}
IMPLICIT = {"python-multipart"}  # Starlette imports it when a form arrives


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in item.names}
        elif isinstance(item, ast.ImportFrom) and item.module and not item.level:
            found.add(item.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"shared"}


def test_it_imports_nothing_of_ours_and_no_modal():
    for module in MODULES:
        assert not imports(module) & {"codegen", "runner", "worktrees", "github_app", "modal"}, module.name


def test_requirements_name_every_library_at_the_version_these_tests_ran_with():
    lines = (FOLDER / "requirements.txt").read_text().split()
    pins = dict(line.partition("==")[::2] for line in lines)
    used = {DISTRIBUTIONS.get(name, name) for module in MODULES for name in imports(module)}
    assert set(pins) == used | IMPLICIT
    assert all(re.fullmatch(r"[a-z0-9-]+(==[0-9.]+)?", line) for line in lines), "they become words of a shell command"
    for name, version in pins.items():
        # Those without a version are ComfyUI's own requirements too, and it decides.
        assert version in ("", importlib.metadata.version(name))


def test_no_module_is_longer_than_can_be_read_in_one_go():
    for path in FOLDER.rglob("*.*"):
        if path.suffix in {".py", ".js", ".css", ".html"}:
            assert len(path.read_text().splitlines()) <= 400, path.name


def test_the_stamp_is_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", (FOLDER / "VERSION").read_text())


def test_every_version_says_what_changed_newest_first():
    versions = re.findall(r"^## (\d+\.\d+\.\d+)$", (FOLDER / "CHANGES.md").read_text(), re.MULTILINE)
    assert versions[0] == (FOLDER / "VERSION").read_text().strip()
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_the_map_in_the_docstring_names_every_module():
    described = shared.__doc__ or ""
    for path in MODULES:
        assert path.name == "__init__.py" or path.name in described, path.name


def test_nothing_of_the_web_is_imported_before_it_is_needed():
    code = (
        "import sys, shared.service; print([m for m in ('fastapi', 'starlette', 'sse_starlette') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(FOLDER.parent)}, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
