"""Whether there is a language model to ask, as the settings say, and that its key goes nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from github_app.advisers import adviser_of, judge_of
from github_app.settings import InvalidSettings, load_settings
from runner.quality.judge import NoJudge
from runner.repair.adviser import NoAdviser
from runner.repair.language_model.anthropic_adviser import AnthropicAdviser
from runner.targets.local import PASSED_VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-ant-api03-0123456789abcdef"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("FLOWBERTH_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", str(tmp_path))


def test_without_a_key_nobody_is_asked() -> None:
    assert isinstance(adviser_of(load_settings()), NoAdviser)
    assert isinstance(judge_of(load_settings()), NoJudge)


def test_a_key_that_is_not_for_flowberth_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert not adviser_of(load_settings()).available


def test_a_key_turns_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWBERTH_ANTHROPIC_API_KEY", KEY)
    settings = load_settings()
    adviser = adviser_of(settings)
    assert isinstance(adviser, AnthropicAdviser)
    assert adviser.available
    judge = judge_of(settings)
    assert judge.available
    assert KEY not in f"{settings!r} {settings} {adviser!r} {judge!r} {settings.model_dump_json()}"


def test_the_key_may_be_in_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "flowberth.toml").write_text('anthropic_api_key_file = "anthropic.key"\n')
    (tmp_path / "anthropic.key").write_text(f"{KEY}\n")
    assert adviser_of(load_settings()).available


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b"", "no key"), (b"\xff", "is no text"), (b"two words", "no key")],
)
def test_a_file_without_a_key_is_told(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "anthropic.key"
    if content is not None:
        file.write_bytes(content)
    (tmp_path / "flowberth.toml").write_text('anthropic_api_key_file = "anthropic.key"\n')
    with pytest.raises(InvalidSettings, match=f"FLOWBERTH_ANTHROPIC_API_KEY_FILE: .*{why}") as invalid:
        adviser_of(load_settings())
    assert "two words" not in str(invalid.value)


def test_a_model_without_a_price_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWBERTH_ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("FLOWBERTH_ANTHROPIC_MODEL", "claude-of-tomorrow")
    with pytest.raises(InvalidSettings, match=r"FLOWBERTH_ANTHROPIC_MODEL: there is no price .*claude-sonnet-5-5"):
        adviser_of(load_settings())


def test_apps_on_this_machine_do_not_get_it() -> None:
    assert not [name for name in PASSED_VARIABLES if "ANTHROPIC" in name or name.startswith("FLOWBERTH")]


def test_the_sdk_is_loaded_only_to_ask() -> None:
    code = "import sys, github_app.advisers; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
