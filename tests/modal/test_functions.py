"""Functions are called from afar and run in containers with only what was uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import modal
import pytest

from tests.modal.cli import SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.modal.bed import ModalBed

pytestmark = pytest.mark.long

SMALL = """\
import os
import pathlib
import time

import modal

app = modal.App("small")
image = modal.Image.debian_slim().env({"FROM_IMAGE": "/root/here"})
store = modal.Volume.from_name("store", create_if_missing=True)
secret = modal.Secret.from_dict({"FROM_SECRET": "hush"})


@app.function(image=image, volumes={"/store": store}, secrets=[secret], timeout=300)
def look(name, content=None):
    path = pathlib.Path("/store") / name
    if content is not None:
        path.write_text(content)
        store.commit()
    print("looking at", name)
    return path.read_text(), os.environ["FROM_IMAGE"], os.environ["FROM_SECRET"]


@app.function(image=image, volumes={"/store": store.with_mount_options(read_only=True)})
def spoil(name, link):
    if link:
        (pathlib.Path("/root") / "link").symlink_to(f"/store/{name}")
        return (pathlib.Path("/root") / "link").read_text()
    (pathlib.Path("/store") / name).write_text("spoiled")


@app.function(image=image)
def fail(why):
    raise ValueError(why)


@app.function(image=image, timeout=1, startup_timeout=60)
def sleep():
    time.sleep(60)


@app.function(image=image)
def wait():
    time.sleep(60)


@app.function(image=image)
def leave(code):
    print("leaving")
    os._exit(code)


@app.function(image=image)
def large(count):
    return "x" * count
"""


def call(client: modal.Client, name: str, *arguments: object) -> Any:
    return modal.Function.from_name("small", name, client=client).remote(*arguments)


def test_a_function_has_its_volume_its_secret_and_its_environment(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL)
    content, from_image, from_secret = call(client, "look", "a.txt", "hello")
    assert (content, from_secret) == ("hello", "hush")
    assert from_image.endswith("/root/here")  # below the container's folder
    assert call(client, "look", "a.txt")[0] == "hello"
    store = modal.Volume.from_name("store", client=client)
    assert [entry.path for entry in store.listdir("/")] == ["a.txt"]
    assert [volume.name for volume in modal.Volume.objects.list(client=client)] == ["store"]
    app = modal.App.lookup("small", client=client)
    assert [line.message for line in app.logs.tail(10)] == ["looking at a.txt\n"] * 2
    assert len(modal_bed.containers) == 1  # the same for both calls
    with pytest.raises(OSError, match="Read-only file system"):
        call(client, "spoil", "a.txt", None)
    assert call(client, "spoil", "a.txt", "link") == "hello"
    app.stop()
    modal.Volume.objects.delete("store", client=client)
    assert modal_bed.workspace().volumes == {}


def test_what_fails_and_what_lasts_too_long_is_told(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL)
    with pytest.raises(ValueError, match="because"):
        call(client, "fail", "because")
    with pytest.raises(modal.exception.FunctionTimeoutError, match="1s"):
        call(client, "sleep")
    assert any("ValueError: because" in line.text for line in modal_bed.app("small").logs)


def test_a_container_that_dies_takes_its_call_along(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL)
    with pytest.raises(modal.exception.RemoteError, match="Runner failed with exit code: 7"):
        call(client, "leave", 7)
    running = modal.Function.from_name("small", "wait", client=client).spawn()
    until(lambda: any(container.running for container in modal_bed.containers.values()))
    modal_bed.preempt("small")
    with pytest.raises(modal.exception.RemoteError):
        modal.FunctionCall.from_id(running.object_id, client).get(timeout=SECONDS)


def test_a_call_can_be_cancelled(modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]) -> None:
    deploy(SMALL)
    running = modal.Function.from_name("small", "wait", client=client).spawn()
    until(lambda: any(container.running for container in modal_bed.containers.values()))
    running.cancel()
    with pytest.raises(modal.exception.RemoteError):
        running.get(timeout=SECONDS)
    assert len(modal_bed.containers) == 1  # which goes on


def test_a_new_version_takes_over_from_the_old(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL)
    assert call(client, "large", 3) == "xxx"
    modal_bed.fail("AppPublish", "FAILED_PRECONDITION", times=None)
    with pytest.raises(modal.exception.ConflictError):
        deploy(SMALL.replace('"x" * count', '"y" * count'))
    assert call(client, "large", 3) == "xxx"
    assert len(modal_bed.containers) == 1
    modal_bed.faults.clear()
    deploy(SMALL.replace('"x" * count', '"z" * count'))
    assert call(client, "large", 3) == "zzz"
    until(lambda: len(modal_bed.buried) == 1)
    assert modal_bed.buried[0].exit_code == 0


def test_a_large_result_comes_as_a_blob(client: modal.Client, deploy: Callable[[str], modal.App]) -> None:
    deploy(SMALL)
    assert len(call(client, "large", 5_000_000)) == 5_000_000


def test_a_source_that_was_not_uploaded_is_missed(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL.replace("import modal\n", "import modal\nimport shared.definition\n"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'shared'"):
        call(client, "fail", "because")
    deploy(SMALL.replace("import modal\n", "import modal\nimport codegen.lock\n"))
    with pytest.raises(ModuleNotFoundError, match="No module named 'codegen'"):
        call(client, "fail", "because")


def test_what_differs_between_here_and_there_is_told(
    modal_bed: ModalBed, client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    deploy(SMALL.replace("secrets=[secret]", "secrets=[secret] if modal.is_local() else []"))
    with pytest.raises(modal.exception.RemoteError, match="Runner failed with exit code: 1"):
        call(client, "look", "a.txt")
    assert (
        "This can happen if you are defining Modal objects under a conditional statement" in modal_bed.buried[0].output
    )


def test_a_package_that_the_image_does_not_name_is_missed(
    client: modal.Client, deploy: Callable[[str], modal.App]
) -> None:
    needy = SMALL.replace("import modal\n", "import modal\nimport jsonschema\n")
    deploy(needy)
    with pytest.raises(ModuleNotFoundError, match="No module named 'jsonschema'"):
        call(client, "fail", "because")
    deploy(needy.replace("debian_slim()", 'debian_slim().pip_install("jsonschema==4")'))
    with pytest.raises(ValueError, match="because"):
        call(client, "fail", "because")
