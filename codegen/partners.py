"""Nodes that call services of partners of ComfyUI: each call is paid for, to somebody whose prices nobody here knows.

ComfyUI marks them `api_node` in its definitions: https://docs.comfy.org/tutorials/partner-nodes/overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.lock_rules import shown
from codegen.model import Finding

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.model import JsonObject

MOST_NAMED = 3


def about_partners(prompt: JsonObject, catalog: Catalog) -> tuple[Finding, ...]:
    """One finding, if there are any."""
    kinds = {node: str(inputs.get("class_type")) for node, inputs in prompt.items()}
    paid = {node: kind for node, kind in kinds.items() if (definition := catalog.get(kind)) and definition.api_node}
    if not paid:
        return ()
    names = [shown(kind) for kind in dict.fromkeys(paid.values())]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    subject = f"{', '.join(names[:MOST_NAMED])}{more} {'calls' if len(names) == 1 else 'call'}"
    return (
        Finding(
            code="partner-service",
            severity="warning",
            message=f"{subject} a paid service of a partner: each call of the app spends credits of a Comfy account, "
            "which no cost here contains",
            node=next(iter(paid)),
            hint="put the account's key as API_KEY_COMFY_ORG into a Modal Secret, and the Secret's name into "
            "access.secrets in app.lock.json",
        ),
    )
