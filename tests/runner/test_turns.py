from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from runner.runs import taking_turns


@dataclass(frozen=True)
class Asked:
    """All that turns depend on."""

    repo: str
    number: int


def order(waiting: str, going: str = "") -> str:
    asked = [Asked(repo, number) for number, repo in enumerate(waiting)]
    return "".join(record.repo for record in taking_turns(asked, [Asked(repo, -1) for repo in going]))


def test_repositories_take_turns_so_that_many_workflows_of_one_hold_up_no_other():
    assert order("aaaab") == "abaaa"
    assert order("aabbc") == "abcab"


def test_what_is_carried_out_already_was_a_turn():
    assert order("ab", going="aa") == "ba"


@given(st.text("abc", max_size=30), st.text("abc", max_size=5))
def test_every_run_has_its_turn_and_those_of_a_repository_keep_their_order(waiting, going):
    asked = [Asked(repo, number) for number, repo in enumerate(waiting)]
    turns = taking_turns(asked, [Asked(repo, -1) for repo in going])
    assert sorted(turns, key=lambda record: record.number) == asked
    for repo in "abc":
        numbers = [record.number for record in turns if record.repo == repo]
        assert numbers == sorted(numbers)
