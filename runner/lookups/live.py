"""All lookups at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from codegen.facts import Facts
from codegen.model import Frozen
from runner.lookups import civitai, github, hugging_face, registry
from runner.lookups.web import Unreachable, Web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from codegen.facts import ModelFacts, Wanted

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

AT_ONCE: Final = 8
"""Questions on their way: enough to hide the latency, and no crowd for any of the hosts."""
MOST_OF_A_KIND: Final = 200
"""Questions of each kind that are asked; a workflow that names more is no person's."""


class Endpoints(Frozen):
    """Where the services are: themselves, a mirror, or a proxy of a company."""

    hugging_face: str = hugging_face.HUB
    civitai: str = civitai.SITE
    github: str = github.API
    registry: str = registry.API


class LiveLookups:
    """Asks Hugging Face, Civitai, GitHub and the Comfy registry, and keeps their answers to ask again by ETag."""

    def __init__(
        self, cache: Path, endpoints: Endpoints | None = None, tokens: Mapping[str, str] | None = None
    ) -> None:
        """`cache` is a file; `tokens` are bearer tokens by address, such as `https://huggingface.co`."""
        self._cache = cache
        self._endpoints = endpoints or Endpoints()
        self._tokens = dict(tokens or {})

    def look_up(self, wanted: Wanted) -> Facts:
        """Whatever can be found out now. A host that does not answer is named in the facts, and is no error."""
        if wanted.empty:
            return Facts()
        web = Web(self._cache, self._tokens)
        hub = hugging_face.HuggingFace(web, self._endpoints.hugging_face)
        site = civitai.Civitai(web, self._endpoints.civitai)

        def file(url: str) -> ModelFacts | None:
            return hub.file(url) or site.file(url)

        try:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lookup") as pool:
                packs = _ask(pool, github.GitHub(web, self._endpoints.github).repository, wanted.packs)
                classes = _ask(pool, registry.Registry(web, self._endpoints.registry).pack_of, wanted.classes)
                models = _ask(pool, file, wanted.model_urls)
                addresses = _ask(pool, site.search, wanted.models)
                return Facts(
                    packs=packs(),
                    classes=classes(),
                    models=models(),
                    addresses=addresses(),
                    unreachable=web.unreachable,
                )
        finally:
            web.close()


def _ask(
    pool: ThreadPoolExecutor, question: Callable[[QuestionT], AnswerT | None], asked: Iterable[QuestionT]
) -> Callable[[], tuple[AnswerT, ...]]:
    """Begin to ask; what comes back waits for the answers."""

    def one(what: QuestionT) -> AnswerT | None:
        try:
            return question(what)
        except Unreachable:
            return None

    answers = [pool.submit(one, what) for what in list(asked)[:MOST_OF_A_KIND]]
    return lambda: tuple(answer for future in answers if (answer := future.result()) is not None)
