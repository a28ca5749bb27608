"""`/deploy`: on a pull request what its branch has, on an issue the workflow in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.handlers.errors import CannotDo
from github_app.handlers.intake import take_in
from github_app.handlers.production import to_production
from github_app.handlers.redeploy import app_of, redeploy

if TYPE_CHECKING:
    from github_app.commands.deploy import Deploy
    from github_app.handlers.talk import Talk


def deploy(talk: Talk, command: Deploy) -> None:
    """A merged pull request goes to production again; an open one to a preview only.

    Raises:
        CannotDo: production is asked for before the merge.
    """
    if command.env == "production":
        _to_production(talk)
    elif talk.is_pull:
        talk.check_gpu(command.gpu)
        talk.check_target(command.target)
        redeploy(talk, gpu=command.gpu, budget=command.budget)
    else:
        take_in(talk, talk.api.issue(talk.number), command)


def _to_production(talk: Talk) -> None:
    if not talk.is_pull or talk.pull.state != "merged" or talk.pull.merge_sha is None:
        raise CannotDo("only what is merged goes to production; merge the pull request, and it is deployed")
    to_production(talk, app_of(talk.api, talk.pull), talk.pull.merge_sha, base=talk.pull.base.branch)
