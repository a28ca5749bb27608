"""Settings: environment variables, else a file in the data folder. Read once at the edge.

Documented in `docs/settings.md`, which a test compares.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from github_app.commands.values import MAX_BUDGET_USD, MAX_MONTHLY_BUDGET_USD
from github_app.errors import GithubAppError
from runner.lookups import civitai, github, hugging_face, registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

PREFIX = "FLOWBERTH_"
SETTINGS_FILE = "flowberth.toml"
"""In the data folder; `flowberth github init` writes it. Its keys are the names of the variables without the prefix,
in small letters."""
GITHUB_API = "https://api.github.com"
SLACK_API = "https://slack.com/api"
HOW_TO_SET_UP = "`flowberth github init` makes a GitHub App and stores its settings; docs/settings.md has them all."
SLACK_SET_UP = "docs/slack.md says how to set up Slack."
WEB = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
"""An address to put paths behind. Credentials have settings of their own."""
SERVER = r"^https?://[^\s/?#@]+/?$"
ENVIRONMENT_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Of Modal's."""
ChannelId = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,30}$")]
UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,30}$")]
RepositoryName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9_.-]{1,100}$")]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]


class InvalidSettings(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """A setting is missing or has a value that cannot be used; names the variable and what it takes."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class GithubCredentials:
    """What it takes to be a GitHub App: all of it there, and the key readable."""

    api_url: str
    app_id: int
    private_key: SecretStr
    """PEM."""
    webhook_secret: SecretStr


@dataclass(frozen=True)
class SlackSettings:
    """What is needed to speak in a Slack workspace."""

    api_url: str
    bot_token: SecretStr
    signing_secret: SecretStr | None
    """`None`: Slack is told, and nothing is taken from there."""
    channels: Mapping[str, str]
    """`owner/name` of the repository by id of the channel."""
    people: Mapping[str, str]
    """Login on GitHub by id of the person on Slack."""


def default_data_dir() -> Path:
    """Where state is kept when nothing is said."""
    return platformdirs.user_data_path("flowberth", appauthor=False)


class Settings(BaseSettings):
    """Everything that can be set from outside. Nothing is required on one machine.

    An empty variable counts as not set. The environment wins over `flowberth.toml` in the data folder. No `.env` file
    is read: the folder a command is run in may be a stranger's.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder for the embedded Postgres, git mirrors, worktrees, the demo repository and logs.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FLOWBERTH_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL server to use, `postgresql://user:password@host:5432/database`. "
        "Without one, an embedded Postgres is started in the data folder.",
    )
    comfyui: str | None = Field(
        default=None,
        description="ComfyUI that apps on this machine use when `--comfyui` is not given: the URL of a running one, "
        "or the folder of a checkout. Without one, the stand-in engine simulates it.",
    )
    offline: bool = Field(
        default=False,
        description="Look nothing up: no sizes and licences of models, no commits of packs. `1` or `0`; `--offline` of "
        "`up` is the same for one run.",
    )
    hugging_face_url: str = Field(
        default=hugging_face.HUB, pattern=WEB, description="Hugging Face, or a mirror of it, for facts of models."
    )
    hugging_face_token: SecretStr | None = Field(
        default=None, description="Token for it, which sees the models that its owner may see. Sent there only."
    )
    civitai_url: str = Field(default=civitai.SITE, pattern=WEB, description="Civitai, for facts of models.")
    civitai_token: SecretStr | None = Field(default=None, description="Token for it. Sent there only.")
    registry_url: str = Field(default=registry.API, pattern=WEB, description="The registry of custom-node packs.")
    packs_github_url: str = Field(
        default=github.API, pattern=WEB, description="GitHub's API, for facts of the repositories of packs."
    )
    packs_github_token: SecretStr | None = Field(
        default=None,
        description="Token for it: 5,000 questions an hour instead of 60. It needs no permission. Sent there only.",
    )
    github_api_url: str = Field(
        default=GITHUB_API,
        pattern=WEB,
        description="GitHub's API for the App; `https://HOST/api/v3` for a GitHub Enterprise Server.",
    )
    github_app_id: int | None = Field(
        default=None, gt=0, description="Number of the GitHub App, from its settings page. Not needed on one machine."
    )
    github_app_slug: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$",
        description="Name of the GitHub App as its address has it, `https://github.com/apps/NAME`. With it, the home "
        "page of the server links to where the App is installed.",
    )
    github_private_key: SecretStr | None = Field(
        default=None,
        description="Private key of the GitHub App: the text of the PEM file, with line breaks or with `\\n` in their "
        "place. Not needed on one machine.",
    )
    github_private_key_file: Path | None = Field(
        default=None, description="The PEM file itself, where `FLOWBERTH_GITHUB_PRIVATE_KEY` is not set."
    )
    github_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret that GitHub signs its webhooks with. Not needed on one machine."
    )
    public_url: str | None = Field(
        default=None,
        pattern=WEB,
        description="Where `flowberth serve` is reached from outside, such as `https://flowberth.example.com`. GitHub "
        "sends its webhooks to `/webhooks/github` there.",
    )
    target: Literal["local", "modal"] = Field(
        default="local",
        description="Where apps are deployed: `local`, the machine of the worker, or `modal`, workspaces of Modal.",
    )
    modal_token_id: SecretStr | None = Field(
        default=None,
        description="Token of the Modal workspace that apps are deployed to, and that pays for them: its id, `ak-…`. "
        "[docs/modal.md](modal.md) says how to make one.",
    )
    modal_token_secret: SecretStr | None = Field(default=None, description="The token's secret, `as-…`.")
    modal_environment: str | None = Field(
        default=None,
        pattern=ENVIRONMENT_NAME,
        description="Environment of the workspace to deploy to. Without it, the workspace's default one.",
    )
    modal_proxy_token_id: SecretStr | None = Field(
        default=None,
        description="Proxy token of the workspace, `wk-…`, to test deployed apps with. Without one, one is made.",
    )
    modal_proxy_token_secret: SecretStr | None = Field(default=None, description="The proxy token's secret, `ws-…`.")
    modal_accounts_file: Path | None = Field(
        default=None,
        description="TOML file with workspaces of their own for accounts on GitHub, by login; only its owner may read "
        "it. [docs/modal.md](modal.md#several-workspaces) shows one.",
    )
    modal_server_url: str | None = Field(
        default=None, pattern=SERVER, description="Modal's API, where it is not Modal's own: for tests."
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        description="Key of Anthropic's API. With it, a language model is asked about failures that no rule knows, and "
        "what it thinks of results; "
        "[docs/language-model.md](language-model.md) says what it is sent. Without one, nobody is asked.",
    )
    anthropic_api_key_file: Path | None = Field(
        default=None, description="A file with the key, where `FLOWBERTH_ANTHROPIC_API_KEY` is not set."
    )
    anthropic_model: str = Field(
        default="claude-sonnet-5-5",
        pattern=r"^[a-z0-9][a-z0-9.-]{0,79}$",
        description="The language model that is asked, by its name in Anthropic's API: one whose price is known.",
    )
    anthropic_budget_usd: Decimal = Field(
        default=Decimal(2),
        gt=0,
        le=MAX_BUDGET_USD,
        description="The most that one run may spend on asking it, in US dollars; $2 unless set. It counts towards the "
        "run's own budget, too.",
    )
    anthropic_url: str = Field(
        default="https://api.anthropic.com", pattern=WEB, description="Anthropic's API, or a gateway to it."
    )
    slack_bot_token: SecretStr | None = Field(
        default=None,
        description="Token of the Slack app, `xoxb-…`. With it, runs are told in Slack; [docs/slack.md](slack.md) says "
        "how to make one. Without it, nothing goes to Slack and nothing is taken from there.",
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        description="Secret that Slack signs its requests with. With it, workflows are taken from Slack at "
        "`/webhooks/slack/events` and `/webhooks/slack/commands`.",
    )
    slack_channels: Annotated[dict[ChannelId, RepositoryName], NoDecode] = Field(
        default_factory=dict[str, str],
        description="Which repository a channel is for, by the channel's id: `C0123456789=acme/site`, several with "
        'commas; in the file a table, `slack_channels = { C0123456789 = "acme/site" }`. Runs of a repository without '
        "a channel are not told.",
    )
    slack_people: Annotated[dict[UserId, Login], NoDecode] = Field(
        default_factory=dict[str, str],
        description="Who a person on Slack is on GitHub: `U0123456789=alice`, several with commas. Theirs are the "
        "permissions on GitHub; what anybody else asks for on Slack waits for an approval there.",
    )
    slack_api_url: str = Field(
        default=SLACK_API, pattern=WEB, description="Slack's API, where it is not Slack's own: for tests."
    )
    embeddings: bool = Field(
        default=True,
        description="Search knowledge bases by what is meant, too, where the extra `embeddings` is installed, `1` or "
        "`0`. Without it words alone are looked for, and half a gigabyte of memory is saved in each process.",
    )
    concurrent_runs: int = Field(
        default=4, ge=1, le=64, description="Runs that one worker process carries out at the same time, 1 to 64."
    )
    run_budget_usd: Decimal | None = Field(
        default=None,
        gt=0,
        le=MAX_BUDGET_USD,
        description="The most that any run may spend, in US dollars. A repository's settings, and whoever asks for the "
        "run, may set less. Without it, they alone decide; $20 unless they say otherwise.",
    )
    monthly_budget_usd: Decimal | None = Field(
        default=None,
        gt=0,
        le=MAX_MONTHLY_BUDGET_USD,
        description="The most that all runs of one installation of the App may spend in a calendar month (UTC), in US "
        "dollars; on one machine, all runs of its repositories. A repository's settings may set less for itself. "
        "Without it, any amount.",
    )
    local_previews: int = Field(
        default=8,
        ge=1,
        description="Previews that the `local` target leaves serving; the oldest make way. "
        "What is in production stays.",
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @field_validator("github_private_key_file", "modal_accounts_file", "anthropic_api_key_file")
    @classmethod
    def _absolute_file(cls, file: Path | None) -> Path | None:
        return None if file is None else file.expanduser().absolute()

    @field_validator("slack_channels", "slack_people", mode="before")
    @classmethod
    def _pairs(cls, given: object) -> object:
        """`ID=name, ID=name`, as a variable has it."""
        if not isinstance(given, str):
            return given
        parts = [part.partition("=") for part in given.split(",") if part.strip()]
        pairs = {name.strip(): value.strip() for name, _, value in parts}
        if len(pairs) < len(parts) or not all(pairs.values()):
            raise ValueError("takes ID=name, several with commas, each id once")
        return pairs

    @field_validator("github_api_url", "public_url", "anthropic_url", "slack_api_url")
    @classmethod
    def _without_slash(cls, url: str | None) -> str | None:
        return None if url is None else url.rstrip("/")

    @property
    def github_url(self) -> str:
        """GitHub as people see it in a browser, such as `https://github.com`."""
        address = urlsplit(self.github_api_url)
        return f"{address.scheme}://{address.netloc.removeprefix('api.')}"

    def github_credentials(self) -> GithubCredentials:
        """What is needed to act as the App.

        Raises:
            InvalidSettings: something is missing, or the key cannot be read; names the variable.
        """
        wanted = {
            "FLOWBERTH_GITHUB_APP_ID": self.github_app_id,
            "FLOWBERTH_GITHUB_PRIVATE_KEY_FILE (or FLOWBERTH_GITHUB_PRIVATE_KEY)": self.github_private_key
            or self.github_private_key_file,
            "FLOWBERTH_GITHUB_WEBHOOK_SECRET": self.github_webhook_secret,
        }
        if missing := [name for name, value in wanted.items() if value is None]:
            raise InvalidSettings(f"not set: {', '.join(missing)}", hint=HOW_TO_SET_UP)
        assert self.github_app_id is not None
        assert self.github_webhook_secret is not None
        return GithubCredentials(self.github_api_url, self.github_app_id, self._key(), self.github_webhook_secret)

    def slack(self) -> SlackSettings | None:
        """What is needed to speak on Slack; `None` where nothing of it is set.

        Raises:
            InvalidSettings: only some of it is set; names what is missing.
        """
        if self.slack_bot_token is None:
            left = {"SIGNING_SECRET": self.slack_signing_secret, "CHANNELS": self.slack_channels}
            if others := [f"FLOWBERTH_SLACK_{name}" for name, value in left.items() if value]:
                raise InvalidSettings(f"{' and '.join(others)} without FLOWBERTH_SLACK_BOT_TOKEN", hint=SLACK_SET_UP)
            return None
        if not self.slack_channels:
            raise InvalidSettings("FLOWBERTH_SLACK_BOT_TOKEN without FLOWBERTH_SLACK_CHANNELS", hint=SLACK_SET_UP)
        return SlackSettings(
            api_url=self.slack_api_url,
            bot_token=self.slack_bot_token,
            signing_secret=self.slack_signing_secret,
            channels=self.slack_channels,
            people=self.slack_people,
        )

    def _key(self) -> SecretStr:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - for the App only

        if self.github_private_key is not None:
            name, text = "FLOWBERTH_GITHUB_PRIVATE_KEY", self.github_private_key.get_secret_value()
        else:
            assert self.github_private_key_file is not None
            name = f"FLOWBERTH_GITHUB_PRIVATE_KEY_FILE: {self.github_private_key_file}"
            try:
                text = self.github_private_key_file.read_text()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "is no text"
                raise InvalidSettings(f"{name}: {why}", hint=HOW_TO_SET_UP) from None
        text = text.strip().replace("\\n", "\n") + "\n"
        try:
            load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError):
            raise InvalidSettings(
                f"{name}: no private key in PEM format, such as starts with -----BEGIN RSA PRIVATE KEY-----",
                hint="Download a new one on the App's settings page, under `Private keys`.",
            ) from None
        return SecretStr(text)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, else the environment, else the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _SettingsFile(settings_cls)


