"""Output of a strange process, made fit to be shown and kept: no control characters, no secrets, and an end."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST_LINE = 4000
"""Characters. Compilers print longer ones, of which nobody reads the end."""
HEAD_BYTES = 256 * 1024
"""Of a build log's beginning, which says what was built."""
TAIL_BYTES = 768 * 1024
"""Of its end, which says how that failed."""
HIDDEN = "[secret]"

_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SECRETS = re.compile(
    r"""
    \b(?:
        a[ks]-[A-Za-z0-9]{16,}                          # Modal tokens
      | w[ks]-[A-Za-z0-9]{16,}                          # Modal proxy tokens
      | hf_[A-Za-z0-9]{16,}                             # Hugging Face
      | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,}  # GitHub
      | sk-[A-Za-z0-9_-]{16,}                           # Anthropic, OpenAI
      | (?:AKIA|ASIA)[A-Z0-9]{16}                       # AWS
      | eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}           # a signed token
    )
    | (?<=://)[^\s/@:]{0,100}:[^\s/@]{1,200}(?=@)       # of an address
    | (?<=://)[^\s/@:]{8,200}(?=@)
    """,
    re.VERBOSE,
)


class Cleaner:
    """Cleans lines. Knows the secrets that the process was given, and the looks of others."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def clean(self, line: str) -> str:
        """One line as it may be shown."""
        text = _CONTROLS.sub("", _TERMINAL.sub("", line))
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _SECRETS.sub(HIDDEN, text).rstrip()
        return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + " …"


class BuildLog:
    """A log in a file: its beginning as it comes, and, once that is long, its end when it is closed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", errors="replace")
        self._room = HEAD_BYTES
        self._tail: deque[str] = deque()
        self._tail_bytes = 0
        self._left_out = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, line: str) -> None:
        """One more line."""
        size = len(line.encode(errors="replace")) + 1
        if self._room > 0:
            self._room -= size
            self._file.write(line + "\n")
            self._file.flush()
            return
        self._tail.append(line)
        self._tail_bytes += size
        while self._tail_bytes > TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft().encode(errors="replace")) + 1
            self._left_out += 1

    def close(self) -> None:
        """Write what is left. Idempotent."""
        if self._file.closed:
            return
        if self._left_out:
            self._file.write(f"… {self._left_out} lines left out …\n")
        self._file.writelines(line + "\n" for line in self._tail)
        self._file.close()
