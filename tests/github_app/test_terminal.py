"""What strangers write must not reach the terminal as anything but text."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from github_app.cli.terminal import SafeConsole, clean, one_line, shorten

HOSTILE = "\x1b]0;owned\x07 \x1b[2J \x9b31m \u202eexe.txt [red]loud[/red] :smiley: \r overwritten \x00"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_controls_are_spelled_out_and_words_are_left_alone() -> None:
    assert clean(HOSTILE) == snapshot(
        "\\x1b]0;owned\\x07 \\x1b[2J \\x9b31m \\u202eexe.txt [red]loud[/red] :smiley: \\r overwritten \\x00"
    )
    assert clean("Käse 你好 👩‍🚀 مرحبا\n\tindented") == "Käse 你好 👩‍🚀 مرحبا\n\tindented"


@given(st.text(st.characters(codec=None)))
def test_nothing_a_terminal_obeys_survives(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert all(
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in "\n\t\u200c\u200d"
        for character in cleaned
    )


@given(st.text())
def test_a_title_stays_on_its_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert len(shorten(text, 20)) <= 20


@pytest.mark.parametrize(
    "renderable",
    [HOSTILE, Text(HOSTILE), Markdown(f"# {HOSTILE}\n\n- `{HOSTILE}`\n", hyperlinks=False)],
    ids=["string", "text", "markdown"],
)
def test_the_console_prints_hostile_text_as_text(renderable: object) -> None:
    terminal = Terminal()
    console = SafeConsole(terminal)
    table = Table()
    table.add_column("title")
    table.add_row(renderable)  # type: ignore[arg-type]
    console.print(table)
    console.print(renderable)
    with Live(console=console) as live:
        live.update(table)
    printed = terminal.getvalue()
    assert "owned" in printed
    assert "[red]loud[/red]" in printed
    assert ":smiley:" in printed
    for weapon in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07", "\x00"):
        assert weapon not in printed


def test_lines_for_a_pipe_are_not_wrapped() -> None:
    pipe = io.StringIO()
    SafeConsole(pipe).print("word " * 100)
    assert pipe.getvalue().count("\n") == 1
