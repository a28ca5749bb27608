"""Words of other people in Markdown that we write: they stay words.

Templates of this package escape every value unless it is `Markdown`, so a forgotten filter is ugly, not dangerous.
GitHub finds mentions, references and bare URLs in the *rendered* text, where a backslash no longer helps
(https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls);
a zero-width space takes them apart.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TEXT = 300
"""Characters of one value; a longer one is cut."""
_BREAK: Final = "\u200b"
_ACTIVE = re.compile(r"[\\`*_\[\]<>|~&!]|\$(?!\d)")
"""A dollar sign before a digit is an amount: no formula ends at one, so without another that is bare there is none."""
_REFERENCES = re.compile(r"@(?=\w)|#(?=\w)|\bGH-(?=\d)|://|\bwww\.|\bmailto:", re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What programs print for terminals."""
_LIST_MARKER = re.compile(r"^(\d*)([-+=#]|(?<=\d)[.)])(?=\s|$|[-+=#])")
_ADDRESS = re.compile(r"https?://[^\s<>\\]{1,2000}")
_UNQUOTED: Final = "/:?#@!$&'*+,;=%-._~[]"
"""All that an address may have but the round brackets, in which Markdown puts it."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that show nothing or turn the direction of what follows."""


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def line(text: str, limit: int = MAX_TEXT) -> str:
    """One line of visible characters, at most `limit`."""
    seen = "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in text[: 4 * limit])
    whole = " ".join(seen.split())
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"


def plain(text: str, limit: int = MAX_TEXT) -> Markdown:
    """Text as text."""
    safe = _ACTIVE.sub(lambda found: f"\\{found[0]}", line(text, limit))
    safe = _REFERENCES.sub(lambda found: f"{found[0]}{_BREAK}" if found[0] != "://" else f":{_BREAK}//", safe)
    return Markdown(_LIST_MARKER.sub(r"\1\\\2", safe))


def code(text: str, limit: int = MAX_TEXT) -> Markdown:
    """Text as a code span, also fit for the cell of a table (where GitHub splits at a bare `|` even in code)."""
    inside = line(text, limit).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", inside)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if not inside or longest else ""
    return Markdown(f"{fence}{pad}{inside}{pad}{fence}")


def block(text: str, info: str = "") -> Markdown:
    """Text as a fenced block of code, in which nothing is active; as long as it is."""
    kept = "".join(
        char for char in _COLOURS.sub("", text) if char in "\n\t" or unicodedata.category(char) not in _UNSEEN
    )
    longest = max(map(len, re.findall("`+", kept)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{info}\n{kept.strip(chr(10))}\n{fence}")


def link(text: str, url: str) -> Markdown:
    """A link on the web, with text as text; the text alone where the address is none."""
    if not _ADDRESS.fullmatch(url):
        return plain(text)
    return Markdown(f"[{plain(text)}]({quote(url, safe=_UNQUOTED)})")


def _finalize(value: object) -> object:
    return value if isinstance(value, Markdown) else plain(str(value))


def templates(package: str) -> Environment:
    """The templates of a package, all of whose values are escaped; a macro's result would be, too: use includes."""
    environment = Environment(
        loader=PackageLoader(package, "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, no HTML; `finalize` escapes
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., Markdown]] = {"plain": plain, "code": code, "block": block, "link": link}
    environment.filters.update(filters)
    return environment


TEMPLATES = templates("runner.documents")
