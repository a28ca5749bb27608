"""Every command there is, and the help that is made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from github_app.commands import (
    adopt,
    approve,
    cancel,
    deploy,
    fix,
    help,  # noqa: A004 - the command's name
    kb,
    logs,
    retry,
    rollback,
    status,
    teardown,
    test,
    vary,
)
from github_app.commands.adopt import Adopt
from github_app.commands.answers import FORMS, Answers, show_answer
from github_app.commands.approve import Approve
from github_app.commands.cancel import Cancel
from github_app.commands.deploy import Deploy
from github_app.commands.fix import Fix
from github_app.commands.help import Help
from github_app.commands.kb import Kb
from github_app.commands.logs import Logs
from github_app.commands.retry import Retry
from github_app.commands.rollback import Rollback
from github_app.commands.status import Status
from github_app.commands.teardown import Teardown
from github_app.commands.test import Test
from github_app.commands.values import Choice
from github_app.commands.vary import Vary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from github_app.commands.grammar import Grammar, Option

Command: TypeAlias = (
    Deploy
    | Test
    | Vary
    | Adopt
    | Status
    | Logs
    | Cancel
    | Retry
    | Fix
    | Approve
    | Rollback
    | Teardown
    | Kb
    | Help
    | Answers
)

MAX_COMMANDS = 5
"""In one comment; more is a script, and scripts have the command line."""

_MODULES = (deploy, test, vary, adopt, status, logs, cancel, retry, fix, approve, rollback, teardown, kb, help)
GRAMMARS: Mapping[str, Grammar[Command]] = {module.GRAMMAR.word: module.GRAMMAR for module in _MODULES}


def show(command: Command) -> str:
    """The lines that are read as `command`."""
    if isinstance(command, Answers):
        return "\n".join(show_answer(answer) for answer in command.answers)
    return next(grammar for grammar in GRAMMARS.values() if isinstance(command, grammar.makes)).show(command)


def help_text() -> str:
    """Markdown that explains every command."""
    lines = [
        "| Command | What it does |",
        "|---|---|",
        *(f"| `{_cell(grammar.usage)}` | {grammar.about} |" for grammar in GRAMMARS.values()),
        "",
    ]
    for grammar in GRAMMARS.values():
        if grammar.options:
            lines += [f"Options of `/{grammar.word}`:", ""]
            lines += [f"- `--{option.name}`: {option.help}{_words(option)}." for option in grammar.options]
            lines += ["", f"Example: `{grammar.example}`", ""]
    lines += [
        "Questions are answered with one line each:",
        "",
        "```text",
        *FORMS.values(),
        "```",
        "",
        f"Commands are the first lines of a comment, one per line and at most {MAX_COMMANDS}.",
        "They are carried out in their order; if one cannot be understood, none is.",
        "They take write permission for this repository.",
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _words(option: Option) -> str:
    return f" ({', '.join(option.kind.words)})" if isinstance(option.kind, Choice) else ""
