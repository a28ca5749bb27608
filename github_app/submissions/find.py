"""From the text of an issue to what it refers to and asks for. Pure."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt

from codegen.errors import WorkflowError
from codegen.parse import parse_workflow
from github_app.commands.values import shown
from github_app.submissions import form, links
from github_app.submissions.model import Attachment, Found, Inline, Options
from github_app.submissions.site import GITHUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from github_app.submissions.model import Reference, RepositoryFile
    from github_app.submissions.site import Site

MAX_BODY: Final = 65_536
"""Characters of an issue on GitHub."""
MAX_REFERENCES: Final = 10
"""In one issue: each may become a run."""
MAX_PROBLEMS: Final = 10
MAX_TRIES: Final = 5
"""Places of a text at which JSON without a fence is looked for."""
_MARKDOWN: Final = MarkdownIt("commonmark").disable(
    ["autolink", "emphasis", "entity", "escape", "html_inline", "image", "link", "reference"]
)
"""Finds blocks and code spans. Addresses are looked for in the text itself, however hostile, in linear time."""
_LINK = re.compile(r"\]\(<?([^()<>\s:]{1,400})")
_NEWLINE = re.compile(r"\r\n?")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{1,4000}?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_BRACE = re.compile(r"^[ \t]*(?=\{)", re.MULTILINE)
_HINTS = ('"class_type"', '"nodes"', '"last_node_id"')
"""Keys of ComfyUI's files: a text with one of them was meant to be a workflow."""
_TITLE_PREFIX = re.compile(r"^\s*(?:\[?deploy\]?|workflow)\s*:\s*", re.IGNORECASE)


def find_submissions(body: str, *, title: str, repository: str, site: Site = GITHUB) -> Found:
    """What an issue holds; never raises.

    Args:
        body: Markdown, as it was written.
        title: of the issue: a pasted workflow is named after it.
        repository: `owner/name` of the issue's repository, for paths.
        site: where the issue is.
    """
    return _Finder(title=title, repository=repository, site=site).read(_NEWLINE.sub("\n", body[:MAX_BODY]))


