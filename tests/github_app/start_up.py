"""What a command loads: start-up is felt at every call."""

import subprocess
import sys

HEAVY = (
    "alembic",
    "av",
    "dbos",
    "fastapi",
    "git",
    "httpx",
    "modal",
    "numpy",
    "pydantic_settings",
    "slack_sdk",
    "sqlalchemy",
)
"""None of these is needed to read help; each takes 50 to 800 ms to import."""


def loaded_after(*args: str) -> set[str]:
    """Which of them a command has imported by the time it ends."""
    script = (
        "import atexit, sys; from github_app.cli import main; sys.argv = ['flowberth', *sys.argv[1:]];"
        f"atexit.register(lambda: print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)); main()"
    )
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    return set(done.stderr.split())
