"""What people are told of money, from the first estimate to the last bill: GitHub and Postgres are real, time is told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from inline_snapshot import snapshot

from github_app.billing import Billing
from github_app.github.model import FileAddition
from github_app.handlers.doors import Doors
from github_app.installations import Installations
from github_app.submissions.site import Site
from github_app.telling.tell import Tell
from github_app.telling.teller import Teller
from github_app.telling.tellings import Tellings
from runner.budget.ledger import Ledger
from runner.budget.spending import Spending
from runner.documents.spending import spent
from runner.model import (
    Attempt,
    EngineChoice,
    Origin,
    PullRequestRef,
    RunProgress,
    RunRequest,
    RunResult,
    StepProgress,
)
from runner.records import RunRecords
from runner.tables import ledger_alert, ledger_line, run
from runner.targets.modal.workspace import BillLine
from tests.forge.fixtures import forge  # noqa: F401 - a fixture
from tests.github_app.github.conftest import app, installation, installed, process, site  # noqa: F401 - fixtures
from tests.runner.budget.payers import NOVEMBER, Clock

BRANCH = "flowberth/poster"


class Modal:
    """As far as money goes."""

    name = "modal"
    costs = True

    def __init__(self) -> None:
        self.report: list[BillLine] = []

    def bills(self, since) -> list[BillLine]:
        return [line for line in self.report if line.began_at >= since]

    def says(self, run_id: str, usd: str, *, hour: int = 0) -> None:
        """Of an hour after noon; in the place of what it said before."""
        began = NOVEMBER + timedelta(hours=hour)
        line = BillLine(app_id="ap-1", began_at=began, usd=Decimal(usd), by_resource={}, tag=run_id)
        self.report = [*(other for other in self.report if other.began_at != began), line]


class Lanes:
    """Of the runs, what a teller asks."""

    def __init__(self, records: RunRecords) -> None:
        self._records = records

    def is_newest(self, record) -> bool:
        return self._records.newest_of(record.lane) == record.id

    def ahead_of(self, _record) -> int:
        return 0


class Office:
    """A run that an issue has asked for, its pull request, its money, and those who tell of it."""

    def __init__(self, forge, site, app, database) -> None:  # noqa: F811
        self.forge, self.site, self.clock, self.modal = forge, site, Clock(), Modal()
        self.ledger, self.records = Ledger(database, self.clock), RunRecords(database)
        self.issue = forge.client("bob").post("/repos/acme/site/issues", json={"title": "Poster"}).json()["number"]
        request = RunRequest(
            repo=site.about().reference, base="main", filename="poster.json", workflow=b"{}", budget_usd=10,
            origin=Origin(sender="bob", issue=self.issue),
        )  # fmt: skip
        self.run = self.records.add(request, "poster", protocol="1", key="poster", told=True)
        doors = Doors(
            github=app, runs=Lanes(self.records), records=self.records, installations=Installations(database),
            target=self.modal, engine=EngineChoice(), site=Site.of(forge.api_url), ledger=self.ledger,
        )  # fmt: skip
        self.teller = Teller(Tellings(database), self.records, Tell(doors), self.clock)
        self.billing = Billing(self.modal.bills, self.ledger, self.records, self.clock)

    def spends(self, what: str, usd: str, *, minutes: int) -> None:
        rate = Decimal(usd) / (60 * minutes)
        with Spending(self.ledger, self.run.id).on(what, f"{what}-1", Decimal(usd), rate) as meter:
            meter.starts({"app": "poster-pr2"})
            self.clock.passes(minutes=minutes)

    def opens_pull(self) -> PullRequestRef:
        self.site.create_branch(BRANCH, self.site.tip("main"))
        files = [FileAddition(path="apps/modal/poster/app.py", data=b"pass\n")]
        self.head = self.site.create_commit_on_branch(
            BRANCH, expected_head=self.site.tip(BRANCH), message="Add poster", additions=files
        )
        body = f"What a call costs.\n\n{spent(self.ledger.state(self.run.id))}\n\nCloses #{self.issue}.\n"
        self.pull, _ = self.site.open_pull(head=BRANCH, base="main", title="Add poster", body=body, draft=True)
        return PullRequestRef(number=self.pull.number, title="Add poster", url=self.pull.url)

    def ends(self, state: str, *, reason: str | None = None, attempts: tuple[Attempt, ...] = ()) -> None:
        pull = self.opens_pull()
        steps = (StepProgress(step="test", began_at=NOVEMBER, seconds=None if reason else 300),)
        money = float(self.ledger.state(self.run.id).best)
        self.records.progress(
            self.run.id, RunProgress(commit=self.head, pull=pull, spent_usd=money, steps=steps, attempts=attempts)
        )
        self.records.finish(
            self.run.id,
            RunResult(
                run_id=self.run.id, state=state, name="poster", repo=self.run.repo, branch=BRANCH, commit=self.head,
                app_dir=None, endpoint=None, engine="comfyui", attempts=1, pr=pull, reason=reason,
            ),
        )  # fmt: skip

    def tells(self) -> None:
        while self.teller.once():
            pass

    def an_hour_passes(self, hours: int = 1) -> None:
        self.clock.passes(hours=hours)
        self.billing.once()
        self.tells()

    def body(self) -> str:
        """Of the pull request."""
        return self.site.pull(self.pull.number).body.replace(self.run.id, "RUN")

    def comment(self) -> str:
        """The only one in the issue, without the lines of the steps and the footer."""
        answer = self.forge.client("bob").get(f"/repos/acme/site/issues/{self.issue}/comments")
        (comment,) = answer.json()
        shown = comment["body"].replace(self.pull.url, "PULL").partition("<sub>")[0]
        return "\n".join(line for line in shown.splitlines() if not line.startswith("<!--")).strip() + "\n"


@pytest.fixture
def office(forge, site, app, database):  # noqa: F811
    yield Office(forge, site, app, database)
    with database.begin() as connection:
        for table in (ledger_alert, ledger_line, run):
            connection.execute(sa.delete(table))


def test_the_bill_arrives_an_hour_later_and_the_pull_request_shows_both(office):
    office.spends("build", "0.21", minutes=10)
    office.spends("test", "0.30", minutes=5)
    office.ends("succeeded")
    office.tells()
    assert office.comment() == snapshot("""\
