"""What a run may spend, and what is expected of it, is in the draft of its pull request before anything has cost."""

from __future__ import annotations

import pytest

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from runner.budget.prices import LIST_RATES
from runner.forecast import Earlier, earlier_in, worst_of_attempt
from runner.knowledge.entry import ActualCost
from runner.knowledge.entry_file import with_actual_cost
from runner.knowledge.page import entry_page
from runner.knowledge.story import Costs, Story
from runner.paying import price_of
from tests.documents.test_documents import lighthouse, report
from tests.runner.bench import POSTER


def test_an_attempt_is_expected_to_cost_what_is_reserved_for_it() -> None:
    lock = make_plan(parse_workflow(POSTER.encode(), filename="poster.json"), filename="poster.json").lock
    worst = dict(worst_of_attempt(lock, LIST_RATES, limited=True))
    assert list(worst) == ["build", "preflight", "test"]
    assert worst["test"] == price_of("test", lock, LIST_RATES, limited=True)[0]
    assert dict(worst_of_attempt(lock, LIST_RATES, limited=False))["test"] >= worst["test"] > 0


def test_what_the_last_run_has_cost_is_read_from_the_knowledge_base() -> None:
    story = Story(issues=(), links={}, costs=Costs(build=0.2, tests=0.1, total=0.3))
    estimated = entry_page(lighthouse(), report(), None, story)
    assert earlier_in(estimated) == Earlier(0.3, "estimate")
    billed = with_actual_cost(estimated, ActualCost(run=report().run_id, build=0.2, tests=0.05, total=0.25))
    assert earlier_in(billed) == Earlier(0.25, "actual")
    assert earlier_in(entry_page(lighthouse(), report(), None)) is None
    assert earlier_in(entry_page(lighthouse(), report(engine="stand-in"), None, story)) is None
    assert earlier_in(b"# no entry") is None


@pytest.mark.long
def test_the_draft_says_it_and_a_run_that_costs_nothing_says_that(bench) -> None:
    ended = bench.do("up", target="elsewhere", budget_usd=0.5, drafts=True)  # too little for anything to begin
    assert ended["state"] == "over-budget"
    (pull,) = bench.pulls()
    assert "This run may spend **$0.50 at most**. An attempt is estimated to cost $" in pull["body"]
    bench.do_until_killed("up", name="banner", kill_at="deploy started", drafts=True)
    bodies = {pull["head"]: pull["body"] for pull in bench.pulls()}
    assert "This run costs nothing: it is tested on the local target." in bodies["flowberth/banner"]
