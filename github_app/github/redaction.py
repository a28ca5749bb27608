"""Credentials taken out of what people will read."""

from __future__ import annotations

import re

LONGEST = 500
"""Characters of GitHub's words in one of our messages: an error page in HTML says no more with more."""

_CREDENTIALS = re.compile(
    r"gh[a-z]_[\w.-]{8,}"  # tokens of installations (also the long ones, with a JWT inside), people and OAuth apps
    r"|github_pat_\w{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?"  # a JWT
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password in an address
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


def redacted(text: str) -> str:
    """`text` without credentials."""
    return _CREDENTIALS.sub("[redacted]", text)


def words(text: str) -> str:
    """`text` as a part of one line, without credentials, not endless."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
