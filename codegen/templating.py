"""The templates of this package. Their variables are values that other modules have already made safe."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from codegen.python_literal import literal

TEMPLATES = Environment(
    loader=PackageLoader("codegen", "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - Python and Markdown, no HTML; `literal` guards Python, `readme` its table cells
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters["py"] = literal
