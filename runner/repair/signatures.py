"""The signatures that ship: data in `signatures/<family>.toml`, with what must be computed in `families/<family>.py`.

A pattern is a regular expression over the normalised text. In it a space stands for any white space, be it the end of a
wrapped line, and a `~` at its beginning says that what follows stands in a line outside of quotes: a message, not one
that somebody quotes.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import Field, ValidationError, field_validator, model_validator

from runner.model import Frozen
from runner.repair.diagnosis import GiveUp, Transient
from runner.repair.errors import BadSignature
from runner.repair.evidence import STAGES, Stage
from runner.repair.needles import TOKEN

if TYPE_CHECKING:
    from runner.repair.found import Resolver

FAMILIES: Final = (
    "access", "imports", "prompt", "gpu", "models", "dependencies", "image", "engine", "endpoint", "network",
)  # fmt: skip
"""Among signatures of one rank, those of earlier families are looked for first."""
SPACE: Final = r"(?:[ \t]{1,40}(?:\n[ \t]{0,40})?|\n[ \t]{0,40})"
UNQUOTED: Final = r"^[^'\"\n]{0,300}?"
USUAL_RANK: Final = 50


class QuestionText(Frozen):
    """A question before names are put in."""

    text: str
    answer: str


class Signature(Frozen):
    """One kind of failure."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    family: str
    stages: tuple[Stage, ...] = STAGES
    patterns: tuple[str, ...] = Field(min_length=1)
    cause: str
    """One sentence; `{name}` is a group of the pattern, or a fact that the resolver found out."""
    subject: str = ""
    """What tells two failures of this kind apart, in the same way."""
    rank: int = USUAL_RANK
    """The lowest is looked for first: the cause before what follows from it."""
    unsure: bool = False
    patch: tuple[dict[str, Any], ...] = ()
    """Changes, with `{name}` in their texts."""
    resolver: str | None = None
    """A function of the family's module."""
    transient: Transient | None = None
    question: QuestionText | None = None
    give_up: str | None = None

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                compiled(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns

    @model_validator(mode="after")
    def _has_a_remedy(self) -> Signature:
        if not (self.patch or self.resolver or self.transient or self.question or self.give_up):
            raise ValueError("it has no remedy: give patch, resolver, transient, question or give_up")
        if self.resolver and (self.patch or self.transient or self.question or self.give_up):
            raise ValueError("a resolver gives all remedies itself")
        return self

    @property
    def steps(self) -> str:
        """What is done about it, in a few words, for the table in the documentation."""
        if self.resolver:
            return "computed"
        words = ("patch", "transient", "question", "give_up")
        return ", then ".join(word.replace("_", " ") for word in words if getattr(self, word))

    def give_up_step(self) -> GiveUp | None:
        """The end, if it has one."""
        return GiveUp(why=self.give_up) if self.give_up else None


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression that a pattern stands for."""
    unquoted = pattern.startswith("~")
    source = TOKEN.sub(lambda token: SPACE if token[0] == " " else token[0], pattern.removeprefix("~"))
    return re.compile((UNQUOTED if unquoted else "") + source, re.MULTILINE)


@cache
def signatures() -> tuple[Signature, ...]:
    """All that ship, in the order in which they are looked for.

    Raises:
        BadSignature: a file is no good.
    """
    found: list[Signature] = []
    for family in FAMILIES:
        text = (resources.files("runner.repair") / "signatures" / f"{family}.toml").read_text("utf-8")
        found += read_signatures(family, text)
    ids = [signature.id for signature in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise BadSignature(f"signatures: {', '.join(twice)} is there twice")
    return tuple(sorted(found, key=lambda signature: signature.rank))


def read_signatures(family: str, text: str) -> list[Signature]:
    """Those of one file.

    Raises:
        BadSignature: it is no TOML, or one of them is incomplete; the message names it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSignature(f"{family}.toml: {error}") from None
    found: list[Signature] = []
    for entry in cast("list[dict[str, Any]]", document.get("signature", [])):
        try:
            signature = Signature.model_validate({**entry, "family": family})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadSignature(f"{family}.toml: {entry.get('id', '?')}: {where}: {first['msg']}") from None
        if signature.resolver:
            resolver(signature)
        found.append(signature)
    return found


def resolver(signature: Signature) -> Resolver:
    """The function of a signature that has one.

    Raises:
        BadSignature: its family has none of that name.
    """
    module = import_module(f"runner.repair.families.{signature.family}")
    function = getattr(module, signature.resolver or "", None)
    if not callable(function) or (signature.resolver or "_").startswith("_"):
        raise BadSignature(f"{signature.family}.toml: {signature.id}: its family has no {signature.resolver}")
    return cast("Resolver", function)
