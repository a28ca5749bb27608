"""`flowberth doctor` says whether Slack is set up right."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from github_app.cli.doctor import check_slack
from github_app.settings import InvalidSettings, Settings, load_settings
from tests.slack.standin import CHANNEL, TOKEN, StandInSlack


def look(slack: StandInSlack, **more: Any) -> tuple[str, str]:
    given = {"slack_bot_token": TOKEN, "slack_channels": {CHANNEL: "acme/site"}, "slack_api_url": slack.api_url} | more
    check = check_slack(Settings(**given))
    assert check.mend is None or check.state != "ok"
    return check.state, check.detail


def test_doctor_asks_slack_itself(slack: StandInSlack) -> None:
    taking = {"slack_signing_secret": SecretStr("s")}
    assert look(slack, **taking) == ("ok", "flowberth in Acme, 1 channel")
    assert look(slack)[1].endswith("; without FLOWBERTH_SLACK_SIGNING_SECRET nothing is taken from there")
    slack.scopes = "chat:write,channels:history"
    assert look(slack, **taking) == ("problem", "the app lacks the scopes groups:history, files:read, commands")
    assert look(slack, slack_bot_token="xoxb-wrong") == ("problem", "Slack says invalid_auth")
    assert look(slack, slack_api_url="http://127.0.0.1:1")[1].startswith("Slack did not answer")
    assert look(slack, slack_bot_token=None, slack_channels={})[0] == "optional"
    assert look(slack, slack_bot_token=None) == (
        "problem",
        "FLOWBERTH_SLACK_CHANNELS without FLOWBERTH_SLACK_BOT_TOKEN",
    )
    assert look(slack, slack_channels={})[1] == "FLOWBERTH_SLACK_BOT_TOKEN without FLOWBERTH_SLACK_CHANNELS"


def test_channels_and_people_by_variable_and_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "flowberth.toml").write_text(
        f'slack_bot_token = "{TOKEN}"\nslack_people = {{ U0ANN0001 = "alice" }}\n[slack_channels]\n{CHANNEL} = "acme/site"\n'
    )
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", str(tmp_path))
    found = load_settings().slack()
    assert found is not None
    assert (found.channels, found.people) == ({CHANNEL: "acme/site"}, {"U0ANN0001": "alice"})
    monkeypatch.setenv("FLOWBERTH_SLACK_CHANNELS", "C01=acme/one, C02=acme/two,")
    assert load_settings().slack_channels == {"C01": "acme/one", "C02": "acme/two"}
    for wrong in ("general=acme/site", "C01=acme", "C01", "C01=", "C01=acme/one,C01=acme/two", "C01=../x"):
        monkeypatch.setenv("FLOWBERTH_SLACK_CHANNELS", wrong)
        with pytest.raises(InvalidSettings, match="FLOWBERTH_SLACK_CHANNELS"):
            load_settings()
