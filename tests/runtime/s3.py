"""An S3 server for tests: one bucket in memory, which checks each signature as Amazon does (Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


@dataclass
class Stored:
    data: bytes
    headers: dict[str, str]


@dataclass
class S3:
    """The state, and what goes wrong on purpose."""

    bucket: str = "pictures"
    region: str = "eu-central-1"
    key_id: str = "AKIATEST"
    secret: str = "a secret that signs"
    objects: dict[str, Stored] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    failures: int = 0
    """So many PUTs are answered 503 first."""
    clock: timedelta = timedelta()
    """How far this server's clock is ahead."""
    url: str = ""

    def fault(self, handler: BaseHTTPRequestHandler, body: bytes) -> str | None:
        """What is wrong with a request's signature; `None` when nothing is."""
        url = urlsplit(handler.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            given, names = query.pop("X-Amz-Signature"), query["X-Amz-SignedHeaders"]
            credential, stamp, digest = query["X-Amz-Credential"], query["X-Amz-Date"], "UNSIGNED-PAYLOAD"
            end = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(
                seconds=int(query["X-Amz-Expires"])
            )
            if datetime.now(UTC) + self.clock > end:
                return "AccessDenied"
        else:
            match = AUTHORIZATION.fullmatch(handler.headers.get("Authorization", ""))
            if match is None:
                return "AccessDenied"
            credential, names, given = match.groups()
            stamp, digest = handler.headers["x-amz-date"], handler.headers["x-amz-content-sha256"]
            if digest not in {"UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()}:
                return "XAmzContentSHA256Mismatch"
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        if credential != f"{self.key_id}/{scope}":
            return "InvalidAccessKeyId"
        pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query.items())
        canonical = "\n".join(
            (
                handler.command,
                quote(unquote(url.path), safe="/~"),
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(handler.headers[name].split())}" for name in names.split(";")),
                "",
                names,
                digest,
            )
        )
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        wanted = hmac.digest(key, text.encode(), "sha256").hex()
        return None if hmac.compare_digest(wanted, given) else "SignatureDoesNotMatch"


class Handler(BaseHTTPRequestHandler):
    """PutObject, GetObject and multipart uploads."""

    protocol_version = "HTTP/1.1"
    s3: S3

    def do_PUT(self) -> None:
        body, key, query = self.begin()
        if key is None:
            return
        if self.s3.failures:
            self.s3.failures -= 1
            self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        elif "uploadId" in query:
            self.s3.parts[query["uploadId"]][int(query["partNumber"])] = body
            self.answer(200, etag=True)
        else:
            self.keep(key, body, dict(self.headers))
            self.answer(200, etag=True)

    def do_POST(self) -> None:
        _, key, query = self.begin()
        if key is None:
            return
        if "uploads" in query:
            upload = f"upload-{len(self.s3.parts)}"
            self.s3.parts[upload] = {}
            self.s3.objects[upload] = Stored(b"", dict(self.headers))
            result = f"<Bucket>{self.s3.bucket}</Bucket><Key>{key}</Key><UploadId>{upload}</UploadId>"
            self.answer(200, f"<InitiateMultipartUploadResult>{result}</InitiateMultipartUploadResult>".encode())
        else:
            parts = self.s3.parts.pop(query["uploadId"])
            headers = self.s3.objects.pop(query["uploadId"]).headers
            self.keep(key, b"".join(parts[number] for number in sorted(parts)), headers)
            self.answer(200, b'<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')

    def do_GET(self) -> None:
        _, key, _ = self.begin()
        if key is None:
            return
        stored = self.s3.objects.get(key)
        if stored is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.answer(200, stored.data, **{name: stored.headers[name] for name in stored.headers if "-" in name})

    def begin(self) -> tuple[bytes, str | None, dict[str, str]]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        key = unquote(url.path).removeprefix(f"/{self.s3.bucket}/")
        self.s3.requests.append((self.command, key))
        fault = "NoSuchBucket" if key == unquote(url.path) else self.s3.fault(self, body)
        if fault is not None:
            self.answer(404 if fault == "NoSuchBucket" else 403, f"<Error><Code>{fault}</Code></Error>".encode())
            return body, None, {}
        return body, key, dict(parse_qsl(url.query, keep_blank_values=True))

    def keep(self, key: str, data: bytes, headers: dict[str, str]) -> None:
        kept = {name.title(): value for name, value in headers.items()}
        self.s3.objects[key] = Stored(
            data, {name: kept[name] for name in ("Content-Type", "Content-Disposition") if name in kept}
        )

    def answer(self, status: int, body: bytes = b"", *, etag: bool = False, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, **({"ETag": '"x"'} if etag else {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def start(s3: S3) -> ThreadingHTTPServer:
    """Serve it on a free port; `s3.url` says where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"s3": s3}))
    s3.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
