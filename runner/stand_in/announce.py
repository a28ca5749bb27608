"""What the stand-in prints: lines that ComfyUI prints too, and that those who start it wait for."""

from __future__ import annotations

import sys


def announce(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
