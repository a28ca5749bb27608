"""The lines that answer our questions.

    pack <NodeClass> = https://github.com/owner/repository[@commit]
    model <folder/file> = https://…

A name may stand in quotes or backticks, and has to where it begins or ends with one. What an address may look like is
decided by `codegen.answers`, because it ends in a lock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codegen.answers import read_answers
from codegen.errors import InvalidAnswer
from codegen.model import Frozen
from github_app.commands.grammar import Misread
from runner.model import Answer

if TYPE_CHECKING:
    from typing import Literal

MAX_NAME = 300
"""Characters, as in `codegen.questions`."""
PLACEHOLDERS = ("…", "...", "https://github.com/owner/repository")
"""Of our own questions, which people send back as they are."""
_LINE = re.compile(r"(pack|model)\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_EQUALS = re.compile(r"\s*=\s*(?=[<`\"']?\w+://)")
"""The first one that an address follows: a name may have an equals sign, too."""
_QUOTES = ("`", '"', "'")


class Answers(Frozen):
    """What a person has decided; all that one comment answers."""

    answers: tuple[Answer, ...]


def is_answer(line: str) -> bool:
    """Whether a line has the form of an answer, or was clearly meant to have it."""
    return bool(found := _LINE.fullmatch(line.strip())) and "://" in found[2]


def read_answer(line: str) -> Answer:
    """The answer in a line that `is_answer`.

    Raises:
        Misread: says what is wrong.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise Misread(f"an answer has the form {FORMS['pack']} or {FORMS['model']}")
    about: Literal["pack", "model"] = "pack" if found[1].lower() == "pack" else "model"
    equals = _EQUALS.search(found[2])
    if equals is None:
        raise Misread(f"there has to be a = between the name and the address, as in {FORMS[about]}")
    name = _unquoted(found[2][: equals.start()])
    value = found[2][equals.end() :].strip("<>`\"' ")
    if not name or len(name) > MAX_NAME:
        raise Misread(f"the name has to be 1 to {MAX_NAME} characters long, as in {FORMS[about]}")
    if value.endswith(PLACEHOLDERS[:2]) or value == PLACEHOLDERS[2]:
        raise Misread("this is still the example: put the real address behind the =")
    try:
        read_answers([(about, name, value)])
    except InvalidAnswer as error:
        raise Misread(str(error)) from None
    return Answer(about=about, name=name, value=value)


FORMS = {
    "pack": "pack NodeClass = https://github.com/owner/repository",
    "model": "model checkpoints/file.safetensors = https://…",
}


def show_answer(answer: Answer) -> str:
    """The line that is read as `answer`."""
    plain = not answer.name.startswith(_QUOTES) and "=" not in answer.name
    name = answer.name if plain else f'"{answer.name}"'
    return f"{answer.about} {name} = {answer.value}"


def _unquoted(text: str) -> str:
    name = text.strip()
    for quote in _QUOTES:
        if len(name) > 1 and name.startswith(quote) and name.endswith(quote):
            return name[1:-1].strip()
    return name
