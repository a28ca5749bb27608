"""HTTP/1.1 as uvicorn speaks it, with a limit for what it keeps of a request before anybody may refuse it."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 1024 * 1024
"""Of a request line and headers, with the end of the request before, where both came at once (a read is of 256 KiB at
most). GitHub's are of about 1 KB; httptools itself would collect headers for as long as they come."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses endless headers. A body is for the application to bound."""

    _in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """A request has begun."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Its body follows, or nothing."""
        self._in_head = False
        super().on_headers_complete()
