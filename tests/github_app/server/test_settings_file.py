"""`flowberth.toml` in the data folder, and the settings of a GitHub App."""

import os
from pathlib import Path

import pytest

from github_app.settings import SETTINGS_FILE, InvalidSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.startswith(("FLOWBERTH_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / SETTINGS_FILE).write_text(text)


def test_the_file_counts_where_the_environment_says_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'database_url = "postgresql://file/db"\nconcurrent_runs = 3\noffline = true\n')
    settings = load_settings()
    assert settings.database_url
    assert settings.database_url.get_secret_value() == "postgresql://file/db"
    assert (settings.concurrent_runs, settings.offline, settings.data_dir) == (3, True, folder)
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment/db")
    monkeypatch.setenv("FLOWBERTH_CONCURRENT_RUNS", "5")
    settings = load_settings()
    assert settings.database_url
    assert settings.database_url.get_secret_value() == "postgresql://environment/db"
    assert settings.concurrent_runs == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concurrent_run = 1", "there is no setting 'concurrent_run'"),
        ('data_dir = "/tmp"', "there is no setting 'data_dir'"),
        ("concurrent_runs = ", "flowberth.toml: "),
        ("concurrent_runs = 0", "concurrent_runs in flowberth.toml of the data folder: Input should be greater"),
        ('target = "moon"', "target in flowberth.toml of the data folder: Input should be 'local'"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(folder: Path, text: str, words: str) -> None:
    write(folder, text)
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert words in str(refused.value)


def test_a_near_miss_is_suggested(folder: Path) -> None:
    write(folder, "concurrent_run = 1")
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert refused.value.hint == "Did you mean 'concurrent_runs'?"


def test_a_key_file_is_found_beside_the_settings(folder: Path, key: str) -> None:
    (folder / "app.pem").write_text(key)
    write(folder, 'github_app_id = 1\ngithub_private_key_file = "app.pem"\ngithub_webhook_secret = "s"\n')
    credentials = load_settings().github_credentials()
    assert credentials.private_key.get_secret_value().strip() == key.strip()
    assert key.splitlines()[3] not in repr(credentials)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings().github_credentials()
    assert str(refused.value) == (
        "not set: FLOWBERTH_GITHUB_APP_ID, FLOWBERTH_GITHUB_PRIVATE_KEY_FILE (or FLOWBERTH_GITHUB_PRIVATE_KEY), "
        "FLOWBERTH_GITHUB_WEBHOOK_SECRET"
    )
    assert "flowberth github init" in (refused.value.hint or "")


def test_a_key_that_is_none_is_refused_without_being_shown(folder: Path) -> None:
    app = {"github_app_id": 1, "github_webhook_secret": "s"}
    with pytest.raises(InvalidSettings, match="FLOWBERTH_GITHUB_PRIVATE_KEY: no private key in PEM format") as refused:
        Settings(**app, github_private_key="s3cret").github_credentials()
    assert "s3cret" not in str(refused.value)
    with pytest.raises(InvalidSettings, match="No such file"):
        Settings(**app, github_private_key_file=folder / "none.pem").github_credentials()


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://github.acme.com/api/v3", "https://github.acme.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("http://127.0.0.1:8123/api/v3/", "http://127.0.0.1:8123"),
    ],
)
def test_where_people_see_github(api: str, web: str) -> None:
    assert Settings(github_api_url=api).github_url == web
