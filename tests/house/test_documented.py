"""Every command, option and setting is in the docs, in the words that `--help` and the settings themselves use.

`uv run pytest -n0 tests/house/test_documented.py --inline-snapshot=fix` brings the generated parts up to date.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from inline_snapshot import external_file
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from github_app.cli.program import app
from github_app.commands.known import help_text
from github_app.repository_settings import RepositorySettings
from github_app.settings import Settings, variables

DOCS = Path(__file__).parents[2] / "docs"
COMPARED = "generated, the test of the documentation compares and updates it"
GENERATED = "<!-- From here on generated: the test of the documentation compares and updates it. -->\n"


def commands(path: tuple[str, ...] = (), group: object = None) -> Iterator[tuple[str, ...]]:
    """Every command that can be typed."""
    group = group or get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands((*path, name), command)
        else:
            yield (*path, name)


def written_by_hand(page: str) -> str:
    return (DOCS / page).read_text().partition(GENERATED)[0]


def command_help(path: tuple[str, ...]) -> str:
    said = CliRunner().invoke(app, [*path, "--help"], catch_exceptions=False)
    assert said.exit_code == 0
    return "\n".join(line.rstrip() for line in said.stdout.strip().splitlines())


def test_each_command_and_option_is_in_cli_md() -> None:
    sections = [
        f"## {' '.join(('flowberth', *path))}\n\n```text\n{command_help(path)}\n```\n" for path in [(), *commands()]
    ]
    page = written_by_hand("cli.md") + GENERATED + "\n" + "\n".join(sections)
    assert page == external_file(DOCS / "cli.md", format=".txt")


def test_each_setting_is_in_settings_md() -> None:
    sections: list[str] = []
    for name, field in Settings.model_fields.items():
        title = "`, `".join(variables(name))
        sections.append(f"## `{title}`\n\n{field.description}\n")
    page = written_by_hand("settings.md") + GENERATED + "\n" + "\n".join(sections)
    assert page == external_file(DOCS / "settings.md", format=".txt")


def between(page: str, mark: str, text: str) -> str:
    """The page with `text` in the place that `mark` begins, up to the next heading."""
    head, _, rest = page.partition(f"<!-- {mark}: {COMPARED} -->\n")
    assert rest, f"no place for {mark}"
    following = rest[rest.index("\n## ") :]
    return f"{head}<!-- {mark}: {COMPARED} -->\n\n{text.strip()}\n{following}"


def test_each_command_and_setting_of_repositories_is_in_github_md() -> None:
    fields = "\n".join(
        f"| `{name}` | {field.description} | {json.dumps(RepositorySettings().model_dump(mode='json')[name])} |"
        for name, field in RepositorySettings.model_fields.items()
    )
    page = between((DOCS / "github.md").read_text(), "commands", help_text())
    page = between(page, "settings", f"| setting | | default |\n|---|---|---|\n{fields.replace('|| ', '| ')}")
    assert page == external_file(DOCS / "github.md", format=".txt")


def test_help_teaches_with_an_example() -> None:
    for path in commands():
        text = command_help(path)
        assert "Example" in text, path
        assert f"  flowberth {' '.join(path)}" in text, path


def test_every_command_can_speak_json() -> None:
    for path in commands():
        assert "--json" in command_help(path), path
