"""Who is asked about failures that no rule knows, and about results, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from github_app.settings import InvalidSettings
from runner.budget.errors import PriceUnknown
from runner.budget.tokens import prices_of
from runner.quality.anthropic_judge import AnthropicJudge
from runner.quality.judge import NoJudge
from runner.repair.adviser import NoAdviser
from runner.repair.language_model.anthropic_adviser import AnthropicAdviser

if TYPE_CHECKING:
    from github_app.settings import Settings
    from runner.quality.judge import Judge
    from runner.repair.adviser import Adviser

KEY = "FLOWBERTH_ANTHROPIC_API_KEY"
HINT = "Make a key on https://platform.claude.com/settings/keys; without one, no language model is asked."


def adviser_of(settings: Settings) -> Adviser:
    """A language model of Anthropic if there is a key, else nobody. Nothing is asked yet.

    Raises:
        InvalidSettings: the file with the key cannot be used, or nobody knows what the model costs.
    """
    key = _usable_key(settings)
    if key is None:
        return NoAdviser()
    return AnthropicAdviser(
        key,
        model=settings.anthropic_model,
        budget_usd=settings.anthropic_budget_usd,
        url=settings.anthropic_url,
        known=_secrets(settings),
    )


def judge_of(settings: Settings) -> Judge:
    """The same language model if there is a key, else nobody. Nothing is asked yet.

    Raises:
        InvalidSettings: as of `adviser_of`.
    """
    key = _usable_key(settings)
    if key is None:
        return NoJudge()
    return AnthropicJudge(
        key,
        model=settings.anthropic_model,
        budget_usd=settings.anthropic_budget_usd,
        url=settings.anthropic_url,
        known=_secrets(settings),
    )


def _usable_key(settings: Settings) -> SecretStr | None:
    key = _key(settings)
    if key is None:
        return None
    try:
        prices_of(settings.anthropic_model)
    except PriceUnknown as error:
        raise InvalidSettings(f"FLOWBERTH_ANTHROPIC_MODEL: {error}") from None
    return key


def _key(settings: Settings) -> SecretStr | None:
    if settings.anthropic_api_key is not None:
        name, text = KEY, settings.anthropic_api_key.get_secret_value().strip()
    elif settings.anthropic_api_key_file is not None:
        name = f"{KEY}_FILE: {settings.anthropic_api_key_file}"
        try:
            text = settings.anthropic_api_key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "is no text"
            raise InvalidSettings(f"{name}: {why}", hint=HINT) from None
    else:
        return None
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidSettings(f"{name}: no key, which is one word of letters, digits and dashes", hint=HINT)
    return SecretStr(text)


def _secrets(settings: Settings) -> tuple[SecretStr, ...]:
    """All that the settings hold: whatever gets into a log by mistake, it goes no further."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    return tuple(value for value in values if isinstance(value, SecretStr))
