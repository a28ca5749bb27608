"""A run in words, the same in its comment and its check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.documents.markdown import Markdown, link, plain
from runner.documents.words import dollars
from runner.model import REPAIR_STEPS, STEPS

if TYPE_CHECKING:
    from github_app.telling.view import RunView, ShownState
    from runner.model import RunKind, StepName

MAX_REASON: Final = 20_000
"""Characters of the end of a reason, which may have a log in it."""
MAX_LEAD: Final = 500
"""Of its beginning, which is shown at once."""
MINUTE: Final = 60

STEP_WORDS: Final[dict[StepName, str]] = {
    "analyse": "Read the workflow",
    "resolve": "Look up models and packs",
    "branch": "Open a branch",
    "render": "Write the app",
    "draft": "Open the draft",
    "deploy": "Deploy",
    "preflight": "Look without a GPU",
    "test": "Test",
    "vary": "Make the variations",
    "diagnose": "Find out why it failed",
    "repair": "Change the lock",
    "document": "Write it up",
    "propose": "Bring the pull request up to date",
    "finish": "Clean up",
}
DONE, UNDER_WAY, TO_COME, BROKEN = "✓", "▶", "○", "✗"


def steps(view: RunView) -> tuple[Markdown, ...]:
    """One line for each step that the run takes."""
    begun = {step.step: step for step in view.steps}
    ended = view.finished
    lines: list[Markdown] = []
    planned = view.planned or STEPS
    after = planned.index("test") + 1 if "test" in planned else len(planned)
    repairs: tuple[StepName, ...] = tuple(name for name in REPAIR_STEPS if name in begun)
    for name in (*planned[:after], *repairs, *planned[after:]):
        step, words = begun.get(name), STEP_WORDS[name]
        if name == "branch" and view.kind == "production":
            words = "Check out the commit"
        if step is None:
            if not ended:
                lines.append(Markdown(f"{TO_COME} {words}"))
        elif step.seconds is not None:
            lines.append(Markdown(f"{DONE} {words}, {duration(step.seconds)}"))
        else:
            mark = BROKEN if ended else UNDER_WAY
            detail = f": {plain(step.detail)}" if step.detail else ""
            lines.append(Markdown(f"{mark} {'' if ended else '**'}{words}{'' if ended else '**'}{detail}"))
    return tuple(lines)


def headline(view: RunView) -> str:
    """The state, in a few words that follow the app's name."""
    step = _current(view)
    at = f"{STEP_WORDS[step][:1].lower()}{STEP_WORDS[step][1:]}" if step else ""
    match view.state:
        case "running":
            return f"is under way: {at}" if at else "is under way"
        case "waiting":
            return "waits" if view.put_away_until else "waits for approval"
        case "ready":
            gone = view.kind == "production" and not view.endpoint
            return "was in production" if gone else READY[view.kind]
        case "failed":
            return f"failed at: {at}" if at else "failed"
        case "over-budget":
            return f"ran out of budget at: {at}" if at else "ran out of budget"
        case state:
            return STATES[state]


STATES: Final[dict[ShownState, str]] = {
    "queued": "waits for its turn",
    "needs-input": "needs an answer",
    "cancelled": "was cancelled",
    "superseded": "gave way to a newer run",
}
READY: Final[dict[RunKind, str]] = {
    "propose": "is ready for review",
    "redeploy": "is ready again",
    "production": "is in production",
    "vary": "has variations to choose from",
}
MARKS: Final = {
    "queued": TO_COME, "running": UNDER_WAY, "waiting": TO_COME, "needs-input": "?", "ready": DONE, "failed": BROKEN,
    "over-budget": BROKEN,
    "cancelled": "■", "superseded": "»",
}  # fmt: skip


def _current(view: RunView) -> StepName | None:
    """The step that has begun and not ended well."""
    return next((step.step for step in reversed(view.steps) if step.seconds is None), None)


def spent(view: RunView) -> str:
    """Money so far and the limit."""
    if view.target == "local":
        return "nothing is spent on the local target"
    money = view.money
    if money is None:
        limit = f" of {dollars(view.budget_usd)}" if view.budget_usd is not None else ""
        return f"{dollars(view.spent_usd)}{limit} spent (estimate)"
    limit = f" of {dollars(float(money.limit))}"
    if money.actual is None:
        return f"{dollars(float(money.best))}{limit} spent (estimate)"
    billed, estimated = dollars(float(money.actual)), dollars(float(money.estimated))
    if money.fully_billed:
        return f"{billed}{limit} billed (estimated: {estimated})"
    return f"{estimated}{limit} spent (estimate), {billed} billed so far"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`."""
    if seconds < 10:  # noqa: PLR2004 - two digits tell enough
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 2 * MINUTE else f"{whole // MINUTE} min {whole % MINUTE} s"


def took(view: RunView) -> str:
    """All steps together."""
    return duration(sum(step.seconds or 0 for step in view.steps))


def links(view: RunView) -> Markdown:
    """Where to look further."""
    found = [
        link(f"Pull request {view.pull.number}", view.pull.url) if view.pull else None,
        link("Check", view.check_url) if view.check_url else None,
        link("Endpoint", view.endpoint) if view.endpoint else None,
    ]
    return Markdown(" · ".join(each for each in found if each))


def counted(view: RunView) -> str:
    """How many findings there are, the graver first."""
    words = {"error": "error", "warning": "warning", "info": "note"}
    numbers = [(sum(one.severity == severity for one in view.findings), word) for severity, word in words.items()]
    return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in numbers if number)


def outcome(view: RunView) -> str:
    """How many tests passed."""
    return f"{sum(test.passed for test in view.tests)} of {len(view.tests)} tests passed"


def lead(reason: str) -> str:
    """The first paragraph, without what follows in it."""
    return reason.strip().partition("\n")[0][:MAX_LEAD]


def sentence(reason: str) -> str:
    """The first paragraph, as a sentence."""
    words = lead(reason)
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def rest(reason: str) -> str:
    """The end of a reason that says more than its lead."""
    whole = reason.strip()
    return "" if whole == lead(reason) else whole[-MAX_REASON:]
