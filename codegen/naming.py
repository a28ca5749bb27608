"""Names of apps. A name becomes a folder, a branch and a Modal app, so it is narrower than each of these demands."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from codegen.errors import InvalidName
from codegen.model import AppName

MAX_LENGTH = 50
"""Modal app names end at 64 characters; this leaves room for `-pr<number>` of a preview."""
MAX_FILENAME = 300
"""Characters at the end of a file's name that are looked at; file systems end at 255."""

_VALID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{device}{number}" for device in ("com", "lpt") for number in range(10)}
)
RESERVED = _WINDOWS_DEVICES | {"shared", "head", "readme", "docs", "modal", "test", "tests"}
"""`shared` is the runtime's folder; the devices cannot be folders on Windows; the rest would mislead readers."""


def app_name(wanted: str) -> AppName:
    """Check a name that a person chose.

    Raises:
        InvalidName: with the rule it breaks and a name that would do.
    """
    if wanted.lower() in RESERVED:
        raise InvalidName(f"--name {ascii(wanted)[:60]} is reserved; choose another, such as {wanted.lower()}-workflow")
    if len(wanted) > MAX_LENGTH or not _VALID.fullmatch(wanted) or "--" in wanted:
        raise InvalidName(
            f"--name {ascii(wanted)[:60]} cannot be the name of an app: use 1 to {MAX_LENGTH} lower-case letters, "
            "digits and single hyphens, starting and ending with a letter or digit, "
            f"such as {derive_name(wanted, 'workflow')}"
        )
    return AppName(wanted)


def derive_name(title: str | None, filename: str) -> AppName:
    """A usable name from a title or a file name, however odd they are."""
    stem = re.split(r"[\\/]", filename)[-1][-MAX_FILENAME:]
    while (shorter := re.sub(r"(?i)\.(?:json|png|ui|api|app|workflow)$", "", stem)) != stem:
        stem = shorter
    for text in (stem, title or ""):
        slug = _slug(text)
        if slug and slug not in RESERVED:
            return AppName(slug)
        if slug:
            return AppName(f"{slug}-workflow")
    digest = hashlib.sha256(f"{title}\0{filename}".encode(errors="surrogatepass")).hexdigest()
    return AppName(f"workflow-{digest[:8]}")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(slug) <= MAX_LENGTH:
        return slug
    return slug[:MAX_LENGTH].rsplit("-", 1)[0].strip("-") or slug[:MAX_LENGTH]
