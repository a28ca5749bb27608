"""What an issue asks for beside its workflow: the fields of our form, and blocks of YAML.

GitHub turns a form into Markdown: each label is a heading of the third level, each answer the text below it
(https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from codegen.errors import InvalidName
from codegen.json_values import is_object
from codegen.naming import app_name
from codegen.strict_yaml import InvalidYaml, load
from github_app.commands.values import DOLLARS, GPU, TARGET, BadValue, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKFLOW: Final = "Workflow"
FIELDS: Final[Mapping[str, str]] = {"Name": "name", "GPU": "gpu", "Budget in US dollars": "budget"}
"""Options by the labels of `.github/ISSUE_TEMPLATE/deploy-a-workflow.yml`."""
LOOK: Final = "Should look like this"
"""A picture to compare the result with."""
NOTES: Final = "Anything a reviewer should know"
HEADINGS: Final = frozenset({WORKFLOW, LOOK, NOTES, *FIELDS})
NOTHING: Final = frozenset({"", "_no response_", "smallest that fits"})
"""Answers that leave the decision to us, in lower case."""
_OPTIONS = ("name", "gpu", "budget", "target")
_KINDS = {"gpu": GPU, "budget": DOLLARS, "target": TARGET}


def read_form(answers: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Options from the answers below our headings, and what is wrong with them."""
    given = {label: answers[label].strip() for label in FIELDS if label in answers}
    return _read({label: (FIELDS[label], text) for label, text in given.items() if text.lower() not in NOTHING})


def read_block(text: str) -> tuple[dict[str, Any], list[str]] | None:
    """Options from a block of YAML; `None` if it is about something else."""
    if not any(f"{name}:" in text for name in _OPTIONS):
        return None
    try:
        value = load(text).value
    except InvalidYaml as error:
        return {}, [f"the YAML block cannot be read, line {error.line}: {error}"]
    if not is_object(value) or not any(name in value for name in _OPTIONS):
        return None
    options, problems = _read({name: (name, str(value[name])) for name in _OPTIONS if value.get(name) is not None})
    for name in value:
        if name not in _OPTIONS:
            near = did_you_mean(name, _OPTIONS)
            problems.append(
                f"there is no option {shown(name)}; "
                + (f"did you mean {near}?" if near else f"there are {', '.join(_OPTIONS)}")
            )
    return options, problems


def _read(given: Mapping[str, tuple[str, str]]) -> tuple[dict[str, Any], list[str]]:
    options: dict[str, Any] = {}
    problems: list[str] = []
    for label, (name, text) in given.items():
        text = text.strip().strip("`").strip()  # noqa: PLW2901 - the answer without its dress
        try:
            options[name] = app_name(text) if name == "name" else _KINDS[name].read(text)
        except InvalidName as error:
            problems.append(f"{label}: {str(error).removeprefix('--name ')}")
        except BadValue as error:
            near = f"; did you mean {error.suggestion}?" if error.suggestion else ""
            problems.append(f"{label}: {shown(text)} {error}{near}")
    return options, problems
