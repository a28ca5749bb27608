"""Who owns which files of a repository, by its CODEOWNERS.

https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for it, in this order; the first one counts."""
LARGEST_BYTES = 3 * 1024 * 1024
"""A larger one is ignored, by GitHub too."""
ANY_FOLDERS = "**"
ANY_NAME = "*"

_OWNER = re.compile(r"@([\w-]+(?:/[\w.-]+)?)", re.ASCII)
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_SIGN = re.compile(r"\\?.", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """One line: whose are the files that match.

    Attributes:
        parts: Of the pattern, between its slashes.
        whole: Whether a path must end where the pattern does; otherwise a folder means all in it.
        owners: Logins, and teams as `owner/team`. None: the files belong to nobody.
    """

    parts: tuple[str, ...]
    whole: bool
    owners: tuple[str, ...]

    def matches(self, path: str) -> bool:
        """Whether the file is meant. All places in the pattern are followed at once: no pattern can cost much time."""
        places = self._with_skipped({0})
        for name in path.split("/"):
            after: set[int] = set()
            for place in places:
                if place == len(self.parts):
                    after |= set() if self.whole else {place}
                elif self.parts[place] == ANY_FOLDERS:
                    after.add(place)
                elif _is_named(name, self.parts[place]):
                    after.add(place + 1)
            places = self._with_skipped(after)
        return len(self.parts) in places

    def _with_skipped(self, places: set[int]) -> set[int]:
        """`**` may also stand for no folder."""
        reached = set(places)
        for place in sorted(places):
            at = place
            while at < len(self.parts) and self.parts[at] == ANY_FOLDERS:
                at += 1
                reached.add(at)
        return reached


def parse_codeowners(text: str) -> tuple[Rule, ...]:
    """Its rules, in their order. A line that GitHub would not understand is left out, as GitHub does."""
    rules: list[Rule] = []
    for line in text.splitlines():
        words = _WORD.findall(line)
        if not words or words[0].startswith("#"):
            continue
        comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
        # An owner by email address is somebody, but the API takes no address.
        owners = tuple(match[1] for word in words[1:comment] if (match := _OWNER.fullmatch(word)))
        rule = _rule_of(words[0], owners)
        if rule is not None:
            rules.append(rule)
    return tuple(rules)


def owners_of(path: str, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Who owns a file: the last rule that matches counts."""
    return next((rule.owners for rule in reversed(rules) if rule.matches(path)), ())


def _rule_of(pattern: str, owners: tuple[str, ...]) -> Rule | None:
    """As in `.gitignore`, but without negation, ranges and escaped number signs: GitHub does not take those here."""
    body = pattern.strip("/")
    if pattern.startswith(("!", "\\#")) or "[" in pattern or not body:
        return None
    parts = body.split("/")
    if "/" not in pattern.rstrip("/"):
        parts.insert(0, ANY_FOLDERS)  # a name alone may be in any folder
    if parts[-1] == ANY_FOLDERS:
        parts[-1] = ANY_NAME  # something in the folder, however deep
        return Rule(tuple(parts), whole=False, owners=owners)
    if pattern.endswith("/"):
        parts.append(ANY_NAME)
    # `docs/*` means the files right in docs.
    return Rule(tuple(parts), whole=pattern.endswith("/*"), owners=owners)


def _is_named(name: str, glob: str) -> bool:
    """Whether a name matches a glob of `*`, `?` and letters, in steps: what a star took is given back one by one."""
    signs = _SIGN.findall(glob)
    at = place = 0
    star, taken = -1, 0
    while at < len(name):
        sign = signs[place] if place < len(signs) else ""
        if sign == "*":
            star, taken = place, at
            place += 1
        elif sign == "?" or sign.removeprefix("\\") == name[at]:
            place, at = place + 1, at + 1
        elif star >= 0:
            taken += 1
            place, at = star + 1, taken
        else:
            return False
    return all(sign == "*" for sign in signs[place:])
