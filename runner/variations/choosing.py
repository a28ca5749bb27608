"""Which variation is recommended, and why. Pure, and the same for the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.variations.model import Recommendation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.variations.model import CellResult

AS_GOOD: Final = 0.25
"""Points of ten. Scores nearer than this to the best are as good: then the cheaper one is better."""


def recommend(results: Iterable[CellResult]) -> Recommendation | None:
    """The best score, and of those as good the cheapest; without scores the cheapest. `None` if nothing can be used."""
    made = [cell for cell in results if cell.state == "made"]
    sound = [cell for cell in made if cell.flaw is None]
    if not sound:
        return None
    scored = [cell for cell in sound if cell.score is not None]
    if not scored:
        return _cheapest(sound)
    best = max(cell.score or 0.0 for cell in scored)
    good = [cell for cell in scored if (cell.score or 0.0) >= best - AS_GOOD]
    chosen = min(good, key=lambda cell: (cell.usd, cell.seconds, cell.number))
    score = chosen.score or 0.0
    if len(scored) == 1:
        why = f"the only one with a score, {score:.1f} of 10"
    elif score < best:
        why = f"its score, {score:.1f}, is as good as the best, {best:.1f}, and it costs least of those"
    elif len(good) > 1:
        why = f"the best score, {score:.1f} of 10, and the cheapest of {len(good)} that are as good"
    else:
        second = max(cell.score or 0.0 for cell in scored if cell is not chosen)
        why = f"the best score, {score:.1f} of 10; the next one has {second:.1f}"
    return Recommendation(number=chosen.number, reason=f"{why} ({_price(chosen)})")


def _cheapest(sound: list[CellResult]) -> Recommendation:
    chosen = min(sound, key=lambda cell: (cell.usd, cell.seconds, cell.number))
    which = "the only one there is" if len(sound) == 1 else f"the cheapest and quickest of {len(sound)}"
    return Recommendation(
        number=chosen.number, reason=f"{which} ({_price(chosen)}); nothing was scored, so the sheet decides"
    )


def _price(cell: CellResult) -> str:
    return f"{cell.seconds:.2f} s, ${cell.usd:.6f}"
