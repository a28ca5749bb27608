"""Processes die at any moment. Afterwards there is one of everything, and it is true."""

from __future__ import annotations

import psycopg
import pytest

from runner.model import steps_of

ANNOUNCE_STEPS = """
CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.step IS DISTINCT FROM OLD.step THEN PERFORM pg_notify('steps', NEW.step); END IF; RETURN NEW; END $$;
CREATE TRIGGER announce AFTER UPDATE ON flowberth.run FOR EACH ROW EXECUTE FUNCTION announce();
LISTEN steps;
"""
PATIENCE = 90


@pytest.mark.long
def test_killed_at_every_step_and_started_again_it_ends_with_one_of_everything(served, people, forge, own_database_url):
    with psycopg.connect(own_database_url, autocommit=True) as watching:
        watching.execute(ANNOUNCE_STEPS)
        issue = people.opens_issue("bob")
        begun = []
        for _ in steps_of("propose", drafts=True):
            heard = next(watching.notifies(timeout=PATIENCE), None)
            assert heard, f"no step after {begun}\n{served.log.read_text()}"
            served.kill()
            begun.append(heard.payload)
            served.start()
    pull = people.sees_ready_pull()
    people.until(lambda: len(people.bodies(issue)) == 1 and "is ready for review" in people.bodies(issue)[0])
    assert begun[0] == "analyse"
    assert len(people.pulls("all")) == 1
    assert [one[:2] for one in people.deployments()] == [("preview: tile", "success")]
    assert [check["conclusion"] for check in people.checks(pull["head"]["sha"])] == ["success"]
    commits = people.do("alice", "GET", f"/pulls/{pull['number']}/commits")
    assert [commit["commit"]["message"].splitlines()[0] for commit in commits] == [
        "Vendor the Flowberth runtime 1.2.0",
        "Add tile: generated app",
        "Test tile: report, sample and knowledge-base entry",
    ]
