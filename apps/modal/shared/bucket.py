"""Puts outputs into an S3 bucket (Amazon's, Cloudflare R2, or any that speaks its protocol), with links to them.

The links are presigned: whoever has one may fetch that one file until it expires, without this app and without a key.
Keys are `<prefix><app>/<job>/<index><extension>`. A bucket that fails costs no result: the output stays where it is,
behind this app's own link, and its `storage` says what went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from shared.outputs import Output, Stored

if TYPE_CHECKING:
    from obstore.store import S3Credential

    from shared.settings import BucketSettings

log = logging.getLogger(__name__)

STORE_SECONDS = 300.0
"""For all outputs of a job, so that a bucket that drips cannot hold up the queue for ever."""
RETRIES = 4
RETRY_SECONDS = 30.0
"""From the first try of a request: the GPU waits meanwhile, and the app's own link is there anyway."""
PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 4
"""Larger files go in parts of this size; a video then takes no more than their product of memory."""
_PLAIN_EXTENSION = re.compile(r"\.[a-z0-9]{1,12}")


class Bucket:
    """One bucket, for the outputs of one app."""

    def __init__(self, settings: BucketSettings, app: str) -> None:
        self._settings = settings
        self._app = app
        endpoint = settings.endpoint or f"https://s3.{settings.region}.amazonaws.com"
        self._store = S3Store(
            settings.name,
            region=settings.region,
            endpoint=endpoint,
            credential_provider=self._credentials,
            client_options={"allow_http": endpoint.startswith("http://")},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

    async def keep(self, job: str, outputs: tuple[Output, ...]) -> tuple[Output, ...]:
        """The same outputs, each with where it is in the bucket, or why it is not."""
        kept: list[Output] = []
        deadline = asyncio.get_running_loop().time() + STORE_SECONDS
        for output in outputs:
            key = self.key(job, output)
            try:
                async with asyncio.timeout_at(deadline):
                    kept.append(replace(output, stored=await self._put(key, output)))
            except (BaseError, OSError, TimeoutError) as error:
                log.warning("%s was not put into the bucket: %s", key, error)
                kept.append(replace(output, stored=Stored(key=key, error=_words(error))))
        return tuple(kept)

    async def _put(self, key: str, output: Output) -> Stored:
        await obstore.put_async(
            self._store,
            key,
            output.path,
            # An attachment: a picture can be shown in a page, and no output is ever opened as a page of that host.
            attributes={"Content-Type": output.media_type, "Content-Disposition": "attachment"},
            chunk_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        lifetime = timedelta(seconds=self._settings.link_seconds)
        expires_at = datetime.now(UTC) + lifetime
        return Stored(key=key, url=await obstore.sign_async(self._store, "GET", key, lifetime), expires_at=expires_at)

    def key(self, job: str, output: Output) -> str:
        """Where an output goes."""
        extension = PurePosixPath(output.filename).suffix.lower()
        plain = extension if _PLAIN_EXTENSION.fullmatch(extension) else ""
        return f"{self._settings.prefix}{self._app}/{job}/{output.index}{plain}"

    def _credentials(self) -> S3Credential:
        # Given by hand, so that an AWS_SESSION_TOKEN of the environment is not mixed in.
        return {
            "access_key_id": self._settings.access_key_id,
            "secret_access_key": self._settings.secret_access_key,
            "expires_at": None,
        }


def _words(error: Exception) -> str:
    """Without the library's own words, which quote the request."""
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "the bucket refused the app's key"
    if isinstance(error, TimeoutError):
        return "the bucket took too long"
    return "the bucket did not take the file"
