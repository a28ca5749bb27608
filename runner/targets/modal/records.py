"""What is written down of a run's deployment before it is made, so that any later process of this machine finds it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pydantic import ValidationError

from runner.model import Frozen, RunId

if TYPE_CHECKING:
    from pathlib import Path


class DeploymentRecord(Frozen):
    """Where to look for what a run has deployed."""

    account: str
    """Key of the account."""
    apps: tuple[str, ...] = ()
    """Names under which it has deployed, or was about to."""
    app_id: str | None = None
    """Of the last one: Modal still knows it when it has been stopped."""
    deploying: bool = False
    """A process was at it, and has not been seen to end."""
    stopped: bool = False
    """All of it was seen to be gone, and nothing was deployed since."""
    models_of: str | None = None
    """The deployed content whose models have been fetched."""


class DeploymentRecords:
    """One folder for each run, with the record and whatever else is kept there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, run_id: RunId) -> Path:
        """The run's folder; it may not be there."""
        return self._folder / run_id

    def get(self, run_id: RunId) -> DeploymentRecord | None:
        """The record, if there is one on this machine."""
        try:
            return DeploymentRecord.model_validate_json((self.folder(run_id) / "record.json").read_text())
        except (FileNotFoundError, ValidationError):
            return None

    def put(self, run_id: RunId, record: DeploymentRecord) -> None:
        """Write it, whole or not at all."""
        path = self.folder(run_id) / "record.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(record.model_dump_json())
        partial.replace(path)

    def all(self) -> tuple[RunId, ...]:
        """Every run that has a folder."""
        return tuple(RunId(path.name) for path in self._folder.glob("*") if path.is_dir())

    def written_at(self, run_id: RunId) -> float:
        """When the record was changed last, in seconds since 1970; 0 if there is none."""
        try:
            return (self.folder(run_id) / "record.json").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def forget(self, run_id: RunId) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def clear(self, run_id: RunId) -> None:
        """Remove what is of no use once nothing is deployed; the record and the logs stay."""
        shutil.rmtree(self.folder(run_id) / "work", ignore_errors=True)
