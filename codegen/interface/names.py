"""What inputs are called: short, stable, and as a person would say it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from codegen.catalog import readable

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NAME = 40
"""Characters of an input's name: it is typed by people, and a column in tables."""
MAX_TITLE = 100
MAX_READ = 2_000
"""Characters of a title that are looked at."""
RESERVED_NAMES = frozenset({"webhook_url"})
"""Fields of the request that are no inputs of the workflow."""

GENERIC = frozenset(
    {
        "value", "text", "string", "choice", "image", "file", "video", "audio", "input", "number", "int", "float",
        "boolean", "bool", "switch", "prompt_text", "primitive", "custom_combo", "seed_node", "model_file", "strings",
    }
)  # fmt: skip
"""Names that say what something is, and not what it is for."""
_SAME_AS = {
    "noise_seed": "seed",
    "rand_seed": "seed",
    "positive_prompt": "prompt",
    "positive": "prompt",
    "user_prompt": "prompt",
    "user_input": "prompt",
    "main_prompt": "prompt",
    "text_prompt": "prompt",
    "prompt_text": "prompt",
    "negative": "negative_prompt",
    "negative_text": "negative_prompt",
}
_USUAL_TITLES = frozenset(
    {
        "clip_text_encode_prompt", "clip_text_encode_positive_prompt", "clip_text_encode_negative_prompt",
        "load_image", "load_image_as_mask", "load_audio", "load_video", "load_3d", "load_3d_animation", "int", "float",
        "string", "boolean", "string_multiline", "text_string", "text_string_multiline", "custom_combo", "primitive",
        "text", "text_multiline", "number", "seed", "image", "video", "audio", "upload_image", "input_image",
        "painter",
    }
)  # fmt: skip
"""What the frontend, in one version or another, itself calls these nodes."""
_SAYS_NOTHING = frozenset(
    {"load", "upload", "image", "images", "video", "audio", "file", "path", "mask", "from", "url", "vhs", "text", "3d"}
)
"""Titles of nothing but these are what loaders of custom packs are called by their packs."""
_TYPED = re.compile(
    r"(?:int|float|boolean|string|text|number|combo|primitive)\s*[(\uff08:-]\s*(.+?)[)\uff09]?", re.IGNORECASE
)
_ASIDE = re.compile(r"(?<=\S)\s*[(\[\uff08][^()\[\]\uff08\uff09]*[)\]\uff09]\s*$")
_LEADING = re.compile(r"(?:load|upload|set|enter|input|your)\s+(?=\S)", re.IGNORECASE)
_NUMBERED = re.compile(r"_\d+$")


def identifier(name: str) -> str:
    """Lower-case ASCII words joined by `_`; empty when nothing of the name can be one."""
    plain = unicodedata.normalize("NFKD", name[:MAX_READ]).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_NAME].strip("_")
    if slug and slug[0].isdigit():
        slug = f"input_{slug}"
    return f"{slug}_input" if slug in RESERVED_NAMES else slug


def telling(name: str) -> bool:
    """Whether a name says what its input is for; `value_3` does not."""
    slug = identifier(name)
    return bool(slug) and slug not in GENERIC and unnumbered(slug) not in GENERIC


def unnumbered(name: str) -> str:
    """`width_1` is the second `width`."""
    return _NUMBERED.sub("", name)


def usual(name: str) -> str:
    """The name that is the same in all apps, of one that people write in several ways."""
    slug = identifier(name)
    return _SAME_AS.get(slug, slug)


def from_label(label: str) -> tuple[str, ...]:
    """The names in what a person renamed an input to: without what is said in brackets, or with it."""
    words = (_ASIDE.sub("", label[:MAX_READ]), label)
    return tuple(dict.fromkeys(slug for each in words if telling(each) and (slug := usual(each))))


def from_title(title: str, class_type: str, display_name: str) -> str:
    """The name in a title that a person wrote; empty for titles that come with the node, and for whole sentences."""
    if len(title) > MAX_READ or not title.strip():
        return ""
    own = {identifier(name) for name in (class_type, display_name, readable(class_type))} | _USUAL_TITLES
    if identifier(title) in own:
        return ""
    typed = _TYPED.fullmatch(title.strip())
    words = typed[1] if typed else _ASIDE.sub("", title)
    aside = _ASIDE.search(title)
    if aside is not None and identifier(words) in own:
        words = aside[0].strip()[1:-1]  # the editor's own title, with what a person added
    words = _LEADING.sub("", words.strip(), count=1)
    slug = identifier(words)
    if _SAYS_NOTHING.issuperset(slug.split("_")):
        return ""
    return slug if len(words) <= MAX_NAME and telling(words) and slug not in own else ""


class Names:
    """Names of one kind of thing in one document, each given once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def free(self, names: Iterable[str]) -> str:
        """The first that is not taken; else the first with a number. It is taken then."""
        wanted = [name for name in names if name]
        chosen = next((name for name in wanted if name not in self._taken), None) or self._numbered(wanted[0])
        self._taken.add(chosen)
        return chosen

    def _numbered(self, name: str) -> str:
        number = self._next.get(name, 2)
        while f"{name}_{number}" in self._taken:
            number += 1
        self._next[name] = number + 1
        return f"{name}_{number}"


def shown(text: str) -> str:
    """A title of others on one line, without characters that nobody sees."""
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text[:MAX_READ])
    return " ".join(seen.split())[:MAX_TITLE].strip()


def in_words(name: str) -> str:
    """`negative_prompt` is Negative prompt."""
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]
