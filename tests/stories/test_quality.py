"""What is measured of results, as people meet it in issues and pull requests."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.as_comfyui import AS_COMFYUI
from tests.engine import engine
from tests.github_app.workflows import PROMPT
from tests.stories.people import pasted

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE = (204, 204, 102)
"""What the workflow makes: all of one colour."""


@pytest.fixture(scope="module")
def engine_url() -> Iterator[str]:
    """One whose results are held to what a ComfyUI's are held to."""
    with engine(AS_COMFYUI) as url:
        yield url


def png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "PNG")
    return file.getvalue()


def blurred() -> dict[str, Any]:
    """Whatever a node that is none for plain colours makes, is to have something in it."""
    prompt = copy.deepcopy(PROMPT)
    prompt["4"] = {"class_type": "ImageBlur", "inputs": {"image": ["2", 0], "blur_radius": 1, "sigma": 1.0}}
    prompt["3"]["inputs"]["images"] = ["4", 0]
    return prompt


def drafted(people) -> dict[str, Any]:
    """The pull request of a run that has ended without being ready."""

    def told() -> dict[str, Any] | None:
        pulls = [pull for pull in people.pulls() if "✗ **Not ready" in pull["body"]]
        return pulls[0] if pulls else None

    pull = people.until(told)
    assert pull["draft"]
    return pull


def shown(people, colour: tuple[int, int, int], settings: str) -> None:
    """Opens an issue with a picture that the result should look like."""
    people.writes("alice", ".github/flowberth.yml", settings)
    url = people.forge.attach(people.full_name, "wanted.png", png(colour))
    people.opens_issue("bob", body=f"{pasted(PROMPT)}\n### Should look like this\n\n![wanted.png]({url})\n")


@pytest.mark.long
def test_an_issue_shows_a_picture_and_the_pull_request_how_like_it_the_result_is(served, people) -> None:
    shown(people, TILE, "quality: {image: 0, reference: 8}\n")
    pull = people.sees_ready_pull()
    top = pull["body"].partition("The ComfyUI workflow")[0]
    assert "✓ **10.0 of 10** like the picture that it should look like; at least 8 is asked for." in top
    path = "apps/modal/tile/reference.jpg"
    assert path in top
    kept = people.do("alice", "GET", f"/contents/{path}?ref=flowberth/tile")
    assert kept["size"] > 0
    report = people.file("apps/modal/tile/report.json", ref="flowberth/tile")
    (likeness,) = (each for each in report["quality"][0]["measures"] if each["name"] == "reference-likeness")
    assert (likeness["limit"], likeness["passed"]) == (8.0, True)


@pytest.mark.long
def test_what_is_too_unlike_is_not_ready(served, people) -> None:
    shown(people, (20, 20, 200), "quality: {image: 0, reference: 8}\n")
    pull = drafted(people)
    assert "**not enough: at least 8 is asked for**" in pull["body"].partition("The ComfyUI workflow")[0]
    assert "✗ **Not ready: the quality of image (reference-likeness) is too low**" in pull["body"]


@pytest.mark.long
def test_a_blank_result_is_not_ready_and_the_measures_say_why(served, people) -> None:
    issue = people.opens_issue("bob", body=pasted(blurred()))
    pull = drafted(people)
    body = pull["body"]
    assert "✗ **Not ready: the quality of image (contrast, entropy, sharpness) is too low**" in body
    assert "- ✗ `image`, **contrast** (0.0 of 10, below 2): from 192 to 192 of 255" in body
    assert "Repaired" not in body  # the app works, and what it makes is for people to change
    people.until(lambda: people.bodies(issue) and "quality" in json.dumps(people.bodies(issue)))
