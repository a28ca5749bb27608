"""Models downloaded once, gone on with after a crash, and never taken unseen; over real HTTP."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.downloads import Limits
from shared.models import ABANDONED_SECONDS, ModelUnavailable, fetch_models, link_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TOKEN = "token-of-the-host"
QUICK = Limits(pauses=(0.01,), silence_seconds=0.5, spare_bytes=0, window_seconds=0.3, window_bytes=10_000)


class Host(BaseHTTPRequestHandler):
    """Serves the one model, in all the ways that hosts do. What it does is in the path."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, str]]
    tried: int
    elsewhere: str
    busy: int
    most_at_once: int
    gate = threading.Event()

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        Host.asked.append({"path": self.path, **{key.lower(): value for key, value in self.headers.items()}})
        Host.tried += 1
        getattr(self, f"serve_{kind}")()

    def model(self, content: bytes = CONTENT, *, cut: int | None = None, headers: dict[str, str] | None = None) -> None:
        """The content from where it is asked for; cut off after that many bytes."""
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(content) and wanted:
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        body = content[start:]
        more = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if wanted else {}
        self.answer(206 if wanted else 200, body[:cut], {**more, **(headers or {}), "Content-Length": str(len(body))})
        if cut is not None and cut < len(body):
            self.close_connection = True
        return None

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def serve_model(self) -> None:
        self.model()

    def serve_empty(self) -> None:
        self.answer(200)

    def serve_cut(self) -> None:
        """Each connection ends after 30,000 bytes."""
        self.model(cut=30_000, headers={"ETag": '"one"'})

    def serve_dead(self) -> None:
        """It never gets past 1000 bytes."""
        if self.headers.get("Range"):
            self.close_connection = True
        else:
            self.model(cut=1000)

    def serve_changing(self) -> None:
        """Another file each time."""
        self.model(CONTENT[Host.tried :] + CONTENT[: Host.tried], cut=60_000, headers={"ETag": f'"{Host.tried}"'})

    def serve_whole(self) -> None:
        """It knows no ranges, and breaks off the first time."""
        self.answer(200, CONTENT[: 50_000 if Host.tried == 1 else None], {"Content-Length": str(len(CONTENT))})
        self.close_connection = True

    def serve_busy(self) -> None:
        if Host.tried < 3:
            self.answer(503, headers={"Retry-After": "0"})
        else:
            self.model()

    def serve_slow(self) -> None:
        """A byte now and then; after the first time as fast as it can."""
        if Host.tried > 1:
            return self.model()
        self.answer(200, CONTENT[:1], {"Content-Length": str(len(CONTENT))})
        sent = 1
        while not Host.gate.wait(0.05):
            try:
                self.wfile.write(CONTENT[sent : sent + 1])
                sent += 1
                self.wfile.flush()
            except OSError:
                break
        self.close_connection = True
        return None

    def serve_silent(self) -> None:
        if Host.tried > 1:
            return self.model()
        self.answer(200, CONTENT[:5000], {"Content-Length": str(len(CONTENT))})
        Host.gate.wait(10)
        self.close_connection = True
        return None

    def serve_refused(self) -> None:
        self.answer(int(self.path.split("/")[2]), headers={"X-Error-Code": "GatedRepo"})

    def serve_page(self) -> None:
        self.answer(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})

    def serve_gone(self) -> None:
        self.answer(404)

    def serve_private(self) -> None:
        """With the token it redirects to where the file is."""
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401)
        return self.answer(302, headers={"Location": Host.elsewhere})

    def serve_round(self) -> None:
        self.answer(302, headers={"Location": "/round"})

    def serve_endless(self) -> None:
        self.answer(200, headers={"Content-Length": str(10**9)})
        try:
            while True:
                self.wfile.write(CONTENT)
        except OSError:
            self.close_connection = True

    def serve_counted(self) -> None:
        Host.busy += 1
        Host.most_at_once = max(Host.busy, Host.most_at_once)
        time.sleep(0.05)  # long enough that all would be here at once
        Host.busy -= 1
        self.model(CONTENT + self.path.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    Host.asked, Host.tried, Host.busy, Host.most_at_once = [], 0, 0, 0
    Host.gate.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server, ThreadingHTTPServer(("localhost", 0), Host) as other:
        for each in (server, other):
            each.daemon_threads = True
            threading.Thread(target=each.serve_forever, args=(0.01,), daemon=True).start()
        Host.elsewhere = f"http://localhost:{other.server_port}/model"
        yield f"http://127.0.0.1:{server.server_port}"
        Host.gate.set()
        server.shutdown()
        other.shutdown()


def locked(tmp_path: Path, *urls: str, sha256: str | None = SHA256, name: str = "app", **facts: Any) -> Path:
    models = [
        {"url": url, "file": f"{index}.safetensors", "folder": "checkpoints", "sha256": sha256, **facts}
        for index, url in enumerate(urls)
    ]
    lock = tmp_path / f"{name}.lock.json"
    lock.write_text(json.dumps({"name": name, "models": models}))
    return lock


def fetch(lock: Path, store: Path, commit: Callable[[], object] = bool, **more: Any) -> None:
    fetch_models(lock, store, commit, **{"transport": httpx.AsyncHTTPTransport, "limits": QUICK, "tokens": {}, **more})


def files(store: Path) -> list[str]:
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file())


