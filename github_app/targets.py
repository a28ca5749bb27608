"""Where apps are deployed, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_app.settings import InvalidSettings
from runner.targets.local import LocalTarget
from runner.targets.modal.accounts import DEFAULT, InvalidModalAccounts, ModalAccount, ModalAccounts, read_accounts
from runner.targets.modal.target import ModalTarget

if TYPE_CHECKING:
    from pydantic import SecretStr

    from github_app.settings import Settings
    from runner.protocols import Target

LOCAL = LocalTarget.name
HINT = "Make a token with `modal token new`, or on https://modal.com/settings/tokens; docs/modal.md has the steps."


def target_of(settings: Settings) -> Target:
    """The target of this server. Nothing is asked of it yet, and no process started.

    Raises:
        InvalidSettings: it is Modal, and a token is missing or the file with the accounts cannot be used.
    """
    if settings.target == "modal":
        return ModalTarget(modal_accounts_of(settings), settings.data_dir)
    return LocalTarget(settings.data_dir)


def modal_accounts_of(settings: Settings) -> ModalAccounts:
    """The workspaces that the settings name.

    Raises:
        InvalidSettings: half of a token is missing, the file with the accounts cannot be used, or there is no account.
    """
    file = settings.modal_accounts_file
    try:
        by_login = {} if file is None else read_accounts(file, server_url=settings.modal_server_url)
    except InvalidModalAccounts as error:
        raise InvalidSettings(f"FLOWBERTH_MODAL_ACCOUNTS_FILE: {error}") from None
    default = _default(settings)
    if default is None and not by_login:
        raise InvalidSettings(
            "not set: FLOWBERTH_MODAL_TOKEN_ID, FLOWBERTH_MODAL_TOKEN_SECRET (or FLOWBERTH_MODAL_ACCOUNTS_FILE)",
            hint=HINT,
        )
    return ModalAccounts(default, by_login)


def _default(settings: Settings) -> ModalAccount | None:
    _both("MODAL_PROXY_TOKEN", settings.modal_proxy_token_id, settings.modal_proxy_token_secret)
    if not _both("MODAL_TOKEN", settings.modal_token_id, settings.modal_token_secret):
        return None
    assert settings.modal_token_id is not None
    assert settings.modal_token_secret is not None
    return ModalAccount(
        key=DEFAULT,
        source="FLOWBERTH_MODAL_TOKEN_ID",
        token_id=settings.modal_token_id,
        token_secret=settings.modal_token_secret,
        environment=settings.modal_environment,
        server_url=settings.modal_server_url,
        proxy_token_id=settings.modal_proxy_token_id,
        proxy_token_secret=settings.modal_proxy_token_secret,
    )


def _both(name: str, token_id: SecretStr | None, secret: SecretStr | None) -> bool:
    """Whether a token is set.

    Raises:
        InvalidSettings: half of it is.
    """
    if (token_id is None) != (secret is None):
        missing = "ID" if token_id is None else "SECRET"
        raise InvalidSettings(f"not set: FLOWBERTH_{name}_{missing}", hint=HINT)
    return token_id is not None
