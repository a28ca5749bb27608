"""How a command is declared, read, printed and explained."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from codegen.model import Frozen
from github_app.commands.values import BadValue, did_you_mean, shown

if TYPE_CHECKING:
    from github_app.commands.values import Kind

MAX_LINE = 1000
"""Characters of one command."""
_QUOTES_OF_PHONES = str.maketrans("\u201c\u201d\u201e\u2018\u2019", '"""\'\'')
_DASHES_OF_PHONES = re.compile("[\u2013\u2014]+-?(?=\\w)")
"""What phones and word processors make of `--`."""


class CommandError(Frozen):
    """A line that was meant for us, and why it cannot be carried out."""

    line: str
    """As it was written, shortened."""
    message: str
    """One sentence; may quote what was written, so whoever renders it escapes it."""
    suggestion: str | None = None
    """What was probably meant."""


class Misread(Exception):  # noqa: N818 - a step on the way to a `CommandError`
    """A command cannot be read."""

    def __init__(self, message: str, *, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


CommandT = TypeVar("CommandT", bound=Frozen, covariant=True)  # noqa: PLC0105 - a grammar only makes them


@dataclass(frozen=True)
class Option:
    """`--name value`, which sets the field of that name."""

    name: str
    kind: Kind
    help: str


@dataclass(frozen=True)
class Argument:
    """What follows the command's word without a name, which sets the field of that name."""

    name: str
    kind: Kind
    help: str
    required: bool = False
    whole_line: bool = False
    """Everything to the end of the line belongs to it, quotes and dashes too."""


@dataclass(frozen=True)
class Grammar(Generic[CommandT]):
    """A command: its word, its value, and what can be said with it."""

    word: str
    makes: type[CommandT]
    about: str
    """One sentence for the help."""
    example: str
    argument: Argument | None = None
    options: tuple[Option, ...] = ()

    @property
    def usage(self) -> str:
        """The form of the command on one line."""
        parts = [f"/{self.word}"]
        if self.argument is not None:
            name = self.argument.kind.placeholder
            parts.append(f"<{name}>" if self.argument.required else f"[{name}]")
        parts += (f"[--{option.name} {option.kind.placeholder}]" for option in self.options)
        return " ".join(parts)

    def read(self, rest: str) -> CommandT:
        """The command, from what follows its word.

        Raises:
            Misread: with what is wrong and, where it can be told, what was meant.
        """
        if self.argument is not None and self.argument.whole_line:
            words = [rest.strip()] if rest.strip() else []
            return self._made(words, {})
        given: dict[str, str] = {}
        plain: list[str] = []
        words = _split(rest)
        while words:
            word = words.pop(0)
            if not word.startswith("--"):
                plain.append(word)
                continue
            name, equals, value = word.removeprefix("--").partition("=")
            option = self._option(name)
            if option.name in given:
                raise Misread(f"--{option.name} is given twice")
            if not equals:
                if not words or words[0].startswith("--"):
                    raise Misread(f"--{option.name} needs a value, as in --{option.name} {option.kind.placeholder}")
                value = words.pop(0)
            given[option.name] = value
        return self._made(plain, given)

    def show(self, command: Frozen) -> str:
        """The line that is read as `command`."""
        parts = [f"/{self.word}"]
        if self.argument is not None and (value := getattr(command, self.argument.name)) is not None:
            text = self.argument.kind.show(value)
            parts.append(text if self.argument.whole_line else shlex.quote(text))
        parts += (
            f"--{option.name} {shlex.quote(option.kind.show(value))}"
            for option in self.options
            if (value := getattr(command, option.name)) is not None
        )
        return " ".join(parts)

    def _option(self, name: str) -> Option:
        for option in self.options:
            if option.name == name.lower():
                return option
        if not self.options:
            raise Misread(f"/{self.word} has no options, so it cannot have --{shown(name)}")
        names = [option.name for option in self.options]
        near = did_you_mean(name.lower(), names)
        listed = ", ".join(f"--{known}" for known in names)
        raise Misread(
            f"/{self.word} has no option --{shown(name)}; it has {listed}", suggestion=f"--{near}" if near else None
        )

    def _made(self, plain: list[str], given: dict[str, str]) -> CommandT:
        values = {
            option.name: _value(option.kind, f"--{option.name}", given[option.name])
            for option in self.options
            if option.name in given
        }
        if self.argument is not None:
            if plain:
                kind = self.argument.kind
                values[self.argument.name] = _value(kind, kind.placeholder, plain.pop(0))
            elif self.argument.required:
                raise Misread(f"/{self.word} needs {self.argument.help}, as in {self.example}")
        if plain:
            near = next((option.name for option in self.options if option.name == plain[0].partition("=")[0]), None)
            raise Misread(
                f"/{self.word} has no place for {shown(plain[0])}; its form is {self.usage}",
                suggestion=f"--{plain[0]}" if near else None,
            )
        return self.makes.model_validate(values)


def _value(kind: Kind, name: str, text: str) -> object:
    text = text.strip().strip("`").strip()
    if not text:
        raise Misread(f"{name} is empty")
    try:
        return kind.read(text)
    except BadValue as error:
        near = f"{name} {error.suggestion}" if error.suggestion else None
        raise Misread(f"{name}: {shown(text)} {error}", suggestion=near) from None


def _split(rest: str) -> list[str]:
    try:
        words = shlex.split(rest.translate(_QUOTES_OF_PHONES))
    except ValueError:
        raise Misread("a quotation mark has no second one") from None
    return [f"--{word[dashes.end() :]}" if (dashes := _DASHES_OF_PHONES.match(word)) else word for word in words]
