"""Models downloaded once, gone on with after a crash, and never taken unseen; over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from shared.models import ModelUnavailable, fetch_models, link_models

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
        fetch_models(lock, tmp_path / "store", lambda: commits.append(1))
    assert (tmp_path / f"store/sha256/{SHA256}").read_bytes() == CONTENT
    assert (len(Host.asked), len(commits)) == (1, 1)


@pytest.mark.parametrize("had", [1, 5000, len(CONTENT)])
def test_cut_off_it_goes_on_where_it_stopped(host: str, tmp_path: Path, had: int) -> None:
    part = tmp_path / f"store/sha256/{SHA256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:had])
    fetch_models(locked(tmp_path, f"{host}/model"), tmp_path / "store", lambda: None)
    assert Host.asked == [f"bytes={had}-"]
    assert part.with_suffix("").read_bytes() == CONTENT
    assert not part.exists()


def test_a_part_that_is_too_long_is_thrown_away(host: str, tmp_path: Path) -> None:
    part = tmp_path / f"store/sha256/{SHA256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"x")
    lock = locked(tmp_path, f"{host}/model")
    with pytest.raises(ModelUnavailable, match="begins anew"):
        fetch_models(lock, tmp_path / "store", lambda: None)
    fetch_models(lock, tmp_path / "store", lambda: None)
    assert part.with_suffix("").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sha256", "folder", "words"),
    [
        ("/model", "0" * 64, "checkpoints", "sha256 differs"),
        ("/gated", SHA256, "checkpoints", "accept its licence"),
    ],
)
def test_what_is_not_the_model_is_refused(
    host: str, tmp_path: Path, path: str, *, sha256: str, folder: str, words: str
) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        fetch_models(locked(tmp_path, f"{host}{path}", sha256, folder), tmp_path / "store", lambda: None)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_file_of_another_size_is_refused(host: str, tmp_path: Path) -> None:
    lock = locked(tmp_path, f"{host}/model", None)
    document = json.loads(lock.read_bytes())
    document["models"][0]["bytes"] = len(CONTENT) + 1
    lock.write_text(json.dumps(document))
    with pytest.raises(ModelUnavailable, match="size differs"):
        fetch_models(lock, tmp_path / "store", lambda: None)


def test_two_apps_share_a_file_and_never_a_name(host: str, tmp_path: Path) -> None:
    """A stranger's app that calls another file by a famous name changes nothing for those who mean the real one."""
    store, comfy = tmp_path / "store", tmp_path / "ComfyUI" / "models"
    fetch_models(locked(tmp_path, f"{host}/", None), store, lambda: None)  # an empty file, without a hash
    lock = locked(tmp_path, f"{host}/model")
    fetch_models(lock, store, lambda: None)
    link_models(lock, store, comfy)
    assert (comfy / "checkpoints/m.safetensors").read_bytes() == CONTENT
    fetch_models(locked(tmp_path, "https://elsewhere.example/the-same"), store, lambda: None)
    assert len(Host.asked) == 2, "the same hash is the same file"


def test_links_are_made_anew_and_what_is_not_there_is_told(host: str, tmp_path: Path) -> None:
    store, comfy = tmp_path / "store", tmp_path / "models"
    lock = locked(tmp_path, f"{host}/model")
    with pytest.raises(ModelUnavailable, match="has not been downloaded"):
        link_models(lock, store, comfy)
    fetch_models(lock, store, lambda: None)
    for _ in range(2):
        link_models(lock, store, comfy)
    assert (comfy / "checkpoints/m.safetensors").is_symlink()


@pytest.mark.parametrize("folder", ["../../elsewhere", "checkpoints/../vae", "/etc"])
def test_a_name_that_leads_out_of_its_folder_is_refused(host: str, tmp_path: Path, folder: str) -> None:
    lock = locked(tmp_path, f"{host}/model", folder=folder)
    fetch_models(lock, tmp_path / "store", lambda: None)
    with pytest.raises(ModelUnavailable, match="leave the models folder"):
        link_models(lock, tmp_path / "store", tmp_path / "models")
