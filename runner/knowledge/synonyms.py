"""What people call things, in the words of ComfyUI's workflows: who looks for a photo wants an image.

Words that mean about the same in this trade alone, one way: from what is said to what titles, nodes and models say. A
model that knows the language finds more (`embeddings`); this is what helps without one.
"""

from __future__ import annotations

from typing import Final

_SAID: Final = """
photo photograph picture snapshot shot portrait: image
film movie clip footage: video
song tune melody jingle soundtrack: music song
noise noises sound sounds: audio sound sfx foley
aloud speak speaking spoken says saying: speech voice tts
voice voices: speech voice
talk talking: lipsync avatar talking speech
imitate copy: clone transfer
enlarge bigger larger sharpen sharper sharp blurry blurred grainy: upscale enhance enhancer
restore repair: restoration enhance
resolution: upscale
alive life move moves moving: animate video
movement movements dance dancer: motion
slow smooth smoother: interpolation interpolate
paint retouch: inpaint
erase eraser delete vanish: remove removal inpaint
borders beyond widen wider: outpaint expand extend
continue longer: extend extension
backdrop: background
transparent cutout isolate cut: background removal matte
figurine sculpture statue: 3d mesh model
polygon polygons poly triangles: topology mesh
edges outline outlines contours: canny edge lineart
drawing doodle: sketch scribble lineart
distance far: depth
light lighting lit: relight relighting
clothes clothing garment garments dress wear wearing: outfit cloth tryon
skeleton posture: pose
scalable graphics curves: svg vector
swap exchange: replacement replace swap
actor actress: character
surface: texture material
colour colours colored coloured: color
describe caption: captioning
transcribe dictation: speech transcription
cartoon manga: anime
final: last
rotate around turn: orbit angle
written description words script: text
"""
"""A line: what may be said, and what is looked for besides."""
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(wanted.split())
    for said, _, wanted in (line.partition(":") for line in _SAID.strip().splitlines())
    for word in said.split()
}


def also(word: str) -> tuple[str, ...]:
    """What to look for besides a word, in lower case."""
    return SYNONYMS.get(word, ())
