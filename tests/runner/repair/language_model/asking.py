"""A run that has failed, an adviser with a stand-in for the API, and what it says.

As a program, it asks once for a run: `python -m … URL DATABASE RUN`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from codegen.lock import PackPin
from codegen.plan import make_plan
from runner.budget.ledger import Ledger
from runner.budget.spending import Spending
from runner.database import Database
from runner.model import RunId
from runner.repair.evidence import Evidence
from runner.repair.language_model.anthropic_adviser import AnthropicAdviser
from tests.codegen.canvas import text_to_image

if TYPE_CHECKING:
    from codegen.plan import Plan
    from runner.repair.adviser import Advice
    from tests.runner.repair.language_model.api import Api, Reply

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "sk-ant-api03-" + "Q7" * 40
IMPACT = "https://github.com/ltdrdata/ComfyUI-Impact-Pack"
COMMIT = "1" * 40


def a_plan() -> Plan:
    plan = make_plan(text_to_image().workflow(), filename="fox.json")
    pack = PackPin(name="ComfyUI-Impact-Pack", repository=IMPACT, commit=COMMIT, classes=("X",), source="properties")
    return plan.model_copy(update={"lock": plan.lock.model_copy(update={"packs": (pack,)})})


def log_of(text: str, **details: Any) -> Evidence:
    return Evidence(stage="boot", text=text, details=details)


@cache
def _adviser(api: Api, model: str, budget: Decimal, known: tuple[str, ...]) -> AnthropicAdviser:
    """One for many tests: a client reads the certificates of the machine when it is made."""
    return AnthropicAdviser(
        SecretStr(KEY),
        model=model,
        budget_usd=budget,
        url=api.url,
        known=[SecretStr(each) for each in known],
        clock=lambda: NOW,
        sleep=api.waited.append,
    )


@dataclass
class Asking:
    """`advise` answers as the API does in turn."""

    api: Api
    ledger: Ledger
    run_id: RunId
    plan: Plan = field(default_factory=a_plan)
    budget: Decimal = Decimal(2)
    model: str = "claude-sonnet-5-5"
    known: tuple[str, ...] = ()

    @property
    def adviser(self) -> AnthropicAdviser:
        return _adviser(self.api, self.model, self.budget, self.known)

    @property
    def waited(self) -> list[float]:
        return self.api.waited

    @property
    def spending(self) -> Spending:
        return Spending(self.ledger, self.run_id)

    def advise(self, *replies: Reply, evidence: tuple[Evidence, ...] | str = "it broke", **options: Any) -> Advice:
        self.api.replies = list(replies)
        if isinstance(evidence, str):
            evidence = (log_of(evidence),)
        given = {"plan": self.plan, "history": (), "diagnosis": None, "gpus": None, "spending": self.spending}
        return self.adviser.propose(evidence, **{**given, **options})

    @property
    def lines(self) -> dict[str, tuple[str, Decimal]]:
        """Of the ledger: state, and dollars held or spent."""
        lines = self.ledger.state(self.run_id).lines
        return {
            line.key: (line.state, line.reserved if line.state == "reserved" else line.actual or Decimal(0))
            for line in lines
        }

    @property
    def asked(self) -> str:
        """What the last request says, but for the system prompt and the tool."""
        (said,) = self.api.requests[-1]["messages"]
        return said["content"]


def ask_once(url: str, database_url: str, run_id: str) -> None:
    with TemporaryDirectory() as folder, Database(Path(folder), database_url) as database:
        adviser = AnthropicAdviser(SecretStr(KEY), model="claude-sonnet-5-5", budget_usd=Decimal(2), url=url)
        spending = Spending(Ledger(database, lambda: datetime.now(UTC)), RunId(run_id))
        evidence = (log_of("it broke"),)
        adviser.propose(evidence, plan=a_plan(), history=(), diagnosis=None, gpus=None, spending=spending)


if __name__ == "__main__":
    ask_once(*sys.argv[1:])
