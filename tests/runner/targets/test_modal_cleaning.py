"""Output of strangers: readable, without secrets, and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.targets.modal.cleaning import HEAD_BYTES, HIDDEN, LONGEST_LINE, TAIL_BYTES, BuildLog, Cleaner

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

SECRET = "as-" + "q" * 22


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("\x1b[31mERROR\x1b[0m: no", "ERROR: no"),
        ("\x1b]8;;https://x.example\x1b\\View\x1b]8;;\x1b\\ it", "View it"),
        ("bell\x07 \x9b2Jback\x08", "bell 2Jback"),
        ("right \u202eto left", "right to left"),
        (f"token {SECRET}.", f"token {HIDDEN}."),
        (f"\x1b[1mas-\x1b[0m{SECRET[3:]}", HIDDEN),
        ("hf_" + "a" * 30, HIDDEN),
        ("ak-" + "a" * 22 + " wk-" + "b" * 22, f"{HIDDEN} {HIDDEN}"),
        ("git clone https://x-access-token:ghs_abc@github.com/o/r", f"git clone https://{HIDDEN}@github.com/o/r"),
        ("npm @scope/package https://example.com/a@b", "npm @scope/package https://example.com/a@b"),
        ("Collecting torch==2.8.0 (from -r requirements.txt)", "Collecting torch==2.8.0 (from -r requirements.txt)"),
    ],
)
def test_a_line_is_fit_to_be_shown(line: str, clean: str) -> None:
    assert Cleaner([SECRET]).clean(line) == clean


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_known_secret_is_never_shown(before: str, after: str) -> None:
    line = Cleaner([SECRET]).clean(before + SECRET + after)
    assert SECRET not in line
    assert len(line) <= LONGEST_LINE + 2
    assert not any(ord(letter) < 32 and letter not in "\t\n" for letter in line)


def test_a_log_without_end_is_kept_with_its_beginning_and_its_end(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "build.log"
    with BuildLog(path) as log:
        for number in range(50_000):
            log.add(f"line {number} {'x' * 100}")
        assert path.read_text().startswith("line 0 ")  # to be seen while it goes on
    text = path.read_text()
    assert len(text) < HEAD_BYTES + TAIL_BYTES + 1000
    assert f"line 49999 {'x' * 100}\n" in text[-200:]
    assert " lines left out …\n" in text
