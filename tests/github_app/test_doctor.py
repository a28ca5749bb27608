"""The doctor looks at real things, and says how to mend each."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.modal.bed import ModalBed
from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture


class ComfyUI(BaseHTTPRequestHandler):
    """Answers what the doctor asks, as ComfyUI's server.py does."""

    def do_GET(self) -> None:
        body = json.dumps({"system": {"comfyui_version": "0.33.0"}, "devices": []}).encode()
        self.send_response(200 if self.path == "/system_stats" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def comfyui() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), ComfyUI) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def checks(said: object) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in said.json["checks"]}  # type: ignore[attr-defined]


def test_a_healthy_machine_without_accounts_is_ready(
    flowberth: Callable, database_url: str, data_dir: Path, comfyui: str
) -> None:
    said = flowberth("doctor", "--json", FLOWBERTH_DATABASE_URL=database_url, FLOWBERTH_COMFYUI=comfyui)
    found = checks(said)
    assert said.code == 0
    assert said.json["ok"] is True
    assert {name: check["state"] for name, check in found.items()} == {
        "git": "ok",
        "Python": "ok",
        "disk": "ok",
        "database": "ok",
        "ComfyUI": "ok",
        "Modal token": "optional",
        "GitHub App": "optional",
        "Slack": "optional",
    }
    assert found["ComfyUI"]["detail"] == f"0.33.0 at {comfyui}"
    assert "not needed for the local path" in found["Modal token"]["detail"]
    assert "FLOWBERTH_TARGET=modal" in found["Modal token"]["mend"]
    assert all(check["mend"] for check in found.values() if check["state"] != "ok")


def test_what_is_broken_is_a_problem_with_a_remedy(flowberth: Callable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = flowberth(
        "doctor",
        "--json",
        "--comfyui",
        tmp_path,
        PATH="",
        FLOWBERTH_DATA_DIR=str(tmp_path / "file"),
        FLOWBERTH_DATABASE_URL="postgresql://user:s3cret@127.0.0.1:1/db",
    )
    problems = {name: check for name, check in checks(said).items() if check["state"] == "problem"}
    assert said.code == 1
    assert set(problems) == {"git", "disk", "database", "ComfyUI"}
    assert all(check["mend"] for check in problems.values())
    assert "FLOWBERTH_DATA_DIR" in problems["disk"]["mend"]
    assert "s3cret" not in said.out


def test_an_old_git_is_told_apart(flowberth: Callable, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.30.1\n")
    (tmp_path / "git").chmod(0o755)
    said = flowberth("doctor", "--json", PATH=str(tmp_path), FLOWBERTH_DATABASE_URL=database_url)
    assert checks(said)["git"]["detail"] == "git version 2.30.1 is too old"


def test_a_server_that_is_no_comfyui_is_a_problem(flowberth: Callable, database_url: str) -> None:
    said = flowberth("doctor", "--json", "--comfyui", "http://127.0.0.1:1", FLOWBERTH_DATABASE_URL=database_url)
    assert checks(said)["ComfyUI"]["state"] == "problem"
    assert said.code == 1


def test_half_a_github_app_names_what_is_missing(flowberth: Callable, database_url: str) -> None:
    said = flowberth("doctor", FLOWBERTH_DATABASE_URL=database_url, FLOWBERTH_GITHUB_APP_ID="123")
    assert "FLOWBERTH_GITHUB_PRIVATE_KEY" in said.out
    assert "FLOWBERTH_GITHUB_APP_ID" not in said.out
    assert said.out.rstrip().endswith("Ready: flowberth up WORKFLOW")


def test_modal_is_asked_whether_it_accepts_the_tokens(
    flowberth: Callable,
    database_url: str,
    modal_bed: ModalBed,  # noqa: F811
) -> None:
    variables = modal_bed.environment("acme")
    given = {
        f"FLOWBERTH_{name}": variables[name] for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_SERVER_URL")
    }
    given |= {"FLOWBERTH_TARGET": "modal", "FLOWBERTH_DATABASE_URL": database_url}
    assert checks(flowberth("doctor", "--json", **given))["Modal token"]["detail"] == "accepted, for acme"
    said = checks(flowberth("doctor", "--json", **{**given, "FLOWBERTH_MODAL_TOKEN_SECRET": "as-wrong"}))["Modal token"]
    assert (said["state"], "FLOWBERTH_MODAL_TOKEN_ID" in said["detail"]) == ("problem", True)
