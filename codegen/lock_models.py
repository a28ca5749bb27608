"""Model files of a lock: where they are from, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from codegen.addresses import public_url
from codegen.errors import PatchRefused
from codegen.lock import ModelPin
from codegen.lock_rules import shown

if TYPE_CHECKING:
    from codegen import lock_changes as to
    from codegen.lock import Lock
    from codegen.lock_rules import Rules

MODEL_HOSTS: Final = (
    "huggingface.co",
    "github.com",
    "civitai.com",
    "dl.fbaipublicfiles.com",
    "download.pytorch.org",
    "storage.googleapis.com",
    "openaipublic.azureedge.net",
)
"""Where model files are taken from without a person's word: those that the lists which ship here name, too."""


def with_model(lock: Lock, change: to.PinModel, rules: Rules) -> Lock:
    """The lock with that file pinned.

    Raises:
        PatchRefused: says what is wrong with it.
    """
    host = (urlsplit(change.url).hostname or "").lower()
    if public_url(change.url) != change.url:
        raise PatchRefused("url", "it has a key in it, and the lock is public; leave that out")
    if rules.author != "person" and host not in MODEL_HOSTS:
        raise PatchRefused(
            "url",
            f"{shown(host)} is none of {', '.join(MODEL_HOSTS)}; a person can name it: model <folder/file> = https://…",
        )
    there = next((pin for pin in lock.models if (pin.folder, pin.file) == (change.folder, change.file)), None)
    if there and there.sha256 and change.sha256 not in {None, there.sha256} and rules.author != "person":
        raise PatchRefused("sha256", "the lock has another, so it is another file; only a person decides that")
    facts: dict[str, object] = {"url": change.url, "source": change.source}
    facts |= {name: value for name in ("sha256", "bytes") if (value := getattr(change, name)) is not None}
    if there is None:
        return lock.model_copy(
            update={
                "models": (
                    *lock.models,
                    ModelPin.model_validate({"folder": change.folder, "file": change.file, **facts}),
                )
            }
        )
    if there.url != change.url:
        facts |= {"gated": None, "licence": None}
    if all(getattr(there, name) == value for name, value in facts.items() if name != "source"):
        return lock
    pinned = there.model_copy(update=facts)
    return lock.model_copy(update={"models": tuple(pinned if one is there else one for one in lock.models)})


def with_renamed_model(lock: Lock, change: to.RenameModel) -> Lock:
    """The lock with a file at another place.

    Raises:
        PatchRefused: says what is wrong with it.
    """
    places = [f"{pin.folder}/{pin.file}" for pin in lock.models]
    source, target = f"{change.folder}/{change.file}", target_of(change)
    if source not in places:
        raise PatchRefused("file", f"the lock has no model {shown(source)}; rename one of those that it has")
    if target in places and target != source:
        raise PatchRefused("to_file", f"{shown(target)} is there already; both would be put in the same place")
    moved = {"folder": change.to_folder, "file": change.to_file}
    models = (
        pin.model_copy(update=moved) if place == source else pin for place, pin in zip(places, lock.models, strict=True)
    )
    return lock.model_copy(update={"models": tuple(models)})


def target_of(change: to.RenameModel) -> str:
    """Where it lies then, below `models/`."""
    return f"{change.to_folder}/{change.to_file}"
