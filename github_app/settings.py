"""Settings: environment variables, read once at the edge. Documented in `docs/settings.md`, which a test compares."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotation

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from github_app.errors import GithubAppError
from runner.lookups import civitai, github, hugging_face, registry

PREFIX = "FLOWBERTH_"
WEB = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
"""An address to put paths behind. Credentials have settings of their own."""


class InvalidSettings(GithubAppError):  # noqa: N818 - reads as the sentence that is shown
    """A setting has a value that cannot be used; names the variable and what it takes."""


class Settings(BaseSettings):
    """Everything that can be set from outside. Nothing is required.

    An empty variable counts as not set. No `.env` file is read: the folder a command is run in may be a stranger's.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("flowberth", appauthor=False),
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
    github_app_id: int | None = Field(
        default=None, gt=0, description="Number of the GitHub App, from its settings page. Not needed on one machine."
    )
    github_private_key: SecretStr | None = Field(
        default=None, description="Private key of the GitHub App: the text of the PEM file. Not needed on one machine."
    )
    github_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret that GitHub signs its webhooks with. Not needed on one machine."
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()


def variables(field: str) -> tuple[str, ...]:
    """The environment variables of a field; the first one that is set counts."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (PREFIX + field.upper(),)


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        InvalidSettings: a variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = (f"{variables(str(problem['loc'][0]))[0]}: {problem['msg']}" for problem in error.errors())
        raise InvalidSettings("; ".join(problems)) from None
