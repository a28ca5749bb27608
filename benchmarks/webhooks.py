"""Measures what it takes to acknowledge GitHub's webhooks, side by side with a Probot app under the same load.

    uv run python benchmarks/webhooks.py                   300 deliveries a second for 60 seconds, each
    uv run python benchmarks/webhooks.py --seconds 10 --json
    uv run python benchmarks/webhooks.py --only flowberth

The payloads are GitHub's published examples (npm `@octokit/webhooks-examples`), each signed, each delivery with a GUID
of its own. They are sent when they are due, whether or not the ones before have been answered, over connections that
stay open; an acknowledgement is measured from the moment its delivery was due, so a stall counts for all it holds up.

What each does before it acknowledges:

    Flowberth      verifies, looks whether the body is JSON, and commits it, byte for byte, to Postgres (its embedded
                   one, `fsync` on), many in one statement
    Probot         npm `probot` with an app that has no handlers, its log off: verifies and parses; nothing is on
                   record, so a crash loses what was acknowledged, and there is nothing to count
    Probot and pg  the same with one handler, as Probot has them (`onAny`), that commits the payload to a Postgres and
                   a table like Flowberth's by npm `pg`: a pool, and a prepared statement for each delivery

Lost is what was acknowledged and is not in the table at the end. CPU is that of the server's process; of the processes
of Postgres in a line of its own. It says more than the times where other programs use the machine. npm, and network
access for it, are needed for the payloads.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import psycopg.conninfo
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console
from rich.table import Table

from runner.database import DATABASE_NAME, Database

if TYPE_CHECKING:
    from collections.abc import Generator

RATE = 300
SECONDS = 60
CONNECTIONS = 64
"""More than are ever busy at once while the server keeps up."""
WARM_UP_DELIVERIES = 300
"""Not measured: both runtimes compile and cache at first."""
SAMPLE_SECONDS = 1.0
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""GitHub waits no longer."""
ACCEPTED = (200, 202)
MEBIBYTE = 1024 * 1024

MAX_P99_MS = 100.0
MAX_GROWTH_MIB = 10.0
"""Between the first quarter of the run and the last."""

PROBOT = "probot@14"
PG = "pg@8"
EXAMPLES = "@octokit/webhooks-examples@7"
PROBOT_APP = """\
import { createServer } from "node:http";
import pg from "pg";
import { createNodeMiddleware, createProbot } from "probot";
const pool = new pg.Pool({ max: 20 });
const text = `
  INSERT INTO flowberth.delivery (guid, event, action, installation, payload) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING`;
async function record({ id, name, payload }) {
  const values = [id, name, payload.action, payload.installation?.id, Buffer.from(JSON.stringify(payload))];
  await pool.query({ name: "record", text, values });
}
const probot = createProbot({ overrides: { logLevel: "fatal" } });
const app = (robot) => { if (process.env.PGHOST) robot.onAny(record); };
const middleware = await createNodeMiddleware(app, { probot, webhooksPath: "/webhooks/github" });
const server = createServer((request, response) => middleware(request, response, () => response.writeHead(404).end()));
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
"""


