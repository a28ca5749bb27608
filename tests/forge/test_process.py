"""The forge as a process of its own, driven by HTTP alone."""

import json
import subprocess
import sys
import time

import httpx
import pytest

from tests.forge.app import Receiver

PATIENCE_SECONDS = 30


@pytest.fixture
def process():
    with (
        Receiver() as receiver,
        subprocess.Popen(
            [sys.executable, "-m", "tests.forge", "--hook-url", receiver.url], stdout=subprocess.PIPE, text=True
        ) as running,
    ):
        assert running.stdout is not None
        yield json.loads(running.stdout.readline()), receiver
        running.terminate()
    assert running.returncode == 0


def test_it_says_where_it_is_and_does_what_a_browser_would(process):
    settings, receiver = process
    people = {login: {"authorization": f"Bearer {token}"} for login, token in settings["tokens"].items()}
    site = f"{settings['api_url']}/repos/acme/site"
    forge = f"{settings['web_url']}/_forge"
    with httpx.Client(trust_env=False) as client:
        attached = client.post(
            f"{forge}/attachments", json={"repository": "acme/site", "name": "w.json", "data": "e30="}
        ).json()["url"]
        assert client.get(attached, follow_redirects=True).content == b"{}"
        client.post(f"{forge}/faults/deliveries", json={"event": "issues", "kind": "drop"})
        for title in ("lost", "found"):
            assert client.post(f"{site}/issues", json={"title": title}, headers=people["alice"]).status_code == 201
        client.delete(f"{forge}/installations/{settings['installations']['acme']}")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(told := client.get(f"{forge}/deliveries").json()["deliveries"]) < 3 or any(
            one["status"] == "pending" for one in told
        ):
            assert time.monotonic() < deadline
    assert [(one["event"], one["action"], one["status"]) for one in told] == [
        ("issues", "opened", "failed to connect to host"),
        ("issues", "opened", "OK"),
        ("installation", "deleted", "OK"),
    ]
    assert sorted(receiver.events()) == ["installation", "issues"]
