"""From references to the bytes of workflows, and of the picture that they should give."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from codegen.errors import WorkflowError
from codegen.json_values import as_object
from codegen.parse import parse_workflow
from github_app.submissions import archive
from github_app.submissions.download import download
from github_app.submissions.links import shown_name
from github_app.submissions.model import Attachment, Collected, Gist, Inline, RepositoryFile, Submission, Unreadable
from github_app.submissions.picture import small_picture
from github_app.submissions.refusal import Refusal
from github_app.submissions.site import GITHUB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from github_app.submissions.model import Reference, Trouble
    from github_app.submissions.site import Site

MAX_SUBMISSIONS: Final = 10
"""Of one issue: each becomes a run."""
MAX_GIST_FILES: Final = 20
_PASTE = "paste the workflow's JSON into the issue between two lines of three backticks"
_COMMIT = "commit the file to this repository and write its path"
_WAYS_OUT: Final[dict[Trouble, str]] = {
    "missing": f"In a private repository an App may not read attachments: {_PASTE}, or {_COMMIT}.",
    "not-a-workflow": "In ComfyUI, File → Export makes the right file; attach it, or paste what is in it.",
    "too-large": f"Attach only the workflow's JSON, or {_COMMIT}.",
    "refused": f"Attach the file itself, or {_PASTE}.",
}
_NOT_COMPARED: Final = "The result is not compared with it; edit the issue to show another picture."


class RepositoryFiles(Protocol):
    """The files of the issue's repository, through the API: `github_app.github.repository.RepositoryApi`."""

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file's content; `None` if there is no file, or no such ref."""
        ...


def collect(
    references: Sequence[Reference],
    *,
    repository: str,
    files: RepositoryFiles,
    site: Site = GITHUB,
    look: Attachment | RepositoryFile | None = None,
) -> Collected:
    """Fetch all, and keep each content once. Arguments and errors are those of `fetch`; `look` is a picture."""
    submissions: dict[str, Submission] = {}
    unreadable: list[Unreadable] = []
    for reference in references:
        fetched = fetch(reference, repository=repository, files=files, site=site)
        if isinstance(fetched, Unreadable):
            unreadable.append(fetched)
            continue
        for submission in fetched:
            submissions.setdefault(_digest(submission), submission)
    kept = tuple(submissions.values())
    if len(kept) > MAX_SUBMISSIONS:
        why = f"there are {len(kept)} workflows here; the first {MAX_SUBMISSIONS} are taken"
        way_out = "Open another issue for the others."
        unreadable += (
            Unreadable(what=each.filename, kind="refused", why=why, way_out=way_out) for each in kept[MAX_SUBMISSIONS:]
        )
    shown = None
    if kept and look is not None:
        fetched = fetch_look(look, repository=repository, files=files, site=site)
        shown = fetched if isinstance(fetched, bytes) else None
        unreadable += () if isinstance(fetched, bytes) else (fetched,)
    return Collected(submissions=kept[:MAX_SUBMISSIONS], unreadable=tuple(unreadable), look=shown)


def fetch(
    reference: Reference, *, repository: str, files: RepositoryFiles, site: Site = GITHUB
) -> tuple[Submission, ...] | Unreadable:
    """The workflows behind one reference; a zip file or a gist can hold several.

    Args:
        reference: where it is.
        repository: `owner/name` of the issue's repository; its files are read through `files`, with its permission.
        files: see above. All else is read from the web without any credentials.
        site: the GitHub they are on; nothing is fetched from anywhere else.

    Raises:
        github_app.github.errors.Unavailable, Busy: try again later.
    """
    try:
        match reference:
            case Inline():
                return (Submission(filename=reference.filename, data=reference.data),)
            case Gist():
                return _workflows(_gist(reference, site), "the gist")
            case Attachment():
                return _understood(reference.filename, download(reference.url, site=site))
            case RepositoryFile():
                return _understood(shown_name(reference.path), _file(reference, repository, files, site))
    except Refusal as refusal:
        return Unreadable(
            what=_what(reference),
            kind=refusal.kind,
            why=str(refusal),
            way_out=_WAYS_OUT[refusal.kind],
            incidental=isinstance(reference, Attachment | RepositoryFile) and reference.incidental,
        )


def fetch_look(
    reference: Attachment | RepositoryFile, *, repository: str, files: RepositoryFiles, site: Site = GITHUB
) -> bytes | Unreadable:
    """The picture that a result should look like, small and plain. Arguments and errors are those of `fetch`."""
    try:
        if isinstance(reference, Attachment):
            return small_picture(download(reference.url, site=site))
        return small_picture(_file(reference, repository, files, site))
    except Refusal as refusal:
        return Unreadable(what=_what(reference), kind=refusal.kind, why=str(refusal), way_out=_NOT_COMPARED)


def _what(reference: Reference) -> str:
    match reference:
        case RepositoryFile():
            return reference.path
        case Gist():
            return reference.url
        case _:
            return reference.filename


def _file(wanted: RepositoryFile, repository: str, files: RepositoryFiles, site: Site) -> bytes:
    if wanted.full_name != repository:
        return download(f"{site.web}/{quote(f'{wanted.full_name}/raw/{wanted.ref}/{wanted.path}')}", site=site)
    for ref, path in wanted.readings():
        data = files.file(path, ref)
        if data is not None:
            return data
    raise Refusal("missing", f"there is no such file in {repository}" + (f" at {wanted.ref}" if wanted.ref else ""))


def _gist(gist: Gist, site: Site) -> list[tuple[str, bytes]]:
    """https://docs.github.com/en/rest/gists/gists#get-a-gist: files above 1 MB are cut, and are at their `raw_url`."""
    answer = download(f"{site.api}/gists/{gist.id}", site=site, accept="application/vnd.github+json")
    try:
        listed = as_object(as_object(json.loads(answer)).get("files"))
    except (ValueError, RecursionError):
        raise Refusal("missing", "the answer about the gist is not what GitHub documents") from None
    found: list[tuple[str, bytes]] = []
    for name, described in list(listed.items())[:MAX_GIST_FILES]:
        file = as_object(described)
        content, address = file.get("content"), file.get("raw_url")
        if file.get("truncated") and isinstance(address, str):
            found.append((shown_name(name), download(address, site=site)))
        elif isinstance(content, str):
            found.append((shown_name(name), content.encode(errors="replace")))
    return found


def _understood(name: str, data: bytes) -> tuple[Submission, ...]:
    if data.startswith(archive.SIGNATURE):
        return _workflows(archive.unpack(data), "the archive")
    try:
        parse_workflow(data, filename="")
    except WorkflowError as error:
        raise Refusal("not-a-workflow", str(error).removeprefix(": ")) from None
    return (Submission(filename=name, data=data),)


def _workflows(given: Iterable[tuple[str, bytes]], where: str) -> tuple[Submission, ...]:
    """The workflows among files of which some may be something else."""
    submissions: list[Submission] = []
    others: list[str] = []
    for name, data in given:
        try:
            parse_workflow(data, filename=name)
        except WorkflowError as error:
            others.append(str(error))
        else:
            submissions.append(Submission(filename=name, data=data))
    if not submissions:
        raise Refusal("not-a-workflow", others[0] if len(others) == 1 else f"there is no ComfyUI workflow in {where}")
    return tuple(submissions)


def _digest(submission: Submission) -> str:
    """The same for the same workflow, whether it came as a file, a picture or text."""
    document = parse_workflow(submission.data, filename=submission.filename).document
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
