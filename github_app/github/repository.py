"""One repository on GitHub: everything that Flowberth reads and writes there, one module per subject."""

from __future__ import annotations

from github_app.github.checks import Checks
from github_app.github.contents import Contents
from github_app.github.conversation import Conversation
from github_app.github.deployments import Deployments
from github_app.github.permissions import Permissions
from github_app.github.pulls import Pulls


class RepositoryApi(Conversation, Checks, Deployments, Pulls, Contents, Permissions):
    """Found by its id: a rename or transfer is followed. Cheap to make; safe to use from several threads."""
