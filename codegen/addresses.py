"""Addresses of model files, as a public lock may hold them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import TypeAdapter, ValidationError

from codegen.lock import ModelUrl

SECRETS = frozenset({"token", "api_key", "apikey", "access_token", "auth", "authorization", "key", "secret"})
"""Parameters that people paste with an address; Civitai's own help tells them to."""
_URL = TypeAdapter(ModelUrl)


def public_url(url: object) -> str | None:
    """The address without keys in its query; `None` if no lock would take it, as one with a password."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(_URL.validate_python(url.strip()))
        query = parse_qsl(parts.query, keep_blank_values=True)
    except (ValidationError, ValueError):
        return None
    kept = [(name, value) for name, value in query if name.lower() not in SECRETS]
    return urlunsplit(parts if len(kept) == len(query) else parts._replace(query=urlencode(kept)))


def direct_url(url: str) -> str:
    """Where the file is, when the address is of the page that shows it on Hugging Face."""
    return re.sub(r"^(https://huggingface\.co/[^/]+/[^/]+)/blob/", r"\1/resolve/", url)
