"""`/deploy`."""

from __future__ import annotations

from codegen.lock import Gpu
from codegen.model import Frozen
from github_app.commands.grammar import Grammar, Option
from github_app.commands.values import DOLLARS, ENVIRONMENT, GPU, TARGET, Target
from runner.model import Environment


class Deploy(Frozen):
    """Deploy and test; what is not given is as the repository's settings have it."""

    target: Target | None = None
    gpu: Gpu | None = None
    budget: float | None = None
    """US dollars that the run may spend."""
    env: Environment | None = None


GRAMMAR = Grammar(
    word="deploy",
    makes=Deploy,
    about="Deploy and test again: on a pull request what its branch has, on an issue the workflow in it.",
    example="/deploy --gpu L4 --budget 5",
    options=(
        Option("target", TARGET, "where to deploy"),
        Option("gpu", GPU, "the GPU, instead of the smallest that holds the models"),
        Option("budget", DOLLARS, "the most that this run may spend, in US dollars"),
        Option("env", ENVIRONMENT, "the environment; a preview unless said otherwise"),
    ),
)
