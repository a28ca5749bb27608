"""From what somebody wrote, and what is committed, to what a run is asked for: refused here, or priced."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from codegen.committed import INTERFACE, LOCK, PROMPT, read_interface, read_lock, read_prompt
from runner.variations.adopting import adopted, adoption_of
from runner.variations.errors import BadVariation
from runner.variations.estimate import estimate_of
from runner.variations.grid import make_grid
from runner.variations.model import VaryRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.lock import Lock
    from codegen.model import JsonObject
    from runner.variations.adopting import Adoption
    from runner.variations.files import Record
    from runner.variations.grammar import Wish
    from runner.variations.model import Grid

REPORT = "report.json"
MOST_AT_ONCE = 8
"""Calls at the same time, however many containers the app may have: more is another bill than people expect."""


def ask_for(
    wishes: tuple[Wish, ...], read: Callable[[str], bytes | None], *, budget_usd: float | None, costs: bool
) -> VaryRequest:
    """What a run of the kind `vary` is to make.

    Args:
        wishes: what was written.
        read: a file of the app's folder as it is committed, by its name there.
        budget_usd: the most that the run may spend.
        costs: whether money is spent where the app is deployed.

    Raises:
        BadVariation: it cannot be made, or would cost more than the run may.
        codegen.errors.InvalidLock: what is committed cannot be used.
    """
    lock, _, interface = committed(read)
    grid = make_grid(wishes, interface)
    estimate = estimate_of(
        grid,
        interface,
        read(REPORT),
        usd_per_second=lock.hardware.usd_per_second,
        at_once=at_once(lock, grid),
        min_containers=lock.scaling.min_containers,
    )
    if costs and estimate is not None and budget_usd is not None and estimate.usd > budget_usd:
        raise BadVariation(
            f"{grid.size} variations would take about {estimate.seconds:,.0f} s and ${estimate.usd:,.2f}, "
            f"and this run may spend ${budget_usd:,.2f}; ask for fewer values, or raise `budget_usd`"
        )
    return VaryRequest(grid=grid, estimate=estimate)


class Adopting(NamedTuple):
    """A variation that may become the default."""

    adoption: Adoption
    moved: bool
    """Whether the lock is another one than when the variations were made."""


def ask_to_adopt(number: int, record: Record, read: Callable[[str], bytes | None]) -> Adopting:
    """What taking variation `number` changes in the app as it is committed now.

    Raises:
        BadVariation: there is no such variation, or the app does not take its values.
        codegen.errors.InvalidLock: what is committed cannot be used.
    """
    lock, prompt, interface = committed(read)
    adoption = adoption_of(number, record, interface)
    adopted(lock, adoption.request, prompt)  # refused here, where somebody waits for an answer
    return Adopting(adoption, hashlib.sha256(read(LOCK) or b"").hexdigest() != record.lock_sha256)


def committed(read: Callable[[str], bytes | None]) -> tuple[Lock, JsonObject, JsonObject]:
    """Lock, prompt and interface of an app, as they are committed.

    Raises:
        BadVariation: one is missing.
        codegen.errors.InvalidLock: one cannot be used; says where.
    """
    found = {name: read(name) for name in (LOCK, PROMPT, INTERFACE)}
    for name, data in found.items():
        if data is None:
            raise BadVariation(f"{name} is missing from the app's folder; /deploy makes it")
    lock, prompt = read_lock(found[LOCK] or b""), read_prompt(found[PROMPT] or b"")
    return lock, prompt, read_interface(found[INTERFACE] or b"", prompt)


def at_once(lock: Lock, grid: Grid) -> int:
    """Calls that are under way at the same time: a container runs one after the other, and so many may there be."""
    return max(1, min(lock.scaling.max_containers, MOST_AT_ONCE, grid.size))
