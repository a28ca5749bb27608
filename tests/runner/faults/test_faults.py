"""Injected faults of every kind, each met by the whole loop: what becomes of all of them together."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

import pytest

from runner.repair.signatures import signatures
from tests.runner.faults.catalogue import ALL, FEW
from tests.runner.faults.loop import Ended, Laboratory

if TYPE_CHECKING:
    from pathlib import Path

    from runner.database import Database

FEWEST = 80
LEAST_RIGHT = 0.9
MOST_ATTEMPTS_IN_THE_MIDDLE = 2
FEWEST_WORDINGS = 2
"""In which each signature that ships is met."""


@pytest.fixture
def laboratory(tmp_path: Path, database: Database) -> Laboratory:
    return Laboratory(tmp_path, database)


@pytest.mark.long
def test_faults_end_repaired_or_with_the_right_question_and_never_in_a_wrong_success(laboratory: Laboratory):
    assert len(ALL) >= FEWEST
    every = [laboratory.meet(fault) for fault in ALL]
    assert_harmless(every)
    wrong = [told(one) for one in every if not one.right]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(every), "\n".join(wrong)
    assert median(one.attempts for one in every) <= MOST_ATTEMPTS_IN_THE_MIDDLE
    met = Counter(signature for one in every for signature in one.signatures)
    assert [one.id for one in signatures() if met[one.id] < FEWEST_WORDINGS] == []


def test_one_fault_of_each_kind_ends_as_it_has_to(laboratory: Laboratory):
    every = [laboratory.meet(fault) for fault in FEW]
    assert_harmless(every)
    assert [told(one) for one in every if not one.right] == []


def test_each_fault_has_a_name_of_its_own():
    assert max(Counter(fault.id for fault in ALL).values()) == 1


def assert_harmless(every: list[Ended]) -> None:
    assert [told(one) for one in every if one.wrong_success] == []
    assert [told(one) for one in every if one.over_budget] == []


def told(one: Ended) -> str:
    return f"{one.fault.id}: {one.attempts} attempts, {' | '.join(one.tried)}: {one.told or 'passed'}"