@dataclass(frozen=True)
class Example:
    """A payload and its signature."""

    event: str
    body: bytes
    signature: str

    def request(self, guid: str) -> bytes:
        """As GitHub sends it."""
        head = (
            "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: GitHub-Hookshot/0\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\nX-GitHub-Event: {self.event}\r\n"
            f"X-GitHub-Delivery: {guid}\r\nX-Hub-Signature-256: {self.signature}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass
class Server:
    """One that is measured."""

    name: str
    port: int
    process: psutil.Process
    database: str | None = None
    """Where it puts deliveries on record."""
    postgres: psutil.Process | None = None


@dataclass(frozen=True)
class Result:
    """What was measured of one server; times in milliseconds, memory in MiB, CPU in seconds per 1,000 deliveries."""

    name: str
    sent: int
    acknowledged: int
    lost: int | None
    p50_ms: float
    p99_ms: float
    max_ms: float
    memory_early: float
    memory_late: float
    cpu_server: float
    cpu_postgres: float | None
    load: float
    """Processes that wanted a core in the minute before, on average: those of other programs."""


def main() -> int:
    """Run, print, and say by the exit code whether the limits hold."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--rate", type=int, default=RATE)
    options.add_argument("--only", choices=[start.__name__ for start in SERVERS])
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed, for GitHub's example payloads and for Probot", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="flowberth-webhooks-") as name:
        folder = Path(name)
        subprocess.run([npm, "init", "-y"], cwd=folder, check=True, capture_output=True)
        subprocess.run([npm, "install", "--silent", PROBOT, PG, EXAMPLES], cwd=folder, check=True, capture_output=True)
        secret = secrets.token_hex(20)
        examples = load_examples(folder, secret)
        results: list[Result] = []
        for start in SERVERS:
            if chosen.only in (None, start.__name__):
                with start(folder, secret) as server:
                    results.append(asyncio.run(measure(server, examples, chosen.rate, chosen.seconds)))
    if chosen.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        Console().print(table(results, chosen.rate, chosen.seconds))
    return 0 if all(holds(result) for result in results if result.name == "Flowberth") else 1


def load_examples(folder: Path, secret: str) -> list[Example]:
    """All payloads of github.com that are objects, each signed."""
    source = folder / "node_modules" / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    examples: list[Example] = []
    for group in json.loads(source.read_text(encoding="utf-8")):
        for example in group["examples"]:
            body = json.dumps(example, separators=(",", ":")).encode()
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            examples.append(Example(group["name"], body, f"sha256={digest}"))
    return examples


@contextmanager
def flowberth(folder: Path, secret: str) -> Generator[Server]:
    """`flowberth serve` with an empty data folder, its log into a file, without workers."""
    data = folder / "data"
    settings = {
        "FLOWBERTH_DATA_DIR": str(data),
        "FLOWBERTH_GITHUB_APP_ID": "1",
        "FLOWBERTH_GITHUB_PRIVATE_KEY": private_key(),
        "FLOWBERTH_GITHUB_WEBHOOK_SECRET": secret,
    }
    inherited = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    command = [sys.executable, "-c", "from github_app.cli import main; main()", "serve", "--json", "--port", "0"]
    with (folder / "flowberth.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "0"], env={**inherited, **settings}, stdout=subprocess.PIPE, stderr=log
        )
    with ended(process):
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        postgres, place = running_postgres(data)
        yield Server(
            name="Flowberth",
            port=int(ready["url"].rpartition(":")[2]),
            process=psutil.Process(ready["pid"]),
            database=psycopg.conninfo.make_conninfo(**place),
            postgres=postgres,
        )


@contextmanager
def probot_and_pg(folder: Path, secret: str) -> Generator[Server]:
    """Probot that puts on record what it acknowledges."""
    data = folder / "probot-data"
    with Database(data) as database:
        assert database.engine is not None  # opened, with its tables
        postgres, place = running_postgres(data)
        names = {
            "PGHOST": place["host"],
            "PGPORT": place["port"],
            "PGUSER": place["user"],
            "PGDATABASE": place["dbname"],
        }
        with probot(folder, secret, **names) as server:
            server.name = "Probot and pg"
            server.database = psycopg.conninfo.make_conninfo(**place)
            server.postgres = postgres
            yield server


def running_postgres(data: Path) -> tuple[psutil.Process, dict[str, str]]:
    """The embedded one of a data folder, and where it is."""
    lines = (data / "postgres" / "postmaster.pid").read_text().split("\n")
    place = {"host": lines[4], "port": lines[3], "user": "postgres", "dbname": DATABASE_NAME}
    return psutil.Process(int(lines[0])), place


@contextmanager
def probot(folder: Path, secret: str, **more: str) -> Generator[Server]:
    """The Probot app, behind Node's own HTTP server, as its documentation has it; `more` for its environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = folder / "app.mjs"
    app.write_text(PROBOT_APP, encoding="utf-8")
    settings = {
        "APP_ID": "1",
        "PRIVATE_KEY": private_key(),
        "WEBHOOK_SECRET": secret,
        "PORT": str(port),
        "NODE_ENV": "production",
        "LOG_LEVEL": "fatal",
    }
    process = subprocess.Popen(
        ["node", app], cwd=folder, env={**os.environ, **settings, **more}, stdout=subprocess.PIPE
    )
    with ended(process):
        assert process.stdout is not None
        assert process.stdout.readline(), "Probot did not start"
        yield Server(name="Probot", port=port, process=psutil.Process(process.pid))


SERVERS = (flowberth, probot, probot_and_pg)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Generator[None]:
    """End the process in the end."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


def private_key() -> str:
    """Of an App that does not exist."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class Connections:
    """Open connections, each with one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)

    async def send(self, request: bytes) -> int:
        """Status of the answer; 0 if there was none."""
        held = await self._free.get()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if held is None or held[0].at_eof():
                    held = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = held
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                if b"transfer-encoding: chunked" in head.lower():
                    await reader.readuntil(b"0\r\n\r\n")
                await reader.readexactly(length)
                return int(head.split(b" ", 2)[1])
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            if held is not None:
                held[1].close()
            held = None
            return 0
        finally:
            self._free.put_nowait(held)

    def close(self) -> None:
        """All of them."""
        while not self._free.empty():
            held = self._free.get_nowait()
            if held is not None:
                held[1].close()


async def measure(server: Server, examples: list[Example], rate: int, seconds: float) -> Result:
    """Warm up, then send at the rate, and count what came of it."""
    connections = Connections(server.port)
    acknowledged: set[str] = set()
    latencies: list[float] = []

    async def deliver(number: int, due: float | None) -> None:
        guid = str(uuid.uuid4())
        status = await connections.send(examples[number % len(examples)].request(guid))
        if status in ACCEPTED:
            acknowledged.add(guid)
            if due is not None:
                latencies.append((time.perf_counter() - due) * 1000)

    for number in range(WARM_UP_DELIVERIES):
        await deliver(number, None)
    warm = len(acknowledged)
    memory: list[float] = []
    load = os.getloadavg()[0]
    sampling = asyncio.create_task(sample(server.process, memory))
    before = cpu(server.process), cpu(server.postgres)
    total = int(rate * seconds)
    tasks: list[asyncio.Task[None]] = []
    began = time.perf_counter()
    for number in range(total):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(deliver(number, due)))
    await asyncio.gather(*tasks)
    after = cpu(server.process), cpu(server.postgres)
    sampling.cancel()
    connections.close()
    latencies.sort()
    quarter = max(1, len(memory) // 4)
    used = [
        None if first is None or last is None else (last - first) / total * 1000
        for first, last in zip(before, after, strict=True)
    ]
    assert used[0] is not None
    return Result(
        name=server.name,
        sent=total,
        acknowledged=len(acknowledged) - warm,
        lost=None if server.database is None else len(acknowledged) - await recorded(server.database, acknowledged),
        p50_ms=latencies[len(latencies) // 2],
        p99_ms=latencies[int(len(latencies) * 0.99)],
        max_ms=latencies[-1],
        memory_early=max(memory[:quarter]),
        memory_late=max(memory[-quarter:]),
        cpu_server=used[0],
        cpu_postgres=used[1],
        load=load,
    )


async def sample(process: psutil.Process, memory: list[float]) -> None:
    """Resident memory, once a second."""
    while True:
        memory.append(process.memory_info().rss / MEBIBYTE)
        await asyncio.sleep(SAMPLE_SECONDS)


def cpu(process: psutil.Process | None) -> float | None:
    """Seconds used so far, with those of its children, also of the ones that have ended."""
    if process is None:
        return None
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


async def recorded(database: str, guids: set[str]) -> int:
    """How many of them are in the table."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        query = "SELECT count(*) FROM flowberth.delivery WHERE guid = ANY(%s)"
        found = await (await connection.execute(query, (list(guids),))).fetchone()
        assert found is not None
        return found[0]


def holds(result: Result) -> bool:
    """Whether the limits hold."""
    return (
        result.p99_ms < MAX_P99_MS
        and result.lost == 0
        and result.acknowledged == result.sent
        and result.memory_late - result.memory_early < MAX_GROWTH_MIB
    )


def table(results: list[Result], rate: int, seconds: float) -> Table:
    """One column for each server."""
    shown = Table(title=f"{rate} deliveries a second for {seconds:.0f} s")
    shown.add_column("")
    for result in results:
        shown.add_column(result.name, justify="right")
    postgres = ["-" if each.cpu_postgres is None else f"{each.cpu_postgres:.2f} s" for each in results]
    rows: list[tuple[str, list[str]]] = [
        ("load of the machine before", [f"{each.load:.1f} on {os.cpu_count()} cores" for each in results]),
        ("on record before it is acknowledged", ["no" if each.lost is None else "yes" for each in results]),
        ("acknowledged", [f"{each.acknowledged:,} of {each.sent:,}" for each in results]),
        ("acknowledged and lost", ["not on record" if each.lost is None else str(each.lost) for each in results]),
        ("acknowledgement p50", [f"{each.p50_ms:.1f} ms" for each in results]),
        ("p99", [f"{each.p99_ms:.1f} ms" for each in results]),
        ("longest", [f"{each.max_ms:.1f} ms" for each in results]),
        ("memory early → late", [f"{each.memory_early:.0f} → {each.memory_late:.0f} MiB" for each in results]),
        ("CPU per 1,000, server", [f"{each.cpu_server:.2f} s" for each in results]),
        ("CPU per 1,000, Postgres", postgres),
        ("CPU per 1,000, in all", [f"{each.cpu_server + (each.cpu_postgres or 0):.2f} s" for each in results]),
    ]
    for name, values in rows:
        shown.add_row(name, *values)
    return shown


if __name__ == "__main__":
    sys.exit(main())
