"""From a request to a queued job: inputs validated, media brought in, seeds drawn."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.body import Submission, chunks
from shared.inputs import InputRules
from shared.jobs import Job, Jobs, Upload
from shared.media import Intake, MediaError
from shared.problems import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from shared.definition import Definition, InputField


class Admission:
    """Turns submissions into jobs."""

    def __init__(self, definition: Definition, jobs: Jobs, media: httpx.AsyncClient, folder: Path) -> None:
        self._definition = definition
        self._jobs = jobs
        self._media = media
        self._folder = folder
        self._rules = InputRules(definition)

    async def admit(self, submission: Submission, webhook_url: str | None, *, previews: bool) -> Job:
        """Validate, bring the media in, and queue.

        Raises:
            InvalidInput: with every fault of every input.
            QueueFull: there is no room.
        """
        self._jobs.check_room()
        faults = self._rules.faults(submission.values, submission.files)
        if faults:
            raise invalid(faults)
        async with self._new_folder() as folder:
            uploads = await self._take_media(submission, folder)
            plain = {name: value for name, value in submission.values.items() if not self._is_media(name)}
            values, seed = self._rules.resolve(plain)
            described = {upload.field: _describe(upload) for upload in uploads}
            job = Job(
                inputs=values | described,
                values=values,
                seed=seed,
                uploads=uploads,
                folder=folder,
                webhook_url=webhook_url,
                wants_previews=previews,
            )
            self._jobs.add(job)
        return job

    def _is_media(self, name: str) -> bool:
        field = self._definition.input(name)
        return field is not None and field.is_media

    @contextlib.asynccontextmanager
    async def _new_folder(self) -> AsyncGenerator[Path]:
        """A folder for one job, removed again when the job does not come to be."""
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._folder))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async def _take_media(self, submission: Submission, folder: Path) -> tuple[Upload, ...]:
        uploads: list[Upload] = []
        faults: list[FieldError] = []
        intake = Intake(folder, self._media)
        for field in self._definition.inputs:
            try:
                taken = await self._take_one(intake, field, submission)
            except MediaError as error:
                faults.append(FieldError(field=field.name, message=str(error)))
            else:
                uploads.extend([taken] if taken else [])
        if faults:
            raise invalid(faults)
        return tuple(uploads)

    async def _take_one(self, intake: Intake, field: InputField, submission: Submission) -> Upload | None:
        if not field.is_media:
            return None
        if file := submission.files.get(field.name):
            path, name = await intake.take_stream(field.name, field.kind, chunks(file), file.filename or "")
        elif field.name in submission.values:
            path, name = await intake.take_reference(field.name, field.kind, submission.values[field.name])
        else:
            return None
        return Upload(field.name, path, name)


def invalid(faults: list[FieldError]) -> InvalidInput:
    """One problem for all faults; its detail is readable by itself."""
    count = f"{len(faults)} inputs are not valid" if len(faults) > 1 else "One input is not valid"
    return InvalidInput(f"{count}: {'; '.join(_sentence(fault) for fault in faults[:3])}", errors=faults)


def _sentence(fault: FieldError) -> str:
    return f"`{fault.field}` {fault.message}" if fault.field else f"the body {fault.message}"


def _describe(upload: Upload) -> dict[str, Any]:
    return {"file": upload.name, "bytes": upload.path.stat().st_size}