def ranges() -> list[str | None]:
    return [asked.get("range") for asked in Host.asked]


def test_a_model_is_downloaded_once(host: str, tmp_path: Path) -> None:
    lock, commits = locked(tmp_path, f"{host}/model"), []
    for _ in range(2):
        fetch(lock, tmp_path / "store", lambda: commits.append(1))
    assert (tmp_path / f"store/sha256/{SHA256}").read_bytes() == CONTENT
    assert files(tmp_path / "store") == [f"sha256/{SHA256}"]
    assert (len(Host.asked), len(commits)) == (1, 1)


def test_a_connection_that_breaks_is_gone_on_with(host: str, tmp_path: Path) -> None:
    fetch(locked(tmp_path, f"{host}/cut"), tmp_path / "store")
    assert (tmp_path / f"store/sha256/{SHA256}").read_bytes() == CONTENT
    assert ranges() == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert [asked.get("if-range") for asked in Host.asked] == [None, '"one"', '"one"', '"one"']


def test_a_call_that_gives_up_leaves_what_it_has_to_the_next(host: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"checkpoints/0\.safetensors: .*goes on where this one stopped"):
        fetch(locked(tmp_path, f"{host}/dead"), tmp_path / "store")
    assert Host.tried == 1 + QUICK.tries - 1
    Host.asked.clear()
    fetch(locked(tmp_path, f"{host}/model"), tmp_path / "store")
    assert ranges() == ["bytes=1000-"]
    assert files(tmp_path / "store") == [f"sha256/{SHA256}"]


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"x", b"of something else", b"x" * len(CONTENT)])
def test_whatever_an_earlier_call_has_left_the_file_is_the_right_one(host: str, tmp_path: Path, left: bytes) -> None:
    lock, store = locked(tmp_path, f"{host}/dead"), tmp_path / "store"
    with pytest.raises(ModelUnavailable):
        fetch(lock, store)
    (part,) = (store / "partial").iterdir()
    part.write_bytes(left)
    fetch(locked(tmp_path, f"{host}/model"), store)
    assert (store / "sha256" / SHA256).read_bytes() == CONTENT
    assert files(store) == [f"sha256/{SHA256}"]


@pytest.mark.parametrize("kind", ["busy", "whole", "slow", "silent"])
def test_a_host_in_trouble_is_asked_again(host: str, tmp_path: Path, kind: str) -> None:
    fetch(locked(tmp_path, f"{host}/{kind}"), tmp_path / "store")
    assert files(tmp_path / "store") == [f"sha256/{SHA256}"]
    assert Host.tried > 1


