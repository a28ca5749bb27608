"""Imports app.py of each folder as on a machine where modules are missing: `only_modal.py FOLDER… -- MODULE…`."""

import sys
from importlib import import_module

divide = sys.argv.index("--")
folders, absent = sys.argv[1:divide], sys.argv[divide + 1 :]


class NotInstalled:
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in absent:
            raise ImportError(f"{name} is not installed")


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec"}:
        raise AssertionError(f"importing app.py does {event} {arguments}")


sys.meta_path.insert(0, NotInstalled())
sys.addaudithook(watch)

for folder in folders:
    sys.path.insert(0, folder)
    app = import_module("app")
    assert app.ComfyUI
    sys.stdout.write(f"{app.app.name}\n")
    sys.path.remove(folder)
    del sys.modules["app"]
