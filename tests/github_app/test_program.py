"""Help, start-up and errors: the same for every command."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import typer
from inline_snapshot import snapshot
from typer.testing import CliRunner

from codegen.lock import Gpu
from github_app.cli.options import GPUS
from github_app.cli.program import Program
from tests.github_app.start_up import loaded_after


@pytest.mark.parametrize(
    "args", [("--help",), ("up", "--help"), ("runs", "list", "--help"), ("version",)], ids=" ".join
)
def test_help_starts_without_heavy_libraries(args: tuple[str, ...]) -> None:
    assert loaded_after(*args) == set()


def test_without_a_command_there_is_help(flowberth: Callable) -> None:
    said = flowberth()
    assert said.code == 0
    assert said.out.startswith("Usage: flowberth")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["up"], "Missing argument 'WORKFLOW'."),
        (["--json", "up"], "No such option: --json"),
        (["upp"], "No such command 'upp'."),
        (["runs"], "Missing command."),
        (["runs", "list", "--limit", "none"], None),
        (["analyze", __file__, "--gpu", "RTX 4090"], "--gpu RTX 4090: Modal has no such GPU"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_says_what_and_where_to_look(flowberth: Callable, args: list[str], message: str | None) -> None:
    said = flowberth(*args)
    assert said.code == 2
    if "--json" in args:
        assert message is None or said.json["error"]["message"] == message
        return
    assert said.out == ""
    assert said.err.startswith(f"Error: {message or ''}")
    assert len(said.err.splitlines()) == 2


def test_usage_errors_are_json_too(flowberth: Callable) -> None:
    said = flowberth("up", "--json")
    assert said.code == 2
    assert said.err == ""
    assert said.json == snapshot(
        {
            "error": {
                "type": "Usage",
                "message": "Missing argument 'WORKFLOW'.",
                "hint": "`flowberth up --help` explains it.",
            }
        }
    )


def test_a_bad_setting_is_named(flowberth: Callable) -> None:
    said = flowberth("doctor", "--json", FLOWBERTH_GITHUB_APP_ID="many")
    assert said.code == 2
    assert said.json["error"]["type"] == "InvalidSettings"
    assert "FLOWBERTH_GITHUB_APP_ID" in said.json["error"]["message"]


def broken_program() -> typer.Typer:
    app = typer.Typer(cls=Program, rich_markup_mode=None, add_completion=False)

    @app.command()
    def breaks(*, json: bool = False) -> None:
        del json
        raise ZeroDivisionError("one \x1b[31mtoo many")

    @app.command()
    def hangs() -> None:
        raise KeyboardInterrupt

    return app


def test_an_unexpected_error_is_short_and_its_traceback_is_in_the_log(
    environment: dict[str, str], data_dir: Path
) -> None:
    done = CliRunner().invoke(broken_program(), ["breaks"], env=environment)
    log = data_dir / "logs" / "flowberth.log"
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.replace(str(log), "LOG") == snapshot(
        """\
Error: something unexpected happened: ZeroDivisionError: one \\x1b[31mtoo many
The traceback is in LOG; --debug behind the command shows it here. Please report it.
"""
    )
    assert "in breaks" in log.read_text()


def test_an_unexpected_error_is_one_json_object(environment: dict[str, str]) -> None:
    done = CliRunner().invoke(broken_program(), ["breaks", "--json"], env=environment)
    assert done.exit_code == 1
    assert done.stderr == ""
    assert '"type": "Unexpected"' in done.stdout
    assert "\x1b" not in done.stdout


def test_debug_shows_the_traceback(environment: dict[str, str]) -> None:
    done = CliRunner().invoke(broken_program(), ["breaks", "--debug"], env=environment)
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "in breaks" in done.stderr


def test_no_log_can_be_written_and_the_error_is_still_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken_place = {**environment, "FLOWBERTH_DATA_DIR": str(tmp_path / "file")}
    done = CliRunner().invoke(broken_program(), ["breaks"], env=broken_place)
    assert done.exit_code == 1
    assert "ZeroDivisionError" in done.stderr


def test_ctrl_c_is_130_and_says_so(environment: dict[str, str]) -> None:
    done = CliRunner().invoke(broken_program(), ["hangs"], env=environment)
    assert done.exit_code == 130
    assert done.stderr == snapshot(
        """\
Error: interrupted
`flowberth runs list` shows what was under way; `flowberth runs resume` goes on with it.
"""
    )


def test_version_for_people_and_scripts(flowberth: Callable) -> None:
    assert flowberth("version").out.startswith("flowberth ")
    assert set(flowberth("version", "--json").json) == {"flowberth", "python", "platform"}


def test_the_gpus_in_help_are_those_a_lock_may_have() -> None:
    assert get_args(Gpu) == GPUS
