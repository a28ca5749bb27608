import pytest

from github_app.worker import Worker, WorkerBroken


class Mortal(Worker):
    """One whose sweeper ends, however that may come about."""

    def _sweep(self) -> None:
        raise SystemExit


def test_a_worker_does_not_outlive_one_of_its_threads(settings, database, caplog):
    worker = Mortal(settings, database)
    try:
        with pytest.raises(WorkerBroken, match="sweeper"):
            worker.serve()
    finally:
        worker.close()
    assert "the thread sweeper has died" in caplog.text
