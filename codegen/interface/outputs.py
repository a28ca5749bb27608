"""Which nodes give results, and of what kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from codegen.json_values import as_object
from codegen.model import Frozen, JsonObject

if TYPE_CHECKING:
    from codegen.catalog import Catalog

OutputKind: TypeAlias = Literal["image", "video", "audio", "mesh", "text", "file"]


class Output(Frozen):
    """One result of a run."""

    node: str
    kind: OutputKind
    preview: bool
    """Shown in the editor only."""


_KINDS: tuple[tuple[str, OutputKind], ...] = (
    (r"ImageCompare|ImageCompositor|CreateBoundingBoxes|LossGraph|TrackPreview|ImageWebsocket", "file"),
    (r"Checkpoint|CLIPSave|VAESave|ModelSave|LoRA|LoraSave|Latent|DataSet|TrainingDataset", "file"),
    (r"Video|WEBM|VHS_", "video"),
    (r"Audio", "audio"),
    (r"3D|GLB|Splat|PointCloud|Mesh|Model|Tripo|Meshy|Tencent", "mesh"),
    (r"Any$|Text|String", "text"),
    (r"Image|Mask|SVG|Animated", "image"),
)
_NOT_RESULTS = re.compile(_KINDS[0][0])
_PREVIEW = re.compile(r"Preview|^Show")


def find_outputs(prompt: JsonObject, catalog: Catalog) -> tuple[Output, ...]:
    """Results in the order of the prompt.

    What is only shown counts where nothing of its kind is saved; a text that is only shown, where nothing is saved at
    all: it is mostly a prompt on its way.
    """
    found: list[Output] = []
    for node_id, node in prompt.items():
        kind = str(node.get("class_type"))
        definition = catalog.get(kind)
        if definition is not None and definition.api_node:
            continue  # marked as output nodes so that they run by themselves; they leave nothing in the history
        ends = definition.output_node if definition else bool(re.match(r"(Save|Preview|Show)|.*(Save|Combine)", kind))
        if ends and not _NOT_RESULTS.search(kind):
            found.append(Output(node=node_id, kind=_kind_of(kind, node), preview=bool(_PREVIEW.search(kind))))
    saved = {output.kind for output in found if not output.preview}
    return tuple(
        output
        for output in found
        if not output.preview or (output.kind not in saved and (output.kind != "text" or not saved))
    )


def _kind_of(class_type: str, node: JsonObject) -> OutputKind:
    for pattern, kind in _KINDS[1:]:
        if re.search(pattern, class_type):
            return kind
    names = " ".join(as_object(node.get("inputs")))
    return "video" if "video" in names else "image" if "image" in names else "file"
