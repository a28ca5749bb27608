"""What each command does: one module each, in a table by the type of the command's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from github_app.commands.answers import Answers
from github_app.commands.known import (
    Adopt,
    Approve,
    Cancel,
    Deploy,
    Fix,
    Help,
    Kb,
    Logs,
    Retry,
    Rollback,
    Status,
    Teardown,
    Test,
    Vary,
)
from github_app.handlers.commands.adopt import adopt
from github_app.handlers.commands.answers import answer
from github_app.handlers.commands.approve import approve
from github_app.handlers.commands.cancel import cancel
from github_app.handlers.commands.deploy import deploy
from github_app.handlers.commands.fix import fix
from github_app.handlers.commands.help import help_
from github_app.handlers.commands.kb import kb
from github_app.handlers.commands.logs import logs
from github_app.handlers.commands.retry import retry
from github_app.handlers.commands.rollback import rollback
from github_app.handlers.commands.status import status
from github_app.handlers.commands.teardown import teardown
from github_app.handlers.commands.test import test
from github_app.handlers.commands.vary import vary

if TYPE_CHECKING:
    from collections.abc import Callable

    from github_app.commands.known import Command
    from github_app.handlers.talk import Talk

_DO: dict[type, Callable[[Talk, Any], None]] = {
    Adopt: adopt,
    Answers: answer,
    Approve: approve,
    Cancel: cancel,
    Deploy: deploy,
    Fix: fix,
    Help: help_,
    Kb: kb,
    Logs: logs,
    Retry: retry,
    Rollback: rollback,
    Status: status,
    Teardown: teardown,
    Test: test,
    Vary: vary,
}


def carry_out(talk: Talk, command: Command) -> None:
    """Do what a person with write permission has commanded.

    Raises:
        CannotDo: it makes no sense here; in words for the person.
    """
    _DO[type(command)](talk, command)
