"""What a workflow asks of its own outputs, read off its prompt: from the node that saves back to the one that says.

Only ways on which nothing can change the size are followed; of anything else nobody knows what to expect, and nothing
is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.json_values import as_object, is_list
from runner.model import Frozen

if TYPE_CHECKING:
    from codegen.model import JsonObject

MOST_STEPS: Final = 40
"""From an output back; a prompt with a circle has no end."""
LONGEST_NAME: Final = 80
"""Characters of a class that is named; what has more, or signs in it, may be anybody's words."""
KEEPING: Final[dict[str, str]] = {
    "SaveImage": "images",
    "PreviewImage": "images",
    "SaveImageWebsocket": "images",
    "SaveAnimatedWEBP": "images",
    "SaveAnimatedPNG": "images",
    "SaveWEBM": "images",
    "SaveVideo": "video",
    "CreateVideo": "images",
    "VHS_VideoCombine": "images",
    "VAEDecode": "samples",
    "VAEDecodeTiled": "samples",
    "KSampler": "latent_image",
    "KSamplerAdvanced": "latent_image",
    "SamplerCustom": "latent_image",
    "SamplerCustomAdvanced": "latent_image",
    "SaveAudio": "audio",
    "SaveAudioMP3": "audio",
    "SaveAudioOpus": "audio",
    "PreviewAudio": "audio",
    "VAEDecodeAudio": "samples",
}
"""Classes that leave size, number and length as they are, and the input that these come from."""
EMPTY: Final = re.compile(r"Empty\w*Latent\w*")
"""Classes that say the size: what is sampled begins with theirs."""
RATES: Final = ("fps", "frame_rate")
FLAT: Final = re.compile(
    r"mask|canny|edge|hed|line_?art|scribble|depth|normal_?map|pose|segment|silhouette|alpha|rembg|remove_?(bg|background)"
    r"|background_?remov|threshold|matting|solid|empty_?image",
    re.IGNORECASE,
)
"""In the names of classes whose product is black, white, transparent or flat for the most part, and rightly so."""
THROUGH: Final = re.compile(
    r"(?i)scale|resize|upscale|crop|batch|reroute|pad|preview|convert|frombatch|select|to_?image"
)
"""In the names of classes that hand on what they get, as far as being a map is concerned."""


class Expected(Frozen):
    """Of one output. `None`: nobody knows."""

    width: int | None = None
    """Pixels; so is `height`."""
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    flat: str | None = None
    """The class that makes it, if that makes masks, edges or other maps: they may be nearly all of one colour."""


def expected(prompt: JsonObject, node: str) -> Expected:
    """What the output node `node` should save, as the prompt has it."""
    flat = _flat(prompt, node)
    fps: float | None = None
    for _ in range(MOST_STEPS):
        each = as_object(prompt.get(node))
        kind, inputs = str(each.get("class_type")), as_object(each.get("inputs"))
        fps = fps or next((float(found) for name in RATES if (found := _number(prompt, inputs.get(name)))), None)
        if EMPTY.fullmatch(kind):
            return _said(prompt, inputs, fps).model_copy(update={"flat": flat})
        way = inputs.get(KEEPING.get(kind, ""))
        if not is_list(way) or not way:
            break
        node = str(way[0])
    return Expected(flat=flat)


def _said(prompt: JsonObject, inputs: JsonObject, fps: float | None) -> Expected:
    width, height = _number(prompt, inputs.get("width")), _number(prompt, inputs.get("height"))
    frames, seconds = _number(prompt, inputs.get("length")), _number(prompt, inputs.get("seconds"))
    return Expected(
        width=int(width) if width and height else None,
        height=int(height) if width and height else None,
        frames=int(frames) if frames else None,
        fps=fps,
        seconds=float(seconds) if seconds else None,
    )


def _number(prompt: JsonObject, value: object) -> float | None:
    """The number itself, or that of the primitive node that it is linked to."""
    if is_list(value) and value:
        source = as_object(prompt.get(str(value[0])))
        inputs = as_object(source.get("inputs"))
        value = inputs.get("value") if str(source.get("class_type")).startswith("Primitive") else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _flat(prompt: JsonObject, node: str) -> str | None:
    """The first class on the way back that does more than to save and to scale, if it makes maps."""
    for _ in range(MOST_STEPS):
        each = as_object(prompt.get(node))
        kind, inputs = str(each.get("class_type")), as_object(each.get("inputs"))
        if FLAT.search(kind) and kind not in KEEPING:
            return kind if kind.isidentifier() and len(kind) <= LONGEST_NAME else "a node for masks and maps"
        name = KEEPING.get(kind)
        ways = [inputs.get(name)] if name else list(inputs.values()) if THROUGH.search(kind) else []
        links = [way for way in ways if is_list(way) and way]
        if kind.startswith("VAEDecode") or not links:
            return None
        node = str(links[0][0])
    return None
