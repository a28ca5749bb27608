"""`flowberth github init` and `check`: from nothing to an App whose settings work, and what is said when they do not."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from github_app.server.keeping import KEY_FILE
from github_app.server.manifest import EVENTS, PERMISSIONS
from github_app.settings import SETTINGS_FILE, load_settings
from tests.forge.forge import Forge
from tests.github_app.server.served import until

PUBLIC_URL = "https://flowberth.example.com"


class Init:
    """`flowberth github init` in a process of its own, and the browser of the person who started it."""

    def __init__(self, forge: Forge, environment: dict[str, str], folder: Path, *options: str) -> None:
        self.folder = folder
        self._told = folder / "told"
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("flowberth"), "github", "init", "--json", *options],
                env=environment, stdout=subprocess.PIPE, stderr=told, text=True,
            )  # fmt: skip
        self.browser = httpx.Client(trust_env=False, timeout=30)
        self.forge = forge

    def told(self) -> str:
        return self._told.read_text()

    def address(self) -> str:
        found = until(lambda: re.search(r"  (http://127\.0\.0\.1:\d+/\S+)\n", self.told()))
        return found[1]

    def form(self) -> tuple[str, dict[str, Any]]:
        page = self.browser.get(self.address()).text
        action, manifest = re.search(r'action="([^"]+)"', page), re.search(r'name="manifest" value="([^"]+)"', page)
        assert action
        assert manifest
        return unescape(action[1]), json.loads(unescape(manifest[1]))

    def agree(self) -> httpx.Response:
        """Press our button, and GitHub's."""
        action, manifest = self.form()
        return self.browser.post(action, data={"manifest": json.dumps(manifest)}, follow_redirects=True)

    def result(self) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=30)
        return json.loads(out)


@pytest.fixture
def start(forge: Forge, environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Init]]:
    running: list[Init] = []

    def run(*options: str) -> Init:
        running.append(Init(forge, environment, tmp_path, "--api-url", forge.api_url, *options))
        return running[-1]

    yield run
    for one in running:
        one.browser.close()
        one.process.kill()
        one.process.communicate()


def test_from_nothing_to_an_app_that_works(
    start: Callable[..., Init], forge: Forge, data_dir: Path, environment: dict[str, str], flowberth: Callable
) -> None:
    init = start("--public-url", PUBLIC_URL, "--org", "acme", "--name", "Berth")
    action, manifest = init.form()
    assert action.startswith(f"{forge.web_url}/organizations/acme/settings/apps/new?state=")
    assert manifest["hook_attributes"] == {"url": f"{PUBLIC_URL}/webhooks/github", "active": True}
    assert manifest["default_permissions"] == {name: level for name, (level, _) in PERMISSIONS.items()}
    assert tuple(manifest["default_events"]) == EVENTS
    assert not manifest["public"]

    page = init.agree()
    assert page.status_code == 200
    said = init.result()
    assert (said["id"], said["slug"]) == (forge.app_id, forge.slug)
    assert said["install_url"] in page.text

    for name in (KEY_FILE, SETTINGS_FILE):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600
    for shown in (init.told(), json.dumps(said), page.text):
        assert "PRIVATE KEY" not in shown
        assert forge.webhook_secret not in shown

    checked = flowberth("github", "check", "--json")
    assert [finding["name"] for finding in checked.json["findings"] if not finding["right"]] == []
    assert checked.code == 0


def test_a_code_that_was_not_asked_for_here_makes_nothing(start: Callable[..., Init], data_dir: Path) -> None:
    init = start("--public-url", PUBLIC_URL)
    address = init.address()
    action, _ = init.form()
    state = action.partition("state=")[2]
    base = address.rsplit("/", 2)[0]
    forged = [
        f"{address}made?code=abc",
        f"{address}made?code=abc&state=guessed",
        f"{base}/guessed/made?code=abc&state={state}",
        f"{base}/guessed/",
    ]
    assert [init.browser.get(url).status_code for url in forged] == [404] * 4
    assert not (data_dir / SETTINGS_FILE).exists()
    assert init.agree().status_code == 200  # and the right one still does


@pytest.mark.long
def test_a_code_that_github_does_not_know_is_told(start: Callable[..., Init], data_dir: Path) -> None:
    init = start("--public-url", PUBLIC_URL)
    action, _ = init.form()
    state = action.partition("state=")[2]
    assert init.browser.get(f"{init.address()}made?code=spent&state={state}").status_code == 502
    said = init.result()
    assert init.process.returncode == 1
    assert said["error"]["type"] == "RegistrationFailed"
    assert not (data_dir / SETTINGS_FILE).exists()


