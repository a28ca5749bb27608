"""How deliveries get on record when many come at once, or the database does not answer."""

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from github_app.server import inbox as inbox_module
from github_app.server import webhooks
from github_app.server.deliveries import Delivery, conninfo
from github_app.server.errors import NotStored
from github_app.server.inbox import Inbox
from runner.database import Database
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import GitHub, guid, headers
from tests.github_app.server.test_webhooks import POST, Raw

LOCK = sa.text("LOCK TABLE flowberth.delivery IN EXCLUSIVE MODE")


def arrival(**said: str) -> Delivery:
    return Delivery(said.get("guid") or guid(), "issues", "opened", 7, b"{}")


def with_inbox(database: Database, story: Callable) -> None:
    async def tell() -> None:
        inbox = Inbox(lambda: conninfo(database))
        await inbox.open()
        try:
            await story(inbox)
        finally:
            await inbox.close()

    asyncio.run(tell())


def test_all_that_waits_is_stored_in_one_statement(database: Database, rows: Rows) -> None:
    async def story(inbox: Inbox) -> None:
        with database.engine.connect() as slow:
            slow.execute(LOCK)
            first = asyncio.create_task(inbox.store(arrival()))
            while not inbox._using.locked():  # noqa: ASYNC110 - the writer tells nobody
                await asyncio.sleep(0)
            others = [asyncio.create_task(inbox.store(arrival())) for _ in range(100)]
            await asyncio.sleep(0)
            slow.rollback()
        await asyncio.gather(first, *others)

    with_inbox(database, story)
    with database.begin() as connection:
        transactions = connection.scalars(sa.text("SELECT xmin::text FROM flowberth.delivery")).all()
    assert len(transactions) == 101
    assert len(set(transactions)) == 2


def test_the_same_one_twice_in_one_statement(database: Database, rows: Rows) -> None:
    same = guid()

    async def story(inbox: Inbox) -> None:
        await asyncio.gather(*(inbox.store(arrival(guid=same)) for _ in range(10)))

    with_inbox(database, story)
    assert rows.guids() == [same]


def test_a_database_that_does_not_answer_is_not_waited_for(
    database: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "STORE_SECONDS", 1.0)

    async def story(inbox: Inbox) -> None:
        with database.engine.connect() as slow:
            slow.execute(LOCK)
            refused = await asyncio.gather(*(inbox.store(arrival()) for _ in range(3)), return_exceptions=True)
            assert [type(error) for error in refused] == [NotStored] * 3
        await inbox.store(arrival())

    with_inbox(database, story)
    assert len(rows.all()) >= 1  # what timed out may still have been stored; nobody was told that it was


def test_closing_stores_what_was_accepted(database: Database, rows: Rows) -> None:
    async def story(inbox: Inbox) -> None:
        waiting = [asyncio.create_task(inbox.store(arrival())) for _ in range(20)]
        await asyncio.sleep(0)
        await inbox.close()
        await asyncio.gather(*waiting)

    with_inbox(database, story)
    assert len(rows.all()) == 20


def test_a_body_that_does_not_come_is_not_waited_for(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "RECEIVE_SECONDS", 0.2)
    slow = Raw(github)
    slow.sends(*POST, *(f"{name}: {value}" for name, value in headers().items()), "Content-Length: 100")
    assert slow.status() == 408
    slow.socket.close()


def test_what_is_in_memory_at_once_is_bounded(github: GitHub, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_BYTES_AT_ONCE", 100_000)
    assert github.sends(b"x" * 200_000).status_code == 503
    assert github.sends().status_code == 202  # what was refused takes no room
    assert len(rows.all()) == 1
