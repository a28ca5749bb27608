"""Deploys one app: `python -I -m runner.targets.modal.deploying ORDER`, confined, with the account in the environment.

ORDER is JSON: `app_file`, `app`, `label`, `tags`. The file is imported here, so from then on this process is as strange
as the repository it comes from: it prints a log for people, its status is a hint, and others look what it has done.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modal
import modal.exception

from runner.targets.modal.statuses import status_of

if TYPE_CHECKING:
    from types import ModuleType

APP_MODULE = "app"
"""As Modal's own command names the module of an `app.py`; containers import it by that name."""


def load(path: Path) -> ModuleType:
    """Import the file as `modal deploy` would."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(APP_MODULE, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[APP_MODULE] = module
    spec.loader.exec_module(module)
    return module


def deploy(order: dict[str, Any]) -> None:
    """Build the image and publish the app, under the name and with the tags that were ordered.

    Tags that are set on a deployed app are lost with the next deployment, which brings those of its source; so an app
    with the right ones includes the other.
    """
    module = load(Path(order["app_file"]))
    app = getattr(module, "app", None)
    if not isinstance(app, modal.App):
        raise modal.exception.InvalidError("app.py has no variable `app` that is a modal.App")
    outer = modal.App(order["app"], tags=order["tags"])
    outer.include(app)  # with its own tags, of which ours take precedence
    with modal.enable_output():
        outer.deploy(name=order["app"], tag=order["label"])


def main() -> int:
    """Entry point."""
    try:
        deploy(json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - whatever it is, its trace is the log's end
        if isinstance(error, modal.exception.Error):
            sys.stdout.write(f"{type(error).__name__}: {error}\n")
        else:
            traceback.print_exc(file=sys.stdout)
        return status_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
