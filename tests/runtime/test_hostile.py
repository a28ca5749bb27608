"""What callers, custom nodes and the machine do to an app, and how little comes of it."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from shared.engine import EngineFailed, EngineProcess
from shared.engine_log import EngineLog
from shared.inputs import parse_json
from shared.json_values import loads
from shared.media import MediaError, picture_extension
from shared.outputs import dimensions
from shared.problems import MalformedBody

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("command", [["/nonexistent/python"], [sys.executable, "-c", "raise SystemExit(3)"]])
def test_an_engine_that_cannot_be_started_is_told_and_waited_for_by_nobody(tmp_path: Path, command: list[str]) -> None:
    engine = EngineProcess(command, cwd=tmp_path / "gone", startup_seconds=30)
    with pytest.raises(EngineFailed, match="cannot be started"):
        engine.start()
    engine.stop()


def test_comfyui_does_not_wait_for_those_who_no_longer_read_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError("no space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    log = EngineLog()
    log.read(io.BytesIO(b"one\ntwo\n" * 1000))
    assert log.tail()[-1] == "two"


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(MalformedBody, match="half of a surrogate pair"):
        parse_json(rb'{"prompt": "\ud800"}')
    assert parse_json(rb'{"prompt": "\ud83e\udd8a"}') == {"prompt": "\U0001f98a"}
    said = loads(r'{"exception_message": "no file caf\udce9.png", "a": ["\ud83e\udd8a", 7]}')
    assert json.loads(json.dumps(said).encode()) == {
        "exception_message": "no file caf\ufffd.png",
        "a": ["\U0001f98a", 7],
    }


@pytest.mark.parametrize("body", [b'{"seed": ' + b"9" * 400 + b"}", b'{"a":' * 3000 + b"1" + b"}" * 3000])
def test_numbers_and_depths_without_end_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_json(body)


def test_a_picture_that_is_broken_inside_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + b"\xff" * 400)
    with pytest.raises(MediaError):
        picture_extension(path)
    assert dimensions(path) == (None, None)
