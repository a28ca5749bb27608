"""UI graph → API prompt, exactly as the real frontend's `graphToPrompt` would send it."""

from codegen.convert.emit import convert

__all__ = ["convert"]
