"""The stand-in engine without its mark, so that tests hold what it makes to what a ComfyUI's is held to.

`python -m tests.as_comfyui --port 8188 --core 0.33.0`. What needs no model it makes as ComfyUI does, pixel for pixel.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from runner.stand_in import __main__ as engine

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

AS_COMFYUI: Final = (sys.executable, "-m", "tests.as_comfyui", "--port", "{port}", "--core", "0.3.64")
"""For `tests.engine.engine`."""
MARK: Final = "flowberth_stand_in"


class Unmarked:
    """Leaves the mark out of `/system_stats`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/system_stats"):
            await self._app(scope, receive, send)
            return
        start: dict[str, Any] = {}

        async def unmarked(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            facts = json.loads(message["body"])
            del facts["system"][MARK]
            body = json.dumps(facts).encode()
            others = [header for header in start["headers"] if header[0].lower() != b"content-length"]
            await send({**start, "headers": [*others, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self._app(scope, receive, unmarked)


if __name__ == "__main__":
    made = engine.stand_in_app
    engine.stand_in_app = lambda *given: Unmarked(made(*given))  # type: ignore[assignment,return-value]
    engine.main()
