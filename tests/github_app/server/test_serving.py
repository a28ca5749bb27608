"""`flowberth serve` as a process: what it shows, how it ends, and that nothing it has acknowledged is ever lost."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
import sqlalchemy as sa

from runner.database import Database
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import PATIENCE_SECONDS, SECRET, GitHub, guid, headers, until

LOCK = sa.text("LOCK TABLE flowberth.delivery IN EXCLUSIVE MODE")
WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'flowberth-serve' "
    "AND datname = current_database()"
)


class Server:
    """`flowberth serve --json`, and GitHub in front of it."""

    def __init__(self, environment: dict[str, str], folder: Path, *options: str) -> None:
        self.log = folder / "serve.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("flowberth"), "serve", "--json", "--workers", "0", *options],
                env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.ready = json.loads(line)
        self.github = GitHub(self.ready["url"])

    def ends(self) -> int:
        self.github.close()
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def given(environment: dict[str, str], key: str) -> dict[str, str]:
    """The environment of a server that is set up, without a database."""
    return environment | {
        "FLOWBERTH_GITHUB_APP_ID": "1",
        "FLOWBERTH_GITHUB_APP_SLUG": "berth",
        "FLOWBERTH_GITHUB_PRIVATE_KEY": key,
        "FLOWBERTH_GITHUB_WEBHOOK_SECRET": SECRET,
        "FLOWBERTH_PUBLIC_URL": "https://flowberth.example.com",
    }


@pytest.fixture
def start(given: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def run(*options: str, **more: str) -> Server:
        running.append(Server(given | more, tmp_path, "--port", "0", *options))
        return running[-1]

    yield run
    for server in running:
        server.github.close()
        server.process.terminate()
        server.process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def server(start: Callable[..., Server], rows: Rows, database_url: str) -> Server:
    del rows
    return start(FLOWBERTH_DATABASE_URL=database_url)


def test_what_it_shows_and_what_it_does_not(server: Server) -> None:
    http = server.github.http
    assert server.ready["pid"] == server.process.pid
    home = http.get("/")
    assert (home.status_code, home.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'href="https://github.com/apps/berth/installations/new"' in home.text
    assert "This server is ready." in home.text
    assert http.get("/healthz").json() == {"alive": True}
    assert http.get("/readyz").json() == {"ready": True}
    assert http.head("/healthz").status_code == 200
    for path in ("/docs", "/redoc", "/openapi.json", "/.env", "/webhooks", "/webhooks/github/"):
        answer = http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
    wrong = http.get("/webhooks/github")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "server" not in home.headers
    assert home.headers["content-security-policy"].startswith("default-src 'none'")
    assert home.headers["x-content-type-options"] == "nosniff"
    assert home.headers["strict-transport-security"] == "max-age=31536000"


def test_the_log_has_no_queries_and_no_lines_of_strangers(server: Server) -> None:
    server.github.http.get("/?token=s3cret")
    server.github.http.get("/a%0Ab")
    server.github.sends(x_hub_signature_256="")
    server.process.terminate()
    assert server.ends() == 0
    log = server.log.read_text()
    assert "GET / 200" in log
    assert "GET /a%0Ab 404" in log
    assert "refused with 401: X-Hub-Signature-256 is missing" in log
    assert "s3cret" not in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_answers_what_it_had_accepted(
    server: Server, database: Database, rows: Rows, number: signal.Signals
) -> None:
    said = headers()
    with ThreadPoolExecutor(1) as thread:
        with database.engine.connect() as slow:
            slow.execute(LOCK)
            answer = thread.submit(server.github.sends, said=said)
            until(lambda: is_waiting(database))
            server.process.send_signal(number)
            until(lambda: not listens(server))
            slow.rollback()
        assert answer.result(PATIENCE_SECONDS).status_code == 202
    assert server.ends() == 0
    assert rows.guids() == [said["x-github-delivery"]]


def is_waiting(database: Database) -> bool:
    """Whether a server is in the middle of storing; in a transaction of its own, which sees what is so by now."""
    with database.begin() as connection:
        return bool(connection.scalar(WAITING))


def listens(server: Server) -> bool:
    return bool([one for one in psutil.Process(server.process.pid).net_connections() if one.status == "LISTEN"])


def test_killed_between_accepting_and_answering_nothing_is_lost_or_doubled(
    start: Callable[..., Server], server: Server, database: Database, database_url: str, rows: Rows
) -> None:
    said = headers()
    with ThreadPoolExecutor(1) as thread, database.engine.connect() as slow:
        slow.execute(LOCK)
        answer = thread.submit(server.github.sends, said=said)
        until(lambda: is_waiting(database))
        server.process.kill()
        with pytest.raises(httpx.TransportError):
            answer.result(PATIENCE_SECONDS)
    assert server.ends() == -9
    again = start(FLOWBERTH_DATABASE_URL=database_url)
    assert again.github.sends(said=said).status_code == 202  # as the person, or the sweep, delivers it again
    assert rows.guids() == [said["x-github-delivery"]]


def test_killed_under_load_all_that_it_acknowledged_is_there(server: Server, rows: Rows) -> None:
    acknowledged: list[str] = []
    enough = threading.Event()

    def send() -> None:
        github = GitHub(server.ready["url"])
        with suppress(httpx.TransportError):
            while True:
                one = guid()
                if github.sends(x_github_delivery=one).status_code == 202:
                    acknowledged.append(one)
                if len(acknowledged) >= 200:
                    enough.set()
        github.close()

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(send)
        assert enough.wait(PATIENCE_SECONDS)
        server.process.kill()
    assert len(acknowledged) >= 200
    assert set(acknowledged) <= set(rows.guids())


def test_without_its_database_it_says_so_and_goes_on_when_it_is_back(
    start: Callable[..., Server], data_dir: Path
) -> None:
    server = start()  # with an embedded Postgres
    before, between, after = (headers() for _ in range(3))
    assert server.github.sends(said=before).status_code == 202
    postgres = psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
    children = postgres.children()
    postgres.kill()
    psutil.wait_procs([postgres, *children], PATIENCE_SECONDS)

    answer = server.github.sends(said=between)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.headers["content-type"] == "application/problem+json"
    assert server.github.http.get("/readyz").status_code == 503
    assert "cannot reach its database" in server.github.http.get("/").text
    assert server.github.http.get("/healthz").status_code == 200

    with Database(data_dir) as database, database.engine.connect() as connection:
        until(lambda: server.github.http.get("/readyz").status_code == 200)
        assert server.github.sends(said=after).status_code == 202
        kept = set(connection.scalars(sa.text("SELECT guid FROM flowberth.delivery")))
    assert kept == {before["x-github-delivery"], after["x-github-delivery"]}


def test_a_busy_port_is_told(server: Server, given: dict[str, str], database_url: str) -> None:
    port = server.ready["url"].rpartition(":")[2]
    script = Path(sys.executable).with_name("flowberth")
    done = subprocess.run(
        [script, "serve", "--json", "--port", port],
        env=given | {"FLOWBERTH_DATABASE_URL": database_url}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["message"] == (
        f"cannot listen on 127.0.0.1 port {port}: address already in use; choose others with --host and --port"
    )


def test_what_is_not_set_up_is_named_with_the_way_out(flowberth: Callable, key: str) -> None:
    said = flowberth("serve", "--json", FLOWBERTH_GITHUB_APP_ID="1", FLOWBERTH_GITHUB_PRIVATE_KEY=key)
    assert said.code == 2
    assert said.json["error"]["message"] == "not set: FLOWBERTH_GITHUB_WEBHOOK_SECRET"
    assert said.json["error"]["hint"].startswith("`flowberth github init` makes a GitHub App")


def test_a_database_that_is_away_at_the_start_is_told(given: dict[str, str]) -> None:
    script = Path(sys.executable).with_name("flowberth")
    done = subprocess.run(
        [script, "serve", "--json", "--port", "0"],
        env=given | {"FLOWBERTH_DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/db"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["type"] == "DatabaseUnavailable"
    assert "s3cret" not in done.stdout + done.stderr
