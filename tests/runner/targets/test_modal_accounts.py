"""Whose workspace is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from inline_snapshot import snapshot

from github_app.settings import InvalidSettings, Settings
from github_app.targets import modal_accounts_of, target_of
from runner.targets.local import LocalTarget
from runner.targets.modal.accounts import InvalidModalAccounts, read_accounts
from runner.targets.modal.errors import NoModalAccount
from runner.targets.modal.target import ModalTarget

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
[Octo-Org]
token_id = "ak-octo"
token_secret = "as-octo"
environment = "flowberth"

[hank]
token_id = "ak-hank"
token_secret = "as-hank"
server_url = "http://127.0.0.1:9"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.toml"
    path.touch(mode=0o600)
    path.write_text(FILE)
    return path


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(data_dir=tmp_path, target="modal", **more)


def test_an_account_is_of_the_owner_of_the_repository_or_of_all(tmp_path: Path, file: Path) -> None:
    both = settings(tmp_path, modal_token_id="ak-all", modal_token_secret="as-all", modal_accounts_file=file)
    accounts = modal_accounts_of(both)
    assert accounts.of("octo-org").variables() == snapshot(
        {
            "MODAL_TOKEN_ID": "ak-octo",
            "MODAL_TOKEN_SECRET": "as-octo",
            "MODAL_CONFIG_PATH": "/dev/null",
            "MODAL_MAX_THROTTLE_WAIT": "60",
            "MODAL_ENVIRONMENT": "flowberth",
        }
    )
    assert accounts.of("HANK").variables()["MODAL_SERVER_URL"] == "http://127.0.0.1:9"
    assert accounts.of("anybody").token_id.get_secret_value() == "ak-all"
    assert [account.key for account in accounts.all()] == ["default", "login-octo-org", "login-hank"]
    assert "as-octo" not in repr(accounts.all())
    only = modal_accounts_of(settings(tmp_path, modal_accounts_file=file))
    with pytest.raises(NoModalAccount, match="no Modal workspace is set up for anybody"):
        only.of("anybody")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("octo = 5", r"\[octo\] is no table"),
        ("[octo", "Expected"),
        ('["octo/art"]\ntoken_id = "a"', r"\[octo/art\] is no table with the name of an account on GitHub"),
        ('[octo]\ntoken_id = "ak-1"', r"\[octo\] token_secret: Field required"),
        ('[octo]\ntoken_id = "ak-1"\ntoken_secret = ""', r"\[octo\] token_secret"),
        ('[octo]\ntoken_id = "a"\ntoken_secret = "b"\ntokensecret = "c"', r"tokensecret: Extra inputs"),
        ('[octo]\ntoken_id = "a"\ntoken_secret = "b"\n[OCTO]\ntoken_id = "c"', r"\[OCTO\] is there twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(InvalidModalAccounts, match=complaint) as refusal:
        read_accounts(file)
    assert str(file) in str(refusal.value)


def test_a_file_that_others_may_read_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(InvalidModalAccounts, match="others may read it; `chmod 600"):
        read_accounts(file)
    file.unlink()
    with pytest.raises(InvalidModalAccounts, match="no such file"):
        read_accounts(file)


def test_settings_make_the_target_or_say_what_is_missing(tmp_path: Path, file: Path) -> None:
    assert isinstance(target_of(Settings(data_dir=tmp_path)), LocalTarget)
    assert isinstance(target_of(settings(tmp_path, modal_accounts_file=file)), ModalTarget)
    with pytest.raises(InvalidSettings, match="FLOWBERTH_MODAL_TOKEN_ID, FLOWBERTH_MODAL_TOKEN_SECRET"):
        target_of(settings(tmp_path))
    with pytest.raises(InvalidSettings, match="not set: FLOWBERTH_MODAL_TOKEN_SECRET"):
        target_of(settings(tmp_path, modal_token_id="ak-1"))
    with pytest.raises(InvalidSettings, match="not set: FLOWBERTH_MODAL_PROXY_TOKEN_ID"):
        target_of(settings(tmp_path, modal_token_id="ak", modal_token_secret="as", modal_proxy_token_secret="ws"))
    file.write_text("[octo")
    with pytest.raises(InvalidSettings, match="FLOWBERTH_MODAL_ACCOUNTS_FILE: "):
        target_of(settings(tmp_path, modal_accounts_file=file))
