"""References that are followed: on a forge that is well, and to servers that are not."""

import gzip
import http.server
import io
import json
import socket
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from codegen.strict_json import MAX_BYTES
from github_app.github.errors import Busy, Unavailable
from github_app.submissions import archive, download
from github_app.submissions.download import MAX_REDIRECTS, is_public_host
from github_app.submissions.fetch import MAX_SUBMISSIONS, collect, fetch
from github_app.submissions.find import find_submissions
from github_app.submissions.model import Attachment, Collected, Gist, Inline, RepositoryFile, Submission, Unreadable
from github_app.submissions.refusal import Refusal
from github_app.submissions.site import GITHUB, Site
from tests.forge.forge import Forge

REPOSITORY = "acme/site"


def workflow(width: int = 64) -> bytes:
    return json.dumps({"1": {"class_type": "EmptyImage", "inputs": {"width": width}}}).encode()


def picture(data: bytes | None = None) -> bytes:
    info = PngInfo()
    if data is not None:
        info.add_text("prompt", data.decode())
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        for name, data in entries.items():
            packed.writestr(name, data)
    return stream.getvalue()


@dataclass
class Files:
    """The files of the repository, by ref and path; each question is kept."""

    known: dict[tuple[str | None, str], bytes] = field(default_factory=dict)
    asked: list[tuple[str | None, str]] = field(default_factory=list)

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        self.asked.append((ref, path))
        return self.known.get((ref, path))


def taken(forge: Forge, body: str, files: Files | None = None) -> Collected:
    """What becomes of an issue."""
    site = Site.of(forge.api_url)
    holds = find_submissions(body, title="Deploy: poster", repository=REPOSITORY, site=site)
    assert holds.problems == ()
    return collect(holds.references, repository=REPOSITORY, files=files or Files(), site=site)


def test_each_way_to_submit(forge: Forge) -> None:
    big = workflow(6) + b" " * 1_100_000
    gist = forge.gist("bob", {"notes.md": "# hi", "b.json": workflow(5).decode(), "big.json": big.decode()})
    body = f"""
```json
{workflow(1).decode()}
```
[a.json]({forge.attach(REPOSITORY, "a.json", workflow(2))})
![a picture]({forge.attach(REPOSITORY, "a.png", picture(workflow(3)))})
[all.zip]({forge.attach(REPOSITORY, "all.zip", zipped({"x/../c.json": workflow(4), "readme.txt": b"hi"}))})
{forge.web_url}/gist/bob/{gist.id}
`w/a.json` and {forge.web_url}/{REPOSITORY}/blob/some/branch/w/b.json
"""
    files = Files({(None, "w/a.json"): workflow(7), ("some/branch", "w/b.json"): workflow(8)})
    collected = taken(forge, body, files)
    assert collected.unreadable == ()
    assert [(each.filename, each.data) for each in collected.submissions] == [
        ("poster.json", workflow(1)),
        ("a.json", workflow(2)),
        ("poster.png", picture(workflow(3))),
        ("c.json", workflow(4)),
        ("b.json", workflow(5)),
        ("big.json", big),
        ("b.json", workflow(8)),
        ("a.json", workflow(7)),
    ]
    assert files.asked == [("some", "branch/w/b.json"), ("some/branch", "w/b.json"), (None, "w/a.json")]


def test_a_file_of_another_public_repository(forge: Forge) -> None:
    site = Site.of(forge.api_url)
    reference = RepositoryFile(full_name="acme/other", ref="main", path="w/a b.json")
    forge.repository("acme/other", files={"w/a b.json": workflow().decode()})
    files = Files()
    assert fetch(reference, repository=REPOSITORY, files=files, site=site) == (
        Submission(filename="a b.json", data=workflow()),
    )
    assert files.asked == []


def test_the_same_workflow_in_several_dresses_is_one(forge: Forge) -> None:
    spaced = json.dumps(json.loads(workflow()), indent=4).encode()
    body = f"""
{forge.attach(REPOSITORY, "a.json", workflow())} {forge.attach(REPOSITORY, "b.json", spaced)}
![x]({forge.attach(REPOSITORY, "a.png", picture(workflow()))})
"""
    [submission] = taken(forge, body).submissions
    assert submission.filename == "a.json"


