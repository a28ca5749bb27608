"""Reading what a person names: files only, never more than the limit, never waiting."""

import io
import os
import sys
from pathlib import Path

import pytest

from github_app.cli.failures import CommandError
from github_app.cli.workflow_file import MAX_BYTES, read_workflow


def refusal(name: str | Path) -> str:
    with pytest.raises(CommandError) as refused:
        read_workflow(str(name))
    assert refused.value.hint
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_a_file_is_read_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "poster.json").write_bytes(b'{"a":\r\n1}')
    file = read_workflow(str(tmp_path / "poster.json"))
    assert (file.filename, file.data) == ("poster.json", b'{"a":\r\n1}')


def test_what_is_no_file_is_refused_by_its_kind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "none.json") == f"{tmp_path}/none.json: there is no such file"
    assert refusal(tmp_path) == f"{tmp_path}: is a folder, not a file"
    assert refusal(tmp_path / "pipe") == f"{tmp_path}/pipe: is a pipe, socket or device, not a file"
    assert refusal("/dev/zero") == "/dev/zero: is a pipe, socket or device, not a file"
    assert refusal("nul\0byte.json").endswith("embedded null byte")
    assert refusal("x" * 5000).endswith("File name too long")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    assert "Too many levels of symbolic links" in refusal(tmp_path / "loop.json")


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert refusal(tmp_path / "huge.json") == f"{tmp_path}/huge.json: is larger than 25 MiB"


class Endless(io.RawIOBase):
    """Standard input that never ends."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self.taken += len(buffer)
        buffer[:] = b" " * len(buffer)
        return len(buffer)


def test_standard_input_is_read_to_the_limit_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Endless()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(endless)))
    assert refusal("-") == "standard input: is larger than 25 MiB"
    assert endless.taken < MAX_BYTES + 64 * 1024 * 1024


def test_standard_input_has_a_neutral_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    assert read_workflow("-").filename == "workflow.json"
