"""Credentials taken out of what GitHub answers, before people read it."""

from __future__ import annotations

from runner.redaction import redacted

LONGEST = 500
"""Characters of GitHub's words in one of our messages: an error page in HTML says no more with more."""


def words(text: str) -> str:
    """`text` as a part of one line, without credentials, not endless."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
