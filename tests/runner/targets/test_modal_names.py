"""Names that Modal takes, and tags by which an app is known to be the same."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from modal._utils.name_utils import check_object_name, check_tag_dict, is_valid_tag

from codegen.naming import derive_name
from runner.model import GithubRepository, repository_key
from runner.targets.modal.names import (
    app_name,
    candidate_name,
    lane_tags,
    name_apart,
    same_lane,
    tag_value,
    version_label,
    volume_name,
)

REPOSITORIES = st.one_of(st.integers(1, 10**12).map(lambda number: f"github:{number}"), st.text(max_size=80))
NAMES = st.text(max_size=80).map(lambda title: derive_name(title, "x.json"))
PULLS = st.none() | st.integers(1, 10**9)


@given(NAMES, REPOSITORIES, PULLS, st.sampled_from(["preview", "production"]), st.text(max_size=60))
def test_modal_takes_every_name_and_tag(name: str, repository: str, pull: int | None, environment, run_id: str) -> None:
    tags = lane_tags(repository, name, environment=environment, pull=pull, commit="c" * 40)
    check_tag_dict(tags)
    assert is_valid_tag(
        version_label({**tags, "flowberth-run": tag_value(run_id), "flowberth-attempt": "3"}), max_length=50
    )
    app = app_name(name, environment=environment, pull=pull)
    for each in (
        app,
        candidate_name(app),
        name_apart(app, tags),
        name_apart(candidate_name(app), tags),
        volume_name(app),
    ):
        check_object_name(each, "App")


def test_names_say_what_they_are_of() -> None:
    tags = lane_tags("github:77", "poster", environment="preview", pull=12)
    assert app_name("poster", environment="production") == "poster"
    assert app_name("poster", environment="preview", pull=12) == "poster-pr12"
    assert app_name("poster", environment="preview") == "poster-preview"
    assert candidate_name("poster") == "poster-next"
    assert re.fullmatch(r"poster-pr12-[0-9a-f]{6}", name_apart("poster-pr12", tags))
    assert version_label({"flowberth-run": "run_1", "flowberth-attempt": "2"}) == "run_1_2"


def test_a_lane_is_an_app_of_a_repository_in_an_environment() -> None:
    key = repository_key(GithubRepository(installation=1, id=77, full_name="octo/art"))
    ours = lane_tags(key, "poster", environment="preview", pull=12, commit="a" * 40)
    assert same_lane(ours, lane_tags(key, "poster", environment="preview", pull=12, commit="b" * 40))
    for other in (
        lane_tags("github:78", "poster", environment="preview", pull=12),
        lane_tags(key, "banner", environment="preview", pull=12),
        lane_tags(key, "poster", environment="preview", pull=13),
        lane_tags(key, "poster", environment="production"),
        {},
    ):
        assert not same_lane(ours, other)
    assert not same_lane({}, {})
    assert lane_tags("/home/a/repo", "x", environment="preview") != lane_tags(
        "/home/b/repo", "x", environment="preview"
    )
