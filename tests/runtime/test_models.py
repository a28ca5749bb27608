"""Models downloaded once, gone on with after a crash, and never taken unseen; over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from shared.models import ModelUnavailable, fetch_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Host(BaseHTTPRequestHandler):
    """Serves the one model, also from a byte on; `/gated` to nobody."""

    asked: list[str | None]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.path == "/gated":
            self.send_response(403)
        elif start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
        else:
            self.send_response(206 if wanted else 200)
        body = CONTENT[start:] if self.path == "/model" else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    Host.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def locked(tmp_path: Path, url: str, sha256: str | None = SHA256, folder: str = "checkpoints") -> Path:
    model = {"url": url, "file": "m.safetensors", "folder": folder, "sha256": sha256}
    lock = tmp_path / "app.lock.json"
    lock.write_text(json.dumps({"models": [model]}))
    return lock


def test_a_model_is_downloaded_once(host: str, tmp_path: Path) -> None:
    lock, commits = locked(tmp_path, f"{host}/model"), []
    for _ in range(2):
        fetch_models(lock, tmp_path / "models", lambda: commits.append(1))
    assert (tmp_path / "models/checkpoints/m.safetensors").read_bytes() == CONTENT
    assert (len(Host.asked), len(commits)) == (1, 1)


@pytest.mark.parametrize("had", [1, 5000, len(CONTENT)])
def test_cut_off_it_goes_on_where_it_stopped(host: str, tmp_path: Path, had: int) -> None:
    part = tmp_path / "models/checkpoints/m.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:had])
    fetch_models(locked(tmp_path, f"{host}/model"), tmp_path / "models", lambda: None)
    assert Host.asked == [f"bytes={had}-"]
    assert part.with_suffix("").read_bytes() == CONTENT
    assert not part.exists()


def test_a_part_that_is_too_long_is_thrown_away(host: str, tmp_path: Path) -> None:
    part = tmp_path / "models/checkpoints/m.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"x")
    lock = locked(tmp_path, f"{host}/model")
    with pytest.raises(ModelUnavailable, match="begins anew"):
        fetch_models(lock, tmp_path / "models", lambda: None)
    fetch_models(lock, tmp_path / "models", lambda: None)
    assert part.with_suffix("").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sha256", "folder", "words"),
    [
        ("/model", "0" * 64, "checkpoints", "sha256 differs"),
        ("/gated", SHA256, "checkpoints", "accept its licence"),
        ("/model", SHA256, "../../elsewhere", "leave the models folder"),
    ],
)
def test_what_is_not_the_model_is_refused(
    host: str, tmp_path: Path, path: str, *, sha256: str, folder: str, words: str
) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        fetch_models(locked(tmp_path, f"{host}{path}", sha256, folder), tmp_path / "models", lambda: None)
    assert list(tmp_path.rglob("*.safetensors*")) == []
