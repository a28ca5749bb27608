"""Names as parts of the API's addresses."""

from __future__ import annotations

from urllib.parse import quote

from github_app.github.errors import NotFound


def escaped(path: str, *, slashes: bool = True) -> str:
    """`path` for a request's address; with `slashes`, of several parts.

    Raises:
        NotFound: a part is empty or leads elsewhere: nothing on GitHub has such a name.
    """
    if any(part in ("", ".", "..") for part in (path.split("/") if slashes else [path])):
        raise NotFound(f"{ascii(path)[:200]} is no name of anything")
    return quote(path, safe="/" if slashes else "", errors="replace")
