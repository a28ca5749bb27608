"""Finds the commands of a comment and reads them; the package's docstring says which lines count."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from markdown_it import MarkdownIt

from github_app.commands.answers import Answers, is_answer, read_answer
from github_app.commands.grammar import MAX_LINE, CommandError, Misread
from github_app.commands.known import GRAMMARS, MAX_COMMANDS
from github_app.commands.values import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from github_app.commands.known import Command
    from runner.model import Answer

MAX_BODY = 65_536
"""Characters of a comment on GitHub."""
_MARKDOWN: Final = MarkdownIt("commonmark").disable(
    ["autolink", "emphasis", "entity", "escape", "image", "link", "reference"]
)
"""Finds what is code, quote or comment, and leaves the words of a line as they were written."""
_WORD = re.compile(r"/?([A-Za-z][\w-]{0,39})(?:\s+(.*))?", re.ASCII | re.DOTALL)
_COMMENT = "<!--"


class _Line(NamedTuple):
    """A line that is somebody's own words."""

    text: str
    block: int
    """Lines with the same number are of one paragraph."""
    may_command: bool
    """Not in a list, a heading or HTML."""


def parse_comment(body: str, *, bot: str, anywhere: bool = False) -> tuple[Command | CommandError, ...]:
    """What a comment tells us to do; nothing if it is talk among people.

    Args:
        body: the comment as it was written.
        bot: login of the App, `flowberth[bot]`; people mention it without the ending.
        anywhere: commands may begin any paragraph, as in reviews, which begin with what was seen.

    Returns:
        The commands in their order and, as the last, all answers together; or, if anything in it cannot be understood,
        only the errors.
    """
    commands: list[Command] = []
    answers: list[Answer] = []
    errors: list[CommandError] = []
    mention = f"@{bot.removesuffix('[bot]')}"
    listening, block = True, 0
    for line in _lines(_MARKDOWN.parse(body[:MAX_BODY])):
        listening = listening or (anywhere and line.block != block)
        block = line.block
        try:
            if is_answer(line.text):
                answers.append(read_answer(_bounded(line.text)))
            elif listening:
                command = _read(line.text, mention) if line.may_command else None
                listening = command is not None
                commands += [command] if command is not None else []
        except Misread as wrong:
            errors.append(CommandError(line=shown(line.text), message=str(wrong), suggestion=wrong.suggestion))
    if len(commands) > MAX_COMMANDS:
        text = f"one comment can hold {MAX_COMMANDS} commands; this one has {len(commands)}"
        errors.append(CommandError(line="", message=text))
    if errors:
        return tuple(errors[:MAX_COMMANDS])
    return (*commands, Answers(answers=tuple(answers))) if answers else tuple(commands)


def _read(text: str, mention: str) -> Command | None:
    """The command in a line, or `None` if the line is talk.

    Raises:
        Misread: it was meant as a command.
    """
    mentioned = text[: len(mention)].lower() == mention.lower() and text[len(mention) : len(mention) + 1].isspace()
    if mentioned:
        text = text[len(mention) :].lstrip()
    found = _WORD.fullmatch(text)
    slashed = text.startswith("/")
    if found is None or not (slashed or mentioned):
        return None
    word, rest = found[1].lower(), found[2] or ""
    grammar = GRAMMARS.get(word)
    if grammar is None and not slashed:
        return None  # somebody talks about us
    _bounded(text)
    if grammar is None:
        near = did_you_mean(word, GRAMMARS)
        raise Misread(f"there is no command /{word}", suggestion=f"/{near}" if near else None)
    return grammar.read(rest)


def _bounded(text: str) -> str:
    if len(text) > MAX_LINE:
        raise Misread(f"the line has {len(text):,} characters; at most {MAX_LINE:,} are read")
    return text


def _lines(tokens: Sequence[Token]) -> Iterator[_Line]:
    quotes = lists = 0
    may_command = False
    for block, token in enumerate(tokens):
        match token.type:
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "bullet_list_open" | "bullet_list_close" | "ordered_list_open" | "ordered_list_close":
                lists += token.nesting
            case "paragraph_open":
                may_command = lists == 0
            case "heading_open":
                # a line of dashes makes a heading of the line above it, which in mail is where a signature begins
                may_command = lists == 0 and not token.markup.startswith("#")
            case "inline" if quotes == 0:
                yield from (_Line(text, block, may_command) for text in _texts(token.children or ()))
            case "html_block" if quotes == 0 and not token.content.lstrip().startswith(_COMMENT):
                yield _Line("", block, may_command=False)
            case _:
                pass


def _texts(children: Sequence[Token]) -> Iterator[str]:
    line = ""
    for token in children:
        match token.type:
            case "softbreak" | "hardbreak":
                yield line.strip()
                line = ""
            case "code_inline":
                line += f"{token.markup}{token.content}{token.markup}"
            case "html_inline" if token.content.startswith(_COMMENT):
                pass
            case _:
                line += token.content
    yield line.strip()
