"""`flowberth serve` as people run it: processes of its own, told by settings alone where the forge is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from runner.model import RunId
from runner.targets.local import LocalTarget

if TYPE_CHECKING:
    from tests.forge.forge import Forge

SCRIPT = Path(sys.executable).with_name("flowberth")
END_SECONDS = 60


class Served:
    """A server and its workers, which can be killed and started again on the same data."""

    def __init__(
        self, folder: Path, forge: Forge, database_url: str, engine_url: str | None = None, **settings: str
    ) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "serve.log"
        self._forge = forge
        key = folder / "key.pem"
        key.write_text(forge.private_key)
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            "FLOWBERTH_DATA_DIR": str(self.data_dir),
            "FLOWBERTH_DATABASE_URL": database_url,
            "FLOWBERTH_GITHUB_API_URL": forge.api_url,
            "FLOWBERTH_GITHUB_APP_ID": str(forge.app_id),
            "FLOWBERTH_GITHUB_PRIVATE_KEY_FILE": str(key),
            "FLOWBERTH_GITHUB_WEBHOOK_SECRET": forge.webhook_secret,
            "FLOWBERTH_OFFLINE": "1",
            "FLOWBERTH_EMBEDDINGS": "0",  # a model of a hundred megabytes, where it is installed
            **({"FLOWBERTH_COMFYUI": engine_url} if engine_url else {}),
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Until it answers; the forge's webhooks go there from now on."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [SCRIPT, "serve", "--port", "0", "--json"],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        ready: dict[str, Any] = json.loads(line)
        self._forge.hook_url = f"{ready['url']}/webhooks/github"
        return self

    def kill(self) -> None:
        """All of its processes at once, as a power cut would."""
        assert self.process
        family = psutil.Process(self.process.pid)
        everybody = [family, *family.children(recursive=True)]
        for one in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self._ended()

    def end(self) -> None:
        """As an administrator does."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self._ended()

    def _ended(self) -> None:
        assert self.process
        self.process.wait(END_SECONDS)
        assert self.process.stdout
        self.process.stdout.close()
        self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.end()
        self._stop_what_was_left_serving()

    def _stop_what_was_left_serving(self) -> None:
        """Previews and production outlive the server."""
        target = LocalTarget(self.data_dir)
        for deployment in (self.data_dir / "deployments").glob("*"):
            target.stop(RunId(deployment.name))
