"""A run as one message on Slack. Pure: the same view gives the same message.

Of Slack's limits (https://docs.slack.dev/reference/block-kit/blocks): 50 blocks, 3000 characters of a section, 10 parts
of a context, 75 characters on a button. Words of other people are in parts of their own, as plain text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from github_app.slack.text import escaped, is_address, link, mrkdwn, plain_text
from github_app.telling.pages import words
from runner.budget.errors import WHOSE
from runner.documents import words as costs
from runner.model import REPAIR_STEPS, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github_app.telling.view import RunView, ShownState
    from runner.model import StepName

MAX_SECTION: Final = 3000
MAX_SUGGESTIONS: Final = 5
"""What would help, of all that is known: the pull request has the rest."""
MAX_SUGGESTION: Final = 500
MAX_REASON: Final = 1200
ICONS: Final[dict[ShownState, str]] = {
    "queued": ":hourglass:",
    "running": ":gear:",
    "waiting": ":hourglass:",
    "needs-input": ":question:",
    "ready": ":white_check_mark:",
    "failed": ":x:",
    "over-budget": ":money_with_wings:",
    "cancelled": ":black_square_for_stop:",
    "superseded": ":fast_forward:",
}
_TROUBLE: Final = ("failed", "over-budget", "needs-input")

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What Slack is given."""

    text: str
    """What a notification says, and a screen reader."""
    blocks: tuple[Block, ...]

    @property
    def digest(self) -> str:
        """The same for the same message."""
        return hashlib.sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Place:
    """Where on GitHub the run is at home."""

    full_name: str
    url: str
    """Of the repository's page."""
    conversation: int | None
    """Number of the issue or pull request in which it was asked for."""


def run_message(view: RunView, place: Place) -> Message:
    """Everything that is told of a run."""
    headline = f"{view.name} {words.headline(view)}"
    simulated = "Simulated: " if view.engine != "comfyui" and view.state == "ready" else ""
    blocks = [
        _section(f"{ICONS[view.state]} *{simulated}{escaped(view.name)}* {escaped(words.headline(view))}"),
        _context([plain_text(_title(view)), mrkdwn(_where(view, place))]),
        *_standing(view),
        *_steps(view),
        _section("\n".join(_facts(view))),
        *_trouble(view),
        *_buttons(view, place),
    ]
    return Message(text=escaped(f"{simulated}{headline} ({place.full_name})"), blocks=tuple(blocks))


def calls(view: RunView) -> list[tuple[str, str]]:
    """For what the person who has asked for a run is called by name: Slack tells nobody of a message that changes."""
    found: list[tuple[str, str]] = []
    for alert in view.money.alerts if view.money else ():
        limit = f"{alert.percent} % of the limit {WHOSE[alert.limit_name]} are used up"
        found.append((f"{alert.scope}:{alert.percent}", f"{escaped(view.name)}: {limit}."))
    if view.state in ("ready", *_TROUBLE):
        found.append((view.state, f"{escaped(view.name)} {escaped(words.headline(view))}."))
    return found


def said(text: str) -> Message:
    """A sentence of ours; what is not ours in it is escaped already."""
    return Message(text=text, blocks=(_section(text),))


def in_plain_text(text: str) -> Message:
    """A sentence with words of other people, escaped already: Slack makes nothing of them."""
    return Message(text=text, blocks=({"type": "section", "text": plain_text(text)},))


def _title(view: RunView) -> str:
    """Never empty, which Slack would refuse: titles may be of letters that nobody can see."""
    return escaped(view.title or "") or escaped(view.filename or "") or escaped(view.name)


def _where(view: RunView, place: Place) -> str:
    conversation = f"{place.url}/issues/{place.conversation}" if place.conversation else place.url
    number = f"#{place.conversation}" if place.conversation else ""
    asked = f", asked for by {escaped(view.requester)}" if view.requester else ""
    return f"{link(conversation, f'{place.full_name}{number}')} · run {view.number}{asked}"


def _standing(view: RunView) -> list[Block]:
    match view.state:
        case "queued":
            ahead = view.queued_ahead
            said = "It is the next." if not ahead else f"{ahead} run{'s are' if ahead > 1 else ' is'} before it."
        case "waiting" if view.put_away_until:
            said = f"GitHub asks for patience; it goes on by itself at {view.put_away_until:%H:%M:%S} UTC."
        case "waiting":
            said = "Somebody with write permission has to answer `/approve` on GitHub."
        case "superseded":
            said = "A newer run of the same app has taken its place."
        case "ready" if view.tests:
            cost = f"; a call costs {costs.money(view.cost.usd)} ({view.cost.basis})" if view.cost else ""
            said = f"*{words.outcome(view)}*{cost}."
        case _:
            return []
    return [_section(said)]


