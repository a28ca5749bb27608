"""Settings: from the environment, with errors that name the variable."""

from pathlib import Path

import pytest

from github_app.settings import InvalidSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOWBERTH_DATA_DIR", "FLOWBERTH_DATABASE_URL", "DATABASE_URL", "FLOWBERTH_GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def test_nothing_is_required(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "flowberth"


def test_our_own_database_variable_wins_over_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://common/db")
    assert load_settings().database_url.get_secret_value() == "postgresql://common/db"  # type: ignore[union-attr]
    monkeypatch.setenv("FLOWBERTH_DATABASE_URL", "postgresql://own/db")
    assert load_settings().database_url.get_secret_value() == "postgresql://own/db"  # type: ignore[union-attr]


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWBERTH_DATABASE_URL", "")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("FLOWBERTH_DATA_DIR", "")
    assert load_settings().database_url is None
    assert load_settings().data_dir.name == "flowberth"


def test_a_bad_value_names_its_variable_and_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWBERTH_GITHUB_APP_ID", "s3cret-pasted-into-the-wrong-field")
    with pytest.raises(InvalidSettings, match="FLOWBERTH_GITHUB_APP_ID") as refused:
        load_settings()
    assert "s3cret" not in str(refused.value)


def test_secrets_do_not_show_up_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWBERTH_DATABASE_URL", "postgresql://user:s3cret@host/db")
    monkeypatch.setenv("FLOWBERTH_GITHUB_WEBHOOK_SECRET", "s3cret")
    assert "s3cret" not in repr(load_settings())


def test_the_home_folder_may_be_written_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings(data_dir=Path("~/flow")).data_dir == tmp_path / "flow"
