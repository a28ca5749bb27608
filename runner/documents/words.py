"""Facts of a tested app in words, the same in every document."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.budget.errors import WHOSE
from runner.documents.markdown import Markdown, code, plain

if TYPE_CHECKING:
    from codegen.lock import Hardware, ModelPin, PackPin
    from runner.budget.model import RunMoney
    from runner.model import Report

SIMULATED = (
    "The stand-in engine answered, not ComfyUI: whatever needs a model is SIMULATED, and so are times and costs. "
    "This shows that the app and its interface work, not that the workflow does, and does not count as a deployment "
    "that worked."
)
_KIBI = 1024
CENTS = 0.1
"""US dollars from which on nobody counts fractions of a cent."""
TENS = 100
"""US dollars from which on nobody counts cents."""
SHORT_COMMIT = 10


def engine(report: Report) -> str:
    """Which engine answered."""
    name = "ComfyUI" if report.engine == "comfyui" else "Stand-in for ComfyUI"
    return f"{name} {report.engine_version}"


def hardware(pins: Hardware) -> str:
    """What the app runs on, with its price."""
    gpu = pins.gpu or "no GPU"
    return f"{gpu}, {pins.cpu:g} cores, {pins.memory_mib / _KIBI:.0f} GiB, ${pins.usd_per_second:.6f} a second"


def cost(report: Report) -> str:
    """Of one warm call."""
    found = report.cost
    return f"${found.usd:.6f} ({found.basis}: {found.execution_seconds:.2f} s at ${found.usd_per_second:.6f} a second)"


def times(report: Report) -> str:
    """Cold and warm."""
    warm = "" if report.warm_seconds is None else f", then {report.warm_seconds:.2f} s a call"
    return f"{report.cold_start_seconds:.1f} s to start{warm}"


def outcome(report: Report) -> str:
    """How many tests passed."""
    passed = sum(test.passed for test in report.tests)
    return f"{passed} of {len(report.tests)} tests passed"


def size(model: ModelPin) -> str:
    """Of a model's file."""
    return "unknown" if model.bytes is None else f"{model.bytes / _KIBI**3:.2f} GiB"


def money(usd: float) -> str:
    """As many decimals as tell something: of a call that costs next to nothing, and of a run."""
    return f"${usd:.2f}" if usd >= CENTS or not usd else f"${usd:.6f}"


def dollars(usd: float) -> str:
    """Of a run, in cents."""
    return "less than $0.01" if 0 < usd < 0.01 else f"${usd:.2f}"  # noqa: PLR2004 - a cent


def round_dollars(usd: float) -> str:
    """Of very many calls: nobody counts their cents."""
    if usd >= CENTS or not usd:
        return f"${usd:,.0f}" if usd >= TENS else f"${usd:.2f}"
    return f"${usd:.{1 - math.floor(math.log10(usd))}f}"


def bill(money: RunMoney) -> str:
    """How much of the bill has come."""
    if money.fully_billed:
        return "The bill is complete."
    return "The bill comes by the hour, and is taken as complete a day later."


def alerts(money: RunMoney) -> tuple[str, ...]:
    """What of limits is used up, of each the last that was noticed."""
    last = {alert.scope: alert for alert in sorted(money.alerts, key=lambda alert: alert.percent)}
    return tuple(
        f"{alert.percent} % of the limit {WHOSE[alert.limit_name]}, {dollars(float(alert.limit_usd))}, are used up."
        for alert in last.values()
    )


def start_usd(report: Report) -> float:
    """Of a cold start."""
    return report.cold_start_seconds * report.cost.usd_per_second


def access(model: ModelPin) -> str:
    """Who may download a model."""
    match model.gated:
        case None:
            return "unknown"
        case True:
            return "gated"
        case False:
            return "open"


def host(model: ModelPin) -> Markdown:
    """That a model is downloaded from."""
    name = urlsplit(model.url).hostname if model.url else None
    return code(name) if name else plain("unknown")


def commit(pack: PackPin) -> Markdown:
    """Of a pack, with a link to read it."""
    short = pack.commit[:SHORT_COMMIT]
    if pack.repository.startswith("https://github.com/"):
        return Markdown(f"[`{short}`]({pack.repository}/tree/{pack.commit})")
    return code(short)
