"""What `/adopt` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.telling.pages.page import render

if TYPE_CHECKING:
    from runner.variations.adopting import Adoption


def adopting(adoption: Adoption, *, moved: bool) -> str:
    """Markdown: what becomes the default. `moved`: the app is another one than when the variations were made."""
    return render("adopting.md.j2", adoption=adoption, moved=moved)
