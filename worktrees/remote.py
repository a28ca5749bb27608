"""The repository on the other side of a mirror, and how to prove who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Remote:
    """A repository that is reached by an address.

    Attributes:
        address: A path, `file://…` or `https://host/owner/name.git`; never with credentials.
        key: What stays when it is renamed, such as `github:123`. Two remotes of one key share a mirror.
        label: For people: `owner/name`.
        token: Asked for each command that talks to the remote, so that one that runs out is followed by a fresh one;
            given the one that the remote has just refused, if any. What it raises passes through.

    Raises:
        ValueError: the address holds credentials.
    """

    address: str
    key: str
    label: str
    token: Callable[[str | None], str] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if "@" in urlsplit(self.address).netloc:
            raise ValueError(f"the address of {self.label} holds credentials; give a token instead")

    @staticmethod
    def of(path: Path) -> Remote:
        """A repository on this machine."""
        return Remote(address=str(path), key=str(path), label=str(path))
