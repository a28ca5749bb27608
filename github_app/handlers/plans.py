"""What follows from a request alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.errors import CodegenError
from github_app.handlers.errors import Unusable
from runner.intake import intake

if TYPE_CHECKING:
    from codegen.plan import Plan
    from runner.model import RunRequest


def plan_of(request: RunRequest) -> Plan:
    """Its plan, before anything is looked up.

    Raises:
        Unusable: the file is no workflow that can be deployed, or the name cannot be one.
    """
    try:
        return intake(request)
    except CodegenError as error:
        raise Unusable(request.filename, str(error)) from None
