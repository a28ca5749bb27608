"""One holder at a time, among all processes and all threads of this one."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import fasteners  # pyright: ignore[reportMissingTypeStubs] - has none

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_threads: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
"""A file lock is held by a process: two threads of one would both have it."""
_guard = threading.Lock()


class FileLock:
    """A lock at a path. Not reentrant."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = fasteners.InterProcessLock(path)
        with _guard:
            self._thread = _threads[path.resolve()]

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            self._file.acquire()
        except BaseException:
            self._thread.release()
            raise

    @contextmanager
    def if_free(self) -> Generator[bool]:
        """Hold the lock if nobody does; whether that is so. Never waits."""
        if not self._thread.acquire(blocking=False):
            yield False
            return
        try:
            held = self._file.acquire(blocking=False)
            try:
                yield held
            finally:
                if held:
                    self._file.release()
                elif self._file.lockfile is not None:
                    self._file.lockfile.close()  # fasteners keeps it open
        finally:
            self._thread.release()

    def __exit__(self, *_: object) -> None:
        self._file.release()
        self._thread.release()
