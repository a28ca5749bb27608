"""The sweep: what GitHub could not deliver is fetched once, and nothing else is."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from github_app.github.app import GithubApp
from github_app.github.errors import Unavailable
from github_app.github.pace import Pace
from github_app.server.deliveries import Deliveries
from github_app.server.sweep import Sweeper
from github_app.settings import Settings
from runner.database import Database
from tests.forge.forge import Forge
from tests.github_app.server.conftest import Rows
from tests.github_app.server.served import serving


@pytest.fixture
def app(forge: Forge, database: Database) -> Iterator[GithubApp]:
    key = SecretStr(forge.private_key)
    opened = GithubApp(api_url=forge.api_url, app_id=forge.app_id, private_key=key, pace=Pace(database))
    yield opened
    opened.close()


@pytest.fixture
def sweeper(app: GithubApp, deliveries: Deliveries) -> Sweeper:
    return Sweeper(app, deliveries)


def details_asked(forge: Forge) -> int:
    return len(forge.requests("GET /app/hook/deliveries/"))


def open_issue(forge: Forge, title: str) -> None:
    answer = forge.client("alice").post("/repos/acme/site/issues", json={"title": title, "body": "x"})
    assert answer.status_code == 201


def settled(forge: Forge) -> None:
    forge.until(lambda: not any(one.pending for one in forge.webhooks.deliveries))


def test_what_was_sent_while_we_were_down_is_fetched_in_order_and_once(
    forge: Forge, sweeper: Sweeper, rows: Rows
) -> None:
    for title in ("first", "second"):
        open_issue(forge, title)
    settled(forge)  # nobody has listened
    sent = list(forge.webhooks.deliveries)
    assert sweeper.once() == len(sent)
    assert rows.guids() == [one.guid for one in sent]
    assert [(row.event, row.action, row.installation) for row in rows.all()] == [
        (one.event, one.action, one.installation_id) for one in sent
    ]
    assert b'"second"' in rows.all()[-1].payload
    asked = details_asked(forge)
    assert asked == len(sent)
    assert sweeper.once() == 0
    assert details_asked(forge) == asked


def test_what_was_acknowledged_is_left_alone(
    forge: Forge, sweeper: Sweeper, rows: Rows, settings: Settings, database: Database
) -> None:
    mine = settings.model_copy(update={"github_webhook_secret": SecretStr(forge.webhook_secret)})
    with serving(mine, database) as server:
        forge.hook_url = f"{server.url}/webhooks/github"
        open_issue(forge, "while we listen")
        settled(forge)
    assert len(rows.all()) == 1
    open_issue(forge, "while we are down")
    settled(forge)
    assert sweeper.once() == len(forge.webhooks.deliveries) - 1
    assert [row.payload.count(b"while we are down") > 0 for row in rows.all()].count(True) == 1
    assert len(rows.all()) == len({one.guid for one in forge.webhooks.deliveries})


def test_another_database_does_not_act_again_on_what_an_old_one_had_acknowledged(
    forge: Forge, sweeper: Sweeper, rows: Rows
) -> None:
    open_issue(forge, "long done")
    settled(forge)
    for one in forge.webhooks.deliveries:
        one.status, one.status_code = "OK", 202
    assert sweeper.once() == 0
    assert rows.all() == []


def test_several_attempts_of_a_delivery_are_one(forge: Forge, sweeper: Sweeper, rows: Rows) -> None:
    open_issue(forge, "again and again")
    settled(forge)
    first = forge.webhooks.deliveries[-1]
    forge.webhooks.redeliver(first)
    forge.webhooks.redeliver(first)
    settled(forge)
    sweeper.once()
    assert rows.guids().count(first.guid) == 1
    assert details_asked(forge) == len({one.guid for one in forge.webhooks.deliveries})


def test_a_sweep_that_fails_half_way_goes_on_where_it_was(forge: Forge, sweeper: Sweeper, rows: Rows) -> None:
    for number in range(4):
        open_issue(forge, f"issue {number}")
    settled(forge)
    forge.faults.request("GET /app/hook/deliveries/", skip=2)
    total = len(forge.webhooks.deliveries)
    with pytest.raises(Unavailable):
        sweeper.once()
    assert len(rows.all()) == 2
    assert sweeper.once() == total - 2
    assert details_asked(forge) == total + 1  # the one that failed


def test_what_github_has_forgotten_is_not_asked_for_again(forge: Forge, sweeper: Sweeper, rows: Rows) -> None:
    open_issue(forge, "gone")
    settled(forge)
    total = len(forge.webhooks.deliveries)
    forge.faults.request("GET /app/hook/deliveries/", status=404)
    assert sweeper.once() == total - 1
    asked = details_asked(forge)
    assert sweeper.once() == 0
    assert details_asked(forge) == asked
    assert len(rows.all()) == total - 1


def test_only_one_of_several_processes_asks(forge: Forge, app: GithubApp, sweeper: Sweeper, database: Database) -> None:
    open_issue(forge, "one")
    settled(forge)
    with Deliveries(database) as first:
        assert Sweeper(app, first).once() > 0
        asked = len(forge.requests("/app/hook/deliveries"))
        assert sweeper.once() == 0
        assert len(forge.requests("/app/hook/deliveries")) == asked
