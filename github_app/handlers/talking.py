"""How people are told that something cannot be done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from codegen.errors import CodegenError
from github_app.github.errors import Busy, Unavailable
from github_app.handlers.errors import CannotDo, Explained
from github_app.repository_settings import InvalidRepositorySettings
from github_app.telling import pages
from github_app.telling.pages import plainly

if TYPE_CHECKING:
    from collections.abc import Generator

    from github_app.handlers.talk import Talk


@contextmanager
def told(talk: Talk) -> Generator[None]:
    """What cannot be done is answered, where it was asked for. What may pass is left to be tried again."""
    try:
        yield
    except (Busy, Unavailable):
        raise
    except InvalidRepositorySettings as error:
        talk.reply(pages.settings_invalid(error.problems))
    except Explained as error:
        talk.reply(error.page)
    except (CannotDo, CodegenError) as error:
        talk.reply(plainly.cannot(str(error)))
