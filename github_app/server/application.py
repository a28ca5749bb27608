"""The pages and the webhook, put together as one ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from github_app.server.deliveries import conninfo
from github_app.server.errors import NotStored
from github_app.server.inbox import Inbox
from github_app.server.manners import Manners
from github_app.server.pages import home
from github_app.server.problems import Problem
from github_app.server.webhooks import Webhook
from github_app.submissions.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import ASGIApp

    from github_app.settings import Settings
    from runner.database import Database

READS = ["GET", "HEAD"]


def create_app(settings: Settings, database: Database) -> ASGIApp:
    """What `flowberth serve` serves: the webhook, and FastAPI behind it for the pages, and for Slack if it is set up.

    Args:
        settings: with those of the GitHub App.
        database: stays the caller's to close.

    Raises:
        github_app.settings.InvalidSettings: a setting of the App, or of Slack, is missing.
    """
    credentials = settings.github_credentials()
    inbox = Inbox(lambda: conninfo(database))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        await inbox.open()
        yield
        await inbox.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Manners, https=(settings.public_url or "").startswith("https://"))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)

    async def show_home() -> HTMLResponse:
        """What this is, for who finds it."""
        return HTMLResponse(home(settings, ready=await _is_ready(inbox)))

    async def healthz() -> JSONResponse:
        """The process answers. Nothing else is looked at, so that a lost database is no reason to kill it."""
        return JSONResponse({"alive": True})

    async def readyz() -> JSONResponse:
        """Deliveries can be taken: the App's settings are there, or this would not run; so is the database."""
        if await _is_ready(inbox):
            return JSONResponse({"ready": True})
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached").answer()

    slack = settings.slack()
    if slack is not None and slack.signing_secret is not None:
        from github_app.slack.door import SlackDoor  # noqa: PLC0415 - for those who use Slack

        SlackDoor(slack.signing_secret, slack.channels, Site.of(credentials.api_url), inbox).open(app)
    app.add_api_route("/", show_home, methods=READS)
    app.add_api_route("/healthz", healthz, methods=READS)
    app.add_api_route("/readyz", readyz, methods=READS)
    return Webhook(app, secret=credentials.webhook_secret, inbox=inbox)


async def _is_ready(inbox: Inbox) -> bool:
    try:
        await inbox.ping()
    except NotStored:
        return False
    return True


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return Problem(status, status.description or status.phrase, headers=dict(error.headers or {})).answer()


async def _failed(_request: Request, _error: Exception) -> Response:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something unexpected happened; it is in the log").answer()