@pytest.mark.parametrize(
    ("path", "facts", "words"),
    [
        ("/model", {"sha256": "0" * 64}, f"sha256 differs: it is {SHA256}"),
        ("/model", {"bytes": len(CONTENT) + 1}, "size differs"),
        ("/model", {"bytes": len(CONTENT) - 1, "sha256": None}, "size differs"),
        ("/changing", {}, "sha256 differs"),
        ("/refused/401", {}, r"access refused by 127.0.0.1 with 401 \(gated\); accept its licence and set a token"),
        ("/refused/403", {}, "accept its licence"),
        ("/private", {}, "access refused"),
        ("/page", {}, "a web page instead of the file"),
        ("/gone", {}, "127.0.0.1 answered 404"),
        ("/round", {}, "more than 5 redirects"),
    ],
)
def test_what_is_not_the_model_is_refused_and_named(
    host: str, tmp_path: Path, path: str, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelUnavailable, match=rf"^checkpoints/0\.safetensors: .*{words}"):
        fetch(locked(tmp_path, f"{host}{path}", **facts), tmp_path / "store")
    assert [name for name in files(tmp_path / "store") if not name.startswith("partial/")] == []


def test_one_whose_file_changes_under_the_download_is_begun_anew(host: str, tmp_path: Path) -> None:
    """Without a hash in the lock nothing but the host's own tag says that two halves belong together."""
    fetch(locked(tmp_path, f"{host}/whole", sha256=None), tmp_path / "store")
    (name,) = files(tmp_path / "store")
    assert name.startswith("url/")
    assert (tmp_path / "store" / name).read_bytes() == CONTENT


def test_an_answer_that_does_not_end_is_cut_off(host: str, tmp_path: Path) -> None:
    limits = Limits(pauses=(0.01,), spare_bytes=0, most_bytes=2 * len(CONTENT))
    with pytest.raises(ModelUnavailable, match="longer than"):
        fetch(locked(tmp_path, f"{host}/endless", sha256=None), tmp_path / "store", limits=limits)


def test_a_disk_without_room_is_told_before_anything_is_downloaded(host: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make room in the volume"):
        fetch(locked(tmp_path, f"{host}/model"), tmp_path / "store", limits=Limits(spare_bytes=1 << 60))
    assert Host.tried == 1


def test_a_token_goes_to_its_host_and_not_where_that_redirects(host: str, tmp_path: Path) -> None:
    fetch(locked(tmp_path, f"{host}/private"), tmp_path / "store", tokens={host.removeprefix("http://"): TOKEN})
    assert [asked.get("authorization") for asked in Host.asked] == [f"Bearer {TOKEN}", None]
    assert Host.asked[1]["host"].startswith("localhost:")
    assert files(tmp_path / "store") == [f"sha256/{SHA256}"]


def test_tokens_come_from_the_environment_and_go_to_nobody_else(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fetch(locked(tmp_path, f"{host}/model"), tmp_path / "store", tokens=None)
    assert TOKEN not in json.dumps(Host.asked)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/model", "https://127.0.0.1:{port}/model", "https://[::1]/m"])
def test_on_modal_only_public_addresses_are_asked(host: str, tmp_path: Path, url: str) -> None:
    lock = locked(tmp_path, url.format(port=host.rpartition(":")[2]))
    with pytest.raises(ModelUnavailable, match=r"https|not public"):
        fetch_models(lock, tmp_path / "store", bool, limits=QUICK)
    assert Host.asked == []


def test_several_come_at_once_and_not_too_many(host: str, tmp_path: Path) -> None:
    urls = [f"{host}/counted/{index}" for index in range(8)]
    fetch(locked(tmp_path, *urls, sha256=None), tmp_path / "store", limits=Limits(parallel=3, spare_bytes=0))
    assert len(files(tmp_path / "store")) == 8
    assert 1 < Host.most_at_once <= 3


def test_one_that_fails_does_not_hold_the_others_up(host: str, tmp_path: Path) -> None:
    lock = locked(tmp_path, f"{host}/gone", f"{host}/model", f"{host}/page", sha256=None)
    with pytest.raises(ModelUnavailable) as caught:
        fetch(lock, tmp_path / "store")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "checkpoints/0.safetensors",
        "checkpoints/2.safetensors",
    ]
    assert len([name for name in files(tmp_path / "store") if name.startswith("url/")]) == 1


def test_without_an_address_nothing_is_begun(host: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no url"):
        fetch(locked(tmp_path, f"{host}/model", ""), tmp_path / "store")
    assert Host.asked == []


def fetch_in_process(lock: Path, store: Path) -> None:
    fetch(lock, store)


def test_two_apps_that_want_one_file_at_once_both_get_it(host: str, tmp_path: Path) -> None:
    locks = [locked(tmp_path, f"{host}/cut", name=name) for name in ("one", "two")]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fetch_in_process, args=(lock, tmp_path / "store")) for lock in locks]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / f"store/sha256/{SHA256}").read_bytes() == CONTENT
    assert files(tmp_path / "store") == [f"sha256/{SHA256}"]


