"""A report in its other shapes: the file with its schema, JUnit XML, and a page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import external_file, snapshot
from PIL import Image

from codegen.model import Finding, Question
from runner import documents
from runner.documents.junit import junit
from runner.documents.page import page
from runner.documents.report_file import UnusableReport, dumped, json_schema, loaded
from runner.documents.report_page import Picture, report_page
from runner.model import Attempt, Measure, Opinion, OutputQuality, Report, ReviewedPin, TestResult
from tests.documents.test_documents import HOSTILE, lighthouse, report
from tests.documents.test_pull_request import COMMIT, harbour

SCHEMA = Path(__file__).parents[2] / "docs/schemas/report.schema.json"
COMMITTED = Path(__file__).parents[2] / "apps/modal/poster/report.json"

BLURRED = OutputQuality(
    output="image",
    kind="image",
    score=4.5,
    measures=(
        Measure(name="sharpness", value=0.0123, score=2.0, passed=False, detail="0.01, below 0.05: a blurred picture"),
        Measure(name="exposure", value=0.51, unit="of white", score=9.0),
    ),
)
QUESTION = Question(about="model", name=HOSTILE, text=HOSTILE, example_answer=HOSTILE)
HOSTILE_OPINION = Opinion(output="image", score=7.0, words=HOSTILE, model=HOSTILE, usd=0.0123)


def picture() -> Picture:
    file = BytesIO()
    Image.new("RGB", (768, 1024), "navy").save(file, "PNG")
    return Picture("sample.png", file.getvalue())


def measured(*tests: TestResult) -> Report:
    low = TestResult(name="quality", passed=False, seconds=0.1, detail="image: sharpness")
    return report(tests=(*report().tests, *tests, low)).model_copy(update={"quality": (BLURRED,)})


def hostile() -> Report:
    failed = TestResult(name=HOSTILE, passed=False, seconds=0.1, detail=HOSTILE)
    return measured(failed).model_copy(
        update={
            "engine_version": HOSTILE,
            "target": HOSTILE,
            "opinions": (HOSTILE_OPINION,),
            "pins": (ReviewedPin(kind="pack", name=HOSTILE, licence=HOSTILE, notes=HOSTILE),),
            "findings": (
                Finding(code="x", severity="warning", message=HOSTILE, node=HOSTILE, hint=HOSTILE),
                Finding(code="y", severity="error", message=HOSTILE, questions=(QUESTION,)),
            ),
            "attempts": tuple(Attempt(number=n, outcome=HOSTILE, change=HOSTILE) for n in (1, 2)),
        }
    )


def test_the_published_schema_is_what_the_models_say() -> None:
    assert json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n" == external_file(SCHEMA, format=".txt")


@pytest.mark.parametrize("written", [dumped(report()), dumped(hostile()), COMMITTED.read_bytes()], ids=len)
def test_what_is_written_is_what_the_schema_says_and_is_read_again(written: bytes) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(written))
    assert dumped(loaded(written)) == written


def test_a_report_from_before_there_were_measures_is_read() -> None:
    facts = json.loads(dumped(report()))
    del facts["quality"], facts["opinions"]
    assert loaded(json.dumps(facts).encode()) == report()


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"name": 5}', dumped(report()).replace(b'"run_id"', b'"id"')])
def test_what_is_no_report_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(UnusableReport, match=r"^report\.json"):
        loaded(data)


def test_as_junit_xml() -> None:
    failed = TestResult(name="two at once", passed=False, seconds=2.5, detail="both callers got the same job")
    assert junit(measured(failed)).decode() == snapshot("""\
<?xml version='1.0' encoding='utf-8'?>
<testsuites name="lighthouse">
  <testsuite name="lighthouse: endpoint" errors="0" skipped="0" timestamp="2026-11-21T06:00:00+00:00" tests="3" failures="2" time="2.611">
    <properties>
      <property name="run" value="run_abcdefghij0123456789" />
      <property name="attempt" value="1" />
      <property name="engine" value="comfyui 0.33.0" />
      <property name="target" value="local" />
      <property name="simulated" value="false" />
      <property name="cost-usd" value="0.001995" />
      <property name="cost-basis" value="estimate" />
    </properties>
    <testcase name="health" classname="lighthouse: endpoint" time="0.011">
      <system-out>ComfyUI 0.33.0</system-out>
    </testcase>
    <testcase name="two at once" classname="lighthouse: endpoint" time="2.500">
      <failure message="both callers got the same job" type="failed">both callers got the same job</failure>
    </testcase>
    <testcase name="quality" classname="lighthouse: endpoint" time="0.100">
      <failure message="image: sharpness" type="failed">image: sharpness</failure>
    </testcase>
  </testsuite>
  <testsuite name="lighthouse: quality of image" errors="0" skipped="0" timestamp="2026-11-21T06:00:00+00:00" tests="2" failures="1" time="0.000">
    <properties>
      <property name="run" value="run_abcdefghij0123456789" />
      <property name="attempt" value="1" />
      <property name="engine" value="comfyui 0.33.0" />
      <property name="target" value="local" />
      <property name="simulated" value="false" />
      <property name="cost-usd" value="0.001995" />
      <property name="cost-basis" value="estimate" />
    </properties>
    <testcase name="sharpness" classname="lighthouse: quality of image" time="0.000">
      <failure message="0.0123, 2.0 of 10: 0.01, below 0.05: a blurred picture" type="failed">0.0123, 2.0 of 10: 0.01, below 0.05: a blurred picture</failure>
    </testcase>
    <testcase name="exposure" classname="lighthouse: quality of image" time="0.000">
      <system-out>0.51 of white, 9.0 of 10</system-out>
    </testcase>
  </testsuite>
