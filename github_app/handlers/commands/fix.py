"""`/fix`: try to repair the app, with a person's hint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast, get_args

from codegen.lock import Gpu
from github_app.commands.answers import Answers
from github_app.commands.comment import parse_comment
from github_app.handlers.commands.answers import answer
from github_app.handlers.errors import Explained
from github_app.handlers.redeploy import redeploy
from github_app.telling.pages import plainly

if TYPE_CHECKING:
    from github_app.commands.fix import Fix
    from github_app.handlers.talk import Talk

_GPUS = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(map(re.escape, get_args(Gpu)), key=len, reverse=True))})(?![\w-])", re.IGNORECASE
)


def fix(talk: Talk, command: Fix) -> None:
    """Change what the hint names: a GPU, whose node a class is, where a model's file is.

    Raises:
        Explained: it names nothing that can be changed.
    """
    answers = parse_comment(command.hint, bot=talk.doors.github.bot_login)
    if len(answers) == 1 and isinstance(answers[0], Answers):
        answer(talk, answers[0])
        return
    named = {found.upper() for found in _GPUS.findall(command.hint)}
    if talk.is_pull and len(named) == 1:
        gpu = cast("Gpu", named.pop())
        talk.check_gpu(gpu)
        redeploy(talk, gpu=gpu)
        return
    raise Explained(plainly.hints())
