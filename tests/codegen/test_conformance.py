"""Whole files as the editor saves them, each with the prompt that the editor makes of it."""

import json
from pathlib import Path

import pytest

from codegen.catalog import load_catalog
from codegen.convert import convert
from codegen.parse import parse_workflow

PAIRS = Path(__file__).parent / "pairs"


@pytest.mark.parametrize("graph", sorted(PAIRS.glob("*.ui.json")), ids=lambda path: path.name.removesuffix(".ui.json"))
def test_a_file_and_its_prompt(graph):
    expected = json.loads(graph.with_name(graph.name.replace(".ui.", ".api.")).read_bytes())
    conversion = convert(parse_workflow(graph.read_bytes(), filename=graph.name), load_catalog("0.33.0"))
    assert conversion.prompt == expected
    assert list(conversion.prompt) == list(expected), "in the editor's order"
    for node, entry in expected.items():
        assert list(conversion.prompt[node]["inputs"]) == list(entry["inputs"]), node
