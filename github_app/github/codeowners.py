"""Who owns which files of a repository, by its CODEOWNERS.

https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

import re
from typing import NamedTuple

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for it, in this order; the first one counts."""
LARGEST_BYTES = 3 * 1024 * 1024
"""A larger one is ignored, by GitHub too."""
_OWNER = re.compile(r"@([\w-]+(?:/[\w.-]+)?)", re.ASCII)
_PIECE = re.compile(r"(?:(?<![^/])\*\*/)|\*\*|\*|\?|\\.|.", re.DOTALL)
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


class Rule(NamedTuple):
    """One line: whose are the files that match."""

    pattern: re.Pattern[str]
    owners: tuple[str, ...]
    """Logins, and teams as `owner/team`. None: the files belong to nobody."""


def parse_codeowners(text: str) -> tuple[Rule, ...]:
    """Its rules, in their order. A line that GitHub would not understand is left out, as GitHub does."""
    rules: list[Rule] = []
    for line in text.splitlines():
        words = _WORD.findall(line)
        if not words or words[0].startswith("#"):
            continue
        pattern = _pattern_of(words[0])
        comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
        # An owner by email address is somebody, but the API takes no address.
        owners = tuple(match[1] for word in words[1:comment] if (match := _OWNER.fullmatch(word)))
        if pattern is not None:
            rules.append(Rule(pattern, owners))
    return tuple(rules)


def owners_of(path: str, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Who owns a file: the last rule that matches counts."""
    return next((rule.owners for rule in reversed(rules) if rule.pattern.fullmatch(path)), ())


def _pattern_of(glob: str) -> re.Pattern[str] | None:
    """As in `.gitignore`, but without negation, ranges and escaped number signs: GitHub does not take those here."""
    if glob.startswith(("!", "\\#")) or "[" in glob:
        return None
    body = glob.strip("/")
    if not body:
        return re.compile(r".*", re.DOTALL) if glob == "/" else None
    start = "" if "/" in glob.rstrip("/") else "(?:.*/)?"  # a name alone may be in any folder
    middle = "".join(map(_piece, _PIECE.finditer(body)))
    # A folder means all in it. But `docs/*` means the files right in docs.
    end = "/.*" if glob.endswith("/") else "" if body.endswith(("/*", "**")) else "(?:/.*)?"
    return re.compile(start + middle + end, re.DOTALL)


def _piece(found: re.Match[str]) -> str:
    text = found[0]
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(text) or re.escape(text.removeprefix("\\"))
