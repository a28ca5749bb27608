"""A text of ours as one HTML page that needs nothing else: no script, no resource from anywhere, light and dark.

It reads Markdown as GitHub does where our texts use it: tables, `<details>`, pictures with a width, alerts. Other HTML
stays text, in which nobody is mentioned or linked.
"""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.token import Token

TAGS: Final = frozenset({"details", "summary", "sub", "img", "br"})
"""All that our texts have beside Markdown."""
ALERTS: Final = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
"""https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#alerts"""

_PAGE = Environment(
    loader=PackageLoader("runner.documents", "templates"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html.j2")


def page(title: str, about: str, body: str, picture: Callable[[str], str]) -> str:
    """The HTML.

    Args:
        title: plain text, as is `about`, a line below it.
        about: what it is, and in what state.
        body: Markdown.
        picture: address of a picture in the text → what to show, a `data:` URI; empty for none.
    """
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(body)
    for token in tokens:
        _made_safe(token, picture)
    _with_alerts(tokens)
    return _PAGE.render(title=title, about=about, body=markdown.renderer.render(tokens, markdown.options, {}))


def _made_safe(token: Token, picture: Callable[[str], str]) -> None:
    if token.type in {"html_block", "html_inline"}:
        token.content = _safe(token.content, picture)
    elif token.type == "image":
        token.attrs["src"] = picture(str(token.attrs.get("src", "")))
    for child in token.children or ():
        _made_safe(child, picture)


def _safe(source: str, picture: Callable[[str], str]) -> str:
    reader = _Known(picture)
    reader.feed(source)
    reader.close()
    return "".join(reader.parts)


class _Known(HTMLParser):
    """Keeps the tags that our texts have, with the attributes that they need; the rest becomes text."""

    def __init__(self, picture: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._picture = picture

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.handle_data(self.get_starttag_text() or "")
        elif tag == "img":
            found = {name: value or "" for name, value in attrs}
            width = f' width="{found["width"]}"' if found.get("width", "").isdecimal() else ""
            source, alt = (html.escape(text) for text in (self._picture(found.get("src", "")), found.get("alt", "")))
            self.parts.append(f'<img src="{source}" alt="{alt}"{width}>')
        else:
            self.parts.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in TAGS - {"img", "br"}:
            self.parts.append(f"</{tag}>")
        else:
            self.handle_data(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(html.escape(data))


def _with_alerts(tokens: list[Token]) -> None:
    """A quotation that begins with `[!WARNING]` on a line of its own gets a class and a title."""
    for index, token in enumerate(tokens[:-2]):
        if token.type != "blockquote_open" or tokens[index + 2].type != "inline":
            continue
        children = tokens[index + 2].children or []
        first = children[0].content if children else ""
        kind = first.removeprefix("[!").removesuffix("]")
        if kind in ALERTS and first == f"[!{kind}]":
            token.attrs["class"] = f"alert {kind.lower()}"
            del children[:2]