def test_a_private_attachment_is_explained_and_no_token_is_tried(forge: Forge) -> None:
    # the forge's fixture fails the test if a token comes where none belongs
    forge.repository("acme/secret", private=True)
    collected = taken(forge, forge.attach("acme/secret", "a.json", workflow()))
    assert collected.submissions == ()
    [unreadable] = collected.unreadable
    assert unreadable == snapshot(
        Unreadable(
            what="a.json",
            kind="missing",
            why="it is not there, or not for apps: the answer is 404",
            way_out="In a private repository an App may not read attachments: paste the workflow's JSON into the issue between two lines of three backticks, or commit the file to this repository and write its path.",
        )
    )


def test_pictures_and_files_that_are_no_workflows(forge: Forge) -> None:
    body = f"""
![just a picture]({forge.attach(REPOSITORY, "a.png", picture())})
{forge.attach(REPOSITORY, "package.json", b'{"name": "left-pad"}')}
{forge.attach(REPOSITORY, "none.zip", zipped({"readme.json": b"[]", "a.txt": b""}))}
{forge.attach(REPOSITORY, "page.json", b"<!DOCTYPE html>")}
{forge.web_url}/gist/{forge.gist("bob", {"a.md": "#", "b.md": "#"}).id}
`missing.json`
"""
    collected = taken(forge, body)
    assert collected.submissions == ()
    assert [
        ("a gist" if "/gist/" in each.what else each.what, each.kind, each.why.partition(";")[0], each.incidental)
        for each in collected.unreadable
    ] == snapshot(
        [
            (
                "poster.png",
                "not-a-workflow",
                "the PNG carries no ComfyUI workflow (it has no text at all)",
                True,
            ),
            ("package.json", "not-a-workflow", "found a JSON object with the keys 'name'", False),
            ("none.zip", "not-a-workflow", "readme.json: found a JSON list", False),
            ("page.json", "not-a-workflow", "found HTML or XML", False),
            (
                "a gist",
                "not-a-workflow",
                "there is no ComfyUI workflow in the gist",
                False,
            ),
            ("missing.json", "missing", "there is no such file in acme/site", True),
        ]
    )


def test_a_crowd_of_workflows_is_cut(forge: Forge) -> None:
    crowd = zipped({f"{number}.json": workflow(number) for number in range(MAX_SUBMISSIONS + 2)})
    collected = taken(forge, forge.attach(REPOSITORY, "crowd.zip", crowd))
    assert len(collected.submissions) == MAX_SUBMISSIONS
    assert [(each.what, each.kind) for each in collected.unreadable] == [("10.json", "refused"), ("11.json", "refused")]


def test_a_forge_that_fails_is_asked_again_later(forge: Forge) -> None:
    url = f"{forge.web_url}/gist/bob/{forge.gist('bob', {'a.json': workflow().decode()}).id}"
    forge.faults.request("GET .*gists/", by="anyone")
    with pytest.raises(Unavailable):
        taken(forge, url)
    assert len(taken(forge, url).submissions) == 1


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers everything in one way. Its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # the other side hangs up on what is too much
                answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def got(origin: str, **how: Any) -> bytes:
    return download.download(f"{origin}/user-attachments/files/1/a.json", site=Site(web=origin, api=origin), **how)


