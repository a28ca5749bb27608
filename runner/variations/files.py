"""What is committed beside the app: the sheet, and `variations.json`, which `/adopt` reads back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, ValidationError

from codegen.model import Frozen
from runner.variations.errors import BadVariation
from runner.variations.model import Variations

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "variations"
"""In the app's folder. The newest grid takes the place of the one before, which git still has."""
SHEET: Final = f"{FOLDER}/sheet.jpg"
RECORD: Final = f"{FOLDER}/variations.json"
MAX_RECORD_BYTES: Final = 2_000_000
"""Larger than any that we write: somebody else's."""


class Record(Frozen):
    """`variations.json`."""

    format: int = 1
    app: str
    run: str
    commit: str
    """What was varied."""
    lock_sha256: str
    """Of its `app.lock.json`: with another one, the same values may give something else."""
    made_at: AwareDatetime
    target: str
    variations: Variations


def is_of_variations(app_dir: str, path: str) -> bool:
    """Whether a path of the repository is of what a grid has made, which nothing of the app depends on."""
    return path.startswith(f"{app_dir}/{FOLDER}/")


def files(record: Record, pictures: Mapping[int, bytes]) -> dict[str, bytes]:
    """Path in the app's folder → content."""
    from runner.variations.sheet import draw_sheet  # noqa: PLC0415 - Pillow: those who read records need none

    document = json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    return {RECORD: document.encode(), SHEET: draw_sheet(record.app, record.variations, pictures)}


def read_record(data: bytes | None) -> Record:
    """`variations.json`, as it is on the branch: anybody who may push may have written it.

    Raises:
        BadVariation: it is missing, or none that we have written.
    """
    if data is None:
        raise BadVariation("there are no variations on this branch yet; /vary makes some")
    if len(data) > MAX_RECORD_BYTES:
        raise BadVariation(f"{RECORD} has {len(data):,} bytes, which none of ours has")
    try:
        record = Record.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise BadVariation(f"{RECORD} cannot be read ({where}: {first['msg'][:100]}); /vary makes it anew") from None
    if record.format != 1:
        raise BadVariation(f"{RECORD} was written by another version of Flowberth; /vary makes it anew")
    return record
