"""What lets requests through to endpoints that ask for a proxy token of their workspace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import ValidationError

from runner.targets.modal.workspace import ProxyToken
from worktrees.lock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

    from runner.targets.modal.workspace import Workspace

SHOWN_AS = "flowberth"
"""Where the workspace lists its proxy tokens."""


def proxy_token(workspace: Workspace, folder: Path) -> ProxyToken:
    """The one of the settings; without one, one that is made once, and kept in the folder for its owner's eyes.

    Raises:
        runner.targets.modal.errors.ModalError: it could not be made.
    """
    account = workspace.account
    if account.proxy_token_id is not None and account.proxy_token_secret is not None:
        return ProxyToken(
            id=account.proxy_token_id.get_secret_value(), secret=account.proxy_token_secret.get_secret_value()
        )
    path = folder / "proxy-token.json"
    with FileLock(path.with_suffix(".lock")):
        try:
            return ProxyToken.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            token = workspace.make_proxy_token(SHOWN_AS)
            partial = path.with_suffix(".partial")
            with open(partial, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(token.model_dump_json())
            partial.replace(path)
            return token
