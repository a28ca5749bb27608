"""About how large a model file is, where nobody has asked the server that has it.

A name mostly says enough: weights are parameters × bytes for each, `wan2.2_t2v_14B_fp8_scaled` tells both, and a
family such as `flux1-dev` has one number of parameters. What is known to the byte comes from lookups; this is for
planning without them, and never goes into the lock as a fact.
"""

from __future__ import annotations

import re
from typing import Final

GIGA: Final = 10**9

_PARAMETERS = re.compile(r"(?<![a-z0-9.])(\d{1,3}(?:\.\d{1,2})?)b(?![a-z0-9])")
"""As in `14b` or `1.5b`, in lower case."""

LARGEST_BILLIONS: Final = 100.0
"""No single file has more; a larger number in a name is something else."""

_BYTES_PER_PARAMETER: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"nvfp4|mxfp4|fp4|int4|awq|q4|nf4"), 0.6),
    (re.compile(r"fp8|float8|e4m3|e5m2|int8|mxfp8|q8"), 1.0),
    (re.compile(r"fp32|float32"), 4.0),
)
"""The first that a name has; 4 bits have scales beside them. Without any it is 16 bits."""
USUAL_BYTES: Final = 2.0

_BILLIONS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern), billions)
    for pattern, billions in (
        (r"umt5[-_]?xxl", 5.68),
        (r"t5[-_]?xxl", 4.76),
        (r"byt5[-_]?small", 0.22),
        (r"clip[-_]?l\b|clip_l", 0.123),
        (r"clip[-_]?g\b|clip_g", 0.695),
        (r"clip[-_]vision[-_]h", 0.632),
        (r"clip[-_]vision[-_]g|bigg", 1.84),
        (r"clip[-_]vision[-_]vit[-_]l|clip-vit-large", 0.304),
        (r"sigclip", 0.43),
        (r"llava[-_]llama", 8.03),
        (r"qwen[-_.]?2\.5[-_]vl", 8.29),
        (r"mistral[-_]3[-_]small", 24.0),
        (r"gemma[-_]?3[-_]12b", 12.2),
        (r"flux\.?2[-_.]dev|flux2_dev", 32.2),
        (r"flux\.?1|flux[-_]dev|flux[-_]schnell|flux[-_]fill|flux[-_]canny|flux[-_]depth|kontext", 11.9),
        (r"qwen[-_]image", 20.4),
        (r"z[-_]image", 6.15),
        (r"hunyuan[-_]?video", 12.8),
        (r"hunyuan[-_]?3d|hunyuan3d", 2.46),
        (r"hunyuan[-_]?image", 17.5),
        (r"hidream[-_]i1", 17.1),
        (r"chroma", 8.9),
        (r"wan2\.[12].*14b|wan.*(i2v|t2v|flf2v|vace|animate|s2v|fun)", 14.3),
        (r"ltx[-_]?2\.[35]", 22.0),
        (r"ltx[-_]?2", 19.0),
        (r"ltxv?[-_]", 2.6),
        (r"cosmos", 7.2),
        (r"lumina", 2.6),
        (r"omnigen2", 3.97),
        (r"sd3\.?5[-_]?large", 8.06),
        (r"sd3\.?5[-_]?medium|sd3[-_]medium", 2.5),
        (r"svd", 2.4),
        (r"(?:sd[-_]?)?xl|pony|illustrious|noobai|animagine", 3.47),
        (r"v1[-_]5|sd[-_]?1\.?5|v2[-_]1|dreamshaper|realistic[-_]?vision|deliberate|anything|counterfeit", 1.07),
    )
)
"""Billions of parameters by family, of the publishers' model cards; the first that a name has."""

_SMALL_FOLDERS: Final[dict[str, float]] = {
    "vae": 0.4, "vae_approx": 0.01, "loras": 0.7, "embeddings": 0.01, "upscale_models": 0.07, "controlnet": 2.5,
    "clip_vision": 1.3, "style_models": 0.2, "gligen": 0.9, "hypernetworks": 0.2, "photomaker": 1.0,
    "audio_encoders": 1.3, "background_removal": 0.5, "latent_upscale_models": 1.0, "model_patches": 3.2,
    "frame_interpolation": 0.1, "optical_flow": 0.1, "geometry_estimation": 1.5, "mediapipe": 0.05, "detection": 1.0,
    "ipadapter": 1.2, "insightface": 0.5, "sams": 2.6, "ultralytics": 0.1, "animatediff_models": 1.9,
}  # fmt: skip
"""GB of a large file of the kind: here names say little, and a wrong guess costs little."""


def guess_bytes(folder: str, file: str) -> int | None:
    """Bytes as far as folder and name tell; `None` where a guess would be none."""
    name = file.rsplit("/", 1)[-1].lower()
    typical = _SMALL_FOLDERS.get(folder.split("/", 1)[0])
    if typical is not None:
        return round(typical * GIGA)
    named = _PARAMETERS.search(name)
    billions = next((size for family, size in _BILLIONS if family.search(name)), None)
    if billions is None and named is None:
        return None
    stated = min(float(named[1]), LARGEST_BILLIONS) if named else 0.0
    each = next((size for kind, size in _BYTES_PER_PARAMETER if kind.search(name)), USUAL_BYTES)
    return round((stated or billions or 0.0) * each * GIGA)
