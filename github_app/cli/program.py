"""The program: all commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import contextlib
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from github_app.cli import (
    adopt,
    analyze,
    convert,
    doctor,
    github,
    kb,
    pr,
    render,
    report,
    runs,
    serve,
    up,
    vary,
    version,
    worker,
)
from github_app.cli.failures import CommandError, ExitCode, explain
from github_app.cli.output import Output
from github_app.cli.surroundings import flushed, heed_signals, tolerate_streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEBUG = "--debug"
JSON = "--json"
AFTER_CTRL_C = "`flowberth runs list` shows what was under way; `flowberth runs resume` goes on with it."

EXAMPLES = """\b
Examples:
  flowberth doctor                              is everything there?
  flowberth up examples/poster.json             from a workflow to a pull request
  flowberth pr show 1                           read the pull request
  flowberth pr merge 1                          and merge it
"""


class Program(TyperGroup):
    """Runs a command and says how it went. `--debug` may stand anywhere: people add it behind what failed."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - as overridden
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Never returns in standalone mode."""
        if standalone_mode:
            tolerate_streams()
            heed_signals()
        given = list(sys.argv[1:] if args is None else args)
        options = given[: given.index("--")] if "--" in given else given
        debug = DEBUG in options
        rest = [argument for argument in options if argument != DEBUG] + given[len(options) :]
        try:
            code = super().main(
                rest or ["--help"],
                prog_name or "flowberth",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except Exception as error:  # noqa: BLE001 - the edge of the program
            code = _tell(error, as_json=JSON in options, debug=debug)
        if standalone_mode:
            sys.exit(flushed(code))
        return code

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as overridden; its type is private to typer
        """Run the command; Ctrl-C and SIGTERM are errors like others, with words."""
        from runner.cancellation import Terminated  # noqa: PLC0415 - what it imports is loaded by every command

        try:
            return super().invoke(ctx)
        except Terminated:
            raise CommandError(
                "terminated", hint=AFTER_CTRL_C, kind="Terminated", exit_code=ExitCode.TERMINATED
            ) from None
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted", hint=AFTER_CTRL_C, kind="Interrupted", exit_code=ExitCode.INTERRUPTED
            ) from None


def _tell(error: Exception, *, as_json: bool, debug: bool) -> ExitCode:
    failure = explain(error)
    if failure.type == "Unexpected":
        failure = explain(error, log=_write_log(error))
    if debug:
        sys.stderr.write("".join(traceback.format_exception(error)))
    with contextlib.suppress(OSError):  # nobody reads any more, or the disk is full
        Output(as_json=as_json).failure(failure)
    return failure.exit_code


def _write_log(error: Exception) -> Path | None:
    """Append the traceback to the log file, if there is a place for one."""
    from github_app.settings import InvalidSettings, load_settings  # noqa: PLC0415 - only once something went wrong
    from runner.log import log_path  # noqa: PLC0415

    try:
        path = log_path(load_settings().data_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(error)))
    except (InvalidSettings, OSError):
        return None
    return path


app = typer.Typer(
    name="flowberth", cls=Program, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback(epilog=EXAMPLES)
def program(
    *,
    _debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the traceback of an unexpected error. May stand behind any command.")
    ] = False,
) -> None:
    """Turn a ComfyUI workflow into a tested, priced endpoint, by pull request."""


app.command("up", epilog=up.EXAMPLES)(up.up)
app.command("vary", epilog=vary.EXAMPLES)(vary.vary)
app.command("adopt", epilog=adopt.EXAMPLES)(adopt.adopt)
app.command("convert", epilog=convert.EXAMPLES)(convert.convert)
app.command("analyze", epilog=analyze.EXAMPLES)(analyze.analyze)
app.command("render", epilog=render.EXAMPLES)(render.render)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.add_typer(runs.app, name="runs")
app.add_typer(pr.app, name="pr")
app.add_typer(kb.app, name="kb")
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.command("worker", epilog=worker.EXAMPLES)(worker.worker)
app.add_typer(github.app, name="github")
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("version", epilog=version.EXAMPLES)(version.version)
