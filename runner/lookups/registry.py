"""The Comfy registry: whose a node class is (`GET /comfy-nodes/{name}/node`, which the editor itself asks)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pydantic import ValidationError

from codegen.facts import PackOfClass
from codegen.json_values import as_object

if TYPE_CHECKING:
    from runner.lookups.web import Web

API: Final = "https://api.comfy.org"
LONGEST_CLASS: Final = 200


class Registry:
    """Asks the registry."""

    def __init__(self, web: Web, api: str = API) -> None:
        self._web = web
        self._api = api.rstrip("/")

    def pack_of(self, class_type: str) -> PackOfClass | None:
        """The pack that has registered the class; `None` if none has.

        Raises:
            runner.lookups.web.Unreachable: the registry does not answer.
        """
        if len(class_type) > LONGEST_CLASS or not class_type.isprintable():
            return None
        pack = as_object(self._web.json(f"{self._api}/comfy-nodes/{quote(class_type, safe='')}/node"))
        repository = re.sub(r"(\.git)?/*$", "", str(pack.get("repository") or ""))
        try:
            return PackOfClass(class_type=class_type, repository=repository, registry_id=str(pack.get("id") or ""))
        except ValidationError:
            return None
