"""The table `run`: what is known of every run, also while it goes on and after its process died."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from base64 import b32encode
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert

from codegen.model import AppName
from runner.errors import RunNotFound
from runner.model import (
    Environment,
    Frozen,
    GithubRepository,
    Lane,
    RunId,
    RunKind,
    RunProgress,
    RunRequest,
    RunResult,
    RunState,
    StepName,
)
from runner.tables import run as table
from runner.tables import telling

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from datetime import timedelta

    from sqlalchemy import Connection

    from runner.database import Database

UNFINISHED: tuple[RunState, ...] = ("queued", "running")
_ID = re.compile(r"run_[a-z2-7]{1,80}")
RUN_ID_BYTES = 13
"""13 bytes are 20 whole base-32 characters: 100 bits of chance."""

log = logging.getLogger(__name__)


class RunRecord(Frozen):
    """One row, without the submitted file."""

    id: RunId
    number: int
    """Grows with every run asked for; says which of two is newer."""
    repo: str
    name: AppName
    filename: str
    workflow_sha256: str
    protocol: str
    """Version of the order of steps that the run was started under."""
    state: RunState
    step: StepName | None
    cancel_reason: str | None
    """Set when somebody wants it to end; the run may still be on its way there."""
    result: RunResult | None
    reason: str | None
    created_at: datetime
    updated_at: datetime
    kind: RunKind
    environment: Environment
    progress: RunProgress
    revision: int
    """Grows whenever there is something new to tell."""
    not_before: datetime | None
    """Put away until then, because the forge has asked for patience."""

    @property
    def lane(self) -> Lane:
        """What it is the only active run of."""
        return Lane(self.repo, self.name, self.environment)

    @property
    def finished(self) -> bool:
        """Whether the state is final."""
        return self.state not in UNFINISHED


_columns = [column for column in table.c if column.name not in ("workflow", "request")]
_filename = table.c.request["filename"].astext.label("filename")


class RunRecords:
    """Reads and writes rows. Each call is one short transaction.

    A row that cannot be read, such as one of a newer version beside this one, is left out of what lists several.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unreadable: set[str] = set()

    def add(
        self,
        request: RunRequest,
        name: AppName,
        *,
        protocol: str,
        key: str | None = None,
        told: bool = False,
        not_before: datetime | None = None,
    ) -> RunRecord:
        """Note that a run is wanted; it is `queued`.

        `key`: whatever asks for it; asked with the same key again it is the same run, however it stands by now.
        `told`: people are told of it on the forge. `not_before`: it is put away until then.
        """
        run_id = new_run_id() if key is None else keyed_run_id(key)
        values = {
            "id": run_id,
            "repo": request.repo_key,
            "name": name,
            "workflow_sha256": sha256(request.workflow),
            "workflow": request.workflow,
            "request": options(request),
            "protocol": protocol,
            "kind": request.kind,
            "environment": request.environment,
            "state": "queued",
            "not_before": not_before,
        }
        with self._database.begin() as connection:
            connection.execute(insert(table).values(storable(values)).on_conflict_do_nothing(index_elements=["id"]))
            if told:
                connection.execute(insert(telling).values(run_id=run_id).on_conflict_do_nothing())
        return self.get(run_id)

    def get(self, run_id: str) -> RunRecord:
        """One run.

        Raises:
            RunNotFound: there is none with that id.
        """
        missing = RunNotFound(f"there is no run {run_id!a}; `flowberth runs list` shows those there are")
        if not _ID.fullmatch(run_id):
            raise missing
        with self._database.begin() as connection:
            row = (
                connection.execute(sa.select(*_columns, _filename).where(table.c.id == run_id)).mappings().one_or_none()
            )
        if row is None:
            raise missing
        return RunRecord.model_validate(row)

    def request(self, run_id: RunId) -> RunRequest:
        """What was asked for, with the submitted file."""
        query = sa.select(table.c.request, table.c.workflow).where(table.c.id == run_id)
        with self._database.begin() as connection:
            row = connection.execute(query).one()
        return RunRequest.model_validate({**cast("dict[str, Any]", row.request), "workflow": bytes(row.workflow)})

    def newest(self, limit: int) -> tuple[RunRecord, ...]:
        """The last `limit` runs, newest first."""
        return self._select(sa.true(), limit=limit)

    def unfinished(self, lane: Lane | None = None) -> tuple[RunRecord, ...]:
        """Runs that have not ended, of one lane or of all, newest first."""
        condition = table.c.state.in_(UNFINISHED)
        return self._select(condition if lane is None else condition & _in(lane))

    def unfinished_ids(self) -> frozenset[RunId]:
        """Of all runs that have not ended, readable or not."""
        query = sa.select(table.c.id).where(table.c.state.in_(UNFINISHED))
        with self._database.begin() as connection:
            return frozenset(RunId(run_id) for run_id in connection.scalars(query))

    def serving(self, lane: Lane) -> tuple[RunRecord, ...]:
        """Runs of one lane that have left their app serving, newest first."""
        return self._select(_in(lane) & table.c.result["endpoint"].astext.is_not(None))

    def serving_previews(self) -> tuple[RunRecord, ...]:
        """Runs of all repositories that have left a preview serving, newest first."""
        return self._select((table.c.environment == "preview") & table.c.result["endpoint"].astext.is_not(None))

    def left_serving(self) -> tuple[RunRecord, ...]:
        """All runs that have left something serving, newest first."""
        return self._select(table.c.result["endpoint"].astext.is_not(None))

    def with_deployments(self) -> frozenset[RunId]:
        """Of all runs that may have something deployed: they go on, or have left something serving."""
        query = sa.select(table.c.id).where(
            table.c.state.in_(UNFINISHED) | table.c.result["endpoint"].astext.is_not(None)
        )
        with self._database.begin() as connection:
            return frozenset(RunId(run_id) for run_id in connection.scalars(query))

    def newest_of(self, lane: Lane) -> RunId | None:
        """The run of a lane that was asked for last; variations say nothing of how the app stands."""
        its = _in(lane) & (table.c.kind != "vary")
        query = sa.select(table.c.id).where(its).order_by(table.c.number.desc()).limit(1)
        with self._database.begin() as connection:
            return connection.scalar(query)

    def succeeded(self, lane: Lane) -> tuple[RunRecord, ...]:
        """Runs of one lane that ended well, newest first: in production, those that have served."""
        return self._select(_in(lane) & (table.c.state == "succeeded"))

    def of_issue(self, repo: str, issue: int) -> tuple[RunRecord, ...]:
        """Runs for the workflows of an issue, newest first."""
        return self._select((table.c.repo == repo) & (table.c.request["origin"]["issue"].as_integer() == issue))

    def of_pull(self, repo: str, pull: int) -> tuple[RunRecord, ...]:
        """Runs that are about a pull request, or have opened it, newest first."""
        asked = table.c.request["origin"]["pull"].as_integer() == pull
        opened = table.c.progress["pull"]["number"].as_integer() == pull
        return self._select((table.c.repo == repo) & sa.or_(asked, opened))

    def of_app(self, repo: str, name: str) -> tuple[RunRecord, ...]:
        """Runs of an app in any environment, newest first."""
        return self._select((table.c.repo == repo) & (table.c.name == name))

    def of_installation(self, installation: int) -> tuple[RunRecord, ...]:
        """Runs of its repositories that have not ended or have left something serving, newest first."""
        its = table.c.request["repo"]["installation"].as_integer() == installation
        live = sa.or_(table.c.state.in_(UNFINISHED), table.c.result["endpoint"].astext.is_not(None))
        return self._select(its & live)

    def repositories_since(self, age: timedelta) -> tuple[GithubRepository, ...]:
        """Those on GitHub with a run that goes on, or has changed lately, as the newest run of each knows it."""
        lately = sa.or_(table.c.state.in_(UNFINISHED), table.c.updated_at > sa.func.now() - age)
        query = (
            sa.select(table.c.repo, table.c.request["repo"].label("said"))
            .where(lately & table.c.repo.startswith("github:"))
            .order_by(table.c.number)
        )
        with self._database.begin() as connection:
            newest = {row.repo: row.said for row in connection.execute(query)}
        return tuple(GithubRepository.model_validate(said) for said in newest.values())

    @contextmanager
    def naming(self, repo: str) -> Generator[None]:
        """Whoever gives names to apps of a repository, one at a time in all processes. Not for longer than a query."""
        key = sa.func.hashtextextended(f"names {repo}", 0)
        with self._database.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
            yield

    def newest_number(self, repo: str) -> int:
        """Of the runs of a repository; 0 if there are none."""
        query = sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0)).where(table.c.repo == repo)
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one()

    def names_since(self, repo: str, number: int) -> frozenset[str]:
        """Of the apps that runs were asked for after run number `number`."""
        query = sa.select(table.c.name).where((table.c.repo == repo) & (table.c.number > number))
        with self._database.begin() as connection:
            return frozenset(connection.scalars(query))

    def same(self, record: RunRecord, request: RunRequest) -> bool:
        """Whether the run was asked for with the very same file and options."""
        if record.workflow_sha256 != sha256(request.workflow):
            return False
        with self._database.begin() as connection:
            stored = connection.scalar(sa.select(table.c.request).where(table.c.id == record.id))
        return stored == options(request)

    def running(self, run_id: RunId, step: StepName | None = None) -> None:
        """Note that the run is carried out, and where it is."""
        values: dict[str, Any] = {"state": "running"} if step is None else {"state": "running", "step": step}
        self._update(table.c.id == run_id, values)

    def finish(self, run_id: RunId, result: RunResult, *, unless_cancelled: bool = False) -> bool:
        """Note how the run ended. The first end is the one that counts.

        `unless_cancelled`: only if nobody has asked for its end. Returns whether it was noted.
        """
        condition = (table.c.id == run_id) & table.c.state.in_(UNFINISHED)
        if unless_cancelled:
            condition &= table.c.cancel_reason.is_(None)
        return self._update(
            condition,
            storable({"state": result.state, "result": result.model_dump(mode="json"), "reason": result.reason}),
        )

    def endpoint_gone(self, run_id: RunId) -> None:
        """Note that what the run had left serving has been stopped."""
        gone = sa.func.jsonb_set(table.c.result, ["endpoint"], sa.text("'null'::jsonb"))
        self._update((table.c.id == run_id) & table.c.result.is_not(None), {"result": gone})

    def progress(self, run_id: RunId, progress: RunProgress) -> None:
        """Note how far the run has come."""
        self._update(table.c.id == run_id, {"progress": storable(progress.model_dump(mode="json"))})

    def tell_again(self, run_ids: Collection[RunId]) -> None:
        """People are to be told of these runs once more, if they are told of them at all: what others know is new."""
        theirs = sa.select(telling.c.run_id).where(telling.c.run_id.in_(run_ids))
        with self._database.begin() as connection:
            again = sa.update(table).where(table.c.id.in_(theirs)).values(revision=table.c.revision + 1)
            connection.execute(again)
            connection.execute(sa.update(telling).where(telling.c.run_id.in_(run_ids)).values(settled=False))

    def park(self, run_id: RunId, until: datetime) -> None:
        """Put the run away until then."""
        self._update(table.c.id == run_id, {"not_before": until})

    def want_cancelled(self, run_id: RunId, reason: str) -> None:
        """Ask whoever carries out the run to end it. The first reason is the one that counts."""
        self._update(
            (table.c.id == run_id) & table.c.state.in_(UNFINISHED) & table.c.cancel_reason.is_(None),
            {"cancel_reason": reason},
        )

    def want_older_cancelled(self, record: RunRecord, reason: str) -> None:
        """Ask for the end of every unfinished run of the same lane that is older than `record`."""
        older = _in(record.lane) & (table.c.number < record.number)
        self._update(older & table.c.state.in_(UNFINISHED) & table.c.cancel_reason.is_(None), {"cancel_reason": reason})

    def _select(self, condition: sa.ColumnElement[bool], limit: int | None = None) -> tuple[RunRecord, ...]:
        query = sa.select(*_columns, _filename).where(condition).order_by(table.c.number.desc()).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        read = (self._read(row) for row in rows)
        return tuple(record for record in read if record is not None)

    def _read(self, row: sa.RowMapping) -> RunRecord | None:
        try:
            return RunRecord.model_validate(row)
        except ValidationError as error:
            run_id = str(row["id"])
            if run_id not in self._unreadable:  # rows are read twice a second
                self._unreadable.add(run_id)
                log.error("%s is left out, as its row cannot be read: %s", run_id, error)  # noqa: TRY400 - no bug here
            return None

    def _update(self, condition: sa.ColumnElement[bool], values: dict[str, Any]) -> bool:
        """Returns whether there was a row to change."""
        change = (
            sa.update(table)
            .where(condition)
            .values(updated_at=sa.func.now(), revision=table.c.revision + 1, **values)
            .returning(table.c.id)
        )
        with self._database.begin() as connection:
            changed = connection.scalars(change).all()
            connection.execute(
                sa.update(telling).where(telling.c.run_id.in_(changed) & telling.c.settled).values(settled=False)
            )
        return bool(changed)


