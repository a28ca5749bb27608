"""What people call an app with: one JSON Schema 2020-12 document, `interface.json`.

hints     what the file itself says should be shown: app mode, promoted widgets, titles
inputs    candidates from the prompt, by what they mean there (prompt, seed, size, media, …)
outputs   what the workflow's output nodes give
schema    names made unique and stable, and the document written
"""

from codegen.interface.schema import build_interface

__all__ = ["build_interface"]
