"""Bars of text."""

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from runner.documents.charts import WIDTH, Bar, chart, drawn
from tests.documents.test_documents import HOSTILE, active


def test_a_chart() -> None:
    bars = [Bar("a call", 0.5, "$0.50"), Bar("a cold start", 12, "$12.00"), Bar("nothing", 0, "$0.00")]
    assert chart(bars) == snapshot("""\
```text
a call         $0.50  ▋
a cold start  $12.00  ████████████████
nothing        $0.00
```\
""")
    assert chart(bars[:1], whole=1) == snapshot("""\
```text
a call  $0.50  ████████
```\
""")


def test_without_bars_or_values_it_is_empty() -> None:
    assert chart([]) == "```text\n\n```"
    assert chart([Bar("free", 0, "$0.00")]) == "```text\nfree  $0.00\n```"


def test_a_label_of_strangers_does_not_leave_the_chart() -> None:
    found = active(chart([Bar(HOSTILE, 1, "1"), Bar("```\n# x", 2, "2")]))
    assert {key: value for key, value in found.items() if value} == {}


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_bar_is_as_long_as_its_share(one: float, other: float) -> None:
    assert len(drawn(one)) <= WIDTH
    assert (drawn(one) == "") == (one == 0)
    less, more = sorted((one, other))
    assert len(drawn(less)) <= len(drawn(more))
