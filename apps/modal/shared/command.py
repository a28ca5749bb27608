"""The command that starts ComfyUI, with the flags that the lock asks for; and as the preflight needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HELD = Path(__file__).with_name("held.py")
CPU = "--cpu"
GPU_ARGUMENTS = frozenset(
    {
        "--gpu-only",
        "--highvram",
        "--normalvram",
        "--lowvram",
        "--novram",
        "--use-flash-attention",
        "--use-sage-attention",
        "--use-xformers",
    }
)
"""ComfyUI ends at once when one of the first five comes together with `--cpu` (comfy/cli_args.py), or when the library
of one of the others does not load, as those built for CUDA may not without it."""


def is_script(command: Sequence[str]) -> bool:
    """Whether it is `python script.py …`, as ComfyUI is started, and takes ComfyUI's flags."""
    return len(command) > 1 and command[1].endswith(".py")


def with_arguments(command: Sequence[str], arguments: Sequence[str]) -> tuple[str, ...]:
    """The command with the flags of the lock, as far as they go with those it has."""
    if not is_script(command):
        return tuple(command)
    fitting = (one for one in arguments if not (one in GPU_ARGUMENTS and CPU in command))
    return (*command, *dict.fromkeys(one for one in fitting if one not in command))


def held_on_cpu(command: Sequence[str], facts: Path) -> tuple[str, ...]:
    """The command of a ComfyUI that uses no GPU and executes nothing; `facts` appears when that is so (see `held.py`).

    Another command than ComfyUI's stays as it is.
    """
    if not is_script(command):
        return tuple(command)
    python, *rest = (one for one in command if one not in GPU_ARGUMENTS and one != CPU)
    return (python, str(HELD), str(facts), *rest, CPU)
