from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture
