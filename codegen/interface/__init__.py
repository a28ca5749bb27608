"""What people call an app with: one JSON Schema 2020-12 document, `interface.json`.

hints         what the file itself says should be shown: app mode, promoted widgets
prompt_graph  the prompt as a graph of typed wires
sides         which texts are wanted and which unwanted, followed back from samplers
inputs        literals that could be set, and their kinds
meaning       what each does there (prompt, seed, size, media, …), and its names
joining       literals that are one input to people
names         short and stable ones, out of what people wrote
media_types   of files that go in and come out
outputs       what the workflow's output nodes give
schema        all of it put in order, and the document written
"""

from codegen.interface.schema import build_interface

__all__ = ["build_interface"]
