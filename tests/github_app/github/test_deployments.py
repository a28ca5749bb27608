"""Deployments: one per key, each state said once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.forge.faults import Fault


@pytest.fixture
def head(forge):
    return forge.repo("acme/site").git.tip("main")


def made(forge):
    return list(forge.repo("acme/site").deployments.values())


def test_it_is_found_by_its_key(forge, site, head):
    one = site.deployment(head, "preview", "run_1", description="d" * 200)
    assert site.deployment(head, "preview", "run_1") == one
    other = site.deployment(head, "preview", "run_2")
    production = site.deployment(head, "production", "run_1", production=True)
    assert len({one, other, production}) == len(made(forge)) == 3
    assert [(info.id, info.key) for info in site.deployments("preview")] == [(other, "run_2"), (one, "run_1")]
    assert {info.id for info in site.deployments()} == {one, other, production}


def test_those_of_other_people_are_not_ours_whatever_their_payload_says(forge, site, head):
    said = {"ref": head, "environment": "preview", "required_contexts": [], "payload": {"flowberth": "run_1"}}
    theirs = forge.client("bob").post("/repos/acme/site/deployments", json=said).json()["id"]
    odd = said | {"payload": "not json {"}
    forge.client("bob").post("/repos/acme/site/deployments", json=odd)
    assert site.deployment(head, "preview", "run_1") != theirs
    assert len(made(forge)) == 3


def test_a_state_is_said_once(forge, site, head):
    one = site.deployment(head, "preview", "run_1")
    for _ in range(2):
        site.deployment_status(one, "in_progress", description="Testing")
    for _ in range(2):
        site.deployment_status(one, "success", url="https://app.example", log_url="https://logs.example")
    site.deployment_status(one, "inactive")
    (deployment,) = made(forge)
    assert [(status.state, status.environment_url) for status in deployment.statuses] == [
        ("in_progress", ""),
        ("success", "https://app.example"),
        ("inactive", ""),
    ]


def test_a_502_after_the_effect_and_two_threads_make_one(forge, site, head):
    forge.faults.requests.append(Fault("POST .*/deployments$", "error-after"))
    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(lambda _: site.deployment(head, "preview", "run_1"), range(4)))
    assert len(ids) == len(made(forge)) == 1


def test_a_commit_whose_checks_are_not_green_is_deployed_all_the_same(forge, site, head):
    forge.client("alice").post(f"/repos/acme/site/statuses/{head}", json={"state": "failure", "context": "ci"})
    assert site.deployment(head, "preview", "run_1")
