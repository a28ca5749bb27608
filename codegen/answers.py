"""What people have decided where a workflow leaves it open: whose node a class is, and where a model's file is.

An answer has the form of one line::

    pack <NodeClass> = https://github.com/owner/repository[@commit]
    model <folder/file> = https://…

Here it comes taken apart; `Question` gives the line that a person has to complete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from codegen.addresses import direct_url, public_url
from codegen.errors import InvalidAnswer
from codegen.lock import Commit, GitHttpsUrl, is_model_path
from codegen.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

Subject: TypeAlias = Literal["pack", "model"]
LONGEST_SHOWN = 120
_REPOSITORY = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9._~-]+/[A-Za-z0-9._~-]+")
_URL = TypeAdapter[str](GitHttpsUrl)
_COMMIT = TypeAdapter[str](Commit)


class PackAnswer(Frozen):
    """The repository that has a class."""

    repository: GitHttpsUrl
    commit: Commit | None = None
    """The newest of its default branch is looked up when nobody gives one."""


class Answers(Frozen):
    """All of one workflow. A later answer to the same question has taken the place of an earlier one."""

    packs: dict[str, PackAnswer] = Field(default_factory=dict[str, PackAnswer])
    """By node class."""
    models: dict[str, str] = Field(default_factory=dict[str, str])
    """Address of the file by `folder/file`."""

    def folder_of(self, file: str) -> str | None:
        """The folder that people name with a file, of which nothing else tells it."""
        folders = {name.removesuffix(f"/{file}") for name in self.models if name.endswith(f"/{file}")}
        return folders.pop() if len(folders) == 1 else None


NO_ANSWERS = Answers()


def read_answers(given: Iterable[tuple[Subject, str, str]]) -> Answers:
    """From what each is about, its name and its value, in the order they were given.

    Raises:
        InvalidAnswer: a value that no lock would take; the message says what one looks like.
    """
    packs: dict[str, PackAnswer] = {}
    models: dict[str, str] = {}
    for about, name, value in given:
        if about == "pack":
            packs[name] = _pack(name, value.strip())
        else:
            models[_path(name)] = _model(name, value.strip())
    return Answers(packs=packs, models=models)


def _pack(name: str, value: str) -> PackAnswer:
    address, _, commit = value.partition("@")
    repository = address.rstrip("/").removesuffix(".git")
    try:
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidAnswer(
                f"{_shown(value)} is no address of a repository for {_shown(name)}; "
                "one looks like https://github.com/owner/repository"
            )
        return PackAnswer(
            repository=_URL.validate_python(repository),
            commit=_COMMIT.validate_python(commit.lower()) if commit else None,
        )
    except ValidationError:
        raise InvalidAnswer(
            f"{_shown(commit)} is no commit for {_shown(name)}; give all of its 40 characters, or leave it out for the "
            "newest one"
        ) from None


def _path(name: str) -> str:
    path = name.replace("\\", "/")
    if "/" not in path or not is_model_path(path):
        raise InvalidAnswer(
            f"{_shown(name)} is no model; name it with its folder below models/, as checkpoints/model.safetensors"
        )
    return path


def _model(name: str, value: str) -> str:
    url = public_url(value)
    if url is None:
        raise InvalidAnswer(
            f"{_shown(value)} is no address for {_shown(name)} that can be made public; "
            "give one that begins with https:// and has no password in it"
        )
    return direct_url(url)


def _shown(text: str) -> str:
    return ascii(text)[1:-1][:LONGEST_SHOWN]