def _in(lane: Lane) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.repo == lane.repo, table.c.name == lane.name, table.c.environment == lane.environment)


def storable(value: Any) -> Any:  # noqa: ANN401 - JSON, and the submitted bytes
    """A value without what Postgres cannot hold in a text: the character 0, and halves of surrogate pairs."""
    match value:
        case str():
            return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        case dict():
            return {storable(key): storable(inner) for key, inner in cast("dict[Any, Any]", value).items()}
        case list():
            return [storable(inner) for inner in cast("list[Any]", value)]
        case _:
            return value


def wanted_end(connection: Connection, run_id: RunId) -> str | None:
    """Why the run should end now, if somebody wants that; read on the session of its lease."""
    return connection.scalar(sa.select(table.c.cancel_reason).where(table.c.id == run_id))


def new_run_id() -> RunId:
    """Not yet used, and never to be guessed."""
    return RunId("run_" + b32encode(secrets.token_bytes(RUN_ID_BYTES)).decode().lower()[:20])


def keyed_run_id(key: str) -> RunId:
    """The same for the same key."""
    return RunId("run_" + b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()[:20])


def sha256(data: bytes) -> str:
    """Of the submitted file, in hex."""
    return hashlib.sha256(data).hexdigest()


def options(request: RunRequest) -> dict[str, Any]:
    """The request as stored: JSON, without the submitted file."""
    return request.model_dump(mode="json", exclude={"workflow"})
