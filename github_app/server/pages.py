"""The home page: what answers here, for a person who opens its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment

if TYPE_CHECKING:
    from github_app.settings import Settings

STYLE = """
:root { color-scheme: light dark }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto; padding: 0 1.5rem }
a.button { display: inline-block; padding: .5rem 1rem; border: 1px solid; border-radius: .4rem; text-decoration: none }
"""
_HOME = Environment(autoescape=True).from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flowberth</title>
<style>{{ style }}</style>
</head>
<body>
<h1>Flowberth</h1>
<p>Open an issue with a ComfyUI workflow, and Flowberth answers with a pull request: the workflow as an endpoint,
deployed, tested, priced and written up. Review it, merge it, and it is in production.</p>
{% if install %}<p><a class="button" href="{{ install }}">Install the GitHub App</a></p>
{% endif %}<p>{{ state }}</p>
</body>
</html>
""")

_READY = "This server is ready."
_NOT_READY = "This server cannot reach its database at the moment. What GitHub sends meanwhile is fetched once it can."


def home(settings: Settings, *, ready: bool) -> str:
    """HTML of the page."""
    slug = settings.github_app_slug
    install = install_url(settings.github_url, slug) if slug else None
    return _HOME.render(style=STYLE, install=install, state=_READY if ready else _NOT_READY)


def install_url(github_url: str, slug: str) -> str:
    """Where an App is installed. On a GitHub Enterprise Server its pages have another folder than on github.com."""
    folder = "apps" if github_url == "https://github.com" else "github-apps"
    return f"{github_url}/{folder}/{slug}/installations/new"
