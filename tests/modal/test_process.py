"""The stand-in as a process of its own, for tests that start everything as people do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.modal.cli import APPS, modal

if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict]:
    command = [sys.executable, "-m", "tests.modal", "--folder", str(tmp_path / "modal")]
    command += ["--workspace", "acme", "--workspace", "beta"]
    repository = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(10) == 0


def test_a_process_tells_how_to_reach_it_and_what_came(settings: dict) -> None:
    beta = settings["workspaces"]["beta"]
    environment = {
        "MODAL_SERVER_URL": settings["server_url"],
        "MODAL_TOKEN_ID": beta["token_id"],
        "MODAL_TOKEN_SECRET": beta["token_secret"],
    }
    with httpx.Client(base_url=settings["http_url"]) as http:
        http.post(
            "/_modal/fail_build", json={"match": "git clone", "log": ["fatal: no"], "times": 1}
        ).raise_for_status()
        failed = modal(environment, "deploy", APPS / "poster/app.py")
        assert (failed.returncode, "fatal: no" in failed.stdout) == (1, True)
        assert modal(environment, "deploy", APPS / "poster/app.py").returncode == 0
        state = http.get("/_modal/state").json()
        assert state["acme"]["apps"] == []
        assert [(app["name"], app["state"]) for app in state["beta"]["apps"]] == [
            ("poster", "stopped"),  # of the deployment that failed
            ("poster", "deployed"),
        ]
        door = state["beta"]["apps"][1]["urls"]["ComfyUI.web"]
        assert httpx.get(f"{door}/health").status_code == 401
        published = http.get("/_modal/calls", params={"method": "AppPublish"}).json()
        assert [(call["workspace"], call["message"]["name"]) for call in published] == [("beta", "poster")]