### ✓ `poster` is ready for review

<details><summary>1 steps, 5 min 0 s</summary>

- ✓ Test, 5 min 0 s

</details>

Attempt 1 of 10 · $0.51 of $10.00 spent (estimate) · [Pull request 2](PULL)
""")
    assert office.body() == snapshot("""\
What a call costs.

<!-- flowberth:spent RUN -->

<details><summary>What this run has spent: $0.51 of $10.00</summary>

| on | estimate | bill |
|---|---|---|
| building the image | $0.21 |  |
| the test | $0.30 |  |
| all | $0.51 |  |

Its limit is $10.00. The bill comes by the hour, and is taken as complete a day later.

</details>

<!-- /flowberth:spent -->

Closes #1.
""")

    office.modal.says(office.run.id, "0.48")
    office.an_hour_passes()
    assert office.comment() == snapshot("""\
### ✓ `poster` is ready for review

<details><summary>1 steps, 5 min 0 s</summary>

- ✓ Test, 5 min 0 s

</details>

Attempt 1 of 10 · $0.51 of $10.00 spent (estimate), $0.48 billed so far · [Pull request 2](PULL)
""")
    assert office.body() == snapshot("""\
What a call costs.

<!-- flowberth:spent RUN -->

<details><summary>What this run has spent: $0.51 of $10.00</summary>

| on | estimate | bill |
|---|---|---|
| building the image | $0.21 | $0.20 |
| the test | $0.30 | $0.28 |
| all | $0.51 | $0.48 |

Its limit is $10.00. The bill comes by the hour, and is taken as complete a day later.

</details>

<!-- /flowberth:spent -->

Closes #1.
""")

    # A day later no more is expected; what people have written around it stays.
    office.site.update_pull(office.pull.number, body=f"By hand.\n\n{office.site.pull(office.pull.number).body}")
    office.modal.says(office.run.id, "0.4836")
    office.an_hour_passes(hours=25)
    assert office.comment() == snapshot("""\
### ✓ `poster` is ready for review

<details><summary>1 steps, 5 min 0 s</summary>

- ✓ Test, 5 min 0 s

