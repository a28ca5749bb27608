"""From the addresses and paths that people write to references. Pure; nothing is asked of the network."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from github_app.submissions.model import Attachment, Gist, RepositoryFile
from github_app.submissions.site import CONTENT

if TYPE_CHECKING:
    from github_app.submissions.model import Reference
    from github_app.submissions.site import Site

PICTURES: Final = frozenset({".png", ".webp", ".mp4"})
"""Files that ComfyUI puts workflows into."""
SUFFIXES: Final = PICTURES | {".json", ".zip", ".txt"}
"""What is worth a look; `.txt` because older servers of GitHub refused `.json`."""
LOOKS: Final = frozenset({".png", ".webp", ".jpg", ".jpeg"})
"""Pictures that can show how a result should look."""
IN_REPOSITORY: Final = SUFFIXES - {".txt"}
MAX_URL: Final = 2000
MAX_PATH: Final = 400
SHOWN_NAME: Final = 100
URL: Final = re.compile(r"https?://[^\s<>\"'`\[\]{}|\\^]{1,2000}", re.IGNORECASE)
_GIST_ID = re.compile(r"[0-9a-f]{5,40}")
_OWNER_AND_NAME = 2
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]")


def urls(text: str) -> list[str]:
    """The addresses in a text, without what merely follows them: the end of a sentence, the bracket of a link."""
    return [_trimmed(found) for found in URL.findall(text)]


def _trimmed(url: str) -> str:
    while url and (url[-1] in ".,;:!*_~" or (url[-1] == ")" and url.count("(") < url.count(")"))):
        url = url[:-1]
    head, bracket, _ = url.partition(")](")  # a picture that is a link
    return head if bracket else url


def look(url: str, *, site: Site, repository: str) -> Attachment | RepositoryFile | None:
    """What an address refers to, if it can be a picture on the site: the name of an attachment need not say so."""
    found = reference(url, site=site, repository=repository, suffixes=LOOKS)
    return found if isinstance(found, Attachment | RepositoryFile) else None


def reference(url: str, *, site: Site, repository: str, suffixes: frozenset[str] = SUFFIXES) -> Reference | None:
    """What an address refers to, if it can be a workflow on the site; `repository` is `owner/name` of the issue's.

    `suffixes`: of the names of files that are meant.
    """
    parts = _parts(url)
    if parts is None:
        return None
    host, names = parts
    address = f"{site.web.partition(':')[0]}:{url.partition(':')[2]}"  # http: is answered with a redirect at best
    if host == site.host:
        return _page(address, names, site=site, repository=repository, suffixes=suffixes)
    if site.is_public and host.endswith(f".{CONTENT}"):
        return _content(host.removesuffix(f".{CONTENT}"), names, address, repository, suffixes)
    if host == f"gist.{site.host}":
        return _gist(names, address)
    return _file(names[:2], names[2:], repository, suffixes) if host == f"raw.{site.host}" else None


def _parts(url: str) -> tuple[str, list[str]] | None:
    """Host and names of the path; `None` if there is no path, or one that no file has."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    names = [unquote(name) for name in parts.path.split("/") if name]
    if len(url) > MAX_URL or not names or not all(map(is_name, names)):
        return None
    return parts.netloc.lower().removeprefix("www."), names


def _content(kind: str, names: list[str], url: str, repository: str, suffixes: frozenset[str]) -> Reference | None:
    match kind:
        case "raw":
            return _file(names[:2], names[2:], repository, suffixes)
        case "gist":
            return _attachment(url, names[-1], suffixes)
        case "user-images" | "private-user-images":
            return Attachment(url=url, filename=names[-1], incidental=True)
        case _:
            return None


def _page(url: str, names: list[str], *, site: Site, repository: str, suffixes: frozenset[str]) -> Reference | None:
    match names:
        case ["user-attachments", "files", _, name] | [_, _, "files", _, name]:
            return _attachment(url, name, suffixes)
        case ["user-attachments", "assets", name] | [_, _, "assets", _, name]:
            return Attachment(url=url, filename=name, incidental=True)
        case [owner, name, "blob" | "raw", *rest]:
            return _file([owner, name], rest, repository, suffixes)
        case ["gist", *rest] if not site.is_public:
            return _gist(rest, url)
        case ["raw", owner, name, *rest] if not site.is_public:
            return _file([owner, name], rest, repository, suffixes)
        case _:
            return None


def _attachment(url: str, name: str, suffixes: frozenset[str]) -> Attachment | None:
    suffix = PurePosixPath(name).suffix.lower()
    return Attachment(url=url, filename=name, incidental=suffix in PICTURES) if suffix in suffixes else None


def _file(
    owner_and_name: list[str], rest: list[str], repository: str, suffixes: frozenset[str]
) -> RepositoryFile | None:
    if rest[:2] in (["refs", "heads"], ["refs", "tags"]):
        rest = rest[2:]
    if len(rest) < _OWNER_AND_NAME or PurePosixPath(rest[-1]).suffix.lower() not in suffixes - {".txt"}:
        return None
    full_name = "/".join(owner_and_name)
    same = full_name.lower() == repository.lower()
    return RepositoryFile(full_name=repository if same else full_name, ref=rest[0], path="/".join(rest[1:]))


def _gist(names: list[str], url: str) -> Gist | None:
    own = len(names) in {1, _OWNER_AND_NAME} and _GIST_ID.fullmatch(names[-1])
    return Gist(id=names[-1], url=url) if own else None


def path(
    text: str, *, repository: str, incidental: bool, suffixes: frozenset[str] = IN_REPOSITORY
) -> RepositoryFile | None:
    """The file of the repository that a text names, if it has the form of a path to something like a workflow."""
    text = text.strip().removeprefix("./")
    suffix = PurePosixPath(text).suffix.lower()
    if len(text) > MAX_PATH or suffix not in suffixes or any(not is_name(name) for name in text.split("/")):
        return None
    return RepositoryFile(full_name=repository, ref=None, path=text, incidental=incidental)


def is_name(text: str) -> bool:
    """Whether a text can be one name in a path, and nothing else."""
    return text not in {"", ".", ".."} and "/" not in text and text.isprintable() and not _FORBIDDEN.search(text)


def shown_name(text: str) -> str:
    """The last name of a path, fit for people."""
    name = re.split(r"[\\/]", text)[-1]
    return "".join(char for char in name if char.isprintable())[-SHOWN_NAME:] or "workflow.json"
