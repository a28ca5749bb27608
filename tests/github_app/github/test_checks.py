"""Check runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from github_app.github.errors import Unavailable
from github_app.github.model import Annotation, CheckAction, CheckView
from tests.forge.faults import Fault


def findings(count, word="finding"):
    return tuple(
        Annotation(path="README.md", start_line=line, end_line=line, level="warning", message=f"{word} {line}")
        for line in range(1, count + 1)
    )


RUNNING = CheckView(status="in_progress", title="Deploying", summary="3 of 9 steps")


@pytest.fixture
def head(forge):
    return forge.repo("acme/site").git.tip("main")


def shown(forge, sha):
    return forge.repo("acme/site").checks(sha)


def test_a_check_run_is_found_by_its_external_id_and_updated(forge, process, installed, site, head):
    one = site.check(head, "Flowberth", "run_1", RUNNING)
    neighbour = process().installation(installed)
    again = neighbour.repository(neighbour.repository_named("acme/site"))
    done = CheckView(
        status="completed",
        conclusion="success",
        title="Ready",
        summary="All passed",
        text="| a |",
        actions=(CheckAction(label="Re-run everything of it", description="d" * 60, identifier="rerun"),),
    )
    assert again.check(head, "Flowberth", "run_1", done) == one
    assert again.check(head, "Flowberth", "run_2", RUNNING) != one
    first = next(check for check in shown(forge, head) if check.external_id == "run_1")
    assert (first.status, first.conclusion, first.title, first.text) == ("completed", "success", "Ready", "| a |")
    assert first.actions == [{"label": "Re-run everything o…", "description": "d" * 39 + "…", "identifier": "rerun"}]
    assert site.check_run(one).conclusion == "success"


def test_what_it_shows_already_is_not_sent_again(forge, site, head):
    one = site.check(head, "Flowberth", "run_1", RUNNING)
    before = len(forge.requests("/check-runs", by="flowberth[bot]"))
    assert site.check(head, "Flowberth", "run_1", RUNNING, known=one) == one
    asked = forge.requests("/check-runs", by="flowberth[bot]")[before:]
    assert [entry.method for entry in asked] == ["GET"]


def test_more_annotations_than_fit_into_a_request_come_in_several_and_never_twice(forge, site, head):
    view = RUNNING.model_copy(update={"annotations": findings(120)})
    one = site.check(head, "Flowberth", "run_1", view)
    site.check(head, "Flowberth", "run_1", view)
    more = view.model_copy(update={"annotations": (*findings(120), *findings(30, "late")), "title": "Done"})
    site.check(head, "Flowberth", "run_1", more, known=one)
    (check,) = shown(forge, head)
    messages = [annotation["message"] for annotation in check.annotations]
    assert sorted(messages) == sorted(annotation.message for annotation in more.annotations)
    sent = [len(entry.body["output"]["annotations"]) for entry in forge.requests("/check-runs") if entry.body]
    assert max(sent) <= 50


def test_a_crash_between_two_batches_leaves_nothing_out(forge, site, head):
    forge.faults.requests.append(Fault("PATCH .*/check-runs/", "error-after", skip=0))
    view = RUNNING.model_copy(update={"annotations": findings(120)})
    with pytest.raises(Unavailable):
        site.check(head, "Flowberth", "run_1", view)
    site.check(head, "Flowberth", "run_1", view)
    (check,) = shown(forge, head)
    assert len(check.annotations) == 120


def test_a_502_after_it_was_made_makes_no_second_one(forge, site, head):
    forge.faults.requests.append(Fault("POST .*/check-runs$", "error-after"))
    view = RUNNING.model_copy(update={"annotations": findings(60)})
    site.check(head, "Flowberth", "run_1", view)
    (check,) = shown(forge, head)
    assert len(check.annotations) == 60


def test_two_threads_make_one(forge, site, head):
    with ThreadPoolExecutor(6) as threads:
        made = set(threads.map(lambda _: site.check(head, "Flowberth", "run_1", RUNNING), range(6)))
    assert len(made) == len(shown(forge, head)) == 1


def test_endless_texts_are_cut_to_bytes(forge, site, head):
    long = RUNNING.model_copy(update={"summary": "é" * 50_000, "text": "<details>\n" + "ü line\n" * 20_000})
    site.check(head, "Flowberth", "run_1", long)
    (check,) = shown(forge, head)
    assert len(check.summary.encode()) <= 65_535
    assert len(check.text.encode()) <= 65_535
    assert check.text.count("</details>") == 1
    before = len(forge.requests("PATCH"))
    site.check(head, "Flowberth", "run_1", long)
    assert len(forge.requests("PATCH")) == before


def test_the_checks_of_others_are_told_apart_from_ours(forge, site, head):
    site.check(head, "Flowberth", "run_1", RUNNING)
    assert site.checks_of_others(head).passed
    alice = forge.client("alice")
    alice.post(f"/repos/acme/site/statuses/{head}", json={"state": "pending", "context": "ci/build"})
    assert site.checks_of_others(head).pending == ("ci/build",)
    alice.post(f"/repos/acme/site/statuses/{head}", json={"state": "failure", "context": "ci/build"})
    assert site.checks_of_others(head).failed == ("ci/build",)
    assert [run.external_id for run in site.our_checks(head)] == ["run_1"]
