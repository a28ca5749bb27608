"""A report as JUnit XML, which CI systems show: https://github.com/testmoapp/junitxml describes the format."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from runner.documents.markdown import line

if TYPE_CHECKING:
    from runner.model import Report

MAX_TEXT = 2000
"""Characters of what a test has seen."""


def junit(report: Report) -> bytes:
    """The XML: a suite of the tests, and one of what was measured of each output."""
    suites = ET.Element("testsuites", {"name": line(report.name)})
    tests = _suite(suites, report, "endpoint")
    for test in report.tests:
        _case(tests, test.name, passed=test.passed, seconds=test.seconds, said=test.detail)
    for quality in report.quality:
        measured = _suite(suites, report, f"quality of {quality.output}")
        for measure in quality.measures:
            value = f"{measure.value:.4g} {measure.unit}".rstrip()
            said = f"{value}, {measure.score:.1f} of 10{': ' if measure.detail else ''}{measure.detail}"
            _case(measured, measure.name, passed=measure.passed, seconds=0, said=said)
    for suite in suites:
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")
    ET.indent(suites)
    return ET.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(suites: ET.Element, report: Report, name: str) -> ET.Element:
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": line(f"{report.name}: {name}"),
            "errors": "0",
            "skipped": "0",
            "timestamp": report.tested_at.isoformat(),
        },
    )
    facts = {
        "run": report.run_id,
        "attempt": str(report.attempt),
        "engine": f"{report.engine} {report.engine_version}",
        "target": report.target,
        "simulated": str(report.simulated).lower(),
        "cost-usd": f"{report.cost.usd:.6f}",
        "cost-basis": report.cost.basis,
    }
    properties = ET.SubElement(suite, "properties")
    for key, value in facts.items():
        ET.SubElement(properties, "property", {"name": key, "value": line(value)})
    return suite


def _case(suite: ET.Element, name: str, *, passed: bool, seconds: float, said: str) -> None:
    facts = {"name": line(name), "classname": suite.get("name", ""), "time": f"{seconds:.3f}"}
    case = ET.SubElement(suite, "testcase", facts)
    words = line(said, MAX_TEXT)
    if passed:
        ET.SubElement(case, "system-out").text = words
    else:
        ET.SubElement(case, "failure", {"message": words, "type": "failed"}).text = words
