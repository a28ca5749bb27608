"""Whose Modal workspace an app is deployed to: one for all, and others by the owner of the repository."""

from __future__ import annotations

import re
import stat
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field, SecretStr, ValidationError

from runner.errors import RunnerError
from runner.model import Frozen
from runner.targets.modal.errors import NoModalAccount

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "default"
"""Key of the account that the settings name."""
LOGIN = "login-"
"""Before a login in the key of its account: one could be called `default`."""
MAX_THROTTLE_SECONDS = 60
"""Modal's client waits without end when it is asked for patience, unless it is told how long."""
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+/?$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Token = Annotated[SecretStr, Field(min_length=1)]


class InvalidModalAccounts(RunnerError):  # noqa: N818 - reads as the sentence that is shown
    """The file with the accounts cannot be used; says where and why."""


class ModalAccount(Frozen):
    """A token of one workspace, and where in it apps are deployed."""

    key: str
    """Names its folder: `default`, or `login-` and the login in small letters."""
    source: str
    """Where the token is set, for messages."""
    token_id: Token
    token_secret: Token
    environment: EnvironmentName | None = None
    """Of Modal; `None` for the workspace's default one."""
    server_url: Url | None = None
    proxy_token_id: Token | None = None
    """Of a proxy token of the workspace, which calls apps that ask for one. Without one, one is made."""
    proxy_token_secret: Token | None = None

    @property
    def owner(self) -> str:
        """A login whose account it is; empty for the one for all."""
        return "" if self.key == DEFAULT else self.key.removeprefix(LOGIN)

    def variables(self) -> dict[str, str]:
        """All of `MODAL_*` that a process gets which acts for this account."""
        variables = {
            "MODAL_TOKEN_ID": self.token_id.get_secret_value(),
            "MODAL_TOKEN_SECRET": self.token_secret.get_secret_value(),
            "MODAL_CONFIG_PATH": "/dev/null",
            "MODAL_MAX_THROTTLE_WAIT": str(MAX_THROTTLE_SECONDS),
        }
        if self.environment is not None:
            variables["MODAL_ENVIRONMENT"] = self.environment
        if self.server_url is not None:
            variables["MODAL_SERVER_URL"] = self.server_url.rstrip("/")
        return variables

    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log."""
        held = (self.token_id, self.token_secret, self.proxy_token_id, self.proxy_token_secret)
        return tuple(secret.get_secret_value() for secret in held if secret is not None)


class ModalAccounts:
    """All accounts of one server."""

    def __init__(self, default: ModalAccount | None, by_login: dict[str, ModalAccount] | None = None) -> None:
        self._default = default
        self._by_login = by_login or {}

    def of(self, owner: str) -> ModalAccount:
        """The account for repositories of this login.

        Raises:
            NoModalAccount: there is none for it, and none for all.
        """
        account = self._by_login.get(owner.lower(), self._default)
        if account is None:
            raise NoModalAccount(
                f"no Modal workspace is set up for {owner or 'repositories on this machine'}: set "
                "FLOWBERTH_MODAL_TOKEN_ID and FLOWBERTH_MODAL_TOKEN_SECRET, or name it in FLOWBERTH_MODAL_ACCOUNTS_FILE"
            )
        return account

    def get(self, key: str) -> ModalAccount | None:
        """The account with this key, if it is still there."""
        return next((account for account in self.all() if account.key == key), None)

    def all(self) -> tuple[ModalAccount, ...]:
        """Every account once."""
        default = () if self._default is None else (self._default,)
        return (*default, *self._by_login.values())


def read_accounts(path: Path, *, server_url: str | None = None) -> dict[str, ModalAccount]:
    """The accounts of a TOML file, by login: a table for each, with the fields of `ModalAccount`.

    Args:
        path: the file, which only its owner may read.
        server_url: of those that name none.

    Raises:
        InvalidModalAccounts: it cannot be read, others may read it, or something in it cannot be used.
    """
    try:
        if path.stat().st_mode & _OTHERS:
            raise InvalidModalAccounts(f"{path}: others may read it; `chmod 600 {path}`")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidModalAccounts(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise InvalidModalAccounts(f"{path}: {error}") from None
    accounts: dict[str, ModalAccount] = {}
    for login, table in tables.items():
        key = login.lower()
        if not _LOGIN.fullmatch(login) or not isinstance(table, dict):
            raise InvalidModalAccounts(f"{path}: [{login}] is no table with the name of an account on GitHub")
        if key in accounts:
            raise InvalidModalAccounts(f"{path}: [{login}] is there twice")
        given: dict[str, Any] = {
            "server_url": server_url,
            **cast("dict[str, Any]", table),
            "key": f"{LOGIN}{key}",
            "source": f"[{login}] in {path}",
        }
        try:
            accounts[key] = ModalAccount.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors(include_input=False))
            raise InvalidModalAccounts(f"{path}: [{login}] {problems}") from None
    return accounts