def test_two_calls_of_one_app_do_not_write_to_one_file(host: str, tmp_path: Path) -> None:
    lock, store = locked(tmp_path, f"{host}/cut"), tmp_path / "store"
    for _ in range(5):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: fetch(lock, store), range(3)))
        assert (store / "sha256" / SHA256).read_bytes() == CONTENT
        assert files(store) == [f"sha256/{SHA256}"]
        (store / "sha256" / SHA256).unlink()


def test_parts_that_nobody_comes_back_for_are_cleared_away(host: str, tmp_path: Path) -> None:
    parts = tmp_path / "store/partial"
    parts.mkdir(parents=True)
    for name, age in (("old.partial", ABANDONED_SECONDS + 60), ("new.partial", 60)):
        (parts / name).write_bytes(b"x")
        os.utime(parts / name, (time.time() - age,) * 2)
    fetch(locked(tmp_path, f"{host}/model"), tmp_path / "store")
    assert files(tmp_path / "store") == ["partial/new.partial", f"sha256/{SHA256}"]


def test_two_apps_share_a_file_and_never_a_name(host: str, tmp_path: Path) -> None:
    """A stranger's app that calls another file by a famous name changes nothing for those who mean the real one."""
    store, comfy = tmp_path / "store", tmp_path / "ComfyUI" / "models"
    fetch(locked(tmp_path, f"{host}/empty", sha256=None), store)
    lock = locked(tmp_path, f"{host}/model")
    fetch(lock, store)
    link_models(lock, store, comfy)
    assert (comfy / "checkpoints/0.safetensors").read_bytes() == CONTENT
    fetch(locked(tmp_path, "https://elsewhere.example/the-same"), store)
    assert len(Host.asked) == 2, "the same hash is the same file"


def test_links_are_made_anew_and_what_is_not_there_is_told(host: str, tmp_path: Path) -> None:
    store, comfy = tmp_path / "store", tmp_path / "models"
    lock = locked(tmp_path, f"{host}/model")
    with pytest.raises(ModelUnavailable, match="has not been downloaded"):
        link_models(lock, store, comfy)
    fetch(lock, store)
    for _ in range(2):
        link_models(lock, store, comfy)
    assert (comfy / "checkpoints/0.safetensors").is_symlink()


@pytest.mark.parametrize("folder", ["../../elsewhere", "checkpoints/../vae", "/etc"])
def test_a_name_that_leads_out_of_its_folder_is_refused(host: str, tmp_path: Path, folder: str) -> None:
    lock = locked(tmp_path, f"{host}/model", folder=folder)
    fetch(lock, tmp_path / "store")
    with pytest.raises(ModelUnavailable, match="leave the models folder"):
        link_models(lock, tmp_path / "store", tmp_path / "models")
