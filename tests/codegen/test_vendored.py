"""The runtime as files to put into a repository: all of them, and nothing that a run of it left behind."""

import re

from codegen.plan import make_plan
from codegen.vendored import runtime_files, runtime_version
from tests.codegen.canvas import text_to_image


def test_every_file_of_the_runtime_and_no_other():
    files = runtime_files()
    assert list(files) == sorted(files)
    assert {"shared/__init__.py", "shared/service.py", "shared/VERSION", "shared/requirements.txt"} <= set(files)
    assert any(path.startswith("shared/ui/") for path in files)
    for path in files:
        assert re.fullmatch(r"shared/(?:[A-Za-z0-9_]+/)*[A-Za-z0-9_.]+", path)
        assert "__pycache__" not in path
        assert not path.endswith(".pyc")


def test_the_stamp_in_a_lock_is_that_of_the_files():
    lock = make_plan(text_to_image().workflow(), filename="x").lock
    assert lock.runtime == runtime_version() == runtime_files()["shared/VERSION"].decode().strip()


def test_an_app_installs_what_the_runtime_requires():
    lock = make_plan(text_to_image().workflow(), filename="x").lock
    assert list(lock.dependencies.packages) == runtime_files()["shared/requirements.txt"].decode().split()
