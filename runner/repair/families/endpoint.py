"""What the tests of an endpoint say of the app as such."""

from __future__ import annotations

from runner.repair.diagnosis import GiveUp, Transient
from runner.repair.found import Found, Outcome, outcome


def redirected(found: Found) -> Outcome | None:
    """Modal answers a request of more than 150 s with a redirect to the result; when the app is warm it is quicker."""
    end = GiveUp(why="the app takes more than 150 s for an answer: ask with ?wait=100 and follow the job instead")
    return outcome(Transient(seconds=5.0), end, subject=found.groups.get("path", ""))
