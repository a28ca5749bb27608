"""Words of other people in messages on Slack: they stay words.

Slack reads `&`, `<` and `>` as control characters: `<!channel>` calls everybody, `<https://…|words>` is a link under
any name (https://docs.slack.dev/messaging/formatting-message-text). As entities they are letters, in every text.
"""

from __future__ import annotations

import re
from typing import Any, Final

from runner.documents.markdown import line

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CONTROL = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_ADDRESS = re.compile(r"https?://[^\s<>|]{1,2900}")
"""What a link or a button may lead to; Slack takes 3000 characters."""
MAX_LINE: Final = 300
"""Characters of one value."""


def escaped(text: str, limit: int = MAX_LINE) -> str:
    """One line of visible characters, at most `limit` as Slack counts them."""
    return fitted(line(text, limit), limit)


def fitted(text: str, limit: int) -> str:
    """Escaped, and cut where it would be longer than `limit`, never within an entity."""
    parts = [_ENTITIES.get(char, char) for char in text]
    if sum(map(len, parts)) <= limit:
        return "".join(parts)
    kept, room = list[str](), limit - 1
    for part in parts:
        room -= len(part)
        if room < 0:
            break
        kept.append(part)
    return f"{''.join(kept)}…"


def link(url: str | None, words: str) -> str:
    """`words`, which are escaped here, as a link; alone where the address is none."""
    shown = escaped(words)
    return f"<{url.replace('&', '&amp;')}|{shown}>" if url and is_address(url) else shown


def is_address(url: str) -> bool:
    """Whether a button may lead there."""
    return _ADDRESS.fullmatch(url) is not None


def words(text: str) -> str:
    """What somebody has typed, from the text of their message: entities are letters again, links are their address."""

    def typed(found: re.Match[str]) -> str:
        target, label = found[1], found[2]
        if target.startswith(("@", "#", "!")):
            return label or target
        if target.startswith(("mailto:", "tel:")):
            return label or target.partition(":")[2]
        # Slack makes links of what looks like one: its label is what was typed then.
        return label if label and target.endswith(f"//{label}") else target

    plain = _CONTROL.sub(typed, text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mrkdwn(text: str) -> dict[str, Any]:
    """A text of ours, in which Slack is to make nothing of what is no link yet."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str) -> dict[str, Any]:
    """A text in which nothing is active. `text` is escaped already."""
    return {"type": "plain_text", "text": text, "emoji": False}