class _SettingsFile(PydanticBaseSettingsSource):
    """`flowberth.toml` of the data folder that the sources before this one name."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked: all values are given at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """The values of fields that have not been set yet."""
        given = {name.upper() for name in self.current_state}
        folder = Path(self.current_state.get("data_dir") or default_data_dir()).expanduser().absolute()
        values = read_settings_file(folder)
        return {
            variables(field)[0] if Settings.model_fields[field].validation_alias else field: value
            for field, value in values.items()
            if not given & {field.upper(), *variables(field)}
        }


def read_settings_file(folder: Path) -> dict[str, Any]:
    """The fields that `flowberth.toml` in the folder sets; none if there is no such file.

    Raises:
        InvalidSettings: it is no TOML, or sets what does not exist.
    """
    path = folder / SETTINGS_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InvalidSettings(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise InvalidSettings(f"{path}: {error}") from None
    allowed = [field for field in Settings.model_fields if field != "data_dir"]  # it is in that folder
    for name in values:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            raise InvalidSettings(
                f"{path}: there is no setting {name!r}", hint=f"Did you mean {near[0]!r}?" if near else None
            )
    for name in ("github_private_key_file", "modal_accounts_file", "anthropic_api_key_file"):
        if isinstance(file := values.get(name), str):
            values[name] = str(folder / Path(file).expanduser())
    return values


def variables(field: str) -> tuple[str, ...]:
    """The environment variables of a field; the first one that is set counts."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (PREFIX + field.upper(),)


def load_settings(**options: str | None) -> Settings:
    """The settings of this process.

    Args:
        options: fields given on the command line, which win; `None` where one was not given.

    Raises:
        InvalidSettings: a value cannot be used; names the option or the variable.
    """
    given = {field: value for field, value in options.items() if value is not None}
    try:
        return Settings(**given)  # pyright: ignore[reportArgumentType] - checked there
    except ValidationError as error:
        problems = (f"{_name_of(str(problem['loc'][0]), given)}: {problem['msg']}" for problem in error.errors())
        raise InvalidSettings("; ".join(problems)) from None


def _name_of(location: str, options: Mapping[str, str]) -> str:
    """The option or variable that a wrong value comes from, or the key in the file."""
    if location in options:
        return "--" + location.removeprefix("github_").replace("_", "-")
    field = next((field for field in Settings.model_fields if location in (field, *variables(field))), location)
    names = variables(field)
    if any(os.environ.get(name) for name in names):
        return next(name for name in names if os.environ.get(name))
    return f"{field} in {SETTINGS_FILE} of the data folder"