</testsuites>
""")


def test_strangers_words_in_xml_are_words() -> None:
    suites = ET.fromstring(junit(hostile()))
    failures = suites.findall("testsuite/testcase/failure")
    assert len(failures) == 3
    assert "<img src=x onerror=alert(1)>" in str(failures[0].text)
    assert {each.tag for each in suites.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "system-out",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.text(), st.text())
def test_any_words_are_xml(name: str, detail: str) -> None:
    (test,) = ET.fromstring(
        junit(report(tests=(TestResult(name=name, passed=True, seconds=0, detail=detail),)))
    ).findall("testsuite/testcase")
    assert test.get("classname") == "lighthouse: endpoint"


class Seen(HTMLParser):
    """Tags of a page, what they refer to, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {str(value)[:22] for name, value in attrs if name in {"src", "href"}}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_as_a_page_it_has_no_script_and_needs_nothing_else() -> None:
    plan = lighthouse()
    html = report_page(hostile(), plan.lock, plan.interface, picture())
    seen = Seen(html)
    assert seen.tags == snapshot(
        {
            "a",
            "blockquote",
            "br",
            "code",
            "details",
            "h1",
            "h3",
            "header",
            "hr",
            "html",
            "img",
            "li",
            "main",
            "meta",
            "p",
            "pre",
            "strong",
            "style",
            "sub",
            "summary",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "title",
            "tr",
            "ul",
        }
    )
    assert seen.attributes == snapshot(
        {"alt", "charset", "class", "content", "href", "http-equiv", "lang", "name", "src", "width"}
    )
    assert seen.addresses == snapshot({"data:image/png;base64,", "https://github.com/flo", "https://modal.com/sett"})
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import", html)
    assert not {"\x1b", "\u202e"} & set(html)


def test_the_page_says_what_the_pull_request_says() -> None:
    plan = lighthouse()
    text = " ".join(" ".join(Seen(report_page(measured(), plan.lock, plan.interface, picture())).text).split())
    for words in (
        "Not ready: the quality of image (sharpness) is too low ; all other tests passed on ComfyUI 0.33.0.",
        "What the test run made",
        "Cost: $0.001995 a call",
        "Quality: 4.5 of 10",
        "sharpness : 0.01, below 0.05: a blurred picture",
        "nobody knows where it can be downloaded",
    ):
        assert words in text
    assert "768 × 1024" not in text  # of the committed picture, which may be smaller than what was made
    assert "<details>" in report_page(measured(), plan.lock, plan.interface, None)


def test_the_page_has_licences_findings_and_what_each_attempt_has_fixed() -> None:
    plan = harbour(answered=True)
    attempts = (
        Attempt(number=1, commit=COMMIT, outcome="ComfyUI could not import odd-nodes", change="added einops"),
        Attempt(number=2, commit="f" * 40, outcome="all tests passed"),
    )
    written = dumped(documents.with_review(report(), plan, attempts))
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(written))
    text = " ".join(" ".join(Seen(report_page(loaded(written), plan.lock, plan.interface, None)).text).split())
    for words in (
        "odd-nodes 0123456789 GPL-3.0 answered by a person",
        "ababababab openrail++ gated",
        "pack odd-nodes : not in ComfyUI-Manager's list, answered by a person, archived",
        "Repaired: 2 attempts",
        "1 0123456789 ComfyUI could not import odd-nodes added einops",
        "warning at node 2 : the node Frob (stranger) comes from",
        "Open questions",
        "model checkpoints/lighthouse.safetensors = https://…",
    ):
        assert words in text
    assert [(pin["kind"], pin["name"], pin["licence"]) for pin in json.loads(written)["pins"]] == [
        ("pack", "odd-nodes", "GPL-3.0"),
        ("model", "checkpoints/lighthouse.safetensors", "openrail++"),
    ]


def test_of_a_report_from_before_the_page_says_nothing_that_nobody_knows() -> None:
    plan = harbour(answered=True)
    text = " ".join(Seen(report_page(report(), plan.lock, plan.interface, None)).text)
    assert "not recorded" in text
    assert "put into the lock by a person" not in text
    assert "Repaired" not in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<details ontoggle=alert(1)>x</details>",
        '<img src=x onerror=alert(1) width="9;" style="x">',
        "<svg/onload=alert(1)>",
        "a <b onclick=x>b</b> <!-- c --> <?php ?> <![CDATA[x]]>",
        "<img alt='\"><script>' src=y>",
        "[x](javascript:alert(1)) ![y](https://evil.test/p.png)",
        "> [!WARNING]\n> <script>x</script>",
    ],
)
def test_other_html_in_a_text_stays_text(text: str) -> None:
    seen = Seen(page(text, text, text, lambda _: ""))
    assert seen.tags <= Seen(page("", "", "", lambda _: "")).tags | {"p", "details", "img", "blockquote", "strong"}
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "src", "alt", "class"}
    assert seen.addresses <= {""}


def test_an_alert_has_its_colour() -> None:
    html = page("x", "y", "> [!WARNING]\n> **Simulated.** No.\n", lambda _: "")
    assert '<blockquote class="alert warning">\n<p><strong>Simulated.</strong> No.</p>' in html
