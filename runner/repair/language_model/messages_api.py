"""Anthropic's Messages API: one request, one answer as bytes, and errors that say whether it is paid for.

The SDK's own retries are off: it waits as long as a server asks, and repeats what may have been billed.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

import anthropic
import httpx2

from runner.errors import decide_retry
from runner.repair.language_model.errors import ModelBusy, ModelRefuses, ModelSilent
from runner.repair.language_model.excerpt import line
from runner.repair.language_model.request import MOST_OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pydantic import SecretStr

    from runner.repair.language_model.errors import ModelError
    from runner.repair.language_model.paid_api import Asked

ANSWER_SECONDS: Final = 180.0
"""`MOST_OUTPUT_TOKENS` at 50 tokens a second take 160."""
CONNECT_SECONDS: Final = 10.0
LONGEST_PATIENCE: Final = 60.0
"""Seconds. If the API asks for more, the run ends sooner by telling people that nobody knew."""
BUSY: Final = frozenset({408, 409, 429})


class MessagesApi:
    """With one model. Threads may share it."""

    def __init__(
        self, key: SecretStr, *, url: str, model: str, known: Collection[str], sleep: Callable[[float], None]
    ) -> None:
        """Nothing is asked yet. `known`: secrets, which no error repeats."""
        self._model = model
        self._known = known
        self._sleep = sleep
        self._client = anthropic.Anthropic(
            api_key=key.get_secret_value(),
            base_url=url,
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            max_retries=0,
            open_telemetry=False,
            http_client=anthropic.DefaultHttpxClient(follow_redirects=False),  # the API is at one place
        )

    def answer(self, request: Asked) -> bytes:
        """The body of the answer. Only what is surely not billed is asked again, after a while.

        Raises:
            ModelBusy: it cannot be reached or cannot answer, and nothing is billed.
            ModelRefuses: it takes no such request, and nothing is billed.
            ModelSilent: the answer was lost.
        """
        for attempt in count(1):
            try:
                return self._once(request)
            except ModelBusy as error:
                pause = decide_retry(error, attempt)
                if pause is None or error.after > LONGEST_PATIENCE:
                    raise
                self._sleep(max(pause, error.after))
        raise AssertionError  # `count` does not end

    def _once(self, request: Asked) -> bytes:
        system, messages, tools = request.parameters()
        try:
            response = self._client.messages.with_raw_response.create(
                model=self._model,
                max_tokens=MOST_OUTPUT_TOKENS,
                system=system,
                messages=messages,
                tools=tools or anthropic.omit,
                tool_choice={"type": "auto", "disable_parallel_tool_use": True} if tools else anthropic.omit,
            )
        except anthropic.APIStatusError as error:
            raise self._refusal(error) from None
        except (anthropic.AnthropicError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
                raise ModelBusy("the language model cannot be reached") from None
            raise ModelSilent(f"the language model gave no answer: {type(cause).__name__}") from None
        return response.http_response.content

    def _refusal(self, error: anthropic.APIStatusError) -> ModelError:
        status = error.status_code
        if status in BUSY or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            after = _seconds(error.response.headers.get("retry-after"))
            return ModelBusy(f"the language model is not available now (HTTP {status})", after=after)
        said = line(error.message, known=self._known)
        return ModelRefuses(f"the API of the language model refuses (HTTP {status}): {said}")


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return LONGEST_PATIENCE  # a date: as long as anybody waits here
