from tests.forge.fixtures import forge  # noqa: F401