def refusal(answer: Answer) -> str:
    with serving(answer) as origin, pytest.raises(Refusal) as refused:
        got(origin)
    return f"{refused.value.kind}: {refused.value}".replace(origin.removeprefix("http://"), "HOST")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (saying(404), snapshot("missing: it is not there, or not for apps: the answer is 404")),
        (saying(401), snapshot("missing: it is not there, or not for apps: the answer is 401")),
        (saying(403), snapshot("missing: it is not there, or not for apps: the answer is 403")),
        (saying(418), snapshot("missing: it is not there, or not for apps: the answer is 418")),
        (
            saying(302, Location="/login?return_to=/x"),
            snapshot("missing: it is not there, or only for people who are logged in"),
        ),
        (saying(302, Location="/again"), snapshot("refused: it is redirected more than 5 times")),
        (saying(302, Location="https://evil.example/a.json"), snapshot("refused: it leads away from HOST")),
        (saying(302, Location="http://127.0.0.1:9/a.json"), snapshot("refused: it leads away from HOST")),
        (saying(302, Location="http://169.254.169.254/latest/meta-data"), snapshot("refused: it leads away from HOST")),
        (saying(302, Location="file:///etc/passwd"), snapshot("refused: it leads away from HOST")),
        (saying(302, Location="https://user:pw@127.0.0.1/"), snapshot("refused: it leads away from HOST")),
        (
            saying(200, gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip"),
            snapshot("refused: it comes compressed, though it was asked for as it is"),
        ),
        (saying(200, b"x" * (MAX_BYTES + 1)), snapshot("too-large: it has more than 25 MiB")),
    ],
)
def test_servers_that_are_not_followed(answer: Answer, why: str) -> None:
    assert refusal(answer) == why


def test_redirects_end() -> None:
    asked: list[str] = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Cookie", ""))
        saying(302, Location=f"/{len(asked)}", Set_Cookie="session=1")(handler)

    assert refusal(answer).startswith("refused")
    assert asked == [""] * (MAX_REDIRECTS + 1)


def test_nothing_is_sent_that_says_who_asks() -> None:
    seen: list[dict[str, str]] = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append({name.lower(): value for name, value in handler.headers.items()})
        saying(200, workflow())(handler)

    with serving(answer) as origin:
        assert got(origin) == workflow()
    assert set(seen[0]) == {"host", "accept", "accept-encoding", "connection", "user-agent"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_is_asked_again_later(status: int) -> None:
    with serving(saying(status)) as origin, pytest.raises(Unavailable, match=str(status)):
        got(origin)


def test_a_server_that_hangs_up_or_is_not_there() -> None:
    def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.connection.shutdown(socket.SHUT_RDWR)

    with serving(hang_up) as origin, pytest.raises(Unavailable):
        got(origin)
    with pytest.raises(Unavailable):
        got(origin)


def test_a_slow_drip_does_not_hold_anybody() -> None:
    stop = threading.Event()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.01):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    began = time.monotonic()
    try:
        with serving(drip) as origin, pytest.raises(Unavailable, match="too long"):
            got(origin, seconds=0.2)
    finally:
        stop.set()
    assert time.monotonic() - began < 10


def test_a_server_that_asks_for_patience() -> None:
    reset = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)
    spent = saying(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(reset.timestamp())))
    with serving(spent) as origin, pytest.raises(Busy) as busy:
        got(origin)
    assert busy.value.until == reset
    with serving(saying(429)) as origin, pytest.raises(Busy) as busy:
        got(origin)
    assert busy.value.until > datetime.now(UTC)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"[" * 50_000, b'{"files": {"a": 1, "b": {"content": 1}}}', b'{"files": null}']
)
def test_answers_about_gists_that_make_no_sense(answer: bytes) -> None:
    with serving(saying(200, answer)) as origin:
        site = Site(web=origin, api=origin)
        fetched = fetch(Gist(id="abcdef", url="x"), repository=REPOSITORY, files=Files(), site=site)
    assert isinstance(fetched, Unreadable)


def test_a_gist_whose_files_are_elsewhere() -> None:
    answer = {"files": {"a.json": {"truncated": True, "raw_url": "https://evil.example/a.json"}}}
    with serving(saying(200, json.dumps(answer).encode())) as origin:
        site = Site(web=origin, api=origin)
        fetched = fetch(Gist(id="abcdef", url="x"), repository=REPOSITORY, files=Files(), site=site)
    assert isinstance(fetched, Unreadable)
    assert fetched.kind == "refused"


