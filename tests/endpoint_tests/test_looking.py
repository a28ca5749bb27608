"""However many runs and variations there are in a process, two outputs are decoded and measured at a time."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, local
from typing import Any

import pytest
from PIL import Image

from runner.endpoint_tests.errors import CheckFailed
from runner.endpoint_tests.quality import Found, Wanted, assess
from runner.endpoint_tests.validity import check_output

RUNS = 6
"""That have an output each."""
PATIENCE_SECONDS = 60
"""For two that must meet, on a busy machine."""
CROWD_SECONDS = 1.0
"""For a third that must not come; all that wait are there within milliseconds."""


def picture() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    return file.getvalue()


class Meeting(dict[str, Any]):
    """A node of a prompt in whose reading, which is a part of looking, those who look meet each other."""

    def __init__(self) -> None:
        super().__init__(class_type="SaveImage", inputs={})
        self.three_met = False
        self._two, self._three = Barrier(2), Barrier(3)
        self._came = local()

    def get(self, key: str, default: Any = None, /) -> Any:
        if not hasattr(self._came, "before"):
            self._came.before = True
            with suppress(BrokenBarrierError):
                self._three.wait(CROWD_SECONDS)
                self.three_met = True
            self._two.wait(PATIENCE_SECONDS)
        return super().get(key, default)


def found(content: bytes) -> Found:
    return Found(name="image", kind="image", node="1", filename="a.png", media_type="image/png", content=content)


def test_two_outputs_are_looked_at_at_once_and_never_three() -> None:
    meeting = Meeting()
    wanted = Wanted(prompt={"1": meeting})
    with ThreadPoolExecutor(RUNS) as pool:
        looks = [pool.submit(assess, [found(picture())], wanted) for _ in range(RUNS)]
        assert [len(look.result()) for look in looks] == [1] * RUNS  # a pair that does not meet raises
    assert not meeting.three_met


def test_whoever_finds_nothing_to_look_at_lets_the_next_one_look() -> None:
    damaged = picture()[:60]
    for _ in range(RUNS):
        assert assess([found(damaged)], Wanted()) == ()
        with pytest.raises(CheckFailed):
            check_output({"kind": "image", "bytes": len(damaged)}, damaged)
    assert len(assess([found(picture())], Wanted())) == 1
