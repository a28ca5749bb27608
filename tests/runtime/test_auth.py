"""Who gets in with a bearer key, and what stays open without."""

from __future__ import annotations

import pytest

from shared.service import Service
from shared.settings import Settings, SettingsError
from tests.runtime.conftest import SCRIPTED, node, write_app

KEY = "correct horse battery"
SAY = {"1": node("Say", text="x")}


def test_without_a_key_everything_is_open(app):
    served = app(SAY)
    assert served.generate().status_code == 200


def test_with_a_key_only_health_and_the_empty_pages_are_open(app):
    served = app(SAY, settings={"api_key": KEY})
    for path in ("/", "/schema", "/metrics", "/openapi.json", "/jobs/x", "/healthy", "/docs/x", "/playgrounds"):
        refused = served.http.get(path)
        assert refused.status_code == 401, path
        assert refused.json()["type"].endswith("/unauthorized")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert served.generate().status_code == 401
    assert served.engine("/submitted") == []
    for path in ("/health", "/playground", "/docs", "/assets/style.css"):
        assert served.http.get(path).status_code == 200, path
    assert served.generate(headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    assert served.generate(headers={"Authorization": f"bearer   {KEY}"}).status_code == 200


def test_another_key_is_none(app):
    served = app(SAY, settings={"api_key": KEY})
    for given in (
        "Bearer",
        "Bearer wrong",
        f"Basic {KEY}",
        KEY,
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        "Bearer \u00ff",
    ):
        refused = served.http.get("/", headers={b"Authorization": given.encode("latin-1")})
        assert refused.status_code == 401, given


def test_health_can_be_closed(app):
    served = app(SAY, settings={"api_key": KEY, "health_open": False})
    assert served.http.get("/health").status_code == 401
    assert served.http.get("/health", headers={"Authorization": f"Bearer {KEY}"}).json()["status"] == "ok"
    assert served.http.get("/playground").status_code == 200


def test_an_app_that_would_ask_nobody_for_anything_does_not_start(app, tmp_path):
    folder = write_app(tmp_path / "app", SAY, proxy_auth=False)
    with pytest.raises(SettingsError, match="FLOWBERTH_API_KEY must be set"):
        Service.from_folder(folder, Settings(engine_command=tuple(SCRIPTED))).start()
    served = app(SAY, settings={"api_key": KEY}, proxy_auth=False)
    assert served.generate().status_code == 401