class _Finder:
    """One reading of one issue."""

    def __init__(self, *, title: str, repository: str, site: Site) -> None:
        self._stem, self._repository, self._site = _stem(title), repository, site
        self._references: dict[Reference, None] = {}
        self._problems: list[str] = []
        self._options: dict[str, Any] = {}
        self._others: list[str] = []
        """What is wrong with JSON that may have nothing to do with ComfyUI."""
        self._elsewhere: list[str] = []
        self._look: Attachment | RepositoryFile | None = None

    def read(self, body: str) -> Found:
        """Take out what is pasted first, so that addresses inside a workflow are not taken for others."""
        if front := _FRONT_MATTER.match(body):
            self._block(front[1])
            body = body[front.end() :]
        words = self._unfenced(self._fenced(body))
        tokens = _MARKDOWN.parse(_without_comments(words))  # only now: JSON may hold what looks like a comment
        answers = _answers(tokens)
        is_form = form.WORKFLOW in answers
        if is_form:
            options, problems = form.read_form(answers)
            self._options = options | self._options
            self._problems += problems
        for section, token in _sections(tokens):
            if section == form.LOOK:
                self._shown(token)
            elif not is_form or section == form.WORKFLOW:
                self._said(token, meant=is_form)
        return self._found(is_form=is_form)

    def _found(self, *, is_form: bool) -> Found:
        references = tuple(self._references)
        if not references:
            self._problems += [
                f"{shown(url)} is not on GitHub, and nothing is fetched from elsewhere: attach the file or paste it"
                for url in self._elsewhere
            ]
        if is_form and not references and not self._problems:
            self._problems += self._others or [f"there is no workflow under {form.WORKFLOW}"]
        if len(references) > MAX_REFERENCES:
            self._problems.append(
                f"there are {len(references)} files here; the first {MAX_REFERENCES} are taken, others need an issue "
                "of their own"
            )
        return Found(
            references=references[:MAX_REFERENCES],
            look=self._look,
            options=Options.model_validate(self._options),
            problems=tuple(dict.fromkeys(self._problems))[:MAX_PROBLEMS],
            is_form=is_form,
        )

    def _fenced(self, body: str) -> str:
        """Take workflows and options from code; what is left of the text."""
        lines = body.split("\n")
        for token in _MARKDOWN.parse(body):
            if token.map is None or token.type not in {"fence", "code_block", "html_block"}:
                continue
            if token.type == "html_block":
                if not token.content.lstrip().startswith("<!--"):
                    continue
            elif token.type == "fence" and token.info.strip().lower() in {"yaml", "yml"}:
                self._block(token.content)
            elif not self._pasted(token.content, told=token.type == "fence") and token.type == "code_block":
                continue  # perhaps a part of what was pasted without a fence
            lines[token.map[0] : token.map[1]] = [""] * (token.map[1] - token.map[0])
        return "\n".join(lines)

    def _unfenced(self, text: str) -> str:
        """Take workflows that stand in the text as they are; what is left of it."""
        decoder = json.JSONDecoder()
        position = 0
        for _ in range(MAX_TRIES):
            brace = _BRACE.search(text, position)
            if brace is None:
                break
            start = brace.end()
            try:
                _, position = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):  # cut short or broken, which the person cannot see
                heading = text.find("\n### ", start)
                position = heading if heading >= 0 else len(text)
            taken = self._pasted(text[start:position])
            if taken or _is_meant(text[start:position]):
                text, position = f"{text[:start]}\n\n{text[position:]}", start
        return text

    def _said(self, token: Token, *, meant: bool) -> None:
        if token.type in {"html_block", "inline"}:
            self._addresses(token.content)
        if token.type == "inline":
            self._paths(token, meant=meant)

    def _shown(self, token: Token) -> None:
        """The first picture in a section counts; a workflow that is in its metadata does not."""
        if self._look is not None or token.type not in {"html_block", "inline"}:
            return
        for url in links.urls(token.content):
            self._look = self._look or links.look(url, site=self._site, repository=self._repository)
        if token.type == "inline":
            for text, _ in _candidates(token):
                found = links.path(text, repository=self._repository, incidental=False, suffixes=links.LOOKS)
                self._look = self._look or found
        text = token.content.strip()
        if self._look is None and text.lower() not in form.NOTHING:
            self._problems.append(f"{form.LOOK}: there is no picture on GitHub in {shown(text)}")

    def _block(self, text: str) -> None:
        if (read := form.read_block(text)) is not None:
            self._options |= read[0]
            self._problems += read[1]

    def _pasted(self, text: str, *, told: bool = True) -> bool:
        """Whether a text is a workflow, which is then kept; `told`: if it was meant to be one, say why it is none."""
        data = text.strip().encode(errors="replace")
        try:
            parse_workflow(data, filename="the JSON in the issue cannot be used")
        except WorkflowError as error:
            message = str(error)
            if told and _is_meant(text):
                self._problems.append(message)
            elif told and text.lstrip().startswith("{"):
                self._others.append(message)
            return False
        number = 1 + sum(isinstance(reference, Inline) for reference in self._references)
        filename = f"{self._stem}.json" if number == 1 else f"{self._stem}-{number}.json"
        self._references[Inline(filename=filename, data=data)] = None
        return True

    def _addresses(self, text: str) -> None:
        for url in links.urls(text):
            reference = links.reference(url, site=self._site, repository=self._repository)
            if isinstance(reference, Attachment) and "." not in reference.filename:
                reference = reference.model_copy(update={"filename": f"{self._stem}.png"})
            if reference is not None:
                self._references[reference] = None
            elif not self._site.is_own(url) and url.lower().partition("?")[0].endswith((".json", ".zip")):
                self._elsewhere.append(url)

    def _paths(self, inline: Token, *, meant: bool) -> None:
        for text, is_marked in _candidates(inline):
            if not (is_marked or meant or "/" in text):
                continue
            reference = links.path(text, repository=self._repository, incidental=not meant)
            if reference is not None:
                self._references[reference] = None


def _stem(title: str) -> str:
    """A name for what has none of its own."""
    visible = "".join(char if char.isprintable() and char not in "/\\" else " " for char in title)
    return " ".join(_TITLE_PREFIX.sub("", visible).replace("..", " ").split())[: links.SHOWN_NAME] or "workflow"


def _is_meant(text: str) -> bool:
    """Whether a text that is no workflow was meant to be one."""
    return any(hint in text for hint in _HINTS)


def _candidates(inline: Token) -> Iterator[tuple[str, bool]]:
    """Texts that can be paths, and whether they are marked as such: code spans, targets of links, whole lines."""
    for child in inline.children or ():
        if child.type == "code_inline":
            yield child.content, True
    yield from ((target, True) for target in _LINK.findall(inline.content))
    yield from ((line, False) for line in inline.content.splitlines())


def _sections(tokens: Sequence[Token]) -> Iterator[tuple[str, Token]]:
    """Each token with the heading of our form that it is under."""
    section, in_heading = "", False
    for token in tokens:
        if token.type in {"heading_open", "heading_close"} and token.tag == "h3":
            in_heading = token.type == "heading_open"
        elif in_heading:
            heading = token.content.strip()
            section = heading if heading in form.HEADINGS else section
        else:
            yield section, token


def _answers(tokens: Sequence[Token]) -> dict[str, str]:
    """The text under each heading of our form."""
    answers: dict[str, str] = {}
    for before, token in pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h3" and token.content.strip() in form.HEADINGS:
            answers[token.content.strip()] = ""
    for section, token in _sections(tokens):
        if section in answers and token.type == "inline" and not answers[section]:
            answers[section] = token.content
    return answers


def _without_comments(text: str) -> str:
    """The text without HTML comments, in which templates give hints; one that does not end is left."""
    parts: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts.append(text[position:start])
        position = end + len("-->")
    return "".join((*parts, text[position:]))
