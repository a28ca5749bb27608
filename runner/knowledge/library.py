"""All entries of a repository, as they are: written by runs, edited by people, or broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from codegen.model import Finding
from runner.knowledge import PATTERNS
from runner.knowledge.entry_file import LARGEST, Unreadable, read
from worktrees.errors import UnsafePath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.knowledge.entry import Entry
    from worktrees.worktree import Worktree

MOST_ENTRIES: Final = 1_000
"""That are read, by name; a repository with more workflows learns nothing from those at the end."""
MOST_TOLD: Final = 5
"""Of entries that cannot be read; who has more knows that something is wrong."""
UNREADABLE: Final = "unreadable-knowledge"
"""Code of the finding."""


@dataclass(frozen=True)
class Library:
    """What could be read, by name; and what could not."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    """Path and reason."""

    @property
    def believed(self) -> tuple[Entry, ...]:
        """Those that worked on a ComfyUI itself, the newest first."""
        worked = [entry for entry in self.entries if entry.believed]
        return tuple(sorted(sorted(worked, key=lambda entry: entry.name), key=lambda entry: entry.tested, reverse=True))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """For people: nothing is taken from these."""
        return tuple(
            Finding(
                code=UNREADABLE,
                severity="info",
                message=f"{ascii(path)[1:-1]} of the knowledge base cannot be read, so nothing is taken from it: {why}",
                hint="correct it, or delete it: the next deployment of that workflow writes it again",
            )
            for path, why in self.problems[:MOST_TOLD]
        )


NOTHING_KNOWN: Final = Library()


def library_of(files: Mapping[str, bytes]) -> Library:
    """Of the entries among `files`, path in the repository → content."""
    entries: list[Entry] = []
    problems: list[tuple[str, str]] = []
    paths = [path for path in files if path.startswith(f"{PATTERNS}/") and path.endswith(".md")]
    for path in sorted(paths)[:MOST_ENTRIES]:
        name = path.removeprefix(f"{PATTERNS}/").removesuffix(".md")
        try:
            entry = read(files[path]).entry
        except Unreadable as error:
            problems.append((path, str(error)))
            continue
        if entry.name == name:
            entries.append(entry)
        else:
            problems.append((path, f"it is of {entry.name}, by its name"))
    return Library(tuple(entries), tuple(problems))


def library_in(worktree: Worktree) -> Library:
    """As a branch has it."""
    folder = worktree.path / PATTERNS
    files: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.md"))[:MOST_ENTRIES] if folder.is_dir() else []:
        try:
            if path.lstat().st_size <= LARGEST:
                files[f"{PATTERNS}/{path.name}"] = worktree.read(f"{PATTERNS}/{path.name}") or b""
        except (OSError, UnsafePath):  # a link, or gone
            continue
    return library_of(files)