def test_only_github_s_own_hosts_are_asked() -> None:
    own = [
        "https://github.com/user-attachments/files/1/a.json",
        "https://gist.github.com/x",
        "https://codeload.github.com/x",
        "https://raw.githubusercontent.com/a/b/main/c.json",
        "https://objects.githubusercontent.com/x?X-Amz-Signature=1",
        "https://github-production-user-asset-6210df.s3.amazonaws.com/1",
        "https://api.github.com/gists/1",
    ]
    foreign = [
        "http://raw.githubusercontent.com/x",
        "https://githubusercontent.com.evil.example/x",
        "https://evilgithubusercontent.com/x",
        "https://github-production-evil.s3.amazonaws.com/x",
        "https://github.com:8443/x",
        "https://user@raw.githubusercontent.com/x",
        "https://github.com@evil.example/x",
        "http://localhost/x",
        "https://[::1/x",
        "https://raw.githubusercontent.com:x/",
        "",
    ]
    assert all(GITHUB.is_own(url) for url in own)
    assert not any(GITHUB.is_own(url) for url in foreign)
    server = Site.of("https://git.corp.example/api/v3/")
    assert (server.web, server.api) == ("https://git.corp.example", "https://git.corp.example/api/v3")
    assert server.is_own("https://media.git.corp.example/x")
    assert not server.is_own("https://raw.githubusercontent.com/x")
    assert Site.of("https://api.octocorp.ghe.com").web == "https://octocorp.ghe.com"


def test_names_that_lead_to_this_machine_are_private() -> None:
    assert not is_public_host("localhost")
    assert not is_public_host("127.0.0.1")
    assert not is_public_host("::1")


