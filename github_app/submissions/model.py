"""What can be referred to in an issue, what was asked for beside it, and what became of it."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from pydantic import ConfigDict

from codegen.lock import Gpu
from codegen.model import Frozen
from github_app.commands.values import Target

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Inline(Frozen):
    """A workflow in the text itself."""

    filename: str
    """Made from the title of the issue."""
    data: bytes

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class Attachment(Frozen):
    """A file that GitHub shows to everybody who may see the issue."""

    url: str
    filename: str
    incidental: bool = False
    """It may as well be a picture for people: that there is no workflow in it is no news."""


class Gist(Frozen):
    """All files of a gist."""

    id: str
    url: str


class RepositoryFile(Frozen):
    """A file of a repository."""

    full_name: str
    """`owner/name` as it was written; by default the repository of the issue."""
    ref: str | None
    """Branch, tag or commit; `None` for the default branch."""
    path: str
    incidental: bool = False

    def readings(self) -> tuple[tuple[str | None, str], ...]:
        """The ways to understand ref and path: in an address nothing parts a branch with slashes from the path."""
        if self.ref is None or _COMMIT.fullmatch(self.ref):
            return ((self.ref, self.path),)
        parts = f"{self.ref}/{self.path}".split("/")
        first = self.ref.count("/") + 1
        last = min(len(parts), first + MOST_READINGS)
        return tuple(("/".join(parts[:at]), "/".join(parts[at:])) for at in range(first, last))


MOST_READINGS = 4
"""Branches with more slashes than that are not looked for; each costs a request."""

Reference: TypeAlias = Inline | Attachment | Gist | RepositoryFile


class Options(Frozen):
    """What the form, or a YAML block, asks for. `None`: nothing was said."""

    name: str | None = None
    gpu: Gpu | None = None
    budget: float | None = None
    """US dollars."""
    target: Target | None = None


class Found(Frozen):
    """What an issue holds."""

    references: tuple[Reference, ...] = ()
    """Each once: what is pasted first, the rest as it comes in the text, paragraph by paragraph."""
    look: Attachment | RepositoryFile | None = None
    """The picture that the result should look like."""
    options: Options = Options()
    problems: tuple[str, ...] = ()
    """Sentences on what was meant for us and cannot be used. They quote what was written, unescaped."""
    is_form: bool = False
    """Whether the issue was written with our form."""


class Submission(Frozen):
    """A workflow, as it was submitted."""

    filename: str
    """For people and for a name; never used as a path."""
    data: bytes

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


Trouble: TypeAlias = Literal["missing", "not-a-workflow", "too-large", "refused"]
"""`missing`: it is not there, or not for an App, which GitHub does not tell apart."""


class Unreadable(Frozen):
    """A reference that came to nothing."""

    what: str
    """The file's name or the address, as it was written."""
    kind: Trouble
    why: str
    way_out: str
    """What the person can do, as a sentence."""
    incidental: bool = False
    """Nobody needs to be told if something else could be read."""


class Collected(Frozen):
    """All workflows of an issue: each starts a run."""

    submissions: tuple[Submission, ...] = ()
    """Each content once."""
    unreadable: tuple[Unreadable, ...] = ()
    look: bytes | None = None
    """The picture that the results should look like, as `picture.small_picture` makes it."""
