"""The manifest in the documentation asks for what the code needs."""

from __future__ import annotations

from pathlib import Path

import yaml

from github_app.slack.client import SCOPES_TO_TAKE, SCOPES_TO_TELL
from github_app.slack.door import PATH
from github_app.slack.requests import COMMAND

PAGE = Path(__file__).parents[2] / "docs" / "slack.md"


def test_the_manifest_is_true() -> None:
    text = PAGE.read_text()
    manifest = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert manifest["oauth_config"]["scopes"]["bot"] == [*SCOPES_TO_TELL, *SCOPES_TO_TAKE]
    (command,) = manifest["features"]["slash_commands"]
    settings = manifest["settings"]
    assert command["command"] == COMMAND
    addresses = (
        command["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
    )
    ends = [f"{PATH}/{name}" for name in ("commands", "events", "interactions")]
    assert [address.removeprefix("https://flowberth.example.com") for address in addresses] == ends
