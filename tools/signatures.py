"""Write the table of signatures in docs/repair.md.

    uv run python tools/signatures.py

A test holds the table true.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runner.repair.evidence import STAGES
from runner.repair.signatures import FAMILIES, signatures

DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "repair.md"
BEGIN: Final = "<!-- signatures: made by tools/signatures.py -->\n"
END: Final = "<!-- end of signatures -->\n"


def table() -> str:
    """All signatures by family, with their cause and what is done."""
    rows: list[str] = []
    for family in FAMILIES:
        rows += [f"\n### {family}\n", "| signature | stages | cause | what is done |", "|---|---|---|---|"]
        for signature in signatures():
            if signature.family == family:
                stages = "all" if signature.stages == STAGES else ", ".join(signature.stages)
                cause = signature.cause.replace("{", "*").replace("}", "*").replace("|", "\\|")
                unsure = "; a language model is asked first" if signature.unsure else ""
                rows.append(f"| `{signature.id}` | {stages} | {cause} | {signature.steps}{unsure} |")
    return "\n".join(rows).lstrip("\n") + "\n"


def written(document: str) -> str:
    """The document with the table of today."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
