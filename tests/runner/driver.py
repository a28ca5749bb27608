"""What a process on the bench does: one thing with runs, composed of real parts and of the light ones.

Its progress can make it kill itself, so that tests choose where a run is cut.
"""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr, TypeAdapter

from codegen.strict_json import loads
from runner.budget.ledger import Ledger
from runner.database import Database
from runner.lookups.offline import Offline
from runner.model import RunId, RunRequest
from runner.records import RunRecords
from runner.runs import Runs
from runner.services import Services
from runner.targets.modal.accounts import ModalAccount, ModalAccounts
from runner.targets.modal.target import ModalTarget
from runner.variations.grammar import read_wishes
from runner.variations.grid import make_grid
from runner.variations.model import VaryRequest
from tests.runner.light import Behaviour, Fault, FileForge, Journal, ThreadTarget
from worktrees.mirror import Mirror

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from runner.protocols import Target


class Order(BaseModel):
    """What to do, and where."""

    what: str
    folder: Path
    database_url: str | None
    workflow: str
    name: str = "poster"
    run_id: str | None = None
    keep: bool = False
    kill_at: str | None = None
    """An event of the journal at which the process kills itself with SIGKILL."""
    pause_at: str | None = None
    """An event at which it says so and waits to be told to go on."""
    behaviour: Behaviour = "well"
    faults: tuple[Fault, ...] = ()
    """Of the attempts, in their order."""
    target: str = "local"
    modal: dict[str, str] = {}
    """The variables of a workspace of Modal: its real client is used instead of the light target."""
    merged: str | None = None
    """A commit that is to go into production."""
    budget_usd: float | None = None
    drafts: bool = False
    """Whether the forge has drafts."""
    vary: str = ""
    """What is to be varied, as people write it."""
    again: str | None = None
    """A run whose variations are to be kept."""
    commit: str | None = None
    """The head that people have seen when they asked for variations."""


def drive(document: str, line: Connection, out: str, err: str) -> None:
    """Carry out an order, with everything that is printed in the files `out` and `err`."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    order = Order.model_validate_json(document)
    data_dir = order.folder / "data"

    def pause() -> None:
        line.send("paused")
        line.recv()

    journal = Journal(order.folder / "journal", order.kill_at or order.pause_at, die if order.kill_at else pause)
    target = target_of(order, data_dir)
    with Database(data_dir, order.database_url) as database:
        services = Services(
            target=target,
            forge=lambda repo: FileForge(order.folder / "pulls.json"),
            mirror=lambda repo: Mirror(data_dir, repo),
            data_dir=data_dir,
            progress=journal,
            lookups=Offline(),
            drafts=order.drafts,
            ledger=Ledger(database, lambda: datetime.now(UTC)),
        )
        runs = Runs(database, services)
        try:
            answer = carry_out(order, runs, database)
        finally:
            runs.close()
            target.close()
    os.write(1, TypeAdapter(object).dump_json(answer))


def target_of(order: Order, data_dir: Path) -> Target:
    if not order.modal:
        return ThreadTarget(order.behaviour, order.faults, order.target)
    account = ModalAccount(
        key="default",
        source="the test",
        token_id=SecretStr(order.modal["MODAL_TOKEN_ID"]),
        token_secret=SecretStr(order.modal["MODAL_TOKEN_SECRET"]),
        server_url=order.modal["MODAL_SERVER_URL"],
    )
    return ModalTarget(ModalAccounts(account), data_dir)


def carry_out(order: Order, runs: Runs, database: Database) -> object:
    match order.what:
        case "up":
            request = RunRequest(
                repo=order.folder / "repo",
                base="main",
                filename="poster.json",
                workflow=order.workflow.encode(),
                name=order.name,
                keep=order.keep,
                budget_usd=order.budget_usd,
                kind="production" if order.merged else "propose",
                environment="production" if order.merged else "preview",
                commit=order.merged,
            )
            return runs.up(request)
        case "vary":
            return runs.up(grid_request(order))
        case "resume":
            return runs.resume(order.run_id)
        case "cancel":
            assert order.run_id
            return runs.cancel(order.run_id)
        case "money":
            assert order.run_id
            return Ledger(database, lambda: datetime.now(UTC)).state(RunId(order.run_id))
        case _:
            return RunRecords(database).newest(50)


def grid_request(order: Order) -> RunRequest:
    """On the branch of the app, as the poster's run has left it."""
    mirror = Mirror(order.folder / "data", order.folder / "repo")
    mirror.fetch("flowberth/poster")
    interface = mirror.read(mirror.tip("flowberth/poster") or "", "apps/modal/poster/interface.json")
    return RunRequest(
        kind="vary",
        repo=order.folder / "repo",
        base="main",
        branch="flowberth/poster",
        filename="poster.json",
        workflow=order.workflow.encode(),
        name="poster",
        keep=order.keep,
        budget_usd=order.budget_usd,
        commit=order.commit,
        vary=VaryRequest(grid=make_grid(read_wishes(order.vary), loads(interface or b"{}")), again=order.again),
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()
