"""Credentials taken out of texts, before anybody else reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

INSTEAD: Final = "[redacted]"
SHORTEST_KNOWN: Final = 8
"""Characters of a secret of ours that is looked for as it is: a shorter one would be found inside ordinary words."""

_KEYS: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    r"|gh[a-z]_[\w.-]{8,}|github_pat_\w{8,}|glpat-[\w-]{16,}"  # GitHub, GitLab
    r"|hf_[A-Za-z0-9]{16,}|api_org_[A-Za-z0-9]{16,}"  # Hugging Face
    r"|sk-ant-[\w-]{8,}"  # Anthropic
    r"|comfyui-[0-9a-f]{32,}"  # partners' nodes of ComfyUI
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}"  # AWS, Google
    r"|xox[abeoprs]-[\w-]{10,}|pypi-AgE[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"  # a JWT
    r"|\b(?:"  # those that other words may end in
    r"(?:ak|as|wk|ws)-[A-Za-z0-9]{16,}"  # Modal: tokens, and those of its proxy
    r"|sk-[\w-]{16,}"  # OpenAI and those who copy it
    r"|r8_\w{30,}|npm_[A-Za-z0-9]{30,}"
    r")",
    re.DOTALL,
)
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/\s@\"'<>]{1,500}@")
"""User, password, or a token alone."""
_IN_QUERY: Final = re.compile(
    r"(?i)([?&;](?:[\w-]{0,40}(?:token|key|secret|signature|password|credential|auth)|sig|authorization)=)"
    r"[^&\s\"'<>#\\]+"
)
_IN_HEADER: Final = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|modal-(?:key|secret))"
    r"([\"']?[ \t]{0,5}[:=,][ \t]{0,5})(?:\"[^\"\n]*|'[^'\n]*|[^\"'\n]+)"
)
"""To the end of the line or of the quotes: what follows a scheme such as `Bearer` may be anything."""
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)[ \t]{1,5}[\w.~+/=-]{12,}")
_ASSIGNED: Final = re.compile(
    r"(?i)((?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|credentials?)"
    r"(?:[_-]?id)?[\"']?[ \t]{0,5}(?:=>|[:=])[ \t]{0,5}[\"']?)[^\s\"',;)\]}]{8,}"
)
"""Names such as `MODAL_TOKEN_SECRET` and `aws_secret_access_key` end in one of these words."""


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without what looks like a credential, and without those that are `known`.

    It rather takes out too much: a log is understood without them.
    """
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= SHORTEST_KNOWN:
            text = text.replace(secret, INSTEAD)
    text = _KEYS.sub(INSTEAD, text)
    text = _IN_ADDRESS.sub(f"{INSTEAD}@", text)
    text = _IN_QUERY.sub(rf"\1{INSTEAD}", text)
    text = _IN_HEADER.sub(rf"\1\2{INSTEAD}", text)
    text = _SCHEME.sub(rf"\1 {INSTEAD}", text)
    return _ASSIGNED.sub(rf"\1{INSTEAD}", text)
