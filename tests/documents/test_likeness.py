"""What people see of the picture that a result should look like: by the picture, and not folded."""

import io
from typing import Any

import pytest
from inline_snapshot import snapshot
from PIL import Image

from runner import documents
from runner.documents.report_page import Picture, report_page
from runner.model import Measure, OutputQuality, Report
from tests.documents.test_documents import HOSTILE, PICTURE, Forge, active, lighthouse, report


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (768, 512), (200, 80, 20)).save(file, "JPEG")
    return file.getvalue()


def compared(*, names: tuple[str, ...] = ("image",), **likeness: Any) -> Report:
    measures = (
        Measure(name="sharpness", value=1.0, score=10.0),
        Measure(name="reference-hash", value=0.91, score=9.1, detail="perceptual hashes agree in 91%"),
        Measure(name="reference-ssim", value=0.42, score=4.6, detail="structural similarity 0.42"),
        Measure(name="reference-colour", value=0.77, score=9.6, detail="77% of its colours are in it"),
        Measure(name="reference-likeness", value=8.4, score=8.4, detail="8.4 of 10 like the reference", **likeness),
    )
    quality = [OutputQuality(output=name, kind="image", score=9.0, measures=measures[:1]) for name in names]
    quality[-1] = quality[-1].model_copy(update={"measures": measures})
    return report().model_copy(update={"quality": tuple(quality)})


def top(seen: Report, reference: bytes | None = None) -> str:
    """What stands above everything else."""
    _, body = documents.pull_request(lighthouse(), seen, PICTURE, Forge(), reference=reference)
    return body.partition("The ComfyUI workflow")[0]


def test_both_pictures_stand_side_by_side_with_the_numbers_below() -> None:
    assert top(compared(), jpeg()) == snapshot("""\
<img alt="What the test run made" src="https://forge.test/flowberth/lighthouse/apps/modal/lighthouse/sample.png" width="200"> <img alt="What it should look like" src="https://forge.test/flowberth/lighthouse/apps/modal/lighthouse/reference.jpg" width="312"><br><sub>What the test run made: 512 × 768. The second is the picture that it should look like</sub>

✓ **Ready for review: 1 of 1 tests passed on ComfyUI 0.33.0; 1 question is open.** A call takes 3.20 s and costs $0.001995 (estimate); the first, which wakes it up, 9.5 s more.

≈ **8.4 of 10** like the picture that it should look like; told only, as no limit is set. Of it: perceptual hashes agree in 91%, structural similarity 0.42, 77% of its colours are in it.

""")


@pytest.mark.parametrize(
    ("likeness", "begins"),
    [
        ({}, "≈ **8.4 of 10** like the picture that it should look like; told only, as no limit is set. Of it: "),
        ({"limit": 5.0}, "✓ **8.4 of 10** like the picture that it should look like; at least 5 is asked for. Of it: "),
        (
            {"limit": 8.5, "passed": False},
            "✗ **8.4 of 10** like the picture that it should look like; **not enough: at least 8.5 is asked for**.",
        ),
    ],
    ids=["no limit", "enough", "not enough"],
)
def test_the_line_says_whether_that_is_enough(likeness: dict[str, Any], begins: str) -> None:
    assert top(compared(**likeness)).splitlines()[4].startswith(begins)


def test_of_several_outputs_it_is_said_which_was_compared() -> None:
    assert "≈ `mask`: **8.4 of 10** like" in top(compared(names=("image", "mask")))
    assert "like the picture that it should look like" not in top(report())


def test_words_in_it_stay_words() -> None:
    seen = compared()
    (one,) = seen.quality
    hostile = tuple(each.model_copy(update={"detail": HOSTILE}) for each in one.measures)
    quality = (one.model_copy(update={"output": HOSTILE, "measures": hostile}), one.model_copy(update={"measures": ()}))
    hostile_top = top(seen.model_copy(update={"quality": quality}))
    assert HOSTILE not in hostile_top
    assert active(hostile_top) == active(top(report()))


def test_the_picture_is_committed_next_to_the_app_for_those_who_look_at_it() -> None:
    plan, wanted = lighthouse(), jpeg()
    path = "apps/modal/lighthouse/reference.jpg"
    assert documents.files(plan, report(), PICTURE, wanted)[path] == wanted
    assert path not in documents.files(plan, report(), PICTURE)
    assert path not in documents.files(plan, report(), None, wanted)


def test_the_page_has_both_pictures_in_it() -> None:
    plan = lighthouse()
    made = Picture("sample.png", b"\x89PNG")
    html = report_page(compared(), plan.lock, plan.interface, made, jpeg())
    assert html.count("data:image/png;base64,") == html.count("data:image/jpeg;base64,/9j/") == 1
    assert "8.4 of 10</strong> like the picture that it should look like" in html
    assert "data:image/jpeg" not in report_page(compared(), plan.lock, plan.interface, made)