def refused_archive(data: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        archive.unpack(data)
    return f"{refused.value.kind}: {refused.value}"


def encrypted() -> bytes:
    data = bytearray(zipped({"a.json": b"{}"}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    return bytes(data)


def lying() -> bytes:
    """Says that a megabyte of zeros is a byte long."""
    data = bytearray(zipped({"a.json": b"0" * 1_000_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature) + offset
        data[at : at + 4] = (1).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: b"PK\x03\x04", snapshot("not-a-workflow: the archive is damaged: it has no end")),
        (lambda: zipped({"a.json": b"{}"})[:-30], snapshot("not-a-workflow: the archive is damaged: it has no end")),
        (lambda: zipped({"a.json": b"{}"})[:-4], snapshot("not-a-workflow: the archive is damaged: it has no end")),
        (encrypted, snapshot("refused: a.json in the archive has a password")),
        (lying, snapshot("not-a-workflow: the archive is damaged")),
        (
            lambda: zipped({"a.json": b"{}"}, zipfile.ZIP_LZMA),
            snapshot("refused: a.json in the archive is packed in an unusual way"),
        ),
        (
            lambda: zipped({"bomb.json": b"0" * 20_000_000}),
            snapshot("too-large: bomb.json in the archive unpacks to 20,000,000 bytes"),
        ),
        (
            lambda: zipped({f"{n}.txt": b"" for n in range(201)}),
            snapshot("too-large: the archive has 201 files; at most 200 are taken"),
        ),
        (
            lambda: zipped({f"{n}": b"" for n in range(10_000)}),
            snapshot("too-large: the archive lists more than 200 files"),
        ),
        (
            lambda: zipped({f"{n}.json": bytes(MAX_BYTES) for n in range(3)}, zipfile.ZIP_STORED),
            snapshot("too-large: 2.json in the archive unpacks to 26,214,400 bytes"),
        ),
    ],
    ids=["start", "cut", "short", "encrypted", "lying", "lzma", "bomb", "many", "crowd", "large"],
)
def test_archives_that_are_not_unpacked(make: Callable[[], bytes], why: str) -> None:
    assert refused_archive(make()) == why


def test_names_in_archives_are_only_names() -> None:
    packed = zipped(
        {
            "../../a.json": b"1",
            "/etc/b.JSON": b"2",
            "C:\\c.json": b"3",
            "__MACOSX/._d.json": b"4",
            ".e.json": b"5",
            "inner.zip": b"PK\x03\x04",
        }
    )
    assert archive.unpack(packed) == (("a.json", b"1"), ("b.JSON", b"2"), ("c.json", b"3"))


@settings(deadline=None)
@given(st.data())
def test_damaged_archives_are_refused_or_read(data: st.DataObject) -> None:
    packed = bytearray(zipped({"a.json": b"{}" * 20, "b.png": b"x"}))
    for _ in range(data.draw(st.integers(1, 6))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Refusal):
        archive.unpack(bytes(packed))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    with suppress(Refusal):
        archive.unpack(archive.SIGNATURE + data)


def test_a_commit_is_one_reading_and_a_branch_several() -> None:
    commit = RepositoryFile(full_name=REPOSITORY, ref="0" * 40, path="a/b/c.json")
    assert commit.readings() == (("0" * 40, "a/b/c.json"),)
    branch = RepositoryFile(full_name=REPOSITORY, ref="main", path="a/b.json")
    assert branch.readings() == (("main", "a/b.json"), ("main/a", "b.json"))
    assert len(RepositoryFile(full_name=REPOSITORY, ref="a", path="b/" * 50 + "c.json").readings()) == 4


def test_what_is_told_can_be_kept() -> None:
    unreadable = Unreadable(what="a", kind="missing", why="b", way_out="c")
    assert Unreadable.model_validate_json(unreadable.model_dump_json()) == unreadable
    attached = Attachment(url="https://github.com/user-attachments/files/1/a.json", filename="a.json")
    assert Attachment.model_validate_json(attached.model_dump_json()) == attached


LOOK = RepositoryFile(full_name=REPOSITORY, ref=None, path="fox.png")


def shown(data: bytes) -> Collected:
    given = Inline(filename="a.json", data=workflow())
    return collect([given], repository=REPOSITORY, files=Files({(None, "fox.png"): data}), look=LOOK)


def photo(size: tuple[int, int], file_format: str, colour: object, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, file_format)  # type: ignore[arg-type]
    return stream.getvalue()


def test_the_picture_that_a_result_should_look_like_is_made_small_and_plain() -> None:
    with_workflow = picture(workflow())
    (small, large) = (shown(data).look for data in (with_workflow, photo((3000, 1500), "PNG", (0, 0, 0, 0), "RGBA")))
    assert small is not None
    assert b"EmptyImage" not in small
    assert large is not None
    image = Image.open(io.BytesIO(large))
    assert (image.size, image.getpixel((0, 0))) == ((768, 384), (255, 255, 255))
    assert shown(with_workflow).look == small, "the same file is the same request"


def test_the_picture_is_upright_as_its_camera_was_held_and_grey_of_16_bits_is_no_white() -> None:
    lying = Image.new("RGB", (60, 40), "red")
    lying.paste("blue", (0, 0, 60, 20))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    stream = io.BytesIO()
    lying.save(stream, "JPEG", exif=exif, quality=95)
    look = shown(stream.getvalue()).look
    assert look is not None
    upright = Image.open(io.BytesIO(look))
    red, _, blue = cast("tuple[int, int, int]", upright.getpixel((35, 30)))
    assert upright.size == (40, 60)
    assert (red < 60, blue > 200) == (True, True), "what was above is on the right"
    damaged = stream.getvalue().replace(b"\x01\x12\x00\x03\x00\x00\x00\x01", b"\x01\x12\x00\x05\xff\xff\xff\xff")
    assert damaged != stream.getvalue()
    assert shown(damaged).look is not None

    depth = shown(photo((8, 8), "PNG", 0x4000, "I;16")).look
    assert depth is not None
    assert Image.open(io.BytesIO(depth)).getpixel((4, 4)) == (64, 64, 64)


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:45], photo((9, 9), "GIF", "red"), b"\x89PNG" * 9],
)
def test_what_is_no_picture_is_not_compared_and_the_workflow_is_taken_all_the_same(data: bytes) -> None:
    collected = shown(data)
    assert len(collected.submissions) == 1
    assert collected.look is None
    assert [(each.what, each.way_out) for each in collected.unreadable] == [
        ("fox.png", "The result is not compared with it; edit the issue to show another picture.")
    ]


def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = bytearray(photo((1, 1), "PNG", "red"))
    bomb[16:24] = (60_000).to_bytes(4) * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4)
    (refused,) = shown(bytes(bomb)).unreadable
    assert refused.kind in {"too-large", "refused"}
