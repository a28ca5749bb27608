"""What a repository's people ask of outputs: the section `quality` of `.github/flowberth.yml`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from codegen.model import Frozen

DEFAULT_MINIMUM: Final = 2.0
"""Lowest score of a measure that passes. Calibrated: benchmarks/quality.py says what it lets through and stops."""

REFERENCE_PREFIX: Final = "reference-"
"""Of the names of measures that compare an output with the picture that it should look like."""
LIKENESS: Final = f"{REFERENCE_PREFIX}likeness"
"""What they come to."""

Score = Annotated[float, Field(ge=0, le=10, strict=True, allow_inf_nan=False)]
OutputPattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_*?-]{1,100}$")]


def _minimum(kind: str) -> float:
    return Field(
        default=DEFAULT_MINIMUM,
        description=f"Lowest score, 0 to 10, that each measure of {kind} has to reach. `0`: it is measured and told, "
        "and never a failure.",
    )


class QualityRules(Frozen):
    """From which score on an output is good enough for a pull request to be ready."""

    image: Score = _minimum("a picture")
    video: Score = _minimum("a video")
    audio: Score = _minimum("a sound")
    mesh: Score = _minimum("a mesh")
    text: Score = _minimum("a text")
    reference: Score = Field(
        default=0.0,
        description="Lowest score, 0 to 10, of the likeness to the picture that the issue shows. `0`: it is told, and "
        "never a failure.",
    )
    untested: tuple[OutputPattern, ...] = Field(
        default=(),
        max_length=50,
        description="Outputs that may be as they are, as patterns of their names, such as `mask*`: they are measured "
        "and told, and never a failure.",
    )
    opinion: bool = Field(
        default=True,
        strict=True,
        description="Ask a language model what it thinks of the result, where the server has a key for one.",
    )

    def minimum(self, kind: str, output: str) -> float:
        """Lowest score of an output's measures that passes; 0 if none fails."""
        if any(fnmatchcase(output, pattern) for pattern in self.untested):
            return 0.0
        return float(getattr(self, kind, 0.0)) if kind in KINDS else 0.0


KINDS: Final = ("image", "video", "audio", "mesh", "text")
"""Of outputs that are measured."""
WITHOUT_LIMITS: Final = QualityRules(image=0.0, video=0.0, audio=0.0, mesh=0.0, text=0.0)
"""For what is measured and told only: what people have merged, and what is simulated."""
