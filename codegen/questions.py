"""Questions that a person can settle with one line, and the line to do it with; `codegen.answers` reads them."""

from __future__ import annotations

from codegen.model import Question

LONGEST_NAME = 300
"""Characters of a class or a file that an answer can name."""
QUOTES = "`\"'"
"""Around a name in an answer, where it begins with one."""


def about_pack(
    class_type: str, text: str, example: str = "https://github.com/owner/repository"
) -> tuple[Question, ...]:
    """A question about a node class; none if its name does not fit into the line of an answer."""
    if not _fits(class_type):
        return ()
    return (
        Question(about="pack", name=class_type, text=text, example_answer=f"pack {_written(class_type)} = {example}"),
    )


def about_model(folder: str, file: str, text: str, example: str = "https://…") -> tuple[Question, ...]:
    """A question about a file; none if its name does not fit."""
    name = f"{folder}/{file}"
    if not _fits(name):
        return ()
    return (Question(about="model", name=name, text=text, example_answer=f"model {_written(name)} = {example}"),)


def _fits(name: str) -> bool:
    return name.isprintable() and name == name.strip() and 0 < len(name) <= LONGEST_NAME


def _written(name: str) -> str:
    """In quotes where the name might be read as having some, or as ending earlier."""
    return f'"{name}"' if name[0] in QUOTES or "=" in name else name
