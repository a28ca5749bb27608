"""The steps of an image, done for real: with git, with uv, and with a package index that is served here."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from shared import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OLD, NEW, OURS = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z"
DAY = "2025-06-01"
UV = shutil.which("uv")
needs_uv = pytest.mark.skipif(UV is None, reason="uv is not here")


def wheel(name: str, version: str, requires: tuple[str, ...]) -> bytes:
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for path, text in files.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return buffer.getvalue()


PACKAGES = {
    ("torch", "2.8.0", OLD): (),
    ("torch", "2.9.0", NEW): (),
    ("torchvision", "0.23.0", OLD): ("torch==2.8.0",),
    ("torchvision", "0.24.0", NEW): ("torch==2.9.0",),
    ("numpy", "1.26.0", OLD): (),
    ("numpy", "2.3.0", OLD): (),
    ("accelerator", "1.0.0", OLD): ("torch==2.7.0",),
    ("accelerator", "0.9.0", OLD): ("torch>=2",),
    ("web", "9.0.0", OURS): ("telemetry>=2",),
    ("telemetry", "1.0.0", OLD): (),
    ("telemetry", "2.0.0", OURS): (),
    ("nodes", "1.0.0", OLD): (),
    ("nodes", "2.0.0", NEW): (),
}


class Index(BaseHTTPRequestHandler):
    """PEP 691, with upload times."""

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts[0] == "files":
            name, version = parts[1].split("-")[:2]
            if self.path.endswith(".metadata"):
                with zipfile.ZipFile(io.BytesIO(self.wheel(name, version))) as archive:
                    return self.answer(archive.read(f"{name}-{version}.dist-info/METADATA"), "text/plain")
            return self.answer(self.wheel(name, version), "application/octet-stream")
        files = [
            {
                "filename": (filename := f"{name}-{version}-py3-none-any.whl"),
                "url": f"/files/{filename}",
                "hashes": {},
                "core-metadata": True,
                "upload-time": day,
            }
            for name, version, day in PACKAGES
            if name == parts[-1]
        ]
        if not files:
            return self.send_error(404)
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": parts[-1], "files": files}).encode()
        return self.answer(body, "application/vnd.pypi.simple.v1+json")

    def wheel(self, name: str, version: str) -> bytes:
        return wheel(name, version, next(needs for key, needs in PACKAGES.items() if key[:2] == (name, version)))

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Quiet."""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


class Machine:
    """A Python with ComfyUI's requirements, packs and what was built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv/bin/python"
        self.comfyui = folder / "requirements.txt"
        self.comfyui.write_text("torch\ntorchvision\nnumpy>=1.25\n")

    def step(self, name: str, *options: str, day: str = DAY) -> int:
        common = ("--exclude-newer", day, "--python", str(self.python), "--place", str(self.folder / "place"))
        more = ("--site", str(self.folder)) if name == "dependencies" else ()
        return build.main([name, str(self.comfyui), *common, *more, *options])

    def pack(self, name: str, requirements: str) -> tuple[str, str]:
        (self.folder / name).mkdir()
        (self.folder / name / "requirements.txt").write_text(requirements)
        return "--pack", str(self.folder / name)

    def installed(self) -> dict[str, str]:
        command = ["uv", "pip", "freeze", "--python", str(self.python)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return dict(line.split("==") for line in lines)


@pytest.fixture
def machine(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name, value in {"DEFAULT_INDEX": index, "NO_CONFIG": "1", "CACHE_DIR": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(f"UV_{name}", value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_EXCLUDE_NEWER"):
        monkeypatch.delenv(name, raising=False)
    assert UV
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    return Machine(tmp_path)


@needs_uv
def test_everything_is_resolved_together_as_of_its_day_with_torch_held(machine: Machine) -> None:
    assert machine.step("core") == 0
    assert machine.installed() == {"torch": "2.8.0", "torchvision": "0.23.0", "numpy": "2.3.0"}
    one = machine.pack("One", "numpy<2  # old\nTorch==1.0\n--extra-index-url https://evil.example\nnodes\n")
    two = machine.pack("Two", "accelerator\n")
    assert machine.step("dependencies", *one, *two, "--app", "web==9.0.0", day="2026-02-01") == 0
    assert machine.installed() == {
        "torch": "2.8.0",  # though a newer one was out by then
        "torchvision": "0.23.0",
        "numpy": "1.26.0",
        "accelerator": "0.9.0",  # the newest that goes with this torch
        "web": "9.0.0",  # newer than the day, as what it needs
        "telemetry": "2.0.0",
        "nodes": "2.0.0",
    }


@needs_uv
@pytest.mark.long
def test_a_pack_gets_nothing_newer_than_the_day_unless_somebody_pins_it(machine: Machine) -> None:
    assert machine.step("core") == 0
    pack = machine.pack("One", "nodes\n")
    assert machine.step("dependencies", *pack) == 0
    assert machine.installed()["nodes"] == "1.0.0"
    assert machine.step("dependencies", *pack, "--package", "nodes==2.0.0") == 0
    assert machine.installed()["nodes"] == "2.0.0"


@needs_uv
@pytest.mark.long
def test_what_the_lock_leaves_out_is_not_installed_whoever_asks_for_it(machine: Machine) -> None:
    assert machine.step("core") == 0
    pack = machine.pack("One", "nodes>=1\nno-such-package==1.0\n")
    assert machine.step("dependencies", *pack) == 1
    assert machine.step("dependencies", *pack, "--exclude", "no-such-package", "--exclude", "nodes") == 0
    assert set(machine.installed()) == {"torch", "torchvision", "numpy"}


@pytest.mark.long
@needs_uv
def test_what_cannot_be_resolved_says_who_wants_what_and_an_override_settles_it(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    assert machine.step("core") == 0
    packs = (*machine.pack("One", "numpy<2\n"), *machine.pack("Two", "numpy>2\n"))
    assert machine.step("dependencies", *packs) == 1
    said = capfd.readouterr().out
    assert "No solution found when resolving dependencies" in said
    assert machine.step("dependencies", *packs, "--override", "numpy==2.3.0") == 0
    assert machine.installed()["numpy"] == "2.3.0"
    assert machine.step("dependencies", *packs[:2], "--constraint", "numpy<1") == 1


@needs_uv
def test_a_torch_of_the_lock_is_the_one_that_is_held(machine: Machine) -> None:
    assert machine.step("core", "--constraint", "torch==2.8.0", day="2026-02-01") == 0
    assert machine.installed()["torchvision"] == "0.23.0"
    assert (machine.folder / "place/torch.txt").read_text() == "torch==2.8.0\ntorchvision==0.23.0\n"


def test_a_step_that_ends_well_and_says_otherwise_fails(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        "An error occurred while installing 'comfyui-pack'.",
        "\x1b[31mERROR:\x1b[0m pip's dependency resolver says no",
        "ERROR: Could not find a version that satisfies the requirement Imath>=3.1.0",
        "  error: subprocess-exited-with-error",
    ):
        script = f"print('fine so far'); print({words!r}); print('done')"
        with pytest.raises(build.StepFailed, match="ended as if all were well, but said"):
            build.run(sys.executable, "-c", script)
    assert "fine so far" in capsys.readouterr().out
    with pytest.raises(build.StepFailed, match="ended with 3: last words"):
        build.run(sys.executable, "-c", "print('last words'); raise SystemExit(3)")
    assert build.run(sys.executable, "-c", "print('no errors, 0 warnings')") == "no errors, 0 warnings"


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., str]:
    """A git repository with one commit per call; the commit's hash."""
    folder = tmp_path / "origin"

    def commit(branch: str = "main", **files: str) -> str:
        git = ("git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "gc.auto=0")
        if not folder.exists():
            subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)
            subprocess.run([*git, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
            subprocess.run([*git, "config", "uploadpack.allowFilter", "true"], check=True)
        subprocess.run([*git, "checkout", "--quiet", "-B", branch], check=True)
        for name, text in files.items():
            (folder / name.replace("_py", ".py")).write_text(text)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "x"], check=True)
        return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    return commit


