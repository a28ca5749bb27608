"""Hidden marks by which we find again what we have written."""

from __future__ import annotations

import re

_MARKER = re.compile(r"[\w.:/-]{1,200}", re.ASCII)
_DASHES = re.compile("-(?=-)")


def marked(marker: str, body: str) -> str:
    """`body` behind the hidden marker.

    Raises:
        ValueError: the marker could end the comment that hides it.
    """
    return f"{_hidden(marker)}\n{body}"


def in_marker(login: str) -> str:
    """A login as a part of a marker: old ones may have two dashes, which end the comment that hides it."""
    return _DASHES.sub("-.", login)


def has_marker(marker: str, body: str) -> bool:
    """Whether `body` begins with it. In the middle it would be a quotation."""
    return body.startswith(_hidden(marker))


def same_text(one: str, other: str) -> bool:
    """Whether people see the same: GitHub may store other line ends than it was given."""
    return "\n".join(one.splitlines()).rstrip() == "\n".join(other.splitlines()).rstrip()


def _hidden(marker: str) -> str:
    if not _MARKER.fullmatch(marker) or "--" in marker:
        raise ValueError(f"{marker!a} is no marker: letters, digits and _ . : / - without two dashes")
    return f"<!-- flowberth {marker} -->"
