"""The first look at a submission: pure and cheap, before anything is recorded or touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.answers import read_answers
from codegen.facts import NOTHING_LOOKED_UP
from codegen.parse import parse_workflow
from codegen.plan import make_plan

if TYPE_CHECKING:
    from codegen.catalog import Catalog
    from codegen.facts import Facts
    from codegen.plan import Plan
    from runner.model import RunRequest


def intake(request: RunRequest, facts: Facts = NOTHING_LOOKED_UP, definitions: Catalog | None = None) -> Plan:
    """The plan for a request; the same arguments always give the same plan. `definitions`: of the packs' classes.

    Raises:
        codegen.errors.CodegenError: the file is no usable workflow, or the name cannot be used.
    """
    return make_plan(
        parse_workflow(request.workflow, filename=request.filename),
        filename=request.filename,
        name=request.name,
        core=request.core,
        gpu=request.gpu,
        facts=facts,
        definitions=definitions,
        answers=read_answers((answer.about, answer.name, answer.value) for answer in request.answers),
    )