def test_a_pack_is_at_its_commit_and_its_install_script_is_not_run(
    repository: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = repository(__init___py="OLD = 1", install_py="raise SystemExit('I was run')")
    repository(__init___py="NEW = 1")
    url = (tmp_path / "origin").as_uri()
    assert build.main(["checkout", url, str(tmp_path / "Pack"), "--commit", wanted]) == 0
    assert (tmp_path / "Pack/__init__.py").read_text() == "OLD = 1"
    assert "Pack/install.py is not run" in capsys.readouterr().out


def test_a_commit_that_only_a_fork_has_is_refused(
    repository: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(a="1")
    hidden = repository("stray", a="2")
    git = ["git", "-C", str(tmp_path / "origin")]
    subprocess.run([*git, "checkout", "--quiet", "main"], check=True)
    subprocess.run([*git, "branch", "--quiet", "-D", "stray"], check=True)  # the host still gives it
    url = (tmp_path / "origin").as_uri()
    assert build.main(["checkout", url, str(tmp_path / "Pack"), "--commit", hidden]) == 1
    assert build.main(["checkout", url, str(tmp_path / "Other"), "--commit", "0" * 40]) == 1
    assert capsys.readouterr().out.count("no branch or tag of") == 2


def test_requirements_of_a_pack_are_read_as_far_as_they_can_be_resolved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "Pack"
    pack.mkdir()
    (tmp_path / "outside.txt").write_text("stolen\n")
    (pack / "requirements.txt").write_bytes(
        b"\xef\xbb\xbf# hello\nnumpy >=1.0 ; python_version > '3' # why\r\n-r more.txt\n-r ../outside.txt\n"
        b"--index-url https://evil.example\n-e .\nx @ git+https://h.example/x\n"
        b"torch==2.1.0+cu121\ntorch_audio\nTorchAudio>=2\nscipy==1.0 --hash=sha256:aa\n\x1b[31mred\n"
    )
    (pack / "more.txt").write_text("-r requirements.txt\nmore\n")
    lines = build.pack_requirements(pack)
    assert lines == [
        "numpy >=1.0 ; python_version > '3'",
        "more",
        "x @ git+https://h.example/x",
        "torch_audio",
        "scipy==1.0",
        "red",
    ]
    assert "left out '--index-url https://evil.example'" in capsys.readouterr().out
    (pack / "requirements.txt").write_bytes("numpy\n".encode("utf-16"))
    assert build.pack_requirements(pack) == ["numpy"]
    (pack / "requirements.txt").unlink()
    assert build.pack_requirements(pack) == []


def test_libraries_are_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "libraries/A/src").mkdir(parents=True)
    build.libraries([tmp_path / "libraries/A", tmp_path / "libraries/Gone"], tmp_path)
    assert (tmp_path / "flowberth-libraries.pth").read_text().splitlines() == [
        str(tmp_path / "libraries/A"),
        str(tmp_path / "libraries/A/src"),
        str(tmp_path / "libraries"),
    ]
