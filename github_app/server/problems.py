"""Refusals in words: problem details as RFC 9457 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from http import HTTPStatus


class Problem(Exception):  # noqa: N818 - an answer, not a failure of ours
    """A request that is refused; `str(problem)` says why, and what would be right."""

    def __init__(self, status: HTTPStatus, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers

    def answer(self) -> JSONResponse:
        """What the client gets."""
        content = {"type": "about:blank", "title": self.status.phrase, "status": self.status, "detail": str(self)}
        headers = {"X-Content-Type-Options": "nosniff", **(self.headers or {})}
        return JSONResponse(content, self.status, headers, media_type="application/problem+json")
