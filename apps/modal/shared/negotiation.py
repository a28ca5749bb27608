"""The Accept header (RFC 9110, 12.5.1), as far as this app needs it."""

from __future__ import annotations


def quality(accept: str, media_type: str) -> float:
    """How much a client wants `media_type`, 0 to 1; the most specific range that matches decides."""
    if not accept.strip():
        return 1.0
    major = media_type.partition("/")[0]
    best = (-1, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        specificity = {"*/*": 0, f"{major}/*": 1, media_type: 2}.get(name)
        if specificity is not None and specificity > best[0]:
            best = (specificity, _q(parameters))
    return best[1]


def prefers_picture(accept: str) -> bool:
    """Whether a client would rather have a picture than JSON."""
    ranges = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    wanted = max((quality(accept, name) for name in ranges if name.startswith("image/")), default=0.0)
    return wanted > quality(accept, "application/json")


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
