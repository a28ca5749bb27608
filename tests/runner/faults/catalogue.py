"""All faults that are injected, and a dozen of them that stand for the rest."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from tests.runner.faults.answered import ANSWERED
from tests.runner.faults.boot import BOOT, METADATA, MODULE, SOUND
from tests.runner.faults.build import BUILD, NO_SUCH_PACKAGE
from tests.runner.faults.later import LATER
from tests.runner.faults.models import GATED, HALF, MODELS
from tests.runner.faults.preflight import PREFLIGHT, SMALL
from tests.runner.faults.serving import LIMITED, OUT_OF_GPU, PASSING, SERVING
from tests.runner.faults.traps import TRAPS

if TYPE_CHECKING:
    from tests.runner.faults.fault import Fault


def one_after_the_other(name: str, *faults: Fault) -> Fault:
    """Several causes of one app, each of which shows once those before it are gone; it ends as the last does."""
    starts = [fault.start for fault in faults if fault.start is not None]
    return replace(
        faults[-1],
        id=name,
        group="combined",
        symptoms=tuple(symptom for fault in faults for symptom in fault.symptoms),
        inputs=frozenset().union(*(fault.inputs for fault in faults)),
        held_out=any(fault.held_out for fault in faults),
        start=(lambda lock: reduce(lambda so_far, start: start(so_far), starts, lock)) if starts else None,
    )


COMBINED = (
    one_after_the_other("package-module-memory", NO_SUCH_PACKAGE[1], MODULE[1], OUT_OF_GPU[1]),
    one_after_the_other("module-sound-value", METADATA[0], SOUND[1], SMALL[0]),
    one_after_the_other("limit-download-value", LIMITED[1], HALF[1], SMALL[1]),
    one_after_the_other("package-gated", NO_SUCH_PACKAGE[0], GATED[2]),
    one_after_the_other("two-modules", MODULE[0], METADATA[1]),
)
FEW_IDS = (
    "package-module-memory", "limit-download-value", "commit-gone-1", "gated-2", "secret-missing-1", "pack-broken-2",
    "no-outputs-2", "package-of-a-stranger-2", "pack-left-out-1", "nobody-knows-build-1",
)  # fmt: skip
ALL: tuple[Fault, ...] = (*BUILD, *MODELS, *BOOT, *PREFLIGHT, *SERVING, *PASSING, *ANSWERED, *LATER, *TRAPS, *COMBINED)
FEW = tuple(fault for fault in ALL if fault.id in FEW_IDS)