@pytest.mark.long
def test_other_settings_in_the_file_stay_and_an_app_is_not_replaced_by_accident(
    start: Callable[..., Init], forge: Forge, data_dir: Path, flowberth: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    (data_dir / SETTINGS_FILE).write_text("# mine\nconcurrent_runs = 2\ngithub_app_id = 5\n")
    refused = flowberth("github", "init", "--json", "--public-url", PUBLIC_URL)
    assert refused.code == 2
    assert "--force" in refused.json["error"]["hint"]
    init = start("--public-url", PUBLIC_URL, "--force")
    init.agree()
    init.result()
    assert (data_dir / SETTINGS_FILE).read_text().startswith("# mine\nconcurrent_runs = 2\ngithub_app_id = ")
    for name in [name for name in os.environ if name.startswith("FLOWBERTH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", str(data_dir))
    settings = load_settings()
    assert (settings.github_app_id, settings.concurrent_runs) == (forge.app_id, 2)
    assert settings.github_credentials().private_key.get_secret_value().strip() == forge.private_key.strip()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "GitHub must know where to send its webhooks"),
        (("--public-url", "flowberth.example.com"), "--public-url: String should match pattern"),
        (("--public-url", PUBLIC_URL, "--api-url", "ftp://x"), "--api-url: String should match pattern"),
    ],
)
def test_what_is_missing_or_wrong_is_said_before_anything_is_made(
    flowberth: Callable, options: tuple[str, ...], message: str
) -> None:
    said = flowberth("github", "init", "--json", *options)
    assert said.code == 2
    assert message in said.json["error"]["message"]


@pytest.fixture
def set_up(forge: Forge, flowberth: Callable) -> Callable[..., dict[str, dict[str, Any]]]:
    """`github check` with the right settings but for those given; what it found by name."""

    def check(**settings: str) -> dict[str, dict[str, Any]]:
        right = {
            "FLOWBERTH_GITHUB_API_URL": forge.api_url,
            "FLOWBERTH_GITHUB_APP_ID": str(forge.app_id),
            "FLOWBERTH_GITHUB_PRIVATE_KEY": forge.private_key.replace("\n", "\\n"),
            "FLOWBERTH_GITHUB_WEBHOOK_SECRET": forge.webhook_secret,
            "FLOWBERTH_PUBLIC_URL": PUBLIC_URL,
        }
        said = flowberth("github", "check", "--json", **{**right, **settings})
        findings = said.json["findings"]
        needed = all(finding["right"] or not finding["needed"] for finding in findings)
        assert (said.code, said.json["ok"]) == (0 if needed else 1, needed)
        return {finding["name"]: finding for finding in findings}

    forge.hook_url = f"{PUBLIC_URL}/webhooks/github"
    forge.events = list(EVENTS)
    forge.webhooks.deliveries.clear()
    return check


def test_permissions_events_and_address_that_are_wrong_are_named_with_the_page_to_change_them(
    set_up: Callable[..., dict[str, Any]], forge: Forge
) -> None:
    forge.permissions.update(contents="read")
    forge.permissions.pop("checks")
    forge.events.remove("issue_comment")
    forge.hook_url = "https://old.example.com/webhooks/github"
    found = set_up()
    assert found["permission contents"]["detail"].startswith("is read, and must be write")
    assert found["permission checks"]["detail"].startswith("is none, and must be write")
    assert f"/settings/apps/{forge.slug}/permissions" in found["permission checks"]["mend"]
    assert found["events"]["detail"] == "not subscribed to issue_comment"
    assert found["webhook"]["detail"] == (
        f"sends to https://old.example.com/webhooks/github, and must send to {PUBLIC_URL}/webhooks/github"
    )


def test_a_wrong_key_is_told_and_nothing_else_is_asked(set_up: Callable[..., dict[str, Any]], key: str) -> None:
    found = set_up(FLOWBERTH_GITHUB_PRIVATE_KEY=key)
    assert list(found) == ["App"]
    assert "private key" in found["App"]["mend"]


def test_deliveries_that_fail_say_why(set_up: Callable[..., dict[str, Any]], forge: Forge) -> None:
    forge.hook_url = None
    forge.client("alice").post("/repos/acme/site/issues", json={"title": "x"})
    forge.until(lambda: forge.webhooks.deliveries and not any(one.pending for one in forge.webhooks.deliveries))
    assert "Is `flowberth serve` running" in set_up()["deliveries"]["mend"]
    for one in forge.webhooks.deliveries:
        one.status_code = 401
    assert "FLOWBERTH_GITHUB_WEBHOOK_SECRET" in set_up()["deliveries"]["mend"]
    for one in forge.webhooks.deliveries:
        one.status_code = 202
    assert set_up()["deliveries"]["right"]


def test_a_suspended_installation_is_told(set_up: Callable[..., dict[str, Any]], forge: Forge) -> None:
    forge.suspend(next(iter(forge.installations.values())))
    forge.webhooks.deliveries.clear()
    assert set_up()["installed on acme"]["detail"] == "suspended"


def test_for_people_it_is_one_line_each(flowberth: Callable, forge: Forge) -> None:
    said = flowberth("github", "check")
    assert said.code == 2
    assert said.err.startswith("Error: not set: FLOWBERTH_GITHUB_APP_ID, FLOWBERTH_GITHUB_PRIVATE_KEY_FILE (or ")
    assert "flowberth github init" in said.err
