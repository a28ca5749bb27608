"""The part of a pull request that says what its run has spent: it is written anew when a bill comes.

It stands between two comments that nobody sees, the first of which names the run, so that it is found again in a text
that people have edited, and no run writes over what is another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.budget.errors import OF
from runner.documents import words
from runner.documents.markdown import TEMPLATES, Markdown

if TYPE_CHECKING:
    from runner.budget.model import RunMoney

END: Final = "<!-- /flowberth:spent -->"


def spent(money: RunMoney) -> Markdown:
    """Estimate and bill of each thing that it was spent on, the limit, and what of limits is used up."""
    part = TEMPLATES.get_template("spent.md.j2").render(money=money, words=words, of=OF)
    return _between(money.run_id, part)


def nothing_yet(run_id: str) -> Markdown:
    """Its place."""
    return _between(run_id, "")


def brought_up_to_date(body: str, money: RunMoney) -> str | None:
    """The body of a pull request with what is known now; `None` if it has no place for what this run has spent."""
    before, found, rest = body.partition(_begin(money.run_id))
    _, ended, after = rest.partition(END)
    return f"{before}{spent(money)}{after}" if found and ended else None


def _begin(run_id: str) -> str:
    return f"<!-- flowberth:spent {run_id} -->"


def _between(run_id: str, part: str) -> Markdown:
    inner = f"\n\n{part.strip()}\n\n" if part.strip() else "\n"
    return Markdown(f"{_begin(run_id)}{inner}{END}")
