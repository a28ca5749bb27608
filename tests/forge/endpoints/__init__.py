"""What can be asked of the forge, one module per subject."""

import importlib

from tests.forge.routes import ENDPOINTS

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
    """Declare every endpoint (routes.ENDPOINTS), those with more words in their path first: `{ref:path}` takes slashes too."""
    for subject in _SUBJECTS:
        importlib.import_module(f"tests.forge.endpoints.{subject}")
    ENDPOINTS.sort(key=lambda endpoint: -len(endpoint.words))