def _steps(view: RunView) -> list[Block]:
    """One line for each step that the run takes; those of repair where they have begun."""
    begun = {step.step: step for step in view.steps}
    planned: tuple[StepName, ...] = view.planned or STEPS
    at = planned.index("test") + 1 if "test" in planned else len(planned)
    repairs: tuple[StepName, ...] = tuple(name for name in REPAIR_STEPS if name in begun)
    lines: list[str] = []
    for name in (*planned[:at], *repairs, *planned[at:]):
        step, what = begun.get(name), words.STEP_WORDS[name]
        if step is None:
            if not view.finished:
                lines.append(f"{words.TO_COME} {what}")
        elif step.seconds is not None:
            lines.append(f"{words.DONE} {what}, {words.duration(step.seconds)}")
        else:
            lines.append(f"{words.BROKEN} {what}" if view.finished else f"{words.UNDER_WAY} *{what}*")
    return [_section("\n".join(lines))] if lines else []


def _facts(view: RunView) -> list[str]:
    facts = [f"Attempt {view.attempt} of {view.max_attempts} · {words.spent(view)}"]
    if view.money is not None:
        facts += [f":warning: *{alert}*" for alert in costs.alerts(view.money)]
    if view.engine != "comfyui" and view.tests:
        facts.append("_Simulated: the stand-in engine answered, not ComfyUI._")
    if view.finished and view.findings:
        facts.append(f"There is something to look at in the pull request: {words.counted(view)}.")
    return facts


def _trouble(view: RunView) -> list[Block]:
    """Why it did not end well, and what would help."""
    blocks: list[Block] = []
    if view.reason and view.state in (*_TROUBLE, "cancelled", "waiting"):
        blocks.append(_plain(words.lead(view.reason), MAX_REASON))
    failed = [test for test in view.tests if not test.passed]
    if view.state in _TROUBLE and failed:
        blocks.append(_section(f"*{words.outcome(view)}*"))
        blocks.append(_plain("\n".join(f"{test.name}: {test.detail}" for test in failed[:MAX_SUGGESTIONS]), MAX_REASON))
    if view.state in _TROUBLE and (hints := _hints(view)):
        blocks.append(_section("*What would help*"))
        blocks += [_plain(f"• {hint}", MAX_SUGGESTION) for hint in hints]
    if view.questions:
        blocks.append(_section("*It cannot go on without an answer*, a line for each in a comment on GitHub:"))
        for question in view.questions[:MAX_SUGGESTIONS]:
            blocks.append(_plain(f"{question.text}\n{question.example_answer}", MAX_SUGGESTION))
    if view.state == "failed":
        change = "push the change to the branch" if view.pull else "edit the issue"
        blocks.append(
            _section(f"`/retry` in a comment on GitHub tries again. If the workflow has to change, {change}.")
        )
    elif view.state == "over-budget":
        again = "Everything that it had deployed is stopped. `/retry` on GitHub goes on with a budget of its own."
        blocks.append(_section(again))
    return blocks


def _hints(view: RunView) -> list[str]:
    """The graver first, each once."""
    graver = sorted(view.findings, key=lambda finding: ("error", "warning", "info").index(finding.severity))
    hints = dict.fromkeys(finding.hint for finding in graver if finding.hint)
    return [hint for hint in hints if hint][:MAX_SUGGESTIONS]


def _buttons(view: RunView, place: Place) -> list[Block]:
    wanted = [
        ("endpoint", "Endpoint", view.endpoint),
        ("pull", f"Pull request {view.pull.number}" if view.pull else "", view.pull.url if view.pull else None),
        ("issue", "Answer on GitHub", f"{place.url}/issues/{place.conversation}")
        if view.state in _TROUBLE and place.conversation
        else ("issue", "", None),
    ]
    buttons = [
        {"type": "button", "action_id": key, "text": plain_text(label), "url": url}
        for key, label, url in wanted
        if url and is_address(url)
    ]
    if buttons and view.state == "ready":
        buttons[0]["style"] = "primary"
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _section(text: str) -> Block:
    assert len(text) <= MAX_SECTION
    return {"type": "section", "text": mrkdwn(text)}


def _plain(text: str, limit: int) -> Block:
    """Lines of other people's words; each is cut, and so are all of them."""
    lines, room = list[str](), limit
    for each in text.splitlines():
        if room > 0 and (shown := escaped(each, room)):
            lines.append(shown)
            room -= len(shown) + 1
    return {"type": "section", "text": plain_text("\n".join(lines) or "…")}


def _context(elements: Iterable[Block]) -> Block:
    return {"type": "context", "elements": list(elements)}
