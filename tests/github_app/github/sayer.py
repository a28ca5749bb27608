"""A process that says one thing on GitHub: run as a script, and killed in the middle."""

import json
import sys
from pathlib import Path

from pydantic import SecretStr

from github_app.github.app import GithubApp
from github_app.github.pace import Pace
from runner.database import Database
from runner.model import GithubRepository

if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    with Database(Path(given["data"]), given["database"]) as database:
        app = GithubApp(
            api_url=given["api_url"],
            app_id=given["app_id"],
            private_key=SecretStr(given["private_key"]),
            pace=Pace(database),
        )
        repository = GithubRepository(**given["repository"])
        site = app.installation(repository.installation).repository(repository)
        site.say(given["issue"], "run:1", "Hello")
