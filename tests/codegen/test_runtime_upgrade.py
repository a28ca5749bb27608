"""What a repository's copy of the runtime needs."""

import pytest

from codegen.runtime_upgrade import CHANGES, upgrade_from
from codegen.vendored import runtime_files, runtime_version


def test_a_repository_without_one_gets_it():
    assert upgrade_from(None).kind == "add"


def test_the_same_is_left_alone():
    assert upgrade_from(f"{runtime_version()}\n".encode()).kind == "none"


def test_an_older_one_is_brought_up_with_what_has_changed_since():
    upgrade = upgrade_from(b"1.0.0\n")
    assert (upgrade.kind, upgrade.there) == ("update", "1.0.0")
    assert "## 1.1.0" in upgrade.summary
    assert "## 1.0.0" not in upgrade.summary


def test_a_newer_one_is_not_taken_back():
    assert upgrade_from(b"999.0").kind == "newer"


@pytest.mark.parametrize("stamp", [b"", b"\xff\xfe", b"one", b"1", b"1." * 99, b"9" * 5000, b"1.0.0; rm -rf"])
def test_a_stamp_that_is_none_is_replaced(stamp):
    upgrade = upgrade_from(stamp)
    assert (upgrade.kind, upgrade.there, upgrade.summary) == ("update", None, "")


def test_the_list_of_changes_begins_with_the_version_that_ships():
    first = next(line for line in runtime_files()[CHANGES].decode().splitlines() if line.startswith("## "))
    assert first == f"## {runtime_version()}"
