"""What goes out: media are fetched and webhooks sent over verified TLS, to public addresses only, within bounds."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import http.server
import ipaddress
import json
import ssl
import threading
import time
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import Address, PublicTransport, is_public
from shared.definition import Definition
from shared.service import Service, make_engine
from shared.settings import Settings
from shared.webhooks import key_of
from tests.runtime.conftest import SCRIPTED, Served, field, node, picture, serve, write_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = ipaddress.ip_address("127.0.0.1")
PNG = picture(30, 20)
SECRET = "a secret of twenty-four chars"


class Host(http.server.BaseHTTPRequestHandler):
    """A web server with good and bad manners."""

    protocol_version = "HTTP/1.1"
    requests: ClassVar[list[tuple[str, str]]] = []
    received: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    cookies: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        Host.requests.append((self.headers["Host"], self.path))
        Host.cookies.append(self.headers["Cookie"])
        url = urlsplit(self.path)
        with contextlib.suppress(OSError):
            match url.path:
                case "/picture.png" | "/late.png":
                    if url.path == "/late.png":
                        time.sleep(1)
                    self.answer(200, {"Content-Type": "image/png"}, PNG)
                case "/redirect":
                    self.answer(302, {"Location": parse_qs(url.query)["to"][0]})
                case "/loop":
                    self.answer(302, {"Location": "/loop"})
                case "/redirect-with-everything":
                    self.send_response(302)
                    self.send_header("Location", "/picture.png")
                    self.send_header("Set-Cookie", "who=somebody; Secure; Path=/")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    while True:
                        self.wfile.write(b"10000\r\n" + b"\0" * 0x10000 + b"\r\n")
                case "/page":
                    self.answer(200, {"Content-Type": "image/png"}, b"<html>not a picture</html>")
                case "/gzip":
                    self.answer(200, {"Content-Encoding": "gzip"}, PNG)
                case "/huge":
                    self.send_response(200)
                    self.send_header("Content-Length", str(10**12))
                    self.end_headers()
                case "/endless":
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    while True:
                        self.wfile.write(b"10000\r\n" + b"\0" * 0x10000 + b"\r\n")
                case _:
                    self.answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Host.received.append((self.path, dict(self.headers), body))
        tries = sum(path == self.path for path, _, _ in Host.received)
        match self.path:
            case "/gone":
                self.answer(410, {})
            case "/talkative":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while True:
                        self.wfile.write(b"10000\r\n" + b"\0" * 0x10000 + b"\r\n")
            case "/moved":
                self.answer(302, {"Location": "/hook"})
            case "/flaky" if tries < 3:
                self.answer(503, {})
            case _:
                self.answer(204, {})

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for `media.example`, of an authority of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(host) for host in ("media.example", "rebinds.example", "mixed.example")]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def host(certificate) -> Iterator[int]:
    """The port of a real HTTPS server on 127.0.0.1."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class Names:
    """A DNS of our own. 127.0.0.1 plays the public internet; everything else keeps its meaning."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[Address]:
        self.asked.append(name)
        match name:
            case "media.example" | "other.example":
                return [HERE]
            case "mixed.example":
                return [HERE, ipaddress.ip_address("169.254.169.254")]
            case "inside.example":
                return [ipaddress.ip_address("10.0.0.5")]
            case "rebinds.example":
                return [HERE] if self.asked.count(name) == 1 else [ipaddress.ip_address("10.0.0.5")]
        try:
            return [ipaddress.ip_address(name)]
        except ValueError:
            raise OSError("unknown") from None


@pytest.fixture
def served(tmp_path, certificate) -> Iterator[Served]:
    names = Names()

    def transport() -> PublicTransport:
        inner = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(certificate)), trust_env=False)
        return PublicTransport(
            resolver=names, allowed=lambda address: address == HERE or is_public(address), inner=inner
        )

    settings = Settings(engine_command=tuple(SCRIPTED), work_dir=tmp_path, webhook_secret=SECRET)
    definition = Definition.from_folder(
        write_app(
            tmp_path / "app",
            {"1": node("Load", image="x")},
            {"photo": field("image", ("1", "image"))},
            required=("photo",),
        )
    )
    Host.requests.clear()
    Host.received.clear()
    Host.cookies.clear()
    with serve(Service(definition, make_engine(definition, settings), settings, media_transport=transport)) as app:
        app.names = names
        yield app


def fault(served: Served, url: str) -> str:
    before = job_folders(served)
    response = served.generate({"photo": url})
    assert response.status_code == 422, response.text
    (only,) = response.json()["errors"]
    assert only["field"] == "photo"
    assert job_folders(served) == before, "nothing is left behind"
    return only["message"]


def job_folders(served: Served) -> list[Path]:
    assert served.service.settings.work_dir
    return sorted(served.service.settings.work_dir.glob("flowberth-*/job-*"))


def test_a_public_url_is_fetched_also_through_a_redirect(served, host):
    url = f"https://media.example:{host}/picture.png"
    assert served.generate({"photo": url}).json()["outputs"][0]["width"] == 30
    redirected = served.generate({"photo": f"https://media.example:{host}/redirect?to=/picture.png"})
    assert redirected.json()["outputs"][0]["width"] == 30
    assert not [path for folder in job_folders(served) for path in folder.glob("*.input")], "ComfyUI has them now"
    assert Host.requests[0] == (f"media.example:{host}", "/picture.png"), "the host gets its name, not its address"


def test_a_redirect_to_an_inner_address_is_not_followed(served, host):
    for target in (
        f"https://127.0.0.2:{host}/picture.png",
        f"https://inside.example:{host}/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
    ):
        assert (
            fault(served, f"https://media.example:{host}/redirect?to={target}")
            == "the URL leads to an address that is not public"
        )
    to_http = f"https://media.example:{host}/redirect?to=http://media.example/"
    assert fault(served, to_http) == "the URL must be an https one"
    assert fault(served, f"https://media.example:{host}/loop") == "the URL redirects more than 5 times"


def test_what_comes_with_a_redirect_is_not_read_and_no_cookie_is_kept(served, host):
    for _ in range(2):
        answer = served.generate({"photo": f"https://media.example:{host}/redirect-with-everything"})
        assert answer.json()["outputs"][0]["width"] == 30
    assert set(Host.cookies) == {None}


def test_what_a_receiver_says_is_not_read(served, host):
    send(served, f"https://media.example:{host}/talkative")
    served.until(lambda: [path for path, _, _ in Host.received] == ["/talkative"])
    send(served, f"https://media.example:{host}/after")
    served.until(lambda: [path for path, _, _ in Host.received] == ["/talkative", "/after"])


@pytest.mark.parametrize(
    "address", ["::127.0.0.1", "fec0::1", "::ffff:0:7f00:1", "64:ff9b:1::1", "192.0.0.192", "::1", "100.64.0.1"]
)
def test_addresses_of_special_purposes_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


def test_a_secret_with_the_usual_prefix_is_base64():
    assert key_of("whsec_" + base64.b64encode(b"k" * 24).decode()) == b"k" * 24
    assert key_of("whsec_not base64!") == b"whsec_not base64!"
    assert key_of("a plain secret") == b"a plain secret"


def test_a_name_that_leads_inside_is_refused(served, host):
    for name in ("inside.example", "mixed.example", "10.0.0.1", "127.0.0.2"):
        assert "not public" in fault(served, f"https://{name}:{host}/picture.png"), name
    assert Host.requests == []
    assert fault(served, f"https://nowhere.example:{host}/") == "the URL cannot be fetched"
    assert (
        fault(served, f"https://user:word@media.example:{host}/picture.png")
        == "the URL carries a user name or password"
    )


def test_a_name_that_changes_its_address_gains_nothing(served, host):
    url = f"https://rebinds.example:{host}/picture.png"
    assert served.generate({"photo": url}).status_code == 200
    assert served.names.asked.count("rebinds.example") == 1, "resolved once: what was checked is what was used"
    assert "not public" in fault(served, url)


def test_tls_is_verified_against_the_name(served, host):
    assert fault(served, f"https://other.example:{host}/picture.png") == "the URL cannot be fetched"
    assert Host.requests == []


@pytest.mark.long
def test_bounds_of_size_type_and_time(served, host, monkeypatch):
    monkeypatch.setattr("shared.media.FETCH_SECONDS", 0.5)
    base = f"https://media.example:{host}"
    assert fault(served, f"{base}/nothing") == "the URL answered 404"
    assert fault(served, f"{base}/huge") == "is larger than 103,809,024 bytes"
    assert fault(served, f"{base}/gzip") == "the URL answered with a content encoding that was not asked for"
    assert fault(served, f"{base}/late.png") == "the URL did not deliver within 0.5 s"
    assert "is not a picture" in fault(served, f"{base}/page")
    monkeypatch.setattr("shared.media.FETCH_SECONDS", 30)
    assert fault(served, f"{base}/endless") == "is larger than 103,809,024 bytes"


def send(served: Served, url: str, photo: bytes = PNG) -> httpx.Response:
    return served.http.post("/generate", params={"webhook_url": url}, files={"photo": ("a.png", photo)})


def test_a_webhook_tells_the_end_of_a_job_and_is_signed(served, host):
    job = send(served, f"https://media.example:{host}/hook").json()["job"]
    served.until(lambda: len(Host.received) == 1)
    ((path, headers, body),) = Host.received
    told = json.loads(body)
    assert (path, told["job"], told["state"]) == ("/hook", job, "succeeded")
    assert told["outputs"][0]["url"] == f"/jobs/{job}/outputs/0"
    assert told["outputs"][0]["data"] is None
    # the receiver's side of https://www.standardwebhooks.com
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert headers["Webhook-Signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(headers["Webhook-Timestamp"]) - time.time()) < 60
    assert headers["Webhook-Id"] == job


def test_a_webhook_is_tried_again_with_the_same_id_until_it_arrives(served, host, monkeypatch):
    monkeypatch.setattr("shared.webhooks.RETRY_SECONDS", (0.01, 0.01, 0.01))
    send(served, f"https://media.example:{host}/flaky")
    served.until(lambda: len(Host.received) == 3)
    assert len({headers["Webhook-Id"] for _, headers, _ in Host.received}) == 1
    send(served, f"https://media.example:{host}/gone")
    send(served, f"https://media.example:{host}/moved")
    served.until(lambda: len(Host.received) == 3 + 1 + 4)
    assert [path for path, _, _ in Host.received].count("/gone") == 1, "410 means: never again"
    assert "/hook" not in [path for path, _, _ in Host.received], "a redirect is not followed"


def test_a_webhook_is_never_sent_to_an_address_that_was_not_checked(served, host, monkeypatch):
    monkeypatch.setattr("shared.webhooks.RETRY_SECONDS", (0.01,))
    url = f"https://rebinds.example:{host}/hook"
    assert send(served, url).status_code == 200, "public when it was asked for, and inside from then on"
    served.until(lambda: served.names.asked.count("rebinds.example") == 3)
    send(served, f"https://media.example:{host}/after")
    served.until(lambda: [path for path, _, _ in Host.received] == ["/after"])


def test_a_failed_job_is_told_too(served, host):
    response = send(served, f"https://media.example:{host}/hook", photo=b"GIF89a not one")
    assert response.status_code == 422
    assert Host.received == [], "no job, no webhook"
    job = served.http.post(
        "/generate",
        params={"webhook_url": f"https://media.example:{host}/hook", "wait": 0},
        files={"photo": ("a.png", PNG)},
    ).json()["job"]
    served.http.delete(f"/jobs/{job}")
    served.until(lambda: len(Host.received) == 1)
    told = json.loads(Host.received[0][2])
    assert told["state"] in {"cancelled", "succeeded"}
    assert (told["problem"] is None) == (told["state"] == "succeeded")


def test_a_webhook_url_that_must_not_be_is_refused_before_the_job(served, host):
    for url in (
        "http://media.example/",
        f"https://inside.example:{host}/",
        "https://169.254.169.254/",
        "https://user:p@media.example/",
        "nonsense",
    ):
        response = send(served, url)
        assert response.status_code == 422, url
        assert response.json()["errors"][0]["field"] == "webhook_url"
    assert served.engine("/submitted") == []


def test_without_a_secret_there_are_no_webhooks(app):
    served = app({"1": node("Say", text="x")})
    response = served.generate(params={"webhook_url": "https://example.com/"})
    assert response.json()["errors"][0]["message"] == "is not available: this app has no webhook secret"


def test_forms_of_the_own_machine(app):
    # the real resolver and the real rule
    served = app({"1": node("Load", image="x")}, {"photo": field("image", ("1", "image"))})
    forms = "localhost 127.0.0.1 127.1 2130706433 0x7f000001 0 [::] [::1] [::ffff:169.254.169.254] [64:ff9b::7f00:1] [2002:7f00:1::]"
    for form in forms.split():
        assert fault(served, f"https://{form}/") == "the URL leads to an address that is not public", form


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses(address):
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv6_form_is_no_more_public_than_the_ipv4_inside(inner):
    for form in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert is_public(ipaddress.ip_address(form)) == is_public(inner)
    if not is_public(inner):
        assert not is_public(ipaddress.ip_address((0x2002 << 112) | (int(inner) << 80)))


@given(
    st.sampled_from(
        [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "0.0.0.0/8",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "fc00::/7",
            "fe80::/10",
            "ff00::/8",
            "::1/128",
        ]
    ),
    st.data(),
)
def test_inner_networks_are_never_public(network, data):
    assert not is_public(data.draw(st.ip_addresses(network=network)))