</details>

Attempt 1 of 10 · $0.48 of $10.00 billed (estimated: $0.51) · [Pull request 2](PULL)
""")
    assert office.body() == snapshot("""\
By hand.

What a call costs.

<!-- flowberth:spent RUN -->

<details><summary>What this run has spent: $0.48 of $10.00</summary>

| on | estimate | bill |
|---|---|---|
| building the image | $0.21 | $0.20 |
| the test | $0.30 | $0.28 |
| all | $0.51 | $0.48 |

Its limit is $10.00. The bill is complete.

</details>

<!-- /flowberth:spent -->

Closes #1.
""")
    writing = office.forge.faults.request("(POST|PATCH) .*", "error", times=100)
    office.an_hour_passes()
    assert writing.struck == 0  # nothing is written when there is nothing new


def test_at_80_per_cent_people_are_told_once_whatever_is_cut_in_between(office):
    office.spends("build", "8.10", minutes=10)
    office.ends("succeeded")
    fault = office.forge.faults.request("GET .*/pulls/[0-9]+$", "error", times=100)
    office.tells()
    assert fault.struck
    assert "80 %" in office.comment()
    assert [alert.percent for alert in office.ledger.untold(office.run.id)] == [80]  # nobody knows that it was written

    office.forge.faults.requests.clear()
    office.an_hour_passes()
    assert office.ledger.untold(office.run.id) == ()
    assert office.comment() == snapshot("""\
### ✓ `poster` is ready for review

<details><summary>1 steps, 5 min 0 s</summary>

- ✓ Test, 5 min 0 s

</details>

Attempt 1 of 10 · $8.10 of $10.00 spent (estimate) · [Pull request 2](PULL)

> 80 % of the limit of this run, $10.00, are used up.
""")
    written = office.body()
    assert written.count("80 %") == 1
    for _ in range(2):
        office.an_hour_passes()
    assert office.body() == written


def test_a_late_bill_is_larger_than_the_estimate(office):
    office.spends("build", "7.90", minutes=10)
    office.ends("succeeded")
    office.tells()
    assert "%" not in office.comment()
    office.modal.says(office.run.id, "10.40")
    office.an_hour_passes()
    assert office.comment() == snapshot("""\
### ✓ `poster` is ready for review

<details><summary>1 steps, 5 min 0 s</summary>

- ✓ Test, 5 min 0 s

</details>

Attempt 1 of 10 · $7.90 of $10.00 spent (estimate), $10.40 billed so far · [Pull request 2](PULL)

> 100 % of the limit of this run, $10.00, are used up.
""")
    assert [(alert.percent, alert.told_at) for alert in office.ledger.state(office.run.id).alerts] == [
        (80, office.clock.now),
        (100, office.clock.now),
    ]


def test_who_ran_out_of_budget_is_told_what_was_tried_and_how_to_go_on(office):
    office.spends("build", "9.95", minutes=10)
    tried = Attempt(number=1, outcome="gguf cannot be imported", change="gguf is installed, too")
    reason = "deploy: the limit of this run, $10.00, is used up, so building the image was stopped"
    office.ends("over-budget", reason=reason, attempts=(tried,))
    office.tells()
    assert office.comment() == snapshot("""\
### ✗ `poster` ran out of budget at: test

- ✗ Test

Attempt 1 of 10 · $9.95 of $10.00 spent (estimate) · [Pull request 2](PULL)

> 80 % of the limit of this run, $10.00, are used up.

deploy: the limit of this run, $10.00, is used up, so building the image was stopped

What it has tried:

- attempt 1: gguf cannot be imported; changed in the lock then: gguf is installed, too

Everything that it had deployed is stopped. All changes are on the branch: `/retry` in the pull request goes on from there, with a budget of its own; `/deploy --budget N` says how much that is.
""")
    (check,) = office.forge.client("bob").get(f"/repos/acme/site/commits/{office.head}/check-runs").json()["check_runs"]
    assert (check["conclusion"], check["output"]["title"]) == snapshot(("failure", "poster ran out of budget at: test"))
    labels = office.forge.client("bob").get(f"/repos/acme/site/issues/{office.issue}").json()["labels"]
    assert [label["name"] for label in labels] == ["flowberth:failed"]
