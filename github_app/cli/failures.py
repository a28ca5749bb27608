"""What went wrong, in words: every exception becomes a type, a message, a way out and an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from typer import TyperException

from github_app.errors import GithubAppError

if TYPE_CHECKING:
    from pathlib import Path

    from codegen.model import JsonObject


MESSAGE_CHARACTERS = 300
"""Of an unexpected error: some libraries put whole documents into their messages; the log has all of it."""


class ExitCode(IntEnum):
    """What scripts can rely on."""

    OK = 0
    FAILED = 1
    """The run, a check or the effect that was asked for did not succeed."""
    BAD_INPUT = 2
    """Nothing was tried: the command line or the file cannot be used."""
    TERMINATED = 143
    """SIGTERM or SIGHUP; 128 + SIGTERM."""
    INTERRUPTED = 130
    """Ctrl-C; 128 + SIGINT, as shells count."""


class CommandError(GithubAppError):
    """A command says no. `str(error)` names the field; `hint` is the way out."""

    def __init__(
        self, message: str, *, hint: str | None = None, kind: str = "BadInput", exit_code: ExitCode = ExitCode.BAD_INPUT
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.kind = kind
        self.exit_code = exit_code


@dataclass(frozen=True)
class Failure:
    """An error as it is shown."""

    type: str
    message: str
    hint: str | None
    exit_code: ExitCode

    def as_json(self) -> JsonObject:
        """The value of `error`."""
        return {"type": self.type, "message": self.message, "hint": self.hint}


def explain(error: BaseException, *, log: Path | None = None) -> Failure:
    """The failure to show for any exception; `log` is where the traceback of an unexpected one was written."""
    if isinstance(error, CommandError):
        return Failure(error.kind, str(error), error.hint, error.exit_code)
    if isinstance(error, TyperException):
        return Failure("Usage", error.format_message(), _usage_hint(error), ExitCode.BAD_INPUT)
    if _is_ours(error):
        hint = getattr(error, "hint", None)
        return Failure(type(error).__name__, str(error), hint, _exit_code(error))
    if isinstance(error, OSError) and error.filename is not None:
        what = f"{ascii(str(error.filename))[1:-1]}: {(error.strerror or 'cannot be used').lower()}"
        hint = "If it is in the data folder, name another with FLOWBERTH_DATA_DIR; `flowberth doctor` looks at it."
        return Failure("CannotUseFile", what, hint, ExitCode.FAILED)
    where = f"The traceback is in {log}; " if log else ""
    return Failure(
        "Unexpected",
        f"something unexpected happened: {type(error).__name__}: {_first_line(str(error))}",
        f"{where}--debug behind the command shows it here. Please report it.",
        ExitCode.FAILED,
    )


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"


def _is_ours(error: BaseException) -> bool:
    from codegen.errors import CodegenError  # noqa: PLC0415 - only once something went wrong
    from runner.errors import RunnerError  # noqa: PLC0415
    from worktrees.errors import WorktreeError  # noqa: PLC0415

    return isinstance(error, CodegenError | GithubAppError | RunnerError | WorktreeError)


_BAD_INPUT = frozenset(
    {
        "InvalidSettings",
        "NotARepository",
        "UnusableBase",
        "UnsafePath",
        "RunNotFound",
        "PullRequestNotFound",
        "UnusableReport",
    }
)


def _exit_code(error: BaseException) -> ExitCode:
    from codegen.errors import CodegenError  # noqa: PLC0415

    bad_input = isinstance(error, CodegenError) or type(error).__name__ in _BAD_INPUT
    return ExitCode.BAD_INPUT if bad_input else ExitCode.FAILED


def _usage_hint(error: TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"`{context.command_path} --help` explains it." if context is not None else None
