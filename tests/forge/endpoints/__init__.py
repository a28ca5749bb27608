"""What can be asked of the forge, one module per subject."""

import importlib

_SUBJECTS = (
    "apps",
    "checks",
    "contents",
    "control",
    "deployments",
    "git_data",
    "graphql",
    "issues",
    "protection",
    "pulls",
    "repositories",
    "reviews",
    "web",
)


def load() -> None:
    """Declare every endpoint (routes.ENDPOINTS)."""
    for subject in _SUBJECTS:
        importlib.import_module(f"tests.forge.endpoints.{subject}")
