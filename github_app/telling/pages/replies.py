"""Answers to people who asked for something that cannot be done, or not yet. Each says what can be done instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.plan import questions
from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codegen.plan import Plan
    from github_app.commands.grammar import CommandError
    from github_app.repository_settings import Problem
    from github_app.submissions.model import Unreadable


def outsider(plan: Plan, *, requester: str, estimate_usd: float, budget_usd: float) -> str:
    """An issue by somebody without write permission waits; maintainers see what it would run and cost at most."""
    return render(
        "outsider.md.j2",
        plan=plan,
        requester=requester,
        estimate_usd=estimate_usd,
        budget_usd=budget_usd,
        questions=questions(plan),
    )


def unreadable(found: Sequence[Unreadable], problems: Sequence[str] = ()) -> str:
    """What could not be read, why, and the ways out; `problems` are those of the form."""
    return render("unreadable.md.j2", found=found, problems=problems)


def nothing_found(*, is_form: bool = False) -> str:
    """An issue that seems to be for us has no workflow in it."""
    return render("nothing_found.md.j2", is_form=is_form)


def command_refused(errors: Sequence[CommandError]) -> str:
    """Commands that nobody understands, each with what was probably meant."""
    return render("command_refused.md.j2", errors=errors)


def permission_refused(login: str, *, wanted: str = "write", has: str = "none") -> str:
    """Somebody commanded who may not."""
    return render("permission_refused.md.j2", login=login, wanted=wanted, has=has)


def fork_refused(head: str) -> str:
    """A pull request from a fork is not deployed; `head` is `owner:branch`."""
    return render("fork_refused.md.j2", head=head)


def settings_invalid(problems: Sequence[Problem]) -> str:
    """The settings file cannot be used, with all that is wrong."""
    return render("settings_invalid.md.j2", problems=problems)
