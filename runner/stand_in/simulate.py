"""What a node gives that is not really run: for each output something of its type, with the facts that are known.

The size is what the node's own inputs say (`width`, `height`, `length`), else that of the first thing that came in.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.stand_in import media
from runner.stand_in.lists import Listed, single
from runner.stand_in.node import Given
from runner.stand_in.nodes.save import MESH_TYPES, save_clip, save_mesh, save_pictures, save_sound, save_svg
from runner.stand_in.values import Clip, Facts, Opaque, Pictures, Stored, check_size, facts_of

if TYPE_CHECKING:
    from codegen.catalog import OutputDefinition
    from codegen.model import JsonObject
    from runner.stand_in.node import Call

STEPS = 4
"""Steps of a simulated sampler: enough to see progress."""
MAX_SIDE = 16_384
MAX_COUNT = 4096
_WIDTHS, _HEIGHTS = ("width", "target_width", "image_width"), ("height", "target_height", "image_height")
_COUNTS = ("length", "video_frames", "frames_number", "num_frames", "batch_size", "amount")
_SEEDS = ("seed", "noise_seed")
_SECONDS = ("seconds", "duration", "audio_length")
_RATES = ("fps", "frame_rate")
_SIZED_FIRST = ("LATENT", "IMAGE", "VIDEO", "MASK")


def simulate(call: Call) -> Given:
    """Run a node in appearance only; of a list that it takes as a whole, the first value stands for all."""
    call = replace(call, inputs={name: single(value) for name, value in call.inputs.items()})
    facts = _facts(call)
    if _takes_long(call):
        for step in range(STEPS):
            call.tick(step + 1, STEPS)
    definition = call.definition
    outputs = () if definition is None else tuple(_output(output, facts, call) for output in definition.outputs)
    # Partner nodes are marked as output nodes so that they run by themselves; they leave nothing in the history.
    shows = definition is None or (definition.output_node and not definition.api_node)
    ui = _shown(call) if shows else None
    return Given(outputs, ui)


def _takes_long(call: Call) -> bool:
    return bool({"steps", "sampler"} & call.inputs.keys()) or bool(call.definition and call.definition.api_node)


def _facts(call: Call) -> Facts:
    known = [facts for value in _sized(call) if (facts := facts_of(value)) is not None]
    facts = known[0] if known else Facts()
    width, height = _first(call, _WIDTHS, MAX_SIDE), _first(call, _HEIGHTS, MAX_SIDE)
    if width and height:
        facts = facts.resized(width, height)
    count = _first(call, _COUNTS, MAX_COUNT)
    rate, seconds = _first(call, _RATES, 240), _first(call, _SECONDS, 3600)
    return replace(
        facts,
        count=count or facts.count,
        fps=float(rate or facts.fps),
        seconds=float(seconds or facts.seconds),
        label=call.class_type[:60],
        seed=_seed(call, known),
    )


def _sized(call: Call) -> list[Any]:
    """Values by how much their size means: what is sampled or decoded first, then all others."""

    def rank(value: Any) -> int:  # noqa: ANN401 - anything travels along links
        kind = value.kind if isinstance(value, Opaque) else "IMAGE" if isinstance(value, Pictures) else "MASK"
        return _SIZED_FIRST.index(kind) if kind in _SIZED_FIRST else len(_SIZED_FIRST)

    return sorted(call.inputs.values(), key=rank)


def _first(call: Call, names: tuple[str, ...], most: int) -> int:
    for name in names:
        for given, value in call.inputs.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if given.rpartition(".")[2] == name and number and 1 <= value <= most:
                return int(value)
    return 0


def _seed(call: Call, known: list[Facts]) -> int:
    """The node's own, mixed with those of what came in and with the texts, so that each of them changes the outcome."""
    parts = [str(call.inputs[name]) for name in _SEEDS if name in call.inputs]
    parts += [str(facts.seed) for facts in known]
    parts += [value[:2000] for value in call.inputs.values() if isinstance(value, str)]
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:4]) if parts else 0


def _output(output: OutputDefinition, facts: Facts, call: Call) -> Any:  # noqa: ANN401 - anything travels along links
    value = _made(output.type, facts, call)
    return Listed((value,)) if output.is_list else value


def _made(kind: str, facts: Facts, call: Call) -> Any:  # noqa: ANN401, PLR0911 - a table
    match kind:
        case "IMAGE":
            return Pictures(facts=facts, paint=media.paint)
        case "MASK":
            check_size(facts.count, facts.height, facts.width)
            mask = np.zeros((facts.count, facts.height, facts.width), np.float32)
            mask[:, facts.height // 4 : facts.height * 3 // 4, facts.width // 4 : facts.width * 3 // 4] = 1
            return mask
        case "VIDEO":
            frames = facts.count if facts.count > 1 else round(min(facts.seconds, 2) * facts.fps)
            return Clip(Pictures(facts=replace(facts, count=frames), paint=media.paint), facts.fps)
        case "INT":
            return facts.seed % 1000
        case "FLOAT":
            return 1.0
        case "BOOLEAN":
            return True
        case "STRING" | "COMBO":
            return f"{media.WORD} by {facts.label}, seed {facts.seed}"
        case "*" | "COMFY_MATCHTYPE_V3":
            return _passed_on(call, facts)
        case _:
            return Opaque(kind, facts)


def _passed_on(call: Call, facts: Facts) -> Any:  # noqa: ANN401 - anything travels along links
    """An output of any type is most often an input that goes through."""
    given = [value for value in call.inputs.values() if value is not None]
    things = [value for value in given if not isinstance(value, str | int | float | dict | list)]
    return next(iter([*things, *given]), Opaque("*", facts))


def _shown(call: Call) -> JsonObject:  # noqa: PLR0911 - a table
    """What an output node leaves in history: files of what came in, by its kind."""
    for value in call.inputs.values():
        match value:
            case Pictures():
                return save_pictures(call, value, "output", str(call.inputs.get("filename_prefix") or "ComfyUI"))
            case Clip():
                return save_clip(call, value, "mp4")
            case Stored(kind="AUDIO") | Opaque(kind="AUDIO"):
                return save_sound(call, value)
            case Opaque() if value.kind.startswith(MESH_TYPES):
                return {"3d": [save_mesh(call)]}
            case Opaque(kind="SVG"):
                return {"images": [save_svg(call, value.facts)]}
            case np.ndarray():
                pictures = Pictures(np.repeat(np.asarray(value, np.float32)[..., np.newaxis], 3, axis=-1))
                return save_pictures(call, pictures, "output", "ComfyUI")
            case _:
                continue
    texts = [value for name, value in call.inputs.items() if isinstance(value, str) and name != "filename_prefix"]
    return {"text": texts[:1] or [f"{media.WORD} by {call.class_type}"]}
